import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { load, settled } from "./page.mjs";

const PATIENCE_MS = 120_000;
let calls; // of fetch: address, options, and how to settle it
let heard; // what the cards were told: started, finished or failed
let left; // what was left each time that the cards were told of progress
let queue;
let timers;

beforeEach(() => {
  calls = [];
  heard = [];
  left = [];
  timers = new Map();
  const fetch = (address, options) =>
    new Promise((resolve, reject) => {
      calls.push({ address, ...options, resolve, reject });
      options.signal.addEventListener("abort", () => reject(options.signal.reason));
    });
  const setTimeout = (run, delay) => {
    timers.set(run, delay);
    return run;
  };
  const clearTimeout = (run) => timers.delete(run);
  const cards = {
    started: ({ name }) => heard.push(["started", name]),
    finished: ({ name }, answer) => heard.push(["finished", name, answer]),
    failed: ({ name }, sentence) => heard.push(["failed", name, sentence]),
    progressed: () => left.push(queue.left()),
  };
  const window = { lesions: { cards, url: (path) => `/derma/${path}` } };
  load({ window, fetch, setTimeout, clearTimeout }, "assess/queue.js");
  ({ queue } = window.lesions);
});

const fileThat = (arrayBuffer) => ({ slice: () => ({ arrayBuffer }) });
const readable = fileThat(async () => new ArrayBuffer(1));
const item = (name, more) => ({ name, model: null, gate: true, file: readable, ...more });

const answer = (status, body) => ({
  ok: status === 200,
  status,
  json: async () => JSON.parse(body),
});

async function respond(index, status, body) {
  calls[index].resolve(answer(status, body));
  await settled();
}

const started = () => heard.filter(([what]) => what === "started").map(([, name]) => name);
const ended = () => heard.filter(([what]) => what !== "started");

test("two images are on their way at once, in their order", async () => {
  queue.add(["a", "b", "c", "d"].map((name) => item(name)));
  assert.deepEqual(started(), ["a", "b"]);
  assert.equal(queue.left(), 4);
  await respond(1, 200, '{"row": {}}');
  assert.deepEqual(started(), ["a", "b", "c"]);
  await respond(0, 200, "{}");
  await respond(2, 200, "{}");
  await respond(3, 200, "{}");
  assert.deepEqual(
    ended().map(([what, name]) => [what, name]),
    ["b", "a", "c", "d"].map((name) => ["finished", name]),
  );
  assert.deepEqual(ended()[0][2], { row: {} });
  assert.deepEqual(left, [4, 3, 2, 1, 0]);
  assert.equal(timers.size, 0);
});

test("the file is sent as it is, with gate, model and example in the address", () => {
  queue.add([item("a.jpg", { model: "ex & co", gate: false }), item("b.jpg", { file: undefined, example: "pale" })]);
  assert.equal(calls[0].address, "/derma/results?gate=0&model=ex+%26+co");
  assert.equal(calls[0].method, "POST");
  assert.equal(calls[0].body, readable);
  assert.deepEqual(calls[0].headers, { "Content-Type": "application/octet-stream" });
  assert.equal(calls[1].address, "/derma/results?gate=1&example=pale");
  assert.equal(calls[1].body, undefined);
});

for (const [status, body, sentence] of [
  [503, '{"error": "The model is not ready."}', "The model is not ready."],
  [502, "<html>Bad gateway</html>", "The server failed on this image (502)."],
  [500, "{}", "The server failed on this image (500)."],
]) {
  test(`a refusal is told: ${status} ${body}`, async () => {
    queue.add([item("a")]);
    await respond(0, status, body);
    assert.deepEqual(ended(), [["failed", "a", sentence]]);
    assert.equal(queue.left(), 0);
  });
}

for (const more of [{}, { file: undefined, example: "pale" }]) {
  test(`a server that cannot be reached is told: ${more.example || "a file"}`, async () => {
    queue.add([item("a", more)]);
    calls[0].reject(new TypeError("Failed to fetch"));
    await settled();
    const sentence = "The server cannot be reached. Check the connection.";
    assert.deepEqual(ended(), [["failed", "a", sentence]]);
  });
}

test("an answer that is no JSON is told", async () => {
  queue.add([item("a")]);
  await respond(0, 200, "<html>");
  assert.equal(ended()[0][0], "failed");
});

test("a file that was moved is told from a server that is gone", async () => {
  const file = fileThat(() => Promise.reject(new Error("NotReadableError")));
  queue.add([item("a", { file })]);
  calls[0].reject(new TypeError("Failed to fetch"));
  await settled();
  assert.deepEqual(ended(), [
    ["failed", "a", "The file can no longer be read: it was moved or changed. Choose it again."],
  ]);
});

test("a server that says nothing is given up after two minutes", async () => {
  queue.add([item("a")]);
  const [[run, delay]] = timers;
  assert.equal(delay, PATIENCE_MS);
  run();
  await settled();
  assert.deepEqual(ended(), [["failed", "a", "The server did not answer in time."]]);
  assert.equal(queue.left(), 0);
});

test("a dropped image is stopped, nothing is told of it, and the next one starts", async () => {
  const items = ["a", "b", "c", "d"].map((name) => item(name));
  queue.add(items);
  queue.drop([items[0], items[2]]);
  assert.equal(calls[0].signal.aborted, true);
  assert.deepEqual(started(), ["a", "b", "d"]);
  await settled();
  assert.deepEqual(ended(), []);
  assert.equal(queue.left(), 2);
  assert.equal(timers.size, 2);
});

test("what is no longer there can be dropped once more", () => {
  queue.drop([item("unknown")]);
  assert.equal(queue.left(), 0);
  assert.deepEqual(heard, []);
});

test("the late answer of an image that was dropped and sent again counts for nothing", async () => {
  const one = item("a");
  let arrive = () => assert.fail("the answer was not read");
  const body = new Promise((resolve) => {
    arrive = resolve;
  });
  queue.add([one]);
  calls[0].resolve({ ok: true, status: 200, json: () => body });
  await settled();
  queue.drop([one]);
  queue.add([one]);
  arrive({ row: "late" });
  await settled();
  assert.deepEqual(ended(), []);
  assert.equal(queue.left(), 1);
  await respond(1, 200, '{"row": "new"}');
  assert.deepEqual(ended(), [["finished", "a", { row: "new" }]]);
});

test("stop keeps back what waits; what is under way still counts", async () => {
  const items = ["a", "b", "c", "d"].map((name) => item(name));
  queue.add(items);
  assert.deepEqual(queue.stop(), items.slice(2));
  assert.equal(queue.left(), 2);
  await respond(0, 200, "{}");
  await respond(1, 200, "{}");
  assert.deepEqual(started(), ["a", "b"]);
  assert.equal(queue.left(), 0);
  assert.deepEqual(queue.stop(), []);
});
