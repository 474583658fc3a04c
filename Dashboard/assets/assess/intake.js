/* How images come in: file field, drag and drop (folders too), paste, examples. */
(function () {
  "use strict";
  const { lesions } = window;
  const { byId, element } = lesions;
  const FIELD = "file-field";
  const CLUTTER = /^(\.|Thumbs\.db$|desktop\.ini$)/i;
  /** @type {string | null} */
  let model = null;

  const zone = () => document.getElementById("zone");

  /** @type {(entries: Entry[]) => void} */
  function take(entries) {
    const there = zone();
    if (entries.length && there) {
      const { maxBytes, maxShown = "" } = there.dataset;
      lesions.cards.add(entries, model, Number(maxBytes), maxShown);
    }
  }

  /** @type {(files: Iterable<File>) => void} */
  const takeFiles = (files) => take([...files].map((file) => ({ name: file.name, file })));

  /** @type {(entry: FileSystemEntry) => entry is FileSystemFileEntry} */
  const isFile = (entry) => entry.isFile;
  /** @type {(entry: FileSystemEntry) => entry is FileSystemDirectoryEntry} */
  const isFolder = (entry) => entry.isDirectory;

  /* All files of a dropped file or folder, in the order of their names. */
  /** @type {(entry: FileSystemEntry) => Promise<File[]>} */
  async function filesOf(entry) {
    if (isFile(entry)) {
      return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    }
    if (!isFolder(entry)) {
      return [];
    }
    const reader = entry.createReader();
    const inside = [];
    for (;;) {
      // A reader hands out a folder in parts, and an empty part when it is through.
      /** @type {FileSystemEntry[]} */
      const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!part.length) {
        break;
      }
      inside.push(...part.filter(({ name }) => !CLUTTER.test(name)));
    }
    inside.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    /** @type {File[]} */
    const files = [];
    for (const child of inside) {
      files.push(...(await filesOf(child)));
    }
    return files;
  }

  /** @type {(transfer: DataTransfer) => Promise<void>} */
  async function takeDropped(transfer) {
    // Entries must be asked for before the first await: afterwards the transfer is empty.
    const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
    const files = [...transfer.files];
    if (!entries.some(isFolder)) {
      takeFiles(files);
      return;
    }
    takeFiles((await Promise.all(entries.map(filesOf))).flat());
  }

  /* What is dragged, where there are files in it. */
  /** @type {(event: DragEvent) => DataTransfer | null} */
  function dragged({ dataTransfer }) {
    return dataTransfer?.types.includes("Files") ? dataTransfer : null;
  }

  /** @type {(dragging: boolean) => void} */
  function mark(dragging) {
    zone()?.classList.toggle("is-dragging", dragging);
  }

  // Anywhere on the page: a file dropped beside the zone must not replace the page.
  document.addEventListener("dragover", (event) => {
    const transfer = dragged(event);
    if (transfer) {
      event.preventDefault();
      transfer.dropEffect = zone() ? "copy" : "none";
      mark(true);
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      mark(false);
    }
  });
  document.addEventListener("drop", (event) => {
    const transfer = dragged(event);
    if (transfer) {
      event.preventDefault();
      mark(false);
      takeDropped(transfer);
    }
  });
  document.addEventListener("paste", (event) => takeFiles(event.clipboardData?.files || []));

  document.addEventListener("change", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if (field.id === FIELD) {
      takeFiles(field.files || []);
      field.value = ""; // the same file may be chosen again
    }
  });

  document.addEventListener("click", (event) => {
    const pressed = /** @type {Element} */ (event.target);
    /** @type {HTMLElement | null} */
    const button = pressed.closest("[data-example]");
    const example = button?.dataset.example;
    if (example) {
      take([{ name: `synthetic-${example}.jpg`, example }]);
    }
  });

  lesions.intake = {
    field: () => document.getElementById(FIELD),
    choose(name) {
      model = name;
    },
    mount() {
      const field = element("input", {
        type: "file",
        id: FIELD,
        multiple: true,
        className: "visually-hidden",
        accept: "image/jpeg,image/png,image/webp,image/tiff,image/bmp,.tif,.tiff,.bmp",
      });
      byId("picker").replaceChildren(field);
    },
  };
})();
