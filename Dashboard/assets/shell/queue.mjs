/* What waits to be assessed, and lies in this browser's own database until its answer is there. */
import { url } from "./address.mjs";

/**
 * @typedef {{ upload: string, batch: string, place: number, name: string, file?: File,
 *   model: string | null, added: number, alone?: boolean, error?: string }} Waiting
 * @typedef {{ all(): Promise<Waiting[]>, put(one: Waiting): Promise<unknown>,
 *   drop(upload: string): Promise<unknown>, clear(): Promise<unknown> }} Storage
 * @typedef {{ answer?: any, error?: string, again?: string, pause?: string }} Outcome an answer, why
 *   there is none, why to try again in a while, or why to wait for somebody
 */

const AT_ONCE = 2; // of which one is on its way: a slow line has its first answer soon
const PATIENCE_MS = 120000; // without one byte moving
const [SOON_MS, LATE_MS, HOUR_MS] = [2000, 30000, 3600000];
const UNREACHABLE = "The server cannot be reached; this page tries again by itself.";
const NOT_OURS =
  "What answered was not this dashboard, but a proxy or a login page before it: load the page " +
  "again in another window, then go on here.";

/** @returns {Storage} */
export function inMemory() {
  /** @type {Map<string, Waiting>} */
  const held = new Map();
  return {
    all: async () => [...held.values()],
    put: async (one) => held.set(one.upload, one),
    drop: async (upload) => held.delete(upload),
    clear: async () => held.clear(),
  };
}

/** @returns {Promise<Storage>} */
export async function inBrowser() {
  /** @type {(request: IDBRequest) => Promise<any>} */
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const opening = indexedDB.open("lesions", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("waiting", { keyPath: "upload" });
  const database = await done(opening);
  /** @type {(mode: IDBTransactionMode) => IDBObjectStore} */
  const store = (mode) => database.transaction("waiting", mode).objectStore("waiting");
  return {
    all: () => done(store("readonly").getAll()),
    put: (one) => done(store("readwrite").put(one)),
    drop: (upload) => done(store("readwrite").delete(upload)),
    clear: () => done(store("readwrite").clear()),
  };
}

/** XMLHttpRequest, as fetch does not tell when all is sent.
 *
 * @param {Waiting} one
 * @param {() => void} sent
 * @returns {Promise<Outcome>} */
export function send(one, sent) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), PATIENCE_MS);
    };
    request.upload.onprogress = wait;
    request.upload.onload = sent;
    request.onprogress = wait;
    request.onloadend = () => {
      clearTimeout(timer);
      resolve(outcome(request.status, request.responseText));
    };
    const form = new FormData();
    form.set("image", /** @type {File} */ (one.file), "picture");
    form.set("file", one.name);
    form.set("batch", one.batch);
    form.set("upload", one.upload);
    if (one.model) {
      form.set("model", one.model);
    }
    wait();
    request.open("POST", url("assessments"));
    request.send(form);
  });
}

/** @type {(status: number, text: string) => Outcome} */
export function outcome(status, text) {
  let answer = null;
  try {
    answer = JSON.parse(text);
  } catch {
    // A proxy, or a login page of one, does not speak JSON.
  }
  if (answer?.id || answer?.entries) {
    return { answer };
  }
  if (status === 507 || (status >= 200 && status < 400)) {
    return { pause: answer?.error ? `${answer.error}.` : NOT_OURS };
  }
  if (status === 0 || status === 502 || status === 503 || status === 504) {
    return { again: answer?.error ? `${answer.error}.` : UNREACHABLE };
  }
  return { error: answer?.error || `The server failed on this picture (${status}).` };
}

/** @type {(batch: string, go: (lock: unknown) => Promise<void>) => unknown} Says to other windows
 * that this one is at a batch, for as long as it is there; `go` is told whether no other one is. */
const hold = (batch, go) =>
  globalThis.navigator?.locks
    ? navigator.locks.request(`lesions-${batch}`, { ifAvailable: true }, go)
    : go({});

const random = () =>
  [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16)).join("");

/**
 * @param {{ storage: Promise<Storage>, send: typeof send, changed(): void,
 *   answered(one: Waiting, answer: any): void }} by what is done where `state` changed, and with answers
 */
