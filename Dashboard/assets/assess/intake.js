/* How images come in: file field, drag and drop (folders too), paste, examples. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element } = lesions;
  const FIELD = "file-field";
  const CLUTTER = /^(\.|Thumbs\.db$|desktop\.ini$)/i;
  let model = null;

  const zone = () => document.getElementById("zone");

  function take(entries) {
    if (entries.length && zone()) {
      const { maxBytes, maxShown } = zone().dataset;
      lesions.cards.add(entries, model, Number(maxBytes), maxShown);
    }
  }

  const takeFiles = (files) => take([...files].map((file) => ({ name: file.name, file })));

  /* All files of a dropped file or folder, in the order of their names. */
  async function filesOf(entry) {
    if (entry.isFile) {
      return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    }
    const reader = entry.createReader();
    const inside = [];
    for (;;) {
      // A reader hands out a folder in parts, and an empty part when it is through.
      const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!part.length) {
        break;
      }
      inside.push(...part.filter(({ name }) => !CLUTTER.test(name)));
    }
    inside.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const files = [];
    for (const child of inside) {
      files.push(...(await filesOf(child)));
    }
    return files;
  }

  async function takeDropped(transfer) {
    // Entries must be asked for before the first await: afterwards the transfer is empty.
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...transfer.files];
    if (!entries.some((entry) => entry.isDirectory)) {
      takeFiles(files);
      return;
    }
    takeFiles((await Promise.all(entries.map(filesOf))).flat());
  }

  const holdsFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

  function mark(dragging) {
    zone()?.classList.toggle("is-dragging", dragging);
  }

  // Anywhere on the page: a file dropped beside the zone must not replace the page.
  document.addEventListener("dragover", (event) => {
    if (holdsFiles(event)) {
      event.preventDefault();
      event.dataTransfer.dropEffect = zone() ? "copy" : "none";
      mark(true);
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      mark(false);
    }
  });
  document.addEventListener("drop", (event) => {
    if (holdsFiles(event)) {
      event.preventDefault();
      mark(false);
      takeDropped(event.dataTransfer);
    }
  });
  document.addEventListener("paste", (event) => takeFiles(event.clipboardData?.files || []));

  document.addEventListener("change", (event) => {
    if (event.target.id === FIELD) {
      takeFiles(event.target.files);
      event.target.value = ""; // the same file may be chosen again
    }
  });

  document.addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]")?.dataset.example;
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
      document.getElementById("picker").replaceChildren(field);
    },
  };
})();
