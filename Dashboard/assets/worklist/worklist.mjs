/* The worklist: takes pictures in, says how far they are, and moves through the list by keys. */
import { name, read, remarks, sort } from "../shell/dropped.mjs";
import { make, mount, url } from "../shell/mount.mjs";
import { inBrowser, makeQueue, send } from "../shell/queue.mjs";

const TYPES = "image/jpeg,image/png,image/webp,image/tiff,image/bmp,.tif,.tiff,.bmp,.zip";
const FIELDS = {
  "file-field": { multiple: true, accept: TYPES },
  "folder-field": { webkitdirectory: true },
  "photo-field": { accept: "image/*" },
};
const ELSEWHERE = "input:not([type=file]), textarea, select, [role=dialog], [contenteditable]";
// From so many pixels on the list has this many of its columns; with none, one of short rows.
const [COLUMNS, SHORT] = [["picture", "file", "verdict", "p_malignant", "code", "newest"], "short"];
/** @type {[number, number][]} */
const FITTING = [[1020, 6], [790, 5], [600, 4], [0, 0]];

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);
/** @type {(ms: number, task: () => void) => () => void} Once in so many milliseconds. */
const seldom = (ms, task) => {
  let timer = 0;
  return () => void (timer ||= setTimeout(() => ((timer = 0), task()), ms));
};
const isWide = () => window.matchMedia("(min-width: 1100px)").matches; // the case stands beside the list
/** @type {(key: string) => void} */
const open = (key) =>
  isWide()
    ? window.dash_clientside.set_props("open", { data: key })
    : window.dash_clientside.set_props("go", { pathname: url(`cases/${key}`) });

/** @type {[any, boolean]} The grid's own interface, while it is there; whether what waited goes on. */
let [list, resumed] = [null, false];
/** @type {Set<string>} Of names that were given. */
const taken = new Set();
const refresh = seldom(700, () => list?.refreshInfiniteCache());
const queue = makeQueue({
  storage: Promise.resolve().then(inBrowser),
  send,
  changed: seldom(60, show),
  answered(one, { id }) {
    refresh();
    one.alone && id && open(id);
  },
});

/** What the list draws in a cell: texts that the server made.
 * @type {(cell: { value: any }) => unknown} */
function Lines({ value }) {
  const { createElement: h } = window.React;
  const { src, top, below, icon, tone, flag, time } = value ?? {};
  const shown = time ? new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : top;
  const mark = flag && h("span", { className: "icon icon-flag", role: "img", "aria-label": "Flagged" });
  const words = [h("span", { key: 1, className: "lines-top", title: shown }, mark, shown)];
  below && words.push(h("span", { key: 2, className: "lines-below hint", title: below }, below));
  return h(
    "span",
    { className: `lines tone-${tone}` },
    src && h("img", { src, alt: "", className: "thumbnail", width: 56, height: 48 }),
    icon && h("span", { className: `icon icon-${icon}`, "aria-hidden": true }),
    shown && h("span", { className: "lines-words" }, ...words),
  );
}

function show() {
  const { total, done, paused, note, failed } = queue.state;
  if (!byId("batch")) {
    return;
  }
  byId("batch").hidden = !failed.length && !note && !(queue.left() && total > 1);
  byId("batch-head").hidden = !queue.left();
  byId("batch-text").textContent = `${done} of ${total} assessed${paused ? ", paused" : ""}`;
  Object.assign(byId("batch-bar"), { max: Math.max(total, 1), value: done });
  byId("batch-pause").querySelector(".mantine-Button-label").textContent = paused ? "Go on" : "Pause";
  Object.assign(byId("batch-note"), { textContent: note, hidden: !note });
  byId("batch-failures").hidden = !failed.length;
  byId("batch-failed").textContent = `${failed.length} could not be assessed`;
  byId("batch-again").hidden = !failed.some(({ file }) => file);
  const items = failed.map((one) => make("li", {}, make("strong", {}, one.name), ` ${one.error}`));
  byId("batch-list").replaceChildren(...items);
}

/** @type {(found: import("../shell/dropped.mjs").Found[], types?: readonly string[]) => void} */
function take(found, types = []) {
  const { most, model = null } = byId("zone").dataset;
  const [entries, limits, batch] = [name(found, taken), JSON.parse(most), queue.newBatch()];
  byId("zone-note").textContent = remarks(found, types);
  const waiting = entries.map(({ name: path, file, error }, place) => {
    const limit = limits[/\.zip$/i.test(path) ? "archive" : "image"];
    const size = file?.size ?? 0;
    const large = `The file has ${(size / 2 ** 20).toFixed(1)} MB; at most ${limit.shown} are accepted.`;
    const given = { name: path, file, model, error: error ?? (size > limit.bytes ? large : undefined) };
    return { ...given, alone: entries.length === 1, batch, place, upload: `${batch}-${place}`, added: Date.now() };
  });
  queue.add(waiting);
}

