import assert from "node:assert/strict";
import { test } from "node:test";

import { naming, progress } from "../../../Dashboard/assets/explain/explain.mjs";

const OFFER = {
  methods: [
    { name: "gradcam", label: "Grad-CAM", has_precision: false },
    { name: "lime", label: "LIME", has_precision: true },
  ],
  models: [{ name: "plain", names: { mel: "Melanoma", malignant: "All malignant classes" } }],
};
const waiting = { method: "lime", precision: "High", model: "plain", target: null, facts: null };

test("how far one is", () => {
  assert.equal(progress({ state: "queued", fraction: 0, seconds_left: 12.4 }), "Waiting, about 12 s left");
  assert.equal(progress({ state: "running", fraction: 0.456, seconds_left: 3.21 }), "46%, about 3.2 s left");
  assert.equal(progress({ state: "running", fraction: 0.99, seconds_left: 0 }), "99%, about 0.1 s left");
});

test("what one is of, before and after it is done", () => {
  assert.deepEqual(naming(waiting, OFFER), { title: "LIME", words: "Predicted class · High" });
  assert.equal(naming({ ...waiting, target: "malignant" }, OFFER).words, "All malignant classes · High");
  const facts = { target: "mel", probability: 0.4567, seconds: 12.3, fails_randomisation: true };
  const words = naming({ ...waiting, method: "gradcam", facts }, OFFER).words;
  assert.equal(words, "Melanoma 45.7% · 12 s · fails the sanity check");
});

test("a model and a method that are gone keep their names", () => {
  const found = naming({ ...waiting, method: "old", model: "gone", target: "mel" }, OFFER);
  assert.deepEqual(found, { title: "old", words: "mel" });
});
