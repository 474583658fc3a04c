import assert from "node:assert/strict";
import { test } from "node:test";

import * as dropped from "../../../Dashboard/assets/shell/dropped.mjs";

const SYSTEM = ["__macosx"];
const file = (name, webkitRelativePath = "") => ({ name, webkitRelativePath });
const refuse = (_, reject) => reject(new Error("NotReadableError"));
const entryOf = (name, read = (resolve) => resolve(file(name))) => ({
  name,
  isFile: true,
  isDirectory: false,
  file: read,
});

/* A folder whose reader hands out `parts`, one after the other; null is one that it cannot read. */
const folderOf = (name, ...parts) => ({
  name,
  isFile: false,
  isDirectory: true,
  createReader() {
    const left = [...parts];
    return {
      readEntries(resolve, reject) {
        const part = left.length ? left.shift() : [];
        return part ? resolve(part) : refuse(resolve, reject);
      },
    };
  },
});

const read = (...entries) => {
  const items = entries.map((entry) => ({
    kind: "file",
    webkitGetAsEntry: () => entry,
    getAsFile: () => entry && file(entry.name), // of a folder too, as browsers do
  }));
  return dropped.read({ items }, SYSTEM);
};

const paths = (found) => dropped.name(found, new Set()).map(({ name }) => name);

test("a folder is read to its end, in the order of names, with paths and without clutter", async () => {
  const inner = folderOf("2 later", [entryOf("z.png")]);
  const hidden = folderOf(".trash", [entryOf("old.jpg")]);
  const outer = folderOf(
    "lesions",
    [entryOf("img10.jpg"), entryOf(".DS_Store"), entryOf("Thumbs.db"), hidden],
    [inner, entryOf("img2.jpg"), folderOf("__MACOSX", [entryOf("._a.jpg")]), entryOf("Thumbs.db.jpg")],
  );
  const found = await read(outer, entryOf(".alone.jpg"));
  assert.deepEqual(paths(found), [
    "lesions/2 later/z.png",
    "lesions/img2.jpg",
    "lesions/img10.jpg",
    "lesions/Thumbs.db.jpg",
    ".alone.jpg", // was dropped by itself, so it is wanted
  ]);
  assert.equal(
    dropped.remarks(found),
    "Left out, as hidden or of the system: " +
      "lesions/__MACOSX, lesions/.DS_Store, lesions/.trash and 1 more.",
  );
});

test("what cannot be read is named, and costs nothing else", async () => {
  const locked = folderOf("locked", null);
  const half = folderOf("half", [entryOf("1.jpg")], null);
  const bad = entryOf("bad.jpg", refuse);
  const found = await read(folderOf("day", [locked, bad, half, entryOf("good.jpg")]), locked);
  const named = dropped.name(found, new Set());
  assert.deepEqual(
    named.map(({ name, file: there, error }) => [name, there ? "read" : error.split(":")[0]]),
    [
      ["day/bad.jpg", "The file could not be read"],
      ["day/good.jpg", "read"],
      ["day/half", "The folder could not be read"],
      ["day/half/1.jpg", "read"],
      ["day/locked", "The folder could not be read"],
      ["locked", "The folder could not be read"],
    ],
  );
  assert.equal(dropped.remarks(found), "");
});

test("an empty folder, and what is neither file nor folder, are said", async () => {
  assert.equal(dropped.remarks(await read(folderOf("empty"))), "The folder empty is empty.");
  assert.match(dropped.remarks(await read(null)), /^There was no file/);
});

test("a browser without entries hands out the files", async () => {
  const found = await dropped.read({ items: [{ kind: "file", getAsFile: () => file("a.jpg") }, { kind: "string" }] }, SYSTEM);
  assert.deepEqual(paths(found), ["a.jpg"]);
});

test("a chosen folder keeps its paths, files alone have none", () => {
  const found = dropped.sort([
    file("10.jpg", "day/A/10.jpg"),
    file("2.jpg", "day/A/2.jpg"),
    file("1.jpg", "day/.trash/1.jpg"),
    file("alone.jpg"),
  ], SYSTEM);
  assert.deepEqual(paths(found), ["day/A/2.jpg", "day/A/10.jpg", "alone.jpg"]);
  assert.equal(dropped.remarks(found), "Left out, as hidden or of the system: day/.trash/1.jpg.");
});

test("no two images have one name: folders are numbered as folders, files before their ending", async () => {
  const a = () => folderOf("A.1", [entryOf("IMG_1.jpg")]);
  const found = await read(a(), a(), entryOf("x.y.png"), entryOf("x.y.png"), entryOf("noending"));
  const used = new Set(["A.1", "noending", "x.y (2).png"]);
  assert.deepEqual(
    dropped.name(found, used).map(({ name }) => name),
    ["A.1 (2)/IMG_1.jpg", "A.1 (3)/IMG_1.jpg", "x.y.png", "x.y (3).png", "noending (2)"],
  );
});

test("a name is shown as it is written: no line breaks, no turned letters, none that is empty", async () => {
  const found = await read(folderOf("a", [entryOf(""), entryOf("b\n.jpg"), entryOf("\u202egpj.exe")]));
  assert.deepEqual(paths(found), ["a/unreadable name 1", "a/b\\u000a.jpg", "a/\\u202egpj.exe"]);
});

test("what is no file is answered with what to do", () => {
  assert.match(dropped.remarks([], ["text/html", "text/plain"]), /^That is a part of a web page/);
  assert.match(dropped.remarks([], ["text/plain"]), /^That is text/);
  assert.match(dropped.remarks([], []), /^There was no file/);
});