export function makeQueue({ storage, send: ask, answered, changed }) {
  /** @type {Waiting[]} */
  const waiting = [];
  const state = { total: 0, done: 0, paused: false, note: "", failed: /** @type {Waiting[]} */ ([]) };
  let [running, sending, delay, round] = [0, false, SOON_MS, 0];
  /** @type {(task: (storage: Storage) => Promise<unknown>) => Promise<unknown>} Where the browser
   * keeps nothing, pictures are sent all the same; only a reload loses them. */
  const stored = (task) => storage.then(task).catch(() => {});

  /** @type {(one: Waiting, found: Outcome) => void} */
  function settle(one, { answer, error }) {
    state.done += 1;
    [state.note, delay] = ["", SOON_MS];
    stored((held) => held.drop(one.upload)); // a file that is none must not lie here for ever
    if (error) {
      state.failed.push({ ...one, error });
    } else {
      const failed = (answer.entries ?? []).filter((/** @type {any} */ entry) => !entry.id);
      state.failed.push(...failed.map((/** @type {any} */ { file, error: why }) => ({ ...one, file: undefined, name: file, error: why })));
      answered(one, answer);
    }
  }

  /** @type {(one: Waiting) => Promise<void>} */
  async function run(one) {
    const mine = round;
    running += 1;
    sending = true;
    const found = await ask(one, () => {
      sending = false;
      pump();
    });
    if (mine !== round) {
      return; // everything was deleted meanwhile
    }
    sending = false;
    running -= 1;
    if (found.answer || found.error) {
      settle(one, found);
    } else {
      waiting.unshift(one);
      state.note = found.pause ?? found.again ?? "";
      state.paused ||= Boolean(found.pause);
      if (found.again) {
        sending = true; // nothing else is tried meanwhile
        changed();
        await new Promise((resolve) => setTimeout(resolve, delay));
        sending = false;
        delay = Math.min(2 * delay, LATE_MS);
      }
    }
    pump();
  }

  function pump() {
    while (waiting.length && running < AT_ONCE && !sending && !state.paused) {
      run(/** @type {Waiting} */ (waiting.shift()));
    }
    changed();
  }

  /** @type {(ones: Waiting[]) => void} */
  function begin(ones) {
    if (!waiting.length && !running) {
      Object.assign(state, { total: 0, done: 0, note: "" });
    }
    state.total += ones.length;
  }

  return {
    state,
    left: () => waiting.length + running,
    newBatch() {
      const batch = random();
      hold(batch, () => new Promise(() => {}));
      return batch;
    },
    /** @type {(batch: string, place: number) => { batch: string, upload: string, place: number }} */
    named: (batch, place) => ({ batch, place, upload: `${batch}-${place}` }),
    /** @param {Waiting[]} ones */
    async add(ones) {
      begin(ones);
      for (const one of ones) {
        if (one.error) {
          settle(one, { error: one.error });
        } else {
          await stored((held) => held.put(one));
          waiting.push(one);
        }
        pump();
      }
    },
    /** What waited when a page was left; a window that is at it keeps its own.
     * @param {number} hours what is older goes */
    async resume(hours) {
      const ones = (await storage.then((held) => held.all()).catch(() => [])) ?? [];
      for (const batch of new Set(ones.map((one) => one.batch))) {
        hold(batch, async (lock) => {
          const mine = lock ? ones.filter((one) => one.batch === batch) : [];
          const good = mine.filter(({ added }) => Date.now() - added < hours * HOUR_MS);
          mine.filter((one) => !good.includes(one)).map(({ upload }) => stored((held) => held.drop(upload)));
          begin(good);
          waiting.push(...good.sort((a, b) => a.place - b.place));
          pump();
          await new Promise(() => {});
        });
      }
    },
    /** @param {boolean} paused */
    pause(paused) {
      Object.assign(state, { paused, note: "" });
      pump();
    },
    /** Sends once more what failed. */
    retry() {
      const again = state.failed.filter(({ file }) => file);
      state.failed = [];
      this.add(again.map((one) => ({ ...one, error: undefined })));
    },
    /** Sends nothing of what waits; of what is on its way the answer counts.
     * @param {boolean} [everything] that neither, as all is deleted */
    discard(everything = false) {
      const gone = waiting.splice(0);
      state.total -= gone.length;
      state.paused = false;
      gone.map(({ upload }) => stored((held) => held.drop(upload)));
      if (everything) {
        [round, running, sending] = [round + 1, 0, false];
        Object.assign(state, { total: 0, done: 0, note: "", failed: [] });
        stored((held) => held.clear());
      }
      pump();
    },
  };
}
