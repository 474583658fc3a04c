/* The worklist: takes pictures in, says how far they are, and moves through the list by keys. */
import { url } from "../shell/address.mjs";
import { name, read, remarks, sort } from "../shell/dropped.mjs";
import { mount } from "../shell/mount.mjs";
import { inBrowser, makeQueue, send } from "../shell/queue.mjs";

const TYPES = "image/jpeg,image/png,image/webp,image/tiff,image/bmp,.tif,.tiff,.bmp,.zip";
const FIELDS = [
  { id: "file-field", label: "Choose files", look: "button button-main", props: { multiple: true, accept: TYPES } },
  { id: "folder-field", label: "Choose a folder", look: "button zone-folder", props: { webkitdirectory: true } },
  { id: "photo-field", label: "Take photo", look: "button zone-photo", props: { accept: "image/*" } },
];
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

/** @type {any} The grid's own interface, while it is there. */
let list = null;
let resumed = false;
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
  below && words.push(h("span", { key: 2, className: "lines-below", title: below }, below));
  return h(
    "span",
    { className: `lines tone-text tone-${tone}` },
    src && h("img", { src, alt: "", className: "lines-picture" }),
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
  const items = failed.map((one) => {
    const [item, file] = [document.createElement("li"), document.createElement("strong")];
    file.textContent = one.name;
    item.append(file, ` ${one.error}`);
    return item;
  });
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
    const alone = entries.length === 1;
    const given = { name: path, file, model, alone, error: error ?? (size > limit.bytes ? large : undefined) };
    return { ...given, batch, place, upload: `${batch}-${place}`, added: Date.now() };
  });
  queue.add(waiting);
}

mount("#zone", (zone) => {
  const system = JSON.parse(zone.dataset.systemFolders ?? "[]");
  const stop = new AbortController();
  /** @type {(type: string, heard: (event: any) => void) => void} */
  const on = (type, heard) => document.addEventListener(type, heard, { signal: stop.signal });
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
  for (const { id, label, look, props } of FIELDS) {
    const [input, button] = [document.createElement("input"), document.createElement("button")];
    Object.assign(input, { type: "file", hidden: true, id }, props);
    Object.assign(button, { type: "button", className: look, textContent: label });
    id === "photo-field" && input.setAttribute("capture", "environment");
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      take(sort(input.files ?? [], system));
      input.value = ""; // the same file may be chosen again
    });
    byId("picker").append(input, button);
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
    buttons[target.closest("button")?.id]?.();
    const { example, name: file } = target.closest("[data-example]")?.dataset ?? {};
    example && take(sort([new File([await (await fetch(example)).blob()], file)], system));
  });
  resumed ||= Boolean(queue.resume(Number(zone.dataset.hours) || Infinity));
  show();
  return () => stop.abort();
});

mount(".list", (place) => {
  const stop = new AbortController();
  let [timer, at] = [0, -1]; // rows that come anew lose the grid's own focus
  const sized = new ResizeObserver(
    seldom(60, () => {
      const [, count] = FITTING.find(([width]) => place.clientWidth >= width) ?? [0, 0];
      list?.setColumnsVisible([...COLUMNS.slice(count), ...(count ? [SHORT] : [])], false);
      list?.setColumnsVisible(count ? COLUMNS.slice(0, count) : [SHORT], true);
      list?.setGridOption("headerHeight", count ? 40 : 0);
    }),
  );
  window.dash_ag_grid.getApiAsync("list").then((/** @type {any} */ api) => {
    list = api;
    sized.observe(place);
    /** @type {(type: string, heard: (event: any) => void) => void} */
    const on = (type, heard) => api.addEventListener(type, heard);
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
  /** A row whose data are on their way is waited for; one that is soon left is not opened.
   * @type {(row: number, tries?: number) => void} */
  const openSoon = (row, tries = 40) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const key = list?.getDisplayedRowAtIndex(row)?.data?.id;
      key ? isWide() && open(key) : tries && openSoon(row, tries - 1);
    }, 150);
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
  document.addEventListener("keydown", pressed, { signal: stop.signal });
  return () => (stop.abort(), sized.disconnect(), (list = null));
});

mount("#worklist-state", (state) => {
  const heard = new MutationObserver((changes) => {
    changes.some(({ attributeName }) => attributeName === "data-version") && refresh();
    state.dataset.search !== undefined &&
      history.replaceState(history.state, "", location.pathname + state.dataset.search + location.hash);
  });
  heard.observe(state, { attributeFilter: ["data-search", "data-version"] });
  return () => heard.disconnect();
});

if (typeof window !== "undefined") {
  window.dashAgGridComponentFunctions = { ...window.dashAgGridComponentFunctions, Lines };
}
