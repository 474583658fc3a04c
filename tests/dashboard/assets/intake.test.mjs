import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeDocument, FakeElement, load, settled } from "./page.mjs";

let added;
let document;
let lesions;
let names; // of the images that are on the page
let note;
let zone;

beforeEach(() => {
  added = [];
  names = [];
  zone = new FakeElement("div", { dataset: { maxBytes: "1048576", maxShown: "1 MB" } });
  note = new FakeElement("p");
  document = new FakeDocument({
    zone,
    "zone-note": note,
    picker: new FakeElement("span"),
    "folder-choice": new FakeElement("span"),
    announcer: new FakeElement("div"),
  });
  const window = {};
  const page = { window, document, Element: FakeElement };
  load(page, "shell/dom.js", "assess/dropped.js");
  ({ lesions } = window);
  lesions.cards = { add: (...call) => added.push(call), names: () => names };
  load(page, "assess/intake.js");
});

const file = (name) => ({ name });
const item = (entry, one = null) => ({ kind: "file", webkitGetAsEntry: () => entry, getAsFile: () => one });
const dropOf = (...items) => ({ types: ["Files"], items, files: [] });
const entryOf = (name) => ({ name, isFile: true, isDirectory: false });

async function drop(dataTransfer, target) {
  const prevented = document.dispatch("drop", { dataTransfer, ...(target && { target }) });
  await settled();
  return prevented;
}

const shown = () => added.flatMap(([entries]) => entries.map(({ name }) => name));

test("files of the field come in with the limits of the zone, and may be chosen again", () => {
  lesions.intake.mount();
  const [field] = document.elements.picker.children;
  assert.equal(field.attributes.type, "file");
  assert.equal(field.attributes.multiple, "");
  const chosen = { id: "file-field", files: [file("a.jpg"), file("b.jpg")], value: "a.jpg" };
  document.dispatch("change", { target: chosen });
  const entries = ["a.jpg", "b.jpg"].map((name) => ({ name, file: file(name) }));
  assert.deepEqual(added, [[entries, null, 1048576, "1 MB"]]);
  assert.equal(chosen.value, "");
});

test("another field's change, and a field without files, bring nothing in", () => {
  document.dispatch("change", { target: { id: "model", files: [file("a.jpg")] } });
  document.dispatch("change", { target: { id: "file-field", files: [] } });
  document.dispatch("change", { target: { id: "file-field", files: null } });
  assert.deepEqual(added, []);
  assert.equal(note.textContent, "");
});

test("the zone opens the file field wherever it is pressed", () => {
  lesions.intake.mount();
  const opened = [];
  const [field] = document.elements.picker.children;
  document.elements["file-field"] = field;
  field.addEventListener("click", () => opened.push("files"));
  document.dispatch("click", { target: new FakeElement("p", { is: ["#zone"] }) });
  document.dispatch("click", { target: new FakeElement("label", { is: ["#zone", "label, input"] }) });
  document.dispatch("click", { target: new FakeElement("p") });
  assert.deepEqual(opened, ["files"]); // a label opens it without script
});

test("a folder is chosen in a field of its own, where the browser has such fields", () => {
  lesions.intake.mount();
  assert.equal(document.elements["folder-choice"].hidden, true);
  let field = null;
  document.createElement = (tag) => {
    field = new FakeElement(tag, { webkitdirectory: false });
    return field;
  };
  lesions.intake.mount();
  assert.equal(document.elements["folder-choice"].hidden, false);
  document.dispatch("click", { target: new FakeElement("button", { is: ["#choose-folder", "#zone"] }) });
  assert.equal(field.attributes.webkitdirectory, "");
  field.files = [{ name: "1.jpg", webkitRelativePath: "A/1.jpg" }];
  field.dispatch("change");
  assert.deepEqual(shown(), ["A/1.jpg"]);
});

test("images go to the model that was chosen last", () => {
  lesions.intake.choose("ensemble");
  document.dispatch("paste", { clipboardData: { files: [file("image.png")] } });
  assert.equal(added[0][1], "ensemble");
});

