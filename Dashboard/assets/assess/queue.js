/* Sends images to the server, a few at a time, and hands each answer on as soon as it is there.
 *
 * A waiting image is a reference to a file on disk; the browser streams it when its turn comes.
 */
(function () {
  "use strict";
  const { lesions } = window;
  const AT_ONCE = 2;
  const PATIENCE_MS = 120000;
  /** @type {Item[]} */
  const waiting = [];
  /** @type {Map<Item, AbortController>} */
  const running = new Map();

  class Refusal extends Error {}

  /** @type {(item: Item, signal: AbortSignal) => Promise<Answer>} */
  async function ask(item, signal) {
    const query = new URLSearchParams({ gate: item.gate ? "1" : "0" });
    if (item.model) {
      query.set("model", item.model);
    }
    if (item.example) {
      query.set("example", item.example);
    }
    const response = await fetch(lesions.url(`results?${query}`), {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: item.file,
      signal,
    });
    if (response.ok) {
      return response.json();
    }
    const answer = await response.json().catch(() => ({}));
    throw new Refusal(answer.error || `The server failed on this image (${response.status}).`);
  }

  /** @type {(error: unknown, item: Item) => Promise<string>} */
  async function explain(error, item) {
    if (error instanceof Refusal) {
      return error.message;
    }
    if (error instanceof Error && error.name === "AbortError") {
      return "The server did not answer in time.";
    }
    try {
      await item.file?.slice(0, 1).arrayBuffer();
    } catch {
      return "The file can no longer be read: it was moved or changed. Choose it again.";
    }
    return "The server cannot be reached. Check the connection.";
  }

  /** @type {(item: Item) => Promise<void>} */
  async function run(item) {
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), PATIENCE_MS);
    running.set(item, control);
    lesions.cards.started(item);
    const wanted = () => running.get(item) === control;
    try {
      const answer = await ask(item, control.signal);
      if (wanted()) {
        lesions.cards.finished(item, answer);
      }
    } catch (error) {
      const sentence = wanted() ? await explain(error, item) : "";
      if (wanted()) {
        lesions.cards.failed(item, sentence);
      }
    }
    clearTimeout(timer);
    if (wanted()) {
      running.delete(item);
      pump();
    }
  }

  function pump() {
    for (const item of waiting.splice(0, AT_ONCE - running.size)) {
      run(item);
    }
    lesions.cards.progressed();
  }

  lesions.queue = {
    add(items) {
      waiting.push(...items);
      pump();
    },
    /* How many are not answered yet. */
    left() {
      return waiting.length + running.size;
    },
    /* Forget images, whether they wait or are on their way. */
    drop(items) {
      for (const item of items) {
        const place = waiting.indexOf(item);
        if (place >= 0) {
          waiting.splice(place, 1);
        }
        running.get(item)?.abort();
        running.delete(item);
      }
      pump();
    },
    /* Send none of those that still wait, and return them; answers under way still count. */
    stop() {
      return waiting.splice(0);
    },
  };
})();
