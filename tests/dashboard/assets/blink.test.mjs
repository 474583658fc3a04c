import assert from "node:assert/strict";
import { test } from "node:test";

import { turn } from "../../../Dashboard/assets/lesions/blink.mjs";

test("two pictures are seen in turns of 0.8 s, the first one first", () => {
  assert.deepEqual([0, 0.7, 0.8, 1.5, 1.6, 2.5].map(turn), [0, 0, 1, 1, 0, 1]);
});