test("pasted pictures, which all have one name, are numbered", () => {
  names = ["image.png", "image (2).png"];
  document.dispatch("paste", { clipboardData: { files: [file("image.png")] } });
  assert.deepEqual(shown(), ["image (3).png"]);
});

test("a paste of text says what to do, except in a field; one of nothing is nothing", () => {
  document.dispatch("paste", { clipboardData: { files: [], types: [] } });
  document.dispatch("paste", { clipboardData: null });
  const clipboardData = { files: [], types: ["text/plain"] };
  const target = new FakeElement("input", { is: ["input:not([type=file]), textarea"] });
  document.dispatch("paste", { clipboardData, target });
  assert.equal(note.textContent, undefined);
  document.dispatch("paste", { clipboardData });
  assert.match(note.textContent, /^That is text, not a picture/);
  assert.deepEqual(added, []);
});

test("dropped files come in as they were dropped, and what was said before is gone", async () => {
  note.textContent = "The folder empty is empty.";
  const items = ["b.jpg", "a.jpg"].map((name) => item(entryOf(name), file(name)));
  assert.equal(await drop(dropOf(...items)), true);
  assert.deepEqual(shown(), ["b.jpg", "a.jpg"]);
  assert.deepEqual([note.textContent, note.hidden], ["", true]);
});

test("a drop without files says what to do, and is kept from replacing the page", async () => {
  const said = async (...types) => {
    assert.equal(await drop({ types, items: [{ kind: "string" }] }), true);
    assert.equal(note.hidden, false);
    assert.equal(document.elements.announcer.textContent, note.textContent);
    return note.textContent;
  };
  assert.match(await said("text/uri-list", "text/html", "text/plain"), /^That is a part of a web page.*save the picture/);
  assert.match(await said("text/plain"), /^That is text/);
  assert.match(await said(), /^There was no file/);
  assert.match(await said("Files"), /^There was no file/); // of a mail program, say
  assert.deepEqual(added, []);
});

test("text may be dropped into a field, and nothing of the page upon the page", async () => {
  const target = new FakeElement("input", { is: ["input:not([type=file]), textarea"] });
  const text = { types: ["text/plain"], items: [] };
  assert.equal(document.dispatch("dragover", { dataTransfer: text, target }), false);
  assert.equal(await drop(text, target), false);
  document.dispatch("dragstart");
  const own = dropOf(item(null, file("thumbnail.jpg")));
  assert.equal(document.dispatch("dragover", { dataTransfer: own }), true);
  assert.equal(own.dropEffect, "none");
  assert.equal(await drop(own), true);
  assert.deepEqual(added, []);
  document.dispatch("dragend");
  await drop(own);
  assert.deepEqual(shown(), ["thumbnail.jpg"]);
});

test("the zone is marked while something is dragged above the page", async () => {
  const dataTransfer = dropOf();
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
  delete document.elements["zone-note"];
  const dataTransfer = dropOf(item(entryOf("a.jpg"), file("a.jpg")));
  assert.equal(document.dispatch("dragover", { dataTransfer }), true);
  assert.equal(dataTransfer.dropEffect, "none");
  assert.equal(await drop(dataTransfer), true);
  document.dispatch("paste", { clipboardData: { files: [file("a.jpg")] } });
  document.dispatch("paste", { clipboardData: { files: [], types: ["text/plain"] } });
  assert.deepEqual(added, []);
});

test("an example comes in by its name", () => {
  const press = () => {
    const dataset = { example: "pale" };
    const target = new FakeElement("button", { dataset, is: ["[data-example]"] });
    document.dispatch("click", { target });
  };
  press();
  document.dispatch("click", { target: new FakeElement("button") });
  names = ["synthetic-pale.jpg"];
  press();
  assert.deepEqual(
    added.map(([entries]) => entries),
    [
      [{ name: "synthetic-pale.jpg", example: "pale" }],
      [{ name: "synthetic-pale (2).jpg", example: "pale" }],
    ],
  );
});
