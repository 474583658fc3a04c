/* Sends images to the server and hands each answer on as soon as it is there.
 *
 * One is sent at a time, so that a slow line has its first answer soon, while those before it are
 * assessed. A waiting image is a reference to a file on disk; the browser streams it when its turn comes.
 */
(function () {
  "use strict";
  const { lesions } = window;
  const AT_ONCE = 2;
  const PATIENCE_MS = 120000; // without one byte moving; a slow line may take as long as it needs
  const STOOD_STILL = "The upload stood still for two minutes. Check the connection and try again.";
  const NO_ANSWER = "The server did not answer in time.";
  const UNREACHABLE = "The server cannot be reached. Check the connection.";
  const NOT_OURS =
    "What answered was not this dashboard, but a proxy or a login page before it: load the page " +
    "again in another window, then try again here.";
  const GONE = "The file can no longer be read: it was moved or changed. Choose it again.";
  /** @type {Item[]} */
  const waiting = [];
  /** @type {Map<Item, XMLHttpRequest>} */
  const running = new Map();
  /** @type {Set<XMLHttpRequest>} */
  const sending = new Set();

  class Refusal extends Error {}

  /** @type {(item: Item) => string} */
  function address(item) {
    const query = new URLSearchParams({ gate: item.gate ? "1" : "0" });
    if (item.model) {
      query.set("model", item.model);
    }
    if (item.example) {
      query.set("example", item.example);
    }
    return lesions.url(`results?${query}`);
  }

  /** @type {(request: XMLHttpRequest) => Answer} */
  function read({ status, responseText }) {
    const fine = status >= 200 && status < 300;
    let answer = null;
    try {
      answer = JSON.parse(responseText);
    } catch {
      // A proxy, or a login page of one, does not speak JSON.
    }
    if (fine && answer?.row) {
      return answer;
    }
    throw new Refusal(fine ? NOT_OURS : answer?.error || `The server failed on this image (${status}).`);
  }

  /* XMLHttpRequest, as fetch does not tell how much is sent. */
  /** @type {(item: Item, request: XMLHttpRequest) => Promise<Answer>} */
  function ask(item, request) {
    return new Promise((resolve, reject) => {
      let timer = 0;
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          reject(new Refusal(sending.has(request) ? STOOD_STILL : NO_ANSWER));
          request.abort();
        }, PATIENCE_MS);
      };
      request.upload.onprogress = ({ loaded, total }) => {
        wait();
        lesions.cards.uploaded(item, total ? loaded / total : 1);
      };
      request.upload.onload = () => {
        wait();
        lesions.cards.uploaded(item, 1);
        sending.delete(request);
        pump();
      };
      request.onprogress = wait;
      request.onload = () => resolve(request);
      request.onerror = () => reject(new Error(UNREACHABLE));
      request.onabort = () => reject(new Error(UNREACHABLE));
      request.onloadend = () => clearTimeout(timer);
      wait();
      request.open("POST", address(item));
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.send(item.file);
    }).then(read);
  }

  /** @type {(error: unknown, item: Item) => Promise<string>} */
  async function explain(error, item) {
    if (error instanceof Refusal) {
      return error.message;
    }
    try {
      await item.file?.slice(0, 1).arrayBuffer();
    } catch {
      return GONE;
    }
    return UNREACHABLE;
  }

  /** @type {(item: Item) => Promise<void>} */
  async function run(item) {
    const request = new XMLHttpRequest();
    waiting.splice(waiting.indexOf(item), 1);
    running.set(item, request);
    if (item.file) {
      sending.add(request);
    }
    const wanted = () => running.get(item) === request;
    lesions.cards.started(item);
    /** @type {Answer | null} */
    let answer = null;
    let sentence = "";
    try {
      answer = await ask(item, request);
    } catch (error) {
      sentence = wanted() ? await explain(error, item) : "";
    }
    sending.delete(request);
    if (!wanted()) {
      return;
    }
    running.delete(item);
    try {
      if (answer) {
        lesions.cards.finished(item, answer);
      } else {
        lesions.cards.failed(item, sentence);
      }
    } catch (error) {
      reportError(error); // no fault of the server's, and no reason to keep the others waiting
    }
    pump();
  }

  function pump() {
    while (waiting.length && running.size < AT_ONCE && !sending.size) {
      run(waiting[0]);
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
        const request = running.get(item);
        running.delete(item);
        if (request) {
          sending.delete(request);
          request.abort();
        }
      }
      pump();
    },
    /* Send none of those that still wait, and return them; answers under way still count. */
    stop() {
      return waiting.splice(0);
    },
  };
})();
