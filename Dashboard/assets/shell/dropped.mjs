/* What a drop, a paste or a file field holds: files by their paths, and what to say of the rest.
 * A path begins with the name of what was dropped; a name that came before is numbered, so that no
 * two patients stand under one. */

/** @typedef {{ name: string, file?: File, error?: string }} Entry by its path; or why it has no file */
/** @typedef {{ name: string, folder: boolean, entries: Entry[], left: string[] }} Found One thing. */

const OF_THE_SYSTEM = ["thumbs.db", "desktop.ini"];
// As the commands print names: no line breaks, nor what turns the writing ("gpj.exe" reads as "exe.jpg").
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const FAILED = "could not be read: it was moved, or this account may not read it.";
const OF_A_PAGE =
  "That is a part of a web page, not a file: save the picture and drop the file, or copy the " +
  "picture itself, not its address, and paste it here.";
const TEXT = "That is text, not a picture: drop image files or folders, or paste a picture.";
const NOTHING =
  "There was no file in it that this browser can read: save it in a folder of this computer and drop it from there.";

/** @type {(a: { name: string }, b: { name: string }) => number} */
const byName = (a, b) => a.name.localeCompare(b.name, "en", { numeric: true });
/** @type {(letter: string) => string} */
const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
/** @type {(file: File) => Found} */
const alone = (file) => ({ name: file.name, folder: false, entries: [{ name: file.name, file }], left: [] });
/** @type {(name: string) => Found} */
const folder = (name) => ({ name, folder: true, entries: [], left: [] });
/** @type {(system: string[]) => (name: string) => boolean} */
const hides = (system) => (name) =>
  name.startsWith(".") || [...OF_THE_SYSTEM, ...system].includes(name.toLowerCase());

/** Adds all of a folder to `found`, in the order of the names. What fails costs nothing else.
 * @type {(entry: any, path: string, found: Found, isHidden: (name: string) => boolean) => Promise<void>} */
async function walk(entry, path, found, isHidden) {
  /** @type {any[]} */
  const inside = [];
  try {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      found.entries.push({ name: path, file });
      return;
    }
    const reader = entry.createReader();
    for (let part; !part || part.length; inside.push(...part)) {
      // A reader hands out a folder in parts, and an empty part when it is through.
      part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    }
  } catch {
    found.entries.push({ name: path, error: `The ${entry.isFile ? "file" : "folder"} ${FAILED}` });
  }
  for (const [place, child] of inside.sort(byName).entries()) {
    // Chromium gives no name where it is not in UTF-8.
    const below = `${path}/${child.name || `unreadable name ${place + 1}`}`;
    await (isHidden(child.name) ? found.left.push(below) : walk(child, below, found, isHidden));
  }
}

/** Everything that was dropped. A transfer is empty after the first await: all is asked of it before.
 * @type {(transfer: DataTransfer, system: string[]) => Promise<Found[]>} */
export function read(transfer, system) {
  const parts = [...transfer.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const reading = parts.map(async ({ entry, file }) => {
    if (file && !entry?.isDirectory) {
      return alone(file);
    }
    const found = folder(entry?.name || "");
    await (entry && walk(entry, found.name, found, hides(system)));
    return found;
  });
  return Promise.all(reading);
}

/** Files of a field or of a paste: those of a chosen folder are one thing.
 * @type {(files: Iterable<File>, system: string[]) => Found[]} */
export function sort(files, system) {
  /** @type {Map<string, Found>} */
  const folders = new Map();
  const others = [];
  for (const file of [...files]) {
    const path = file.webkitRelativePath;
    const [top, ...rest] = path ? path.split("/") : [];
    if (rest.length) {
      const found = folders.get(top) ?? folder(top);
      folders.set(top, found);
      const isLeft = rest.some(hides(system));
      isLeft ? found.left.push(path) : found.entries.push({ name: path, file });
    } else {
      others.push(alone(file));
    }
  }
  for (const { entries } of folders.values()) {
    entries.sort(byName);
  }
  return [...folders.values(), ...others];
}

/** The entries of all that was found; `taken`, the first parts of all paths so far, grows.
 * @type {(found: Found[], taken: Set<string>) => Entry[]} */
export function name(found, taken) {
  return found.flatMap((one) => {
    const [, stem, ending = ""] = (!one.folder && /^(.+)(\.[^.]*)$/s.exec(one.name)) || ["", one.name];
    let top = one.name;
    for (let number = 2; one.entries.length && taken.has(top); number += 1) {
      top = `${stem} (${number})${ending}`;
    }
    taken.add(top);
    return one.entries.map((entry) => ({
      ...entry,
      name: (top + entry.name.slice(one.name.length)).replace(UNPRINTABLE, escaped),
    }));
  });
}

/** What is to be said of what was found: nothing, mostly. Of nothing, by the types of what came.
 * @type {(found: Found[], types?: readonly string[]) => string} */
export function remarks(found, types = []) {
  if (!found.length) {
    const ofPage = types.includes("text/uri-list") || types.includes("text/html");
    return ofPage ? OF_A_PAGE : types.includes("text/plain") ? TEXT : NOTHING;
  }
  const left = found.flatMap((one) => one.left);
  const more = left.length > 3 ? ` and ${left.length - 3} more` : "";
  const empty = found.filter((one) => one.folder && !one.entries.length && !one.left.length);
  return [
    ...empty.map((one) => (one.name ? `The folder ${one.name} is empty.` : NOTHING)),
    ...(left.length ? [`Left out, as hidden or of the system: ${left.slice(0, 3).join(", ")}${more}.`] : []),
  ].join(" ");
}
