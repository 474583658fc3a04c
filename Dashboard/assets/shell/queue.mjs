/* What waits to be assessed, and lies in this browser's own database until its answer is there. */
import { url } from "./mount.mjs";

/** @typedef {{ upload: string, batch: string, place: number, name: string, file?: File, error?: string,
 *   model: string | null, added: number, alone?: boolean }} Waiting */
/** @typedef {{ all(): Promise<Waiting[]>, put(one: Waiting): Promise<unknown>, clear(): Promise<unknown>,
 *   drop(upload: string): Promise<unknown> }} Storage */
/** @typedef {{ answer?: any, error?: string, again?: string, pause?: string }} Outcome an answer, why
 *   there is none, why to try again in a while, or why to wait for somebody */

const AT_ONCE = 2;
const [SOON_MS, LATE_MS, PATIENCE_MS, HOUR_MS] = [2000, 30000, 600000, 3600000];
const UNREACHABLE = "The server cannot be reached; this page tries again by itself.";
const NOT_OURS = "What answered was not this dashboard, but a proxy or a login page: load the page anew, then go on.";

/** @type {() => Promise<Storage>} */
export async function inBrowser() {
  /** @type {(request: IDBRequest) => Promise<any>} */
  const done = (request) =>
    new Promise((resolve, reject) => {
      Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) });
    });
  const opening = indexedDB.open("lesions", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("waiting", { keyPath: "upload" });
  const database = await done(opening);
  const store = () => database.transaction("waiting", "readwrite").objectStore("waiting");
  return {
    all: () => done(store().getAll()),
    put: (one) => done(store().put(one)),
    drop: (upload) => done(store().delete(upload)),
    clear: () => done(store().clear()),
  };
}

/** A proxy, or a login page of one, speaks no JSON; what breaks off is asked for again.
 * @type {(error: Error) => null | Promise<never>} */
const notJson = (error) => (error instanceof SyntaxError ? null : Promise.reject(error));

/** @type {(one: Waiting) => Promise<Outcome>} */
export async function send({ file, name, batch, upload, model }) {
  const body = new FormData();
  body.set("image", /** @type {File} */ (file), "picture");
  Object.entries({ file: name, batch, upload, model: model ?? "" }).forEach(([key, value]) => body.set(key, value));
  try {
    const signal = AbortSignal.timeout?.(PATIENCE_MS);
    const response = await fetch(url("assessments"), { method: "POST", body, signal });
    return outcome(response.status, await response.json().catch(notJson));
  } catch {
    return outcome(0, null);
  }
}

/** @type {(status: number, answer: any) => Outcome} */
export function outcome(status, answer) {
  if (answer?.id || answer?.entries) {
    return { answer };
  } else if (status === 507 || (status >= 200 && status < 400)) {
    return { pause: answer?.error ? `${answer.error}.` : NOT_OURS };
  } else if ([0, 502, 503, 504].includes(status)) {
    return { again: answer?.error ? `${answer.error}.` : UNREACHABLE };
  }
  return { error: answer?.error || `The server failed on this picture (${status}).` };
}

/** Tells other windows that this one is at a batch, while it is there; `go` hears whether no other is.
 * @type {(batch: string, go: (lock: unknown) => unknown) => unknown} */
const hold = (batch, go) =>
  globalThis.navigator?.locks
    ? navigator.locks.request(`lesions-${batch}`, { ifAvailable: true }, (lock) => (go(lock), new Promise(() => {})))
    : go({});

/** @param {{ storage: Promise<Storage>, send: typeof send, changed(): void,
 *   answered(one: Waiting, answer: any): void }} by `changed` whenever what `state` says has changed */
