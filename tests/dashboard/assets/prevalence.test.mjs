import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { FakeElement, load } from "./page.mjs";

// `tests/dashboard/assess/test_worth.py` holds the server to the same.
const CASES = JSON.parse(readFileSync(new URL("./prevalence.json", import.meta.url), "utf8"));
let line;
let lesions;

beforeEach(() => {
  line = new FakeElement("p", { dataset: { p: "0.8", share: "0.428571" }, textContent: "as it came" });
  const node = new FakeElement("article");
  node.found[".prevalence"] = [line];
  lesions = { cards: { all: () => [{ node }] } };
  load({ window: { lesions } }, "assess/prevalence.js");
});

test("the sentence is the server's, word for word", () => {
  for (const { p, share, prevalence, sentence } of CASES) {
    assert.equal(lesions.prevalence.sentence(p, share, prevalence), sentence);
  }
});

test("a card keeps the server's sentence until somebody chooses, then it has that of the choice", () => {
  const [{ node }] = lesions.cards.all();
  lesions.prevalence.draw(node);
  assert.equal(line.textContent, "as it came");
  for (const text of ["10", " 10 % ", "10,0"]) {
    assert.equal(lesions.prevalence.choose(text), "");
    assert.equal(line.textContent, CASES[0].sentence);
    line.textContent = "";
  }
  lesions.prevalence.draw(node); // a card that comes later
  assert.equal(line.textContent, CASES[0].sentence);
});

test("what is no share is said, and the choice before stays", () => {
  lesions.prevalence.choose("10");
  for (const text of ["", "0", "100", "-1", "many", "1e9"]) {
    assert.match(lesions.prevalence.choose(text), /above 0 and below 100/);
  }
  assert.equal(line.textContent, CASES[0].sentence);
});