mount("#zone", (zone, signal) => {
  const system = JSON.parse(zone.dataset.systemFolders ?? "[]");
  /** @type {(type: string, heard: (event: any) => void) => void} */
  const on = (type, heard) => document.addEventListener(type, heard, { signal });
  /** @type {(event: any) => boolean} */
  const isElsewhere = ({ target }) => Boolean(target.closest?.(ELSEWHERE));
  /** @type {Record<string, () => void>} */
  const buttons = {
    "batch-pause": () => queue.pause(!queue.state.paused),
    "batch-drop": () => queue.discard(),
    "batch-again": () => queue.retry(),
    "batch-close": () => (queue.state.failed.splice(0), show()),
    "delete-all-yes": () => queue.discard(true),
  };
  let isOurs = false; // what is dragged is of this page
  for (const [id, props] of Object.entries(FIELDS)) {
    const input = /** @type {HTMLInputElement} */ (make("input", { type: "file", hidden: true, id, ...props }));
    id === "photo-field" && input.setAttribute("capture", "environment");
    input.addEventListener("change", () => {
      take(sort(input.files ?? [], system));
      input.value = ""; // the same file may be chosen again
    });
    byId("picker").append(input);
  }
  on("dragstart", () => (isOurs = true));
  on("dragend", () => (isOurs = false));
  // Anywhere on the page: what is dropped beside the zone must not replace the page.
  on("dragover", (event) => {
    if (!isElsewhere(event)) {
      event.preventDefault();
      event.dataTransfer.dropEffect = isOurs ? "none" : "copy";
      zone.classList.toggle("is-dragging", !isOurs);
    }
  });
  on("dragleave", ({ relatedTarget }) => relatedTarget || zone.classList.remove("is-dragging"));
  on("drop", async (event) => {
    zone.classList.remove("is-dragging");
    if (!isElsewhere(event) && !isOurs) {
      event.preventDefault();
      const types = [...event.dataTransfer.types];
      take(await read(event.dataTransfer, system), types);
    }
  });
  on("paste", (event) => {
    const { files, types } = event.clipboardData;
    (files.length || !isElsewhere(event)) && take(sort(files, system), types);
  });
  on("click", async ({ target }) => {
    const { id, dataset } = target.closest("button") ?? { dataset: {} };
    const { picks, example, name: file } = dataset;
    buttons[id]?.();
    byId(picks)?.click();
    example && take(sort([new File([await (await fetch(example)).blob()], file)], system));
  });
  resumed ||= Boolean(queue.resume(Number(zone.dataset.hours) || Infinity));
  show();
});

mount(".list", (place, signal) => {
  let [timer, at, soon, wait, moved] = [0, -1, -1, 0, 0]; // rows that come anew lose the grid's own focus
  const fit = () => {
    const [, count] = FITTING.find(([width]) => place.clientWidth >= width) ?? [0, 0];
    list.setColumnsVisible([...COLUMNS.slice(count), ...(count ? [SHORT] : [])], false);
    list.setColumnsVisible(count ? COLUMNS.slice(0, count) : [SHORT], true);
    list.setGridOption("headerHeight", count ? 40 : 0);
  };
  window.dash_ag_grid.getApiAsync("list").then((/** @type {any} */ api) => {
    list = api;
    fit();
    /** @type {(type: string, heard: (event: any) => void) => void} */
    const on = (type, heard) => api.addEventListener(type, heard);
    on("gridSizeChanged", fit);
    on("cellFocused", ({ rowIndex, column }) => {
      at = rowIndex ?? at;
      const isTicking = column?.getColId?.() === "ag-Grid-SelectionColumn";
      rowIndex === null || isTicking || openSoon(rowIndex);
    });
    on("rowClicked", ({ data, event }) => {
      !isWide() && data && !event.target.closest(".ag-selection-checkbox") && open(data.id);
    });
    on("cellKeyDown", ({ data, event }) => {
      event.key === "Enter" && data && (open(data.id), byId("case-panel").focus());
    });
  });
  /** A row whose data are on their way is waited for. Of fast moves the first opens, then the last.
   * @type {(row: number, tries?: number) => void} */
  const openSoon = (row, tries = 40) => {
    row === soon || ([soon, wait, moved] = [row, Date.now() - moved > 300 ? 0 : 150, Date.now()]);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const key = list?.getDisplayedRowAtIndex(row)?.data?.id;
      key ? isWide() && open(key) : tries && openSoon(row, tries - 1);
    }, tries < 40 ? 150 : wait);
  };
  /** @type {(row: number) => void} */
  const go = (row) => {
    at = Math.min(Math.max(row, 0), list.getDisplayedRowCount() - 1);
    list.ensureIndexVisible(at);
    list.setFocusedCell(at, list.getAllDisplayedColumns()[1]);
    openSoon(at); // the grid says nothing of a cell that has the focus already
  };
  const own = () => /** @type {any} */ (document.querySelector("#case-panel .mantine-Chip-root input"));
  /** @type {Record<string, () => void>} */
  const keys = {
    j: () => go(at + 1),
    k: () => go(at - 1),
    a: () => byId("agree").click(),
    o: () => (own()?.scrollIntoView({ block: "center" }), own()?.focus({ preventScroll: true })),
  };
  /** @type {(event: any) => void} */
  const pressed = (event) => {
    const isOther = event.ctrlKey || event.metaKey || event.altKey || event.target.closest(ELSEWHERE);
    const key = list && !isOther && keys[event.key.toLowerCase()];
    key && (event.preventDefault(), key());
  };
  document.addEventListener("keydown", pressed, { signal });
  signal.addEventListener("abort", () => (list = null));
});

// Dash draws these anew for another address of the list, and where its rows have changed.
mount("[data-search]", ({ dataset }) =>
  history.replaceState(history.state, "", location.pathname + dataset.search + location.hash),
);
mount("[data-changed]", refresh);

window.dashAgGridComponentFunctions = { ...window.dashAgGridComponentFunctions, Lines };