export function makeQueue({ storage, send: ask, answered, changed }) {
  /** @type {Waiting[]} */
  const waiting = [];
  const state = { total: 0, done: 0, paused: false, note: "", failed: /** @type {any[]} */ ([]) };
  let [running, resting, delay, round] = [0, false, SOON_MS, 0];
  /** Where the browser keeps nothing, pictures are sent all the same; only a reload loses them.
   * @type {(task: (storage: Storage) => Promise<unknown>) => Promise<any>} */
  const stored = (task) => storage.then(task).catch(() => {});

  /** @type {(one: Waiting, found: Outcome) => void} */
  function settle(one, { answer, error }) {
    state.done += 1;
    [state.note, delay] = ["", SOON_MS];
    stored((held) => held.drop(one.upload)); // a file that is none must not lie here for ever
    const failed = (answer?.entries ?? []).filter((/** @type {any} */ { id }) => !id);
    const named = (/** @type {any} */ { file: name, error: why }) => ({ name, error: why });
    state.failed.push(...(error ? [{ ...one, error }] : failed.map(named)));
    answer && answered(one, answer);
  }

  /** @type {(one: Waiting) => Promise<void>} */
  async function run(one) {
    const mine = round;
    running += 1;
    const found = await ask(one);
    if (mine !== round) {
      return; // everything was deleted meanwhile
    }
    running -= 1;
    if (found.answer || found.error) {
      settle(one, found);
    } else {
      waiting.unshift(one);
      Object.assign(state, { note: found.pause ?? found.again, paused: state.paused || Boolean(found.pause) });
      resting = Boolean(found.again);
      changed();
      await (found.again && new Promise((resolve) => setTimeout(resolve, delay)));
      [resting, delay] = [false, Math.min(2 * delay, LATE_MS)];
    }
    pump();
  }

  function pump() {
    while (waiting.length && running < AT_ONCE && !resting && !state.paused) {
      run(/** @type {Waiting} */ (waiting.shift()));
    }
    changed();
  }

  /** @type {(ones: Waiting[]) => void} */
  function begin(ones) {
    Object.assign(state, waiting.length || running ? {} : { total: 0, done: 0, note: "" });
    state.total += ones.length;
  }

  return {
    state,
    left: () => waiting.length + running,
    newBatch() {
      const batch = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16)).join("");
      hold(batch, () => {});
      return batch;
    },
    /** @type {(ones: Waiting[]) => Promise<void>} */
    async add(ones) {
      begin(ones);
      for (const one of ones) {
        await (one.error ? settle(one, one) : stored((held) => held.put(one)));
        waiting.push(...(one.error ? [] : [one]));
        pump();
      }
    },
    /** What waited when a page was left; a window that is at it keeps its own, what is too old goes.
     * @type {(hours: number) => Promise<void>} */
    async resume(hours) {
      /** @type {Waiting[]} */
      const ones = (await stored((held) => held.all())) ?? [];
      for (const batch of new Set(ones.map((one) => one.batch))) {
        hold(batch, (lock) => {
          const mine = lock ? ones.filter((one) => one.batch === batch) : [];
          const good = mine.filter(({ added }) => Date.now() - added < hours * HOUR_MS);
          mine.forEach((one) => good.includes(one) || stored((held) => held.drop(one.upload)));
          begin(good);
          waiting.push(...good.sort((a, b) => a.place - b.place));
          pump();
        });
      }
    },
    /** @type {(paused: boolean) => void} */
    pause(paused) {
      Object.assign(state, { paused, note: "" });
      pump();
    },
    retry() {
      const again = state.failed.splice(0).filter(({ file }) => file);
      return this.add(again.map((one) => ({ ...one, error: undefined })));
    },
    /** Sends nothing of what waits. What is on its way still counts, unless everything is deleted.
     * @type {(everything?: boolean) => void} */
    discard(everything = false) {
      const gone = waiting.splice(0);
      Object.assign(state, { total: state.total - gone.length, paused: false });
      gone.forEach(({ upload }) => stored((held) => held.drop(upload)));
      if (everything) {
        [round, running] = [round + 1, 0];
        Object.assign(state, { total: 0, done: 0, note: "", failed: [] });
        stored((held) => held.clear());
      }
      pump();
    },
  };
}
