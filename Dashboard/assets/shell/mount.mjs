/* Script for what Dash draws: it comes and goes without a page being loaded. */

/** @typedef {(element: HTMLElement) => (() => void) | void} Start */

/** @type {{ selector: string, start: Start, running: Map<Element, (() => void) | void> }[]} */
const mounted = [];

/**
 * Calls `start` for every element that matches, those that are there and those that come, once each.
 * What it returns is called when the element leaves. Nothing happens outside a browser, so that a
 * module can be tested for what else it holds.
 *
 * @param {string} selector
 * @param {Start} start
 */
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

/* Once for all changes of a moment. */
function update() {
  for (const { selector, start, running } of mounted) {
    for (const [element, stop] of running) {
      if (!element.isConnected) {
        running.delete(element);
        stop?.();
      }
    }
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(selector))) {
      if (!running.has(element)) {
        running.set(element, undefined); // what `start` adds to the page must not start it again
        running.set(element, start(element));
      }
    }
  }
}
