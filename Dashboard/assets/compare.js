/* The Compare page: columns of pictures that were assessed in this window, judged live. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon } = lesions;
  const chosen = new Set();
  const left = new Set(); // those that somebody took out, so that they do not come back by themselves
  const STEPS = 1000;
  const PREDICTED = "";
  let settings = null;
  let threshold = null; // null: as the card says
  let shown = PREDICTED;

  const page = () => document.getElementById("compare");
  const percent = (value) => `${(100 * value).toFixed(1)}%`;
  const ready = () =>
    lesions.cards.all().filter(({ row }) => row && row.outcome && row.outcome !== "error");
  const columns = () => ready().filter(({ id }) => chosen.has(id));

  /* The one model of all classified columns; null where there are several or none. */
  function model() {
    const names = new Set(columns().map(({ row }) => row.model).filter(Boolean));
    return names.size === 1 ? [...names][0] : null;
  }

  const card = () => settings.models[model()] || { threshold: null, curve: null };
  const now = () => threshold ?? card().threshold;

  /* What the card expects at a threshold, between the points that it lists. */
  function expected(curve, at) {
    const { threshold: points } = curve;
    const after = points.findIndex((point) => point >= at);
    const high = after < 0 ? points.length - 1 : after;
    const low = Math.max(high - 1, 0);
    const width = points[high] - points[low];
    const share = after < 0 || !width ? 1 : Math.min(Math.max((at - points[low]) / width, 0), 1);
    const between = (values) => values[low] + share * (values[high] - values[low]);
    return [between(curve.sensitivity), between(curve.specificity)];
  }

  function expectation() {
    const classified = columns().some(({ row }) => row.model);
    if (!classified) {
      return "";
    }
    if (!model()) {
      return "These pictures were assessed by several models, and a threshold holds for one.";
    }
    const { curve } = card();
    if (!curve) {
      return `The card of ${model()} does not say what to expect of other thresholds.`;
    }
    if (now() === null) {
      return "Move the slider: this model advises by the most likely class.";
    }
    const [sensitivity, specificity] = expected(curve, now());
    return (
      `Expected: sensitivity ${percent(sensitivity)}, specificity ${percent(specificity)} ` +
      `(${curve.split} split, n = ${curve.n})`
    );
  }

  function banner(item) {
    const { row, node } = item;
    const { pMalignant, malignant } = node.querySelector(".card-grid").dataset;
    let tone = row.outcome;
    let sentence = row.message;
    if (pMalignant !== undefined && tone !== "foreign") {
      const above = now() !== null && Number(pMalignant) >= now();
      tone = above || malignant === "true" ? "consult" : "clear";
      sentence = settings[tone];
    }
    const symbol = { consult: "calendar", clear: "check", retake: "retake", foreign: "question" }[tone];
    return element(
      "div",
      { className: `banner tone-${tone}` },
      icon(symbol, "banner-icon"),
      element("p", { className: "banner-text" }, sentence),
    );
  }

  function meter({ row, node }) {
    const { pMalignant } = node.querySelector(".card-grid").dataset;
    if (pMalignant === undefined || row.outcome === "foreign") {
      return [];
    }
    const fill = element("div", { className: "meter-fill" });
    fill.style.width = percent(Number(pMalignant));
    const track = element("div", { className: "meter-track", "aria-hidden": "true" }, fill);
    if (now() !== null) {
      const tick = element("div", { className: "gauge-tick" });
      tick.style.left = percent(now());
      track.append(tick);
    }
    const words = settings.adjusted ? "Malignant, classes equally frequent" : "Malignant probability";
    return [
      element(
        "div",
        { className: "meter" },
        element(
          "div",
          { className: "meter-head" },
          element("span", { className: "meter-label" }, words),
          element("span", { className: "meter-value" }, percent(Number(pMalignant))),
        ),
        track,
      ),
    ];
  }

  /* Which of a canvas's maps is shown. */
  function index(canvas) {
    return shown === PREDICTED
      ? Number(canvas.dataset.shown)
      : canvas.dataset.codes.split(" ").indexOf(shown);
  }

  function picture(item, scale) {
    const source = item.node.querySelector(".figure img");
    const image = element("img", { className: "thumb", src: source.src, alt: source.alt });
    const frame = element("div", { className: "heat-frame" }, image);
    const from = item.node.querySelector("canvas[data-map]");
    if (from) {
      const { width, height } = from;
      const canvas = element("canvas", { className: "thumb heat", width, height });
      canvas.setAttribute("aria-hidden", "true");
      lesions.heat.draw(canvas, lesions.heat.mapOf(from), index(from), scale);
      frame.append(canvas);
    }
    return frame;
  }

  const copies = (item, selector) =>
    [...item.node.querySelectorAll(selector)].slice(0, 1).map((node) => node.cloneNode(true));

  function column(item, scale) {
    const { row } = item;
    const finding = row.prediction
      ? [
          element(
            "p",
            { className: "finding" },
            element("strong", { className: "finding-name" }, row.prediction),
            element("span", { className: "finding-value" }, percent(row.probability)),
          ),
        ]
      : [];
    return element(
      "article",
      { className: "compare-column", "aria-labelledby": `${item.id}-compared` },
      element("h3", { id: `${item.id}-compared`, className: "card-name", title: item.name }, item.name),
      picture(item, scale),
      element("div", { className: "compare-verdict", "data-id": item.id }, banner(item), ...meter(item)),
      ...(row.outcome === "foreign" ? [] : finding),
      ...(row.outcome === "foreign" ? [] : copies(item, ".chart")),
      ...copies(item, ".gauges"),
    );
  }

  /* Largest magnitude of the maps that are shown: the strongest colour of all columns. */
  function common(items) {
    const canvases = items.map(({ node }) => node.querySelector("canvas[data-map]")).filter(Boolean);
    return Math.max(0, ...canvases.map((one) => lesions.heat.largest(lesions.heat.mapOf(one), index(one))));
  }

  function choices() {
    return ready().map((item) => {
      const pressed = chosen.has(item.id);
      const full = !pressed && chosen.size >= settings.most;
      const attributes = {
        type: "button",
        className: "compare-chip",
        "data-action": "compare-choose",
        "data-id": item.id,
        "aria-pressed": String(pressed),
        disabled: full,
      };
      const { src } = item.node.querySelector(".figure img");
      return element(
        "button",
        attributes,
        element("img", { src, alt: "", className: "compare-chip-img" }),
        element("span", { className: "compare-chip-name" }, item.name),
      );
    });
  }

  function judge() {
    const field = document.getElementById("compare-threshold");
    const at = now();
    field.value = Math.round((at ?? 0.5) * STEPS);
    const words = at === null ? "none" : percent(at);
    field.setAttribute("aria-valuetext", words);
    document.getElementById("compare-threshold-value").textContent = words;
    document.getElementById("compare-expected").textContent = expectation();
    page().querySelector("[data-action=compare-reset]").disabled = threshold === null;
    for (const verdict of page().querySelectorAll(".compare-verdict")) {
      const item = lesions.cards.find(verdict.dataset.id);
      verdict.replaceChildren(banner(item), ...meter(item));
    }
  }

  function draw() {
    const items = columns();
    const enough = items.length >= settings.fewest;
    const focused = document.activeElement?.dataset?.id;
    const choice = document.getElementById("compare-choice");
    choice.replaceChildren(...choices());
    if (focused) {
      choice.querySelector(`[data-id="${focused}"]`)?.focus();
    }
    document.getElementById("compare-tools").hidden = !enough;
    document.getElementById("heat-tools").hidden = !enough;
    const scale = common(items);
    document
      .getElementById("compare-columns")
      .replaceChildren(...(enough ? items.map((item) => column(item, scale)) : []));
    judge();
  }

  /* Take what is there until the page is full, but not what was taken out. */
  function fill() {
    const there = ready().map(({ id }) => id);
    for (const id of chosen) {
      if (!there.includes(id)) {
        chosen.delete(id);
      }
    }
    for (const id of there) {
      if (chosen.size < settings.most && !left.has(id)) {
        chosen.add(id);
      }
    }
  }

  function controls() {
    const field = element("input", { type: "range", id: "compare-threshold", min: 0, max: STEPS });
    field.addEventListener("input", () => {
      threshold = Number(field.value) / STEPS;
      judge();
    });
    document.getElementById("compare-slider").replaceChildren(
      element(
        "label",
        { htmlFor: "compare-threshold" },
        "Consultation from a malignant probability of ",
        element("strong", { id: "compare-threshold-value" }),
      ),
      field,
    );
    const options = [[PREDICTED, "The predicted class of each"], ...Object.entries(settings.names)];
    const select = element(
      "select",
      { id: "compare-shown", className: "explain-select" },
      ...options.map(([value, text]) => element("option", { value, selected: value === shown }, text)),
    );
    select.addEventListener("change", () => {
      shown = select.value;
      draw();
    });
    const label = element("label", { htmlFor: "compare-shown" }, "Heatmap of");
    document.getElementById("compare-class").replaceChildren(label, select);
  }

  lesions.compare = {
    mount() {
      settings = JSON.parse(page().dataset.settings);
      controls();
      lesions.compare.changed();
    },
    /* An image was assessed, or one is gone. */
    changed() {
      if (page() && document.getElementById("compare-threshold")) {
        fill();
        draw();
      }
    },
    choose(id) {
      if (chosen.delete(id)) {
        left.add(id);
      } else {
        chosen.add(id);
        left.delete(id);
      }
      draw();
    },
    reset() {
      threshold = null;
      judge();
    },
  };
})();
