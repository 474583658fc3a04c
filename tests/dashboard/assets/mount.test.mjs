import assert from "node:assert/strict";
import { test } from "node:test";

/* A page with one list of elements, and the observer that hears of its changes. */
let changed;
let there = [];
const element = () => ({ isConnected: true });
globalThis.MutationObserver = class {
  constructor(heard) {
    changed = heard;
  }

  observe() {}
};
globalThis.document = { body: {}, querySelectorAll: (selector) => (selector === ".thing" ? there : []) };
const { mount } = await import("../../../Dashboard/assets/shell/mount.mjs");

test("each element is started once, and stopped when it leaves", () => {
  const calls = [];
  const [early, late] = [element(), element()];
  there = [early];
  mount(".thing", (one, signal) => {
    calls.push(["start", one]);
    changed(); // what it adds to the page is a change, too
    signal.addEventListener("abort", () => calls.push(["stop", one]));
  });
  there = [early, late];
  changed();
  changed();
  assert.deepEqual(calls, [["start", early], ["start", late]]);
  early.isConnected = false;
  there = [late];
  changed();
  assert.deepEqual(calls.slice(2), [["stop", early]]);
});
