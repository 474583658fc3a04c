/* What a drop, a paste or a file field holds: images by their paths, or what to do instead.
 *
 * A path begins with the name of what was dropped. Two folders may bear one name, as may two files
 * and all pasted pictures: the later is numbered, so that no two patients are shown under one name.
 */
(function () {
  "use strict";
  const { lesions } = window;
  let ofTheSystem = ["thumbs.db", "desktop.ini"];
  // As the commands print names: no line breaks, nor what turns the writing, so that "gpj.exe" reads as "exe.jpg".
  const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
  /** @type {(letter: string) => string} */
  const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const FILE_FAILED = "The file could not be read: it was moved, or this account may not read it.";
  const FOLDER_FAILED =
    "The folder could not be read to its end: it was moved, or this account may not read it.";
  const OF_A_PAGE =
    "That is a part of a web page, not a file: save the picture and drop the file, or copy the " +
    "picture itself, not its address, and paste it here.";
  const TEXT = "That is text, not a picture: drop image files or folders, or paste a picture.";
  const NOTHING =
    "There was no file in it that this browser can read: save it in a folder of this computer " +
    "and drop it from there.";

  /** @type {(name: string) => boolean} */
  const isHidden = (name) => name.startsWith(".") || ofTheSystem.includes(name.toLowerCase());

  /** @type {(entry: FileSystemEntry) => entry is FileSystemFileEntry} */
  const isFile = (entry) => entry.isFile;
  /** @type {(entry: FileSystemEntry) => entry is FileSystemDirectoryEntry} */
  const isFolder = (entry) => entry.isDirectory;

  /* Adds all of a folder to `found`, in the order of the names. What fails costs nothing else. */
  /** @type {(entry: FileSystemEntry, path: string, found: Found) => Promise<void>} */
  async function read(entry, path, found) {
    if (isFile(entry)) {
      try {
        /** @type {File} */
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        found.entries.push({ name: path, file });
      } catch {
        found.entries.push({ name: path, error: FILE_FAILED });
      }
      return;
    }
    if (!isFolder(entry)) {
      return;
    }
    const reader = entry.createReader();
    const inside = [];
    try {
      for (;;) {
        // A reader hands out a folder in parts, and an empty part when it is through.
        /** @type {FileSystemEntry[]} */
        const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!part.length) {
          break;
        }
        inside.push(...part);
      }
    } catch {
      found.entries.push({ name: path, error: FOLDER_FAILED });
    }
    inside.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    for (const [place, child] of inside.entries()) {
      // Chromium gives no name where it is not in UTF-8.
      const below = `${path}/${child.name || `unreadable name ${place + 1}`}`;
      if (isHidden(child.name)) {
        found.left.push(below);
      } else {
        await read(child, below, found);
      }
    }
  }

  /** @type {(name: string, files: Iterable<File>) => Found} */
  function fromFolder(name, files) {
    /** @type {Found} */
    const found = { name, folder: true, entries: [], left: [] };
    for (const file of files) {
      const path = file.webkitRelativePath;
      const hidden = path.split("/").slice(1).some(isHidden);
      if (hidden) {
        found.left.push(path);
      } else {
        found.entries.push({ name: path, file });
      }
    }
    found.entries.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    return found;
  }

  /** @type {(file: File) => Found} */
  const fromFile = (file) => ({
    name: file.name,
    folder: false,
    entries: [{ name: file.name, file }],
    left: [],
  });

  /** @type {(name: string, folder: boolean, taken: Set<string>) => string} */
  function unlike(name, folder, taken) {
    const [, stem, ending = ""] = (!folder && /^(.+)(\.[^.]*)$/s.exec(name)) || [name, name];
    let found = name;
    for (let number = 2; taken.has(found); number += 1) {
      found = `${stem} (${number})${ending}`;
    }
    taken.add(found);
    return found;
  }

  /** @type {(names: string[]) => string} */
  function listed(names) {
    const more = names.length - 3;
    return names.slice(0, 3).join(", ") + (more > 0 ? ` and ${more} more` : "");
  }

  lesions.dropped = {
    /* The server names, in lower case, the folders of which the commands take nothing either. */
    mount(folders) {
      ofTheSystem = [...new Set([...ofTheSystem, ...folders])];
    },
    /* Everything that was dropped, a `Found` for each thing. Its transfer is empty after the first
     * await: all is asked of it before. */
    read(transfer) {
      const parts = [...transfer.items]
        .filter(({ kind }) => kind === "file")
        .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
      return Promise.all(
        parts.map(async ({ entry, file }) => {
          if (file && !(entry && isFolder(entry))) {
            return fromFile(file);
          }
          const name = entry?.name || "";
          /** @type {Found} */
          const found = { name, folder: true, entries: [], left: [] };
          if (entry) {
            await read(entry, name, found);
          }
          return found;
        }),
      );
    },
    /* Files of a field or of a paste: those of a chosen folder are one thing. */
    sort(files) {
      /** @type {Map<string, File[]>} */
      const folders = new Map();
      const alone = [];
      for (const file of files) {
        const [top, ...rest] = (file.webkitRelativePath || "").split("/");
        if (rest.length) {
          folders.set(top, [...(folders.get(top) || []), file]);
        } else {
          alone.push(file);
        }
      }
      return [...[...folders].map(([name, inside]) => fromFolder(name, inside)), ...alone.map(fromFile)];
    },
    /* The entries of all that was found, none under a name that `used` paths begin with. */
    name(found, used) {
      const taken = new Set(used.map((path) => path.split("/", 1)[0]));
      return found.flatMap(({ name, folder, entries }) => {
        const top = entries.length ? unlike(name, folder, taken) : name;
        return entries.map((entry) => ({
          ...entry,
          name: (top + entry.name.slice(name.length)).replace(UNPRINTABLE, escaped),
        }));
      });
    },
    /* What is to be said of what was found: nothing, mostly. */
    remarks(found) {
      const left = found.flatMap((one) => one.left);
      const empty = found.filter((one) => one.folder && !one.entries.length && !one.left.length);
      return [
        ...empty.map(({ name }) => (name ? `The folder ${name} is empty.` : NOTHING)),
        ...(left.length ? [`Left out, as hidden or of the system: ${listed(left)}.`] : []),
      ].join(" ");
    },
    /* What to do where there is no file, by the types of what came instead. */
    instead(types) {
      if (types.includes("text/uri-list") || types.includes("text/html")) {
        return OF_A_PAGE;
      }
      return types.includes("text/plain") ? TEXT : NOTHING;
    },
  };
})();
