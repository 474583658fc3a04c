import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeDocument, load } from "./page.mjs";

const window = { lesions: {} };
load({ window, document: new FakeDocument() }, "assess/table.js");
const { csv } = window.lesions.table;

test("a file has the server's columns, a mark for spreadsheet programs, and a line for each row", () => {
  const rows = [
    { file: "a/1.png", folder: "a", p_malignant: -0.5, gate_overridden: true, id: "no column" },
    { file: 'b "x", y\n.png', error: null },
  ];
  assert.equal(
    csv(rows, ["file", "folder", "p_malignant", "gate_overridden", "error"]),
    "\ufefffile,folder,p_malignant,gate_overridden,error\r\n" +
      'a/1.png,a,-0.5,true,\r\n"b ""x"", y\n.png",,,,\r\n',
  );
});

for (const letter of ["=", "+", "-", "@", "\t", "\r", "\n", "＝"]) {
  test(`a text that begins with ${JSON.stringify(letter)} is no formula`, () => {
    const text = csv([{ file: `${letter}1+1` }], ["file"]);
    assert.ok(text.includes(`'${letter}1+1`));
  });
}
