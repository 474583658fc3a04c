import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { FakeDocument, FakeElement, load } from "./page.mjs";

let cards;
let cleared;
let dialogs;
let leaving;
let window;

class Dialog extends FakeElement {
  returnValue = "";

  showModal() {
    dialogs.push(this);
  }

  close(value = "") {
    this.returnValue = value;
    this.dispatch("close");
  }

  remove() {
    dialogs.splice(dialogs.indexOf(this), 1);
  }
}

beforeEach(() => {
  dialogs = [];
  cleared = 0;
  window = new FakeElement("window");
  const document = new FakeDocument();
  document.createElement = (tag) => new (tag === "dialog" ? Dialog : FakeElement)(tag);
  document.body = new FakeElement("body");
  load({ window, document }, "shell/dom.js");
  cards = { count: () => 2, unsaved: () => true, clear: () => (cleared += 1) };
  window.lesions.cards = cards;
  load({ window, document }, "assess/leaving.js");
  ({ leaving } = window.lesions);
});

const buttons = () => dialogs[0].children.at(-1).children;

for (const [answer, place, expected] of [["Keep", 0, 0], ["Remove", 1, 1]]) {
  test(`results in no file are removed only where that is wanted: ${answer}`, async () => {
    const asked = leaving.clear();
    const [heading] = dialogs[0].children;
    assert.deepEqual(heading.children, ["Remove all 2 results?"]);
    const button = buttons()[place];
    assert.deepEqual(button.children, [answer]);
    button.click();
    await asked;
    assert.equal(cleared, expected);
    assert.deepEqual(dialogs, []);
  });
}

test("results that are in a file are removed without a question", async () => {
  cards.unsaved = () => false;
  await leaving.clear();
  assert.equal(cleared, 1);
});

test("the browser asks before the page goes, where something would be lost", () => {
  assert.equal(window.dispatch("beforeunload"), true);
  cards.unsaved = () => false;
  assert.equal(window.dispatch("beforeunload"), false);
});
