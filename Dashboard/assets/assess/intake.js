/* How images come in: file fields, drag and drop, paste, examples. */
(function () {
  "use strict";
  const { lesions } = window;
  const { byId, element } = lesions;
  const FIELD = "file-field";
  const TYPES = "image/jpeg,image/png,image/webp,image/tiff,image/bmp,.tif,.tiff,.bmp";
  /** @type {string | null} */
  let model = null;
  let ours = false; // what is dragged is of this page

  const zone = () => document.getElementById("zone");

  /** @type {(sentence: string) => void} */
  function say(sentence) {
    const note = document.getElementById("zone-note");
    if (note) {
      note.textContent = sentence;
      note.hidden = !sentence;
      lesions.announce(sentence);
    }
  }

  /** @type {(found: Found[]) => void} */
  function take(found) {
    const there = zone();
    if (there) {
      const { maxBytes, maxShown = "" } = there.dataset;
      const entries = lesions.dropped.name(found, lesions.cards.names());
      say(lesions.dropped.remarks(found));
      if (entries.length) {
        lesions.cards.add(entries, model, Number(maxBytes), maxShown);
      }
    }
  }

  /** @type {(transfer: DataTransfer) => Promise<void>} */
  async function takeDropped(transfer) {
    const types = [...transfer.types];
    const reading = lesions.dropped.read(transfer);
    say("Reading what was dropped…");
    const found = await reading;
    if (found.length) {
      take(found);
    } else {
      say(lesions.dropped.instead(types));
    }
  }

  /* Text may be dropped and pasted into a field of the page. */
  /** @type {(target: EventTarget | null) => boolean} */
  const isField = (target) =>
    target instanceof Element && Boolean(target.closest("input:not([type=file]), textarea"));

  /** @type {(dragging: boolean) => void} */
  function mark(dragging) {
    zone()?.classList.toggle("is-dragging", dragging);
  }

  // Anywhere on the page: what is dropped beside the zone must not replace the page. Other things
  // than files are answered with what to do.
  document.addEventListener("dragstart", () => {
    ours = true;
  });
  document.addEventListener("dragend", () => {
    ours = false;
  });
  document.addEventListener("dragover", (event) => {
    if (event.dataTransfer && !isField(event.target)) {
      event.preventDefault();
      const welcome = Boolean(zone()) && !ours;
      event.dataTransfer.dropEffect = welcome ? "copy" : "none";
      mark(welcome);
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      mark(false);
    }
  });
  document.addEventListener("drop", (event) => {
    mark(false);
    if (event.dataTransfer && !isField(event.target)) {
      event.preventDefault();
      if (zone() && !ours) {
        takeDropped(event.dataTransfer);
      }
    }
  });
  document.addEventListener("paste", ({ clipboardData, target }) => {
    if (clipboardData?.files.length) {
      take(lesions.dropped.sort(clipboardData.files));
    } else if (clipboardData?.types.length && !isField(target)) {
      say(lesions.dropped.instead(clipboardData.types));
    }
  });

  /* A field of its own, as a field takes either files or a folder. */
  function chooseFolder() {
    const field = element("input", { type: "file", webkitdirectory: true });
    field.addEventListener("change", () => take(lesions.dropped.sort(field.files || [])));
    field.click();
  }

  document.addEventListener("change", (event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    if (field.id === FIELD) {
      take(lesions.dropped.sort(field.files || []));
      field.value = ""; // the same file may be chosen again
    }
  });

  document.addEventListener("click", (event) => {
    const pressed = /** @type {Element} */ (event.target);
    if (pressed.closest("#choose-folder")) {
      chooseFolder();
    } else if (pressed.closest("#zone") && !pressed.closest("label, input")) {
      byId(FIELD).click();
    }
    /** @type {HTMLElement | null} */
    const button = pressed.closest("[data-example]");
    const example = button?.dataset.example;
    if (example) {
      const name = `synthetic-${example}.jpg`;
      take([{ name, folder: false, entries: [{ name, example }], left: [] }]);
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
        accept: TYPES,
        "aria-describedby": "zone-text",
      });
      byId("picker").replaceChildren(field);
      lesions.dropped.mount(JSON.parse(byId("zone").dataset.systemFolders || "[]"));
      byId("folder-choice").hidden = !("webkitdirectory" in field);
    },
  };
})();
