/* A page made of fakes. The scripts are classic ones, which find all they need in globals: here each
 * global is a parameter, so that no test touches those of node. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileFunction } from "node:vm";

/* Runs scripts of `assets/` one after the other in a page, an object of globals. */
export function load(page, ...files) {
  for (const file of files) {
    const path = fileURLToPath(new URL(`../../../Dashboard/assets/${file}`, import.meta.url));
    const script = compileFunction(readFileSync(path, "utf8"), Object.keys(page), { filename: path });
    script(...Object.values(page));
  }
}

class Target {
  listeners = new Map();

  addEventListener(type, listener) {
    this.listeners.set(type, [...(this.listeners.get(type) || []), listener]);
  }

  /* Hands an event to the listeners, which get it with `preventDefault`; whether they called it. */
  dispatch(type, event = {}) {
    let prevented = false;
    const preventDefault = () => {
      prevented = true;
    };
    for (const listener of this.listeners.get(type) || []) {
      listener({ target: this, ...event, preventDefault });
    }
    return prevented;
  }
}

export class FakeElement extends Target {
  attributes = {};
  children = [];
  classes = new Set();
  dataset = {};
  style = {};
  found = {}; // what a selector finds below it

  constructor(tag, properties = {}) {
    super();
    this.tag = tag;
    Object.assign(this, properties);
    this.classList = {
      toggle: (name, on) => (on ? this.classes.add(name) : this.classes.delete(name)),
    };
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }

  append(...nodes) {
    this.children.push(...nodes);
  }

  replaceChildren(...nodes) {
    this.children = nodes;
  }

  querySelector(selector) {
    return this.found[selector] ?? null;
  }

  querySelectorAll(selector) {
    return this.found[selector] ?? [];
  }

  /* Itself where `is` names the selector: these know no ancestors. */
  is = [];

  closest(selector) {
    return this.is.includes(selector) ? this : null;
  }

  click() {
    this.dispatch("click");
  }
}

export class FakeDocument extends Target {
  adoptedStyleSheets = [];
  found = {};

  /* elements: by their ids. */
  constructor(elements = {}) {
    super();
    this.elements = elements;
  }

  createElement = (tag) => new FakeElement(tag);
  createDocumentFragment = () => new FakeElement("#fragment");
  createTextNode = (text) => ({ text });
  getElementById = (id) => this.elements[id] ?? null;
  querySelector = (selector) => this.found[selector] ?? null;
}

/* Resolves once all that waits for settled promises has run. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
