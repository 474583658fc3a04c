/* Script for what Dash draws: it comes and goes without a page being loaded. */

/** An element with properties and what is in it.
 * @type {(tag: string, more: object, ...children: (Node | string)[]) => HTMLElement} */
export function make(tag, more, ...children) {
  const node = document.createElement(tag);
  node.append(...children);
  return Object.assign(node, more);
}

/** An address on this server. Behind a proxy it begins with a path of the proxy's, which Dash names.
 * @type {(path: string) => string} */
export const url = (path) =>
  JSON.parse(document.getElementById("_dash-config")?.textContent || "{}").requests_pathname_prefix + path;

/** @typedef {(element: HTMLElement, signal: AbortSignal) => void} Start */
/** @type {{ selector: string, start: Start, running: Map<Element, AbortController> }[]} */
const mounted = [];

/** Calls `start` once for every element that matches, those that are there and those that come, with
 * a signal of its leaving. Nothing happens outside a browser, so that a module can be tested.
 * @type {(selector: string, start: Start) => void} */
export function mount(selector, start) {
  if (typeof document === "undefined") {
    return;
  }
  if (!mounted.length) {
    new MutationObserver(update).observe(document.body, { childList: true, subtree: true });
  }
  mounted.push({ selector, start, running: new Map() });
  update();
}

mount("#react-entry-point h1", () => document.querySelector(".first-paint")?.remove()); // Dash is there

/* Once for all changes of a moment. */
function update() {
  for (const { selector, start, running } of mounted) {
    for (const [element, leaving] of running) {
      if (!element.isConnected) {
        running.delete(element);
        leaving.abort();
      }
    }
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))) {
      if (!running.has(element)) {
        const leaving = new AbortController();
        running.set(element, leaving); // before: what `start` adds to the page must not start it again
        start(element, leaving.signal);
      }
    }
  }
}
