/* The worklist: takes pictures in, says how far they are, and moves through the list by keys. */
import { url } from "../shell/address.mjs";
import { name, read, remarks, sort } from "../shell/dropped.mjs";
import { mount } from "../shell/mount.mjs";
import { inBrowser, inMemory, makeQueue, send } from "../shell/queue.mjs";

/** @typedef {import("../shell/queue.mjs").Waiting} Waiting */

const TYPES = "image/jpeg,image/png,image/webp,image/tiff,image/bmp,.tif,.tiff,.bmp";
const WIDE = "(min-width: 1100px)"; // the case stands beside the list
const OTHER_FIELDS = "input:not([type=file]), textarea, select, [role=dialog], [contenteditable]";
/** @type {[number, string[]][]} From so many pixels on the list has these columns. */
const FITTING = [
  [1020, ["picture", "file", "verdict", "code", "p_malignant", "newest"]],
  [790, ["picture", "file", "verdict", "code", "p_malignant"]],
  [600, ["picture", "file", "verdict", "p_malignant"]],
  [0, ["short"]],
];
const COLUMNS = [...FITTING[0][1], "short"];

/** @type {(id: string) => any} */
const byId = (id) => document.getElementById(id);
/** @type {(ms: number, task: () => void) => () => void} Once in so many milliseconds. */
const seldom = (ms, task) => {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      task();
    }, ms);
  };
};
/** @type {any} The grid's own interface, while it is there. */
let list = null;
/** @type {Set<string>} Of names that were given. */
const taken = new Set();
const refresh = seldom(700, () => list?.refreshInfiniteCache());
const draw = seldom(60, show);
const queue = makeQueue({
  storage: globalThis.indexedDB ? inBrowser().catch(inMemory) : Promise.resolve(inMemory()),
  send,
  changed: draw,
  answered(one, answer) {
    refresh();
    if (answer.id && one.alone) {
      open(answer.id);
    }
  },
});

/** @type {(key: string) => void} */
function open(key) {
  const wide = window.matchMedia(WIDE).matches;
  const [id, props] = wide ? ["open", { data: key }] : ["go", { pathname: url(`cases/${key}`) }];
  window.dash_clientside.set_props(id, props);
}

/** What the list draws in a cell: texts that the server made.
 * @param {{ value: any }} cell */
function Lines({ value }) {
  const h = window.React.createElement;
  if (!value) {
    return null;
  }
  const { src, top, below, icon, tone, flag, time } = value;
  const date = time && new Date(time);
  const shown = date ? date.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : top;
  const flagged = { className: "icon icon-flag", role: "img", "aria-label": "Flagged" };
  return h(
    "span",
    { className: tone ? `lines tone-text tone-${tone}` : "lines" },
    src && h("img", { src, alt: "", className: "lines-picture" }),
    icon && h("span", { className: `icon icon-${icon}`, "aria-hidden": true }),
    shown &&
      h(
        "span",
        { className: "lines-words" },
        h("span", { className: "lines-top", title: shown }, flag && h("span", flagged), shown),
        below && h("span", { className: "lines-below", title: below }, below),
      ),
  );
}

function show() {
  if (!byId("batch")) {
    return;
  }
  const { total, done, paused, note, failed } = queue.state;
  const left = queue.left();
  byId("batch").hidden = !failed.length && !note && !(left && total > 1);
  byId("batch-head").hidden = !left;
  byId("batch-text").textContent = `${done} of ${total} assessed${paused ? ", paused" : ""}`;
  byId("batch-bar").max = Math.max(total, 1);
  byId("batch-bar").value = done;
  byId("batch-pause").querySelector(".mantine-Button-label").textContent = paused ? "Go on" : "Pause";
  byId("batch-note").textContent = note;
  byId("batch-note").hidden = !note;
  byId("batch-failures").hidden = !failed.length;
  byId("batch-failed").textContent = `${failed.length} could not be assessed`;
  byId("batch-again").hidden = !failed.some(({ file }) => file);
  const items = failed.map(({ name: file, error }) => {
    const item = document.createElement("li");
    const strong = document.createElement("strong");
    strong.textContent = file;
    item.append(strong, ` ${error}`);
    return item;
  });
  byId("batch-list").replaceChildren(...items);
}

