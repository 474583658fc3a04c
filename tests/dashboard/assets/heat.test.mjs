import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeDocument, FakeElement, load } from "./page.mjs";

class FakeSheet {
  cssRules = [{ style: {} }];

  replaceSync(text) {
    this.text = text;
  }
}

/* A canvas that keeps what was put into it. */
class Canvas extends FakeElement {
  constructor(width, height, dataset = {}) {
    super("canvas", { width, height, dataset });
  }

  getContext() {
    const createImageData = (width, height) => ({
      width,
      height,
      data: new Uint8ClampedArray(4 * width * height),
    });
    const putImageData = (image) => {
      this.image = image;
    };
    return { createImageData, putImageData };
  }

  /* The reds: for a table of `COLOURS`, the values from -127 to 127 as 0 to 254. */
  get reds() {
    return [...this.image.data].filter((_, place) => place % 4 === 0);
  }
}

const packed = (...values) => Buffer.from(Int8Array.from(values).buffer).toString("base64");
const map = (width, height, limit, ...values) => ({
  width,
  height,
  limit,
  values: Int8Array.from(values),
});
// Red is the place in the table, blue the other way round.
const COLOURS = Uint8Array.from({ length: 4 * 255 }, (_, i) => {
  const place = Math.floor(i / 4);
  return [place, 0, 254 - place, 200][i % 4];
});

let document;
let heat;
let tools;

beforeEach(() => {
  const window = {};
  const colours = Buffer.from(COLOURS).toString("base64");
  tools = new FakeElement("div", { dataset: { colours } });
  tools.found = {
    ".heat-opacity": new FakeElement("div"),
    ".heat-scale": new Canvas(3, 1),
  };
  document = new FakeDocument({ "heat-tools": tools });
  document.found["#heat-tools [data-action=heat]"] = new FakeElement("button");
  const page = { window, document, CSSStyleSheet: FakeSheet };
  load(page, "shell/dom.js", "explain/heat.js");
  ({ heat } = window.lesions);
});

test("a map is unpacked into signed values", () => {
  const sent = { width: 2, height: 2, limit: 0.5, values: packed(127, 0, -127, 64) };
  assert.deepEqual(heat.unpack(sent), map(2, 2, 0.5, 127, 0, -127, 64));
});

test("what is no map is refused", () => {
  assert.throws(() => heat.unpack({ width: 1, height: 1, limit: 1, values: "%" }));
  assert.throws(() => heat.mapOf(new Canvas(1, 1, { map: "{" })), SyntaxError);
  assert.throws(() => heat.mapOf(new Canvas(1, 1)), SyntaxError);
});

test("the largest magnitude of one of several maps, in the map's own unit", () => {
  const two = map(2, 1, 2, 10, -127, 0, 0);
  assert.equal(heat.largest(two, 0), 2);
  assert.equal(heat.largest(two, 1), 0);
  assert.equal(heat.largest(map(2, 1, 1, 10, -63, 0, 0), 0), 63 / 127);
});

test("value for pixel: negative, none, positive", () => {
  const canvas = new Canvas(3, 1);
  heat.draw(canvas, map(3, 1, 1, -127, 0, 127), 0, 1, COLOURS);
  const colours = [0, 0, 254, 200, 127, 0, 127, 200, 254, 0, 0, 200];
  assert.deepEqual([...canvas.image.data], colours);
});

test("between the values of the map colours change evenly, beyond the outer ones not", () => {
  // Two cells over four pixels, whose centres lie at -0.25, 0.25, 0.75 and 1.25 cells.
  const wide = new Canvas(4, 1);
  heat.draw(wide, map(2, 1, 1, 0, 127), 0, 1, COLOURS);
  assert.deepEqual(wide.reds, [127, 127 + 32, 127 + 95, 254]);
  const high = new Canvas(1, 4);
  heat.draw(high, map(1, 2, 1, 0, 127), 0, 1, COLOURS);
  assert.deepEqual(high.reds, wide.reds);
});

