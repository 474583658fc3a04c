import assert from "node:assert/strict";
import { test } from "node:test";

import { makeQueue, outcome, send } from "../../../Dashboard/assets/shell/queue.mjs";

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

/* As a browser's own database. */
function inMemory() {
  const held = new Map();
  return {
    all: async () => [...held.values()],
    put: async (one) => held.set(one.upload, one),
    drop: async (upload) => held.delete(upload),
    clear: async () => held.clear(),
  };
}

/* A queue whose requests answer when a test says so. */
function setUp(storage = inMemory()) {
  const made = { asked: [], answers: [], storage };
  made.queue = makeQueue({
    storage: Promise.resolve(storage),
    send: (one) => new Promise((answer) => made.asked.push({ name: one.name, answer })),
    answered: (one, answer) => made.answers.push([one.name, answer.id]),
    changed() {},
  });
  made.names = () => made.asked.map(({ name }) => name);
  return made;
}

const picture = (name, place, more = {}) => ({
  upload: `b-${place}`, batch: "b", place, name, file: {}, model: null, added: Date.now(), ...more,
});
const three = () => ["1", "2", "3"].map((name, place) => picture(name, place));

test("two are on their way at a time, and all are kept until they are answered", async () => {
  const { queue, asked, names, answers, storage } = setUp();
  await queue.add(three());
  assert.deepEqual(names(), ["1", "2"]);
  assert.equal((await storage.all()).length, 3);
  asked[0].answer({ answer: { id: "A" } });
  await turn();
  assert.deepEqual(names(), ["1", "2", "3"]);
  asked[1].answer({ error: "It is no picture." });
  asked[2].answer({ answer: { id: "C" } });
  await turn();
  assert.deepEqual(answers, [["1", "A"], ["3", "C"]]);
  assert.deepEqual(await storage.all(), []);
  assert.deepEqual([queue.state.total, queue.state.done, queue.left()], [3, 3, 0]);
  assert.deepEqual(queue.state.failed.map(({ name, error }) => [name, error]), [["2", "It is no picture."]]);
});

test("a pause holds what waits, and what is to be discarded is not sent", async () => {
  const { queue, asked, names, storage } = setUp();
  await queue.add(three());
  queue.pause(true);
  asked[0].answer({ answer: { id: "A" } });
  await turn();
  assert.deepEqual([names(), queue.left()], [["1", "2"], 2]);
  queue.discard();
  await turn();
  assert.equal(queue.left(), 1);
  asked[1].answer({ answer: { id: "B" } });
  await turn();
  assert.deepEqual([queue.state.done, queue.state.total], [2, 2]);
  assert.deepEqual(await storage.all(), []);
});

test("a store that is full pauses, and says why; a server that is gone is asked again", async () => {
  const { queue, asked, names } = setUp();
  await queue.add([picture("1", 0)]);
  asked[0].answer({ pause: "The store is full." });
  await turn();
  assert.deepEqual([queue.state.paused, queue.state.note], [true, "The store is full."]);
  queue.pause(false);
  assert.deepEqual(names(), ["1", "1"]);
  asked[1].answer({ again: "The server cannot be reached." });
  await turn();
  await queue.add([picture("2", 1)]);
  assert.equal(queue.state.note, "The server cannot be reached.");
  assert.deepEqual(names(), ["1", "1"]); // in a while, and nothing else meanwhile
  queue.discard(true);
});

test("what waited when a page was left goes on in its order, unless it is too old", async () => {
  const storage = inMemory();
  const old = Date.now() - 2 * 3_600_000;
  await storage.put(picture("2", 1));
  await storage.put(picture("1", 0));
  await storage.put(picture("old", 2, { added: old }));
  const { queue, names } = setUp(storage);
  await queue.resume(1);
  await turn();
  assert.deepEqual(names(), ["1", "2"]);
  await turn();
  assert.equal((await storage.all()).length, 2);
});

test("everything that is deleted is gone, an answer on its way too", async () => {
  const { queue, asked, answers, storage } = setUp();
  await queue.add(three());
  queue.discard(true);
  asked[0].answer({ answer: { id: "A" } });
  await turn();
  assert.deepEqual([answers, await storage.all(), queue.left()], [[], [], 0]);
});

test("a browser that keeps nothing sends all the same", async () => {
  const refuses = async () => {
    throw new Error("QuotaExceededError");
  };
  const { queue, asked, answers } = setUp({ all: refuses, put: refuses, drop: refuses, clear: refuses });
  await queue.add([picture("1", 0)]);
  asked[0].answer({ answer: { id: "A" } });
  await turn();
  assert.deepEqual(answers, [["1", "A"]]);
});

test("files of an archive that failed are named each, and can only be sent with it again", async () => {
  const { queue, asked } = setUp();
  await queue.add([picture("day.zip", 0)]);
  const entries = [{ id: "A", file: "day.zip/a.png" }, { file: "day.zip/b.txt", error: "No picture." }];
  asked[0].answer({ answer: { entries } });
  await turn();
  const [failed] = queue.state.failed;
  assert.deepEqual([failed.name, failed.error, failed.file], ["day.zip/b.txt", "No picture.", undefined]);
});

test("what an answer of the server means", () => {
  assert.deepEqual(outcome(422, { id: "A" }), { answer: { id: "A" } });
  assert.match(outcome(200, null).pause, /not this dashboard/);
  assert.equal(outcome(507, { error: "the store is full" }).pause, "the store is full.");
  assert.match(outcome(0, null).again, /cannot be reached/);
  assert.equal(outcome(503, { error: "loading" }).again, "loading.");
  assert.equal(outcome(415, { error: "no picture" }).error, "no picture");
  assert.equal(outcome(500, null).error, "The server failed on this picture (500).");
});

test("what answers in another language, or breaks off, is told apart", async () => {
  globalThis.document = { getElementById: () => ({ textContent: '{"requests_pathname_prefix": "/derma/"}' }) };
  const asked = [];
  const answer = async (body, status = 200) => {
    globalThis.fetch = async (address) => (asked.push(address), new Response(body, { status }));
    return send(picture("1", 0, { file: new Blob(["x"]) }));
  };
  assert.deepEqual(await answer('{"id": "A"}', 201), { answer: { id: "A" } });
  assert.match((await answer("<html>")).pause, /not this dashboard/);
  const broken = new ReadableStream({ start: (stream) => stream.error(new TypeError("cut")) });
  assert.match((await answer(broken)).again, /cannot be reached/);
  assert.deepEqual(new Set(asked), new Set(["/derma/assessments"]));
});