/** @type {(zone: HTMLElement) => { most: any, hours: number, system: string[] }} */
const settings = ({ dataset: { most = "", hours, systemFolders = "" } }) => ({
  most: JSON.parse(most),
  hours: Number(hours) || Infinity,
  system: JSON.parse(systemFolders),
});

/** @type {(found: import("../shell/dropped.mjs").Found[], types?: readonly string[]) => void} */
function take(found, types = []) {
  byId("zone-note").textContent = remarks(found, types);
  const { most } = settings(byId("zone"));
  const { model = null } = byId("zone").dataset;
  const batch = queue.newBatch();
  const entries = name(found, taken);
  queue.add(
    entries.map(({ name: path, file, error }, place) => {
      const zip = /\.zip$/i.test(path);
      const large = file && file.size > (zip ? most.archive : most.image);
      const size = ((file?.size ?? 0) / 2 ** 20).toFixed(1);
      const limit = zip ? most.shownArchive : most.shown;
      const tooLarge = large && `The file has ${size} MB; at most ${limit} are accepted.`;
      const one = { ...queue.named(batch, place), name: path, file, model, added: Date.now() };
      return { ...one, alone: entries.length === 1, error: error || tooLarge || undefined };
    }),
  );
}

/** A button and the field that it opens: a field takes files, a folder or a photo.
 * @param {string} label
 * @param {Record<string, unknown>} kind
 * @param {string} look
 * @param {string[]} system */
function field(label, kind, look, system) {
  const input = Object.assign(document.createElement("input"), { type: "file", hidden: true, ...kind });
  const button = Object.assign(document.createElement("button"), { type: "button", className: look });
  button.textContent = label;
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take(sort(input.files ?? [], system));
    input.value = ""; // the same file may be chosen again
  });
  if (kind.capture) {
    input.setAttribute("capture", "environment");
  }
  return [input, button];
}

let resumed = false;
mount("#zone", (zone) => {
  const { hours, system } = settings(zone);
  const stop = new AbortController();
  /** @type {(type: string, heard: (event: any) => void) => void} */
  const on = (type, heard) => document.addEventListener(type, heard, { signal: stop.signal });
  /** @type {(event: any) => boolean} */
  const elsewhere = ({ target }) => target instanceof Element && Boolean(target.closest(OTHER_FIELDS));
  let ours = false; // what is dragged is of this page
  byId("picker").replaceChildren(
    ...field("Choose files", { multiple: true, accept: `${TYPES},.zip`, id: "file-field" }, "button button-main", system),
    ...field("Choose a folder", { webkitdirectory: true }, "button zone-folder", system),
    ...field("Take photo", { accept: "image/*", capture: true }, "button zone-photo", system),
  );
  // Anywhere on the page: what is dropped beside the zone must not replace the page.
  on("dragstart", () => (ours = true));
  on("dragend", () => (ours = false));
  on("dragover", (event) => {
    if (!elsewhere(event)) {
      event.preventDefault();
      event.dataTransfer.dropEffect = ours ? "none" : "copy";
      zone.classList.toggle("is-dragging", !ours);
    }
  });
  on("dragleave", ({ relatedTarget }) => relatedTarget || zone.classList.remove("is-dragging"));
  on("drop", async (event) => {
    zone.classList.remove("is-dragging");
    if (!elsewhere(event) && !ours) {
      event.preventDefault();
      const types = [...event.dataTransfer.types];
      const reading = read(event.dataTransfer, system);
      byId("zone-note").textContent = "Reading what was dropped…";
      take(await reading, types);
    }
  });
  on("paste", (event) => {
    const { files, types = [] } = event.clipboardData ?? {};
    if (files?.length || (types.length && !elsewhere(event))) {
      take(sort(files, system), types);
    }
  });
  on("click", async ({ target }) => {
    const example = target.closest("[data-example]");
    const button = target.closest("button")?.id;
    if (example) {
      const file = await (await fetch(example.dataset.example)).blob();
      take(sort([new File([file], example.dataset.name)], system));
    } else if (button === "batch-pause") {
      queue.pause(!queue.state.paused);
    } else if (button === "batch-drop") {
      queue.discard();
    } else if (button === "batch-again") {
      queue.retry();
    } else if (button === "batch-close") {
      queue.state.failed = [];
      show();
    } else if (button === "delete-all-yes") {
      queue.discard(true);
    }
  });
  if (!resumed) {
    resumed = true;
    queue.resume(hours);
  }
  show();
  return () => stop.abort();
});

