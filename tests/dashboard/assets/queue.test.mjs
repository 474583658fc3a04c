import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { load, settled } from "./page.mjs";

const PATIENCE_MS = 120_000;
const ROW = '{"row": {}}';
let calls; // the requests that were made
let heard; // what the cards were told: started, uploaded, finished or failed
let left; // what was left each time that the cards were told of progress
let queue;
let reported; // errors that the console tells
let timers;

/* A request that answers when a test says so. */
class FakeRequest {
  headers = {};
  upload = {};
  aborted = false;

  open(method, address) {
    Object.assign(this, { method, address });
  }

  setRequestHeader(name, value) {
    this.headers[name] = value;
  }

  send(body) {
    this.body = body;
    calls.push(this);
  }

  abort() {
    this.aborted = true;
    this.end("onabort");
  }

  end(how) {
    this[how]();
    this.onloadend();
  }
}

beforeEach(() => {
  calls = [];
  heard = [];
  left = [];
  reported = [];
  timers = new Map();
  let lastTimer = 0;
  const setTimeout = (run, delay) => {
    lastTimer += 1;
    timers.set(lastTimer, { run, delay });
    return lastTimer;
  };
  const clearTimeout = (timer) => timers.delete(timer);
  const cards = {
    started: ({ name }) => heard.push(["started", name]),
    uploaded: ({ name }, share) => heard.push(["uploaded", name, share]),
    finished: ({ name }, answer) => heard.push(["finished", name, answer]),
    failed: ({ name }, sentence) => heard.push(["failed", name, sentence]),
    progressed: () => left.push(queue.left()),
  };
  const window = { lesions: { cards, url: (path) => `/derma/${path}` } };
  const reportError = ({ message }) => reported.push(message);
  const page = { window, XMLHttpRequest: FakeRequest, setTimeout, clearTimeout, reportError };
  load(page, "assess/queue.js");
  ({ queue } = window.lesions);
});

const fileThat = (arrayBuffer) => ({ slice: () => ({ arrayBuffer }) });
const readable = fileThat(async () => new ArrayBuffer(1));
const item = (name, more) => ({ name, model: null, gate: true, file: readable, ...more });

async function respond(index, status, responseText) {
  Object.assign(calls[index], { status, responseText });
  calls[index].end("onload");
  await settled();
}

/* The last byte of an image has left. */
const sent = (index) => calls[index].upload.onload();

async function fail(index) {
  calls[index].end("onerror");
  await settled();
}

/* Lets the time run out that a request may take without one byte moving. */
async function runOut(index = 0) {
  [...timers.values()][index].run();
  await settled();
}

const started = () => heard.filter(([what]) => what === "started").map(([, name]) => name);
const ended = () => heard.filter(([what]) => what === "finished" || what === "failed");

test("one image is sent and one is assessed at once, in their order", async () => {
  queue.add(["a", "b", "c", "d"].map((name) => item(name)));
  assert.deepEqual(started(), ["a"]);
  sent(0);
  assert.deepEqual(started(), ["a", "b"]);
  assert.equal(queue.left(), 4);
  sent(1);
  assert.deepEqual(started(), ["a", "b"]);
  await respond(1, 200, ROW);
  assert.deepEqual(started(), ["a", "b", "c"]);
  await respond(0, 200, ROW); // c is being sent
  assert.deepEqual(started(), ["a", "b", "c"]);
  await respond(2, 200, ROW); // answered before all of it was sent
  await respond(3, 200, ROW);
  assert.deepEqual(
    ended().map(([what, name]) => [what, name]),
    ["b", "a", "c", "d"].map((name) => ["finished", name]),
  );
  assert.deepEqual(ended()[0][2], { row: {} });
  assert.deepEqual([...new Set(left)], [4, 3, 2, 1, 0]);
  assert.equal(timers.size, 0);
});

test("the file is sent as it is, with gate, model and example in the address", () => {
  queue.add([item("a.jpg", { model: "ex & co", gate: false }), item("b.jpg", { file: undefined, example: "pale" })]);
  sent(0);
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
    await fail(0);
    const sentence = "The server cannot be reached. Check the connection.";
    assert.deepEqual(ended(), [["failed", "a", sentence]]);
  });
}

for (const body of ["<html>", "null", "3", "{}"]) {
  test(`an answer that is not this dashboard's is told: ${body}`, async () => {
    queue.add([item("a")]);
    await respond(0, 200, body);
    assert.match(ended()[0][2], /^What answered was not this dashboard/);
  });
}

