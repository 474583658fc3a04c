import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeDocument, FakeElement, load } from "./page.mjs";

let document;
let lesions;

beforeEach(() => {
  const window = {};
  document = new FakeDocument({ announcer: new FakeElement("div") });
  load({ window, document }, "shell/dom.js");
  ({ lesions } = window);
});

test("a component becomes an element, its text stays text", () => {
  const node = lesions.build({
    type: "P",
    props: { className: "x", style: { width: "5%" }, children: ["<b>", 3, null, { type: "B", props: {} }] },
  });
  assert.equal(node.tag, "p");
  assert.deepEqual(node.attributes, { class: "x" });
  assert.equal(node.style.width, "5%");
  const [fragment] = node.children;
  assert.deepEqual(fragment.children.slice(0, 3), [{ text: "<b>" }, { text: "3" }, { text: "" }]);
  assert.equal(fragment.children[3].tag, "b");
  assert.deepEqual(fragment.children[3].children, []);
});

test("nothing is an empty text, 0 is none", () => {
  assert.deepEqual(lesions.build(null), { text: "" });
  assert.deepEqual(lesions.build(undefined), { text: "" });
  assert.deepEqual(lesions.build({ type: "P", props: { children: 0 } }).children, [{ text: "0" }]);
});

test("attributes that are false, null or undefined are left out", () => {
  const attributes = { a: false, b: null, c: undefined, d: true, e: 0, htmlFor: "x", colSpan: 2 };
  const node = lesions.element("td", attributes, "text");
  assert.deepEqual(node.attributes, { d: "", e: "0", for: "x", colspan: "2" });
  assert.deepEqual(node.children, ["text"]);
  assert.deepEqual(lesions.element("p").attributes, {});
});

test("a path is drawn as its folder and its file", () => {
  const drawn = (name) => lesions.path(name).map(({ attributes, children }) => [attributes.class, ...children]);
  assert.deepEqual(drawn("A/B/1.jpg"), [["path-folder", "A/B/"], ["path-file", "1.jpg"]]);
  assert.deepEqual(drawn("1.jpg"), [["path-file", "1.jpg"]]);
});

test("an icon is hidden from screen readers", () => {
  assert.deepEqual(lesions.icon("heat").attributes, { class: "icon icon-heat", "aria-hidden": "true" });
  assert.equal(lesions.icon("heat", "big").attributes.class, "icon icon-heat big");
});

test("a share is rounded to a tenth, and never to 0 or 100", () => {
  const shown = [0, 0.00049, 0.001, 0.1234, 0.999, 0.99951, 1].map(lesions.percent);
  assert.deepEqual(shown, ["0.0%", "<0.1%", "0.1%", "12.3%", "99.9%", ">99.9%", "100.0%"]);
});

test("an address of the server begins with the path that Dash was given", () => {
  const given = (base) => ({ textContent: JSON.stringify({ requests_pathname_prefix: base }) });
  document.elements["_dash-config"] = given("/");
  assert.equal(lesions.url("results?gate=1"), "/results?gate=1");
  document.elements["_dash-config"] = given("/derma/");
  assert.equal(lesions.url("results?gate=1"), "/derma/results?gate=1");
});

test("an element that must be there is found or named", () => {
  lesions.announce("Done");
  assert.equal(document.elements.announcer.textContent, "Done");
  assert.throws(() => lesions.byId("nope"), { message: "The page has no element #nope." });
});
