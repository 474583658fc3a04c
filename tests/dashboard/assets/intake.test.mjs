import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeDocument, FakeElement, load, settled } from "./page.mjs";

let added;
let document;
let lesions;
let zone;

beforeEach(() => {
  added = [];
  zone = new FakeElement("label", { dataset: { maxBytes: "1048576", maxShown: "1 MB" } });
  document = new FakeDocument({ zone, picker: new FakeElement("span") });
  const window = {};
  load({ window, document }, "shell/dom.js");
  ({ lesions } = window);
  lesions.cards = { add: (...call) => added.push(call) };
  load({ window, document }, "assess/intake.js");
});

const file = (name) => ({ name });
const entryOf = (name) => ({
  name,
  isFile: true,
  isDirectory: false,
  file: (resolve) => resolve(file(name)),
});

/* A folder whose reader hands out `parts`, one after the other. */
const folderOf = (name, ...parts) => ({
  name,
  isFile: false,
  isDirectory: true,
  createReader() {
    const left = [...parts];
    return { readEntries: (resolve) => resolve(left.shift() || []) };
  },
});

const dropOf = (entries, files = []) => ({
  types: ["Files"],
  items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })),
  files,
});

async function drop(dataTransfer) {
  const prevented = document.dispatch("drop", { dataTransfer });
  await settled();
  return prevented;
}

const names = () => added.flatMap(([entries]) => entries.map(({ name }) => name));

test("files of the field come in with the limits of the zone, and may be chosen again", () => {
  lesions.intake.mount();
  const [field] = document.elements.picker.children;
  assert.equal(field.attributes.type, "file");
  assert.equal(field.attributes.multiple, "");
  const chosen = { id: "file-field", files: [file("a.jpg"), file("b.jpg")], value: "a.jpg" };
  document.dispatch("change", { target: chosen });
  assert.deepEqual(added, [
    [
      [
        { name: "a.jpg", file: file("a.jpg") },
        { name: "b.jpg", file: file("b.jpg") },
      ],
      null,
      1048576,
      "1 MB",
    ],
  ]);
  assert.equal(chosen.value, "");
});

test("another field's change, and a field without files, bring nothing in", () => {
  document.dispatch("change", { target: { id: "model", files: [file("a.jpg")] } });
  document.dispatch("change", { target: { id: "file-field", files: [] } });
  document.dispatch("change", { target: { id: "file-field", files: null } });
  assert.deepEqual(added, []);
});

test("images go to the model that was chosen last", () => {
  lesions.intake.choose("ensemble");
  document.dispatch("paste", { clipboardData: { files: [file("pasted.png")] } });
  assert.equal(added[0][1], "ensemble");
});

test("a paste of text brings nothing in", () => {
  document.dispatch("paste", { clipboardData: { files: [] } });
  document.dispatch("paste", { clipboardData: null });
  assert.deepEqual(added, []);
});

test("dropped files come in as they were dropped", async () => {
  const files = [file("b.jpg"), file("a.jpg")];
  assert.equal(await drop(dropOf(files.map(({ name }) => entryOf(name)), files)), true);
  assert.deepEqual(names(), ["b.jpg", "a.jpg"]);
});

test("a browser that knows no entries hands out the files", async () => {
  await drop({ types: ["Files"], items: [{}], files: [file("a.jpg")] });
  assert.deepEqual(names(), ["a.jpg"]);
});

test("a folder is read to its end, in the order of names and without clutter", async () => {
  const inner = folderOf("2 later", [entryOf("z.png")]);
  const outer = folderOf(
    "lesions",
    [entryOf("img10.jpg"), entryOf(".DS_Store"), entryOf("Thumbs.db")],
    [inner, entryOf("img2.jpg"), entryOf("desktop.ini"), entryOf("Thumbs.db.jpg")],
  );
  await drop(dropOf([outer, entryOf("alone.jpg"), null]));
  assert.deepEqual(names(), ["z.png", "img2.jpg", "img10.jpg", "Thumbs.db.jpg", "alone.jpg"]);
  assert.equal(added.length, 1);
});

test("an empty folder brings nothing in", async () => {
  await drop(dropOf([folderOf("empty")]));
  assert.deepEqual(added, []);
});

test("what is dragged besides files is left to the browser", async () => {
  for (const dataTransfer of [{ types: ["text/plain"], items: [], files: [] }, null]) {
    assert.equal(document.dispatch("dragover", { dataTransfer }), false);
    assert.equal(await drop(dataTransfer), false);
  }
  assert.deepEqual(added, []);
  assert.deepEqual([...zone.classes], []);
});

test("the zone is marked while files are above the page", async () => {
  const dataTransfer = dropOf([]);
  assert.equal(document.dispatch("dragover", { dataTransfer }), true);
  assert.equal(dataTransfer.dropEffect, "copy");
  assert.deepEqual([...zone.classes], ["is-dragging"]);
  document.dispatch("dragleave", { relatedTarget: zone }); // to another element of the page
  assert.deepEqual([...zone.classes], ["is-dragging"]);
  document.dispatch("dragleave", { relatedTarget: null });
  assert.deepEqual([...zone.classes], []);
  document.dispatch("dragover", { dataTransfer });
  await drop(dataTransfer);
  assert.deepEqual([...zone.classes], []);
});

test("a page without a zone takes nothing, nor lets a file replace it", async () => {
  delete document.elements.zone;
  const dataTransfer = dropOf([entryOf("a.jpg")], [file("a.jpg")]);
  assert.equal(document.dispatch("dragover", { dataTransfer }), true);
  assert.equal(dataTransfer.dropEffect, "none");
  assert.equal(await drop(dataTransfer), true);
  document.dispatch("paste", { clipboardData: { files: [file("a.jpg")] } });
  assert.deepEqual(added, []);
});

test("an example comes in by its name", () => {
  document.dispatch("click", { target: new FakeElement("button", { dataset: { example: "pale" } }) });
  document.dispatch("click", { target: new FakeElement("button") });
  assert.deepEqual(
    added.map(([entries]) => entries),
    [[{ name: "synthetic-pale.jpg", example: "pale" }]],
  );
});
