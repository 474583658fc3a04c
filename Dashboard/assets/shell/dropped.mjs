/* What a drop, a paste or a file field holds: files by their paths, and what to say of the rest.
 * A name that came before is numbered, so that no two patients stand under one. */

/** @typedef {{ name: string, file?: File, error?: string }} Entry by its path; or why it has no file */
/** @typedef {{ name: string, folder: boolean, entries: Entry[], left: string[] }} Found One thing. */

// As the commands print names: no line breaks, nor what turns the writing ("gpj.exe" reads as "exe.jpg").
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const FAILED = "could not be read: it was moved, or this account may not read it.";
const OF_A_PAGE =
  "That is a part of a web page, not a file: save the picture and drop the file, or copy the picture itself.";
const TEXT = "That is text, not a picture: drop image files or folders, or paste a picture.";
const NOTHING = "There was no file in it that this browser can read: save it in a folder and drop it from there.";

/** @type {(a: { name: string }, b: { name: string }) => number} */
const byName = (a, b) => a.name.localeCompare(b.name, "en", { numeric: true });
/** @type {(letter: string) => string} */
const escaped = (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
/** @type {(name: string, file?: File) => Found} */
const one = (name, file) => ({ name, folder: !file, entries: file ? [{ name, file }] : [], left: [] });
/** @type {(system: string[]) => (name: string) => boolean} */
const hides = (system) => (name) =>
  name.startsWith(".") || ["thumbs.db", "desktop.ini", ...system].includes(name.toLowerCase());

/** Adds all of a folder to `found`, in the order of the names. What fails costs nothing else.
 * @type {(entry: any, path: string, found: Found, isHidden: (name: string) => boolean) => Promise<void>} */
async function walk(entry, path, found, isHidden) {
  /** @type {any[]} */
  const inside = [];
  try {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return void found.entries.push({ name: path, file });
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
    const below = `${path}/${child.name || `unreadable name ${place + 1}`}`; // one that is not in UTF-8
    await (isHidden(child.name) ? found.left.push(below) : walk(child, below, found, isHidden));
  }
}

/** Everything that was dropped. A transfer is empty after the first await: all is asked of it before.
 * @type {(transfer: DataTransfer, system: string[]) => Promise<Found[]>} */
export function read(transfer, system) {
  const reading = [...transfer.items].map(async (item) => {
    const [entry, file] = [item.webkitGetAsEntry?.(), item.getAsFile?.()];
    const found = one(entry?.name || file?.name || "", (!entry?.isDirectory && file) || undefined);
    await (found.folder && entry && walk(entry, found.name, found, hides(system)));
    return item.kind === "file" ? [found] : [];
  });
  return Promise.all(reading).then((parts) => parts.flat());
}

/** Files of a field or of a paste: those of a chosen folder are one thing.
 * @type {(files: Iterable<File>, system: string[]) => Found[]} */
export function sort(files, system) {
  /** @type {Map<unknown, Found>} */
  const things = new Map();
  for (const file of [...files]) {
    const path = file.webkitRelativePath || "";
    const [top, ...rest] = path.split("/");
    const found = things.get(top || file) ?? (top ? one(top) : one(file.name, file));
    things.set(top || file, found);
    rest.some(hides(system)) ? found.left.push(path) : top && found.entries.push({ name: path, file });
  }
  things.forEach(({ entries }) => entries.sort(byName));
  return [...things.values()];
}

/** The entries of all that was found; `taken`, the first parts of all paths so far, grows.
 * @type {(found: Found[], taken: Set<string>) => Entry[]} */
export const name = (found, taken) =>
  found.flatMap((thing) => {
    const [, stem, ending = ""] = (!thing.folder && /^(.+)(\.[^.]*)$/s.exec(thing.name)) || ["", thing.name];
    let top = thing.name;
    for (let number = 2; thing.entries.length && taken.has(top); number += 1) {
      top = `${stem} (${number})${ending}`;
    }
    taken.add(top);
    const shown = (/** @type {string} */ path) => (top + path.slice(thing.name.length)).replace(UNPRINTABLE, escaped);
    return thing.entries.map((entry) => ({ ...entry, name: shown(entry.name) }));
  });

/** What is to be said of what was found: nothing, mostly. Of nothing, by the types of what came.
 * @type {(found: Found[], types?: readonly string[]) => string} */
export function remarks(found, types = []) {
  if (!found.length) {
    const ofPage = types.includes("text/uri-list") || types.includes("text/html");
    return ofPage ? OF_A_PAGE : types.includes("text/plain") ? TEXT : NOTHING;
  }
  const empty = found.filter((thing) => !thing.entries.length && !thing.left.length);
  const left = found.flatMap((thing) => thing.left);
  const more = left.length > 3 ? ` and ${left.length - 3} more` : "";
  const said = empty.map((thing) => (thing.name ? `The folder ${thing.name} is empty.` : NOTHING));
  const leftOut = `Left out, as hidden or of the system: ${left.slice(0, 3).join(", ")}${more}.`;
  return [...said, ...(left.length ? [leftOut] : [])].join(" ");
}