mount("#list", (place) => {
  const stop = new AbortController();
  let timer = 0;
  const fit = () => {
    const [, fitting] = /** @type {any} */ (FITTING.find(([width]) => place.clientWidth >= width));
    list?.setColumnsVisible(COLUMNS, false);
    list?.setColumnsVisible(fitting, true);
    list?.setGridOption("headerHeight", fitting[0] === "short" ? 0 : 40);
  };
  const sized = new ResizeObserver(seldom(60, fit));
  /** @type {(row: number) => void} */
  const go = (row) => {
    list.ensureIndexVisible(row);
    list.setFocusedCell(row, list.getAllDisplayedColumns()[1]);
  };
  window.dash_ag_grid.getApiAsync("list").then((/** @type {any} */ api) => {
    list = api;
    sized.observe(place);
    api.addEventListener("cellFocused", (/** @type {any} */ { rowIndex, column }) => {
      clearTimeout(timer);
      const ticking = column?.getColId?.() === "ag-Grid-SelectionColumn";
      const key = !ticking && api.getDisplayedRowAtIndex(rowIndex)?.data?.id;
      timer = setTimeout(() => key && window.matchMedia(WIDE).matches && open(key), 150);
    });
    api.addEventListener("rowClicked", (/** @type {any} */ { data, event }) => {
      if (data && !window.matchMedia(WIDE).matches && !event.target.closest(".ag-selection-checkbox")) {
        open(data.id);
      }
    });
    api.addEventListener("cellKeyDown", (/** @type {any} */ { data, event }) => {
      if (event.key === "Enter" && data) {
        open(data.id);
        byId("case-panel").focus();
      }
    });
  });
  document.addEventListener(
    "keydown",
    (event) => {
      const { key, ctrlKey, metaKey, altKey, target } = event;
      const typing = target instanceof Element && target.closest(OTHER_FIELDS);
      if (!list || ctrlKey || metaKey || altKey || typing) {
        return;
      }
      const step = { j: 1, k: -1 }[key.toLowerCase()];
      if (step) {
        const row = (list.getFocusedCell()?.rowIndex ?? -1) + step;
        go(Math.min(Math.max(row, 0), list.getDisplayedRowCount() - 1));
      }
      if (key.toLowerCase() === "a") {
        byId("agree").click();
      } else if (key.toLowerCase() === "o") {
        /** @type {HTMLElement | null} */
        const own = document.querySelector("#case-panel .mantine-Chip-root input");
        own?.scrollIntoView({ block: "center" });
        own?.focus({ preventScroll: true });
        event.preventDefault();
      }
    },
    { signal: stop.signal },
  );
  return () => {
    stop.abort();
    sized.disconnect();
    list = null;
  };
});

mount("#worklist-state", (state) => {
  const heard = new MutationObserver((changes) => {
    for (const { attributeName } of changes) {
      if (attributeName === "data-version") {
        refresh();
      } else {
        const search = state.dataset.search ?? "";
        history.replaceState(history.state, "", location.pathname + search + location.hash);
      }
    }
  });
  heard.observe(state, { attributeFilter: ["data-search", "data-version"] });
  return () => heard.disconnect();
});

if (typeof window !== "undefined") {
  window.dashAgGridComponentFunctions = { ...window.dashAgGridComponentFunctions, Lines };
}