test("a result that cannot be drawn is not told as a failure, and the next image is sent", async () => {
  queue.add(["a", "b"].map((name) => item(name)));
  heard.push = function push(...entries) {
    Array.prototype.push.apply(this, entries);
    if (entries[0][0] === "finished") {
      throw new Error("cannot draw");
    }
  };
  await respond(0, 200, ROW);
  assert.deepEqual(ended(), [["finished", "a", { row: {} }]]);
  assert.deepEqual(started(), ["a", "b"]);
  assert.deepEqual(reported, ["cannot draw"]); // for the console
});

test("a file that was moved is told from a server that is gone", async () => {
  const file = fileThat(() => Promise.reject(new Error("NotReadableError")));
  queue.add([item("a", { file })]);
  await fail(0);
  assert.deepEqual(ended(), [
    ["failed", "a", "The file can no longer be read: it was moved or changed. Choose it again."],
  ]);
});

test("how much of a file is sent is told while it is sent", async () => {
  queue.add([item("a")]);
  calls[0].upload.onprogress({ loaded: 1, total: 4 });
  calls[0].upload.onprogress({ loaded: 4, total: 4 });
  calls[0].upload.onload();
  await respond(0, 200, ROW);
  const told = heard.filter(([what]) => what === "uploaded").map(([, , share]) => share);
  assert.deepEqual(told, [0.25, 1, 1]);
});

test("a slow line has as long as it needs: two minutes count from the last byte that moved", async () => {
  queue.add([item("a")]);
  for (let moved = 1; moved <= 100; moved += 1) {
    calls[0].upload.onprogress({ loaded: moved, total: 100 });
    assert.deepEqual([...timers.values()].map(({ delay }) => delay), [PATIENCE_MS]);
  }
  const sending = [...timers.keys()];
  calls[0].upload.onload();
  assert.notDeepEqual([...timers.keys()], sending); // the server has two minutes of its own
  calls[0].onprogress();
  await respond(0, 200, ROW);
  assert.equal(ended()[0][0], "finished");
  assert.equal(timers.size, 0);
});

test("an upload that stands still is given up, and the server is not blamed", async () => {
  queue.add([item("a")]);
  calls[0].upload.onprogress({ loaded: 1, total: 4 });
  await runOut();
  const sentence = "The upload stood still for two minutes. Check the connection and try again.";
  assert.deepEqual(ended(), [["failed", "a", sentence]]);
  assert.equal(calls[0].aborted, true);
  assert.equal(queue.left(), 0);
  assert.equal(timers.size, 0);
});

for (const more of [{}, { file: undefined, example: "pale" }]) {
  test(`a server that says nothing is given up after two minutes: ${more.example || "a file"}`, async () => {
    queue.add([item("a", more)]);
    if (!more.example) {
      calls[0].upload.onload();
    }
    await runOut();
    assert.deepEqual(ended(), [["failed", "a", "The server did not answer in time."]]);
    assert.equal(queue.left(), 0);
  });
}

test("a dropped image is stopped, nothing is told of it, and the next one starts", async () => {
  const items = ["a", "b", "c", "d"].map((name) => item(name));
  queue.add(items);
  sent(0);
  queue.drop([items[0], items[2]]);
  assert.equal(calls[0].aborted, true);
  assert.deepEqual(started(), ["a", "b"]);
  queue.drop([items[1]]); // while it is being sent
  assert.deepEqual(started(), ["a", "b", "d"]);
  await settled();
  assert.deepEqual(ended(), []);
  assert.equal(queue.left(), 1);
  assert.equal(timers.size, 1);
});

test("what is no longer there can be dropped once more", () => {
  queue.drop([item("unknown")]);
  assert.equal(queue.left(), 0);
  assert.deepEqual(heard, []);
});

test("the late answer of an image that was dropped and sent again counts for nothing", async () => {
  const one = item("a");
  queue.add([one]);
  Object.assign(calls[0], { status: 200, responseText: '{"row": {"message": "late"}}' });
  calls[0].end("onload"); // its answer is read when all that runs now has run
  queue.drop([one]);
  queue.add([one]);
  await settled();
  assert.deepEqual(ended(), []);
  assert.equal(queue.left(), 1);
  await respond(1, 200, '{"row": {"message": "new"}}');
  assert.deepEqual(ended(), [["finished", "a", { row: { message: "new" } }]]);
});

test("stop keeps back what waits; what is under way still counts", async () => {
  const items = ["a", "b", "c", "d"].map((name) => item(name));
  queue.add(items);
  sent(0);
  assert.deepEqual(queue.stop(), items.slice(2));
  assert.equal(queue.left(), 2);
  await respond(0, 200, ROW);
  await respond(1, 200, ROW);
  assert.deepEqual(started(), ["a", "b"]);
  assert.equal(queue.left(), 0);
  assert.deepEqual(queue.stop(), []);
});
