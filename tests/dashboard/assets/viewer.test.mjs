import assert from "node:assert/strict";
import { test } from "node:test";

import { fitted, ruler, zoomed } from "../../../Dashboard/assets/cases/viewer.mjs";

const stage = { width: 300, height: 200 };
const wide = fitted({ width: 600, height: 300 }, stage);
const whole = { scale: 1, x: 0, y: 0 };

test("a picture is as large as its stage has room for", () => {
  assert.deepEqual(wide, { width: 300, height: 150 });
  assert.deepEqual(fitted({ width: 10, height: 40 }, stage), { width: 50, height: 200 });
});

test("what is under the pointer stays there", () => {
  const at = { x: 100, y: 40 };
  const closer = zoomed(whole, 2, at, wide, stage);
  assert.deepEqual(closer, { scale: 2, x: -100, y: -40 });
  assert.deepEqual(zoomed(closer, 0.5, at, wide, stage), whole);
});

test("a picture leaves no room empty that it can fill", () => {
  const [middle, away] = [{ x: 0, y: 0 }, { scale: 2, x: 999, y: -999 }];
  assert.deepEqual(zoomed(away, 1, middle, wide, stage), { scale: 2, x: 150, y: -50 });
  // Lower than the stage: in the middle.
  const low = zoomed({ scale: 1.2, x: 0, y: 77 }, 1, middle, wide, stage);
  assert.equal(Math.abs(low.y), 0);
  assert.equal(zoomed(whole, 1e9, whole, wide, stage).scale, 24);
  assert.equal(zoomed(whole, 1e-9, whole, wide, stage).scale, 1);
});

test("a ruler has the longest round length that fits, or there is none", () => {
  assert.deepEqual(ruler(12, 100), { mm: 5, width: 60 });
  assert.deepEqual(ruler(300, 100), { mm: 0.2, width: 60 });
  for (const none of [ruler(1e6, 100), ruler(0, 100), ruler(NaN, 100)]) {
    assert.equal(none, null);
  }
});