test("the scale says which value has the strongest colour", () => {
  const canvas = new Canvas(2, 1);
  const one = map(2, 1, 1, 127, -64);
  heat.draw(canvas, one, 0, 2, COLOURS);
  assert.deepEqual(canvas.reds, [127 + 64, 127 - 32]);
  heat.draw(canvas, one, 0, 0.5, COLOURS); // larger values are cut
  assert.deepEqual(canvas.reds, [254, 0]);
  heat.draw(canvas, one, 0, 0, COLOURS); // all maps are empty
  assert.deepEqual(canvas.reds, [127, 127]);
});

test("one of several maps is drawn; one that is not there leaves the picture free", () => {
  const canvas = new Canvas(2, 1);
  const two = map(2, 1, 1, 127, 127, -127, -127);
  heat.draw(canvas, two, 1, 1, COLOURS);
  assert.deepEqual(canvas.reds, [0, 0]);
  for (const index of [-1, 2]) {
    heat.draw(canvas, two, index, 1, COLOURS);
    assert.deepEqual([...canvas.image.data], [0, 0, 0, 0, 0, 0, 0, 0]);
  }
});

test("nothing is drawn before the page has told the colours", () => {
  const canvas = new Canvas(1, 1);
  heat.draw(canvas, map(1, 1, 1, 127), 0, 1);
  assert.equal(canvas.image, undefined);
  heat.mount();
  heat.draw(canvas, map(1, 1, 1, 127), 0, 1);
  assert.deepEqual(canvas.reds, [254]);
});

test("every canvas of the server is drawn on a scale of its own, and unpacked once", () => {
  heat.mount();
  const sent = (...values) =>
    JSON.stringify({ width: 1, height: 1, limit: 1, values: packed(...values) });
  const canvases = [
    new Canvas(1, 1, { map: sent(5, 1), shown: "0" }),
    new Canvas(1, 1, { map: sent(100, -1), shown: "1" }),
  ];
  heat.drawAll(new FakeElement("article", { found: { "canvas[data-map]": canvases } }));
  assert.deepEqual(
    canvases.map(({ reds }) => reds),
    [[254], [0]],
  );
  assert.equal(heat.mapOf(canvases[0]), heat.mapOf(canvases[0]));
  assert.notEqual(heat.mapOf(canvases[0]), heat.mapOf(canvases[1]));
});

test("the legend runs from the least value to the largest", () => {
  const canvas = new Canvas(3, 1);
  heat.legend(canvas, COLOURS, -127);
  assert.deepEqual(canvas.reds, [0, 127, 254]);
  heat.legend(canvas, COLOURS, 0);
  assert.deepEqual(canvas.reds, [127, 127 + 64, 254]);
});

test("switch and opacity act on one rule of style for all maps", () => {
  const [sheet] = document.adoptedStyleSheets;
  const button = document.found["#heat-tools [data-action=heat]"];
  assert.equal(sheet.text, ".heat { opacity: 0.6 }");
  heat.mount();
  const { style } = sheet.cssRules[0];
  assert.deepEqual(style, { opacity: "0.6", visibility: "" });
  assert.deepEqual(tools.found[".heat-scale"].reds, [0, 127, 254]);
  heat.toggle();
  assert.equal(style.visibility, "hidden");
  assert.equal(button.attributes["aria-pressed"], "false");
  const [, slider] = tools.found[".heat-opacity"].children;
  slider.value = "25";
  slider.dispatch("input"); // somebody who moves it wants to see the maps
  assert.deepEqual(style, { opacity: "0.25", visibility: "" });
  assert.equal(button.attributes["aria-pressed"], "true");
});

test("a page without the tools cannot be mounted, and says what it lacks", () => {
  delete document.elements["heat-tools"];
  assert.throws(() => heat.mount(), { message: "The page has no element #heat-tools." });
});
