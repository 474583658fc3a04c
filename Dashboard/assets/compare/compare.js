/* The Compare page: columns of pictures that were assessed in this window, judged live. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon, percent } = lesions;
  const chosen = new Set();
  const left = new Set(); // those that somebody took out: they do not come back by themselves
  const STEPS = 1000;
  const PREDICTED = "";
  const SYMBOLS = { consult: "calendar", clear: "check", retake: "retake", none: "info", ood: "question" };
  let settings = null;
  let shown = PREDICTED;

  const page = () => document.getElementById("compare");
  const ready = () =>
    lesions.cards.all().filter(({ row }) => row && row.outcome && row.outcome !== "error");
  const columns = () => ready().filter(({ id }) => chosen.has(id));

  function banner(tone, sentence) {
    return element(
      "div",
      { className: `banner tone-${tone}` },
      icon(SYMBOLS[tone], "banner-icon"),
      element("p", { className: "banner-text" }, sentence),
    );
  }

  /* What may be read out of a picture's result, and with which caution. */
  function verdict(item) {
    const { tone, sentence, before, doubt } = lesions.rule.verdict(item);
    const changed = before ? [element("p", { className: "compare-before" }, before)] : [];
    const reasons = copies(item, lesions.rule.tried() ? ".reason-lasting" : ".reason", 3);
    const warning = doubt
      ? [element("p", { className: "caution" }, icon("warning"), element("span", {}, doubt))]
      : [];
    const meaning = tone === "none" ? [] : copies(item, ".prevalence", 1);
    return [
      banner(tone, sentence),
      ...changed,
      ...reasons,
      ...warning,
      ...meter(item),
      ...meaning,
    ];
  }

  function meter(item) {
    const value = lesions.rule.malignancy(item);
    if (value === null) {
      return [];
    }
    const fill = element("div", { className: "meter-fill" });
    fill.style.width = `${100 * value}%`;
    const track = element("div", { className: "meter-track", "aria-hidden": "true" }, fill);
    const threshold = lesions.rule.of(item);
    if (threshold !== null) {
      const tick = element("div", { className: "gauge-tick" });
      tick.style.left = `${100 * threshold}%`;
      track.append(tick);
    }
    const words = settings.adjusted
      ? "Malignant, classes equally frequent"
      : "Malignant probability";
    return [
      element(
        "div",
        { className: "meter" },
        element(
          "div",
          { className: "meter-head" },
          element("span", { className: "meter-label" }, words),
          element("span", { className: "meter-value" }, percent(value)),
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

  const copies = (item, selector, most) =>
    [...item.node.querySelectorAll(selector)].slice(0, most).map((node) => node.cloneNode(true));

  /* That a picture is drawn, or was classified in spite of its quality, goes with it everywhere. */
  function tags(item) {
    const found = copies(item, ".figure .tag");
    return found.length ? [element("div", { className: "compare-tags" }, ...found)] : [];
  }

  function column(item, scale) {
    const { row, name } = item;
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
      { className: "compare-column", "aria-label": name },
      element("h3", { className: "card-name", title: name }, ...lesions.path(name)),
      picture(item, scale),
      ...tags(item),
      element("div", { className: "compare-verdict", "data-id": item.id }, ...verdict(item)),
      ...(row.outcome === "ood" ? [] : finding),
      ...(row.outcome === "ood" ? [] : copies(item, ".chart", 1)),
      ...copies(item, ".gauges", 1),
      ...copies(item, ".provenance", 1), // the rules that hold differ by model
    );
  }

  /* Largest magnitude of the maps that are shown: the strongest colour of all columns. */
  function common(items) {
    const { largest, mapOf } = lesions.heat;
    const found = items.map(({ node }) => node.querySelector("canvas[data-map]")).filter(Boolean);
    return Math.max(0, ...found.map((canvas) => largest(mapOf(canvas), index(canvas))));
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
        element("span", { className: "compare-chip-name" }, ...lesions.path(item.name)),
      );
    });
  }

  function judge() {
    const { rule } = lesions;
    const items = columns();
    const field = document.getElementById("compare-threshold");
    field.value = Math.round(rule.place(items) * STEPS);
    field.setAttribute("aria-valuetext", rule.words(items));
    document.getElementById("compare-threshold-value").textContent = rule.words(items);
    document.getElementById("compare-rule").textContent = rule.told(items);
    document.getElementById("compare-expected").replaceChildren(...rule.expectations(items));
    page().querySelector("[data-action=compare-reset]").disabled = !rule.tried();
    for (const place of page().querySelectorAll(".compare-verdict")) {
      place.replaceChildren(...verdict(lesions.cards.find(place.dataset.id)));
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
      lesions.rule.try(Number(field.value) / STEPS);
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
      ...options.map(([value, text]) =>
        element("option", { value, selected: value === shown }, text),
      ),
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
      lesions.rule.mount(settings);
      controls();
      lesions.compare.changed();
      lesions.news.draw();
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
      lesions.rule.try(null);
      judge();
    },
  };
})();
