/* The panel that explains a result: starts jobs, shows how far they are and their maps side by side.
 *
 * A job goes on when the page is left; the server tells of it when the picture comes again. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon } = lesions;
  const OPEN = ["queued", "running"];
  const GONE = "The server no longer has it: explain again.";
  let offering = null;

  const address = (key, rest) => `/explanations/${encodeURIComponent(key)}${rest || ""}`;

  async function ask(path, options) {
    const response = await fetch(path, options).catch(() => {
      throw new Error("The server cannot be reached. Check the connection.");
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
      throw new Error(answer.error || `The server failed (${response.status}).`);
    }
    return answer;
  }

  function offered() {
    offering =
      offering ||
      ask("/explanations").catch((error) => {
        offering = null;
        throw error;
      });
    return offering;
  }

  const seconds = (value) => (value < 9.5 ? `${Math.max(value, 0.1).toFixed(1)} s` : `${Math.round(value)} s`);

  /* The form */

  function choice(id, label, options, chosen) {
    const entries = options.map(([value, text, refused]) =>
      element("option", { value, selected: value === chosen, disabled: Boolean(refused) }, text),
    );
    const select = element("select", { id, className: "explain-select" }, ...entries);
    return element("div", { className: "explain-field" }, element("label", { htmlFor: id }, label), select);
  }

  function form(item, details, offer) {
    const model = offer.models.find(({ name }) => name === details.dataset.model);
    const refusals = model?.unsupported || {};
    const methods = offer.methods.map(({ name, label, fails_randomisation: fails }) => {
      const note = refusals[name] ? " (not with this model)" : fails ? " (fails the weights test)" : "";
      return [name, label + note, refusals[name]];
    });
    const classes = Object.entries(model?.names || {});
    return element(
      "div",
      { className: "explain-form" },
      choice(`${item.id}-method`, "Method", methods, offer.default),
      choice(`${item.id}-precision`, "Precision", offer.precisions.map((name) => [name, name]), "Medium"),
      choice(`${item.id}-target`, "Class", [["", "The predicted one"], ...classes], ""),
      element("button", { type: "button", className: "button", "data-action": "explain" }, "Explain"),
      element("p", { className: "explain-hint", "aria-live": "polite" }),
    );
  }

  function hint(body, details, offer) {
    const chosen = body.querySelector("[id$=-method]").value;
    const precision = body.querySelector("[id$=-precision]");
    const method = offer.methods.find(({ name }) => name === chosen);
    const model = offer.models.find(({ name }) => name === details.dataset.model);
    precision.disabled = !method.has_precision;
    const warning = method.fails_randomisation
      ? [
          element(
            "strong",
            { className: "explain-warning" },
            icon("warning"),
            "Fails the weights test: with random weights its map hardly changes, so it shows the " +
              "picture's edges rather than the model's reasons.",
          ),
        ]
      : [];
    body
      .querySelector(".explain-hint")
      .replaceChildren(
        `${method.text} `,
        model ? `Takes about ${seconds(model.seconds[chosen][precision.value])}; ` : "",
        model ? "the first one also starts the process that explains. " : "",
        ...warning,
      );
  }

  /* One explanation */

  function figure(item, asked, offer) {
    const method = offer.methods.find(({ name }) => name === asked.method);
    const source = item.node.querySelector(".figure img").src;
    const names = offer.models.find(({ name }) => name === asked.model)?.names || {};
    const words = [asked.target ? names[asked.target] : "Predicted class"];
    if (method.has_precision) {
      words.push(asked.precision);
    }
    const title = element("strong", {}, method.label);
    if (method.fails_randomisation) {
      title.append(" ", icon("warning", "explain-warning"));
      title.title = "Fails the weights test";
    }
    const node = element(
      "figure",
      { className: "explained" },
      element(
        "div",
        { className: "heat-frame" },
        element("img", { className: "thumb", src: source, alt: `Explained by ${method.label}` }),
      ),
      element(
        "figcaption",
        {},
        title,
        element("span", { className: "explained-words" }, words.join(" · ")),
        element("div", { className: "explained-state" }),
      ),
    );
    node.names = names;
    return node;
  }

  function button(action, symbol, text, data) {
    const attributes = { type: "button", className: "tool", "data-action": action, ...data };
    return element("button", attributes, icon(symbol), element("span", {}, text));
  }

  function showProgress(node, { state, fraction, seconds_left: left }) {
    const words =
      state === "queued"
        ? "Waiting for its turn"
        : `${Math.round(100 * fraction)}% · about ${seconds(left)} left`;
    const bar = node.querySelector("progress");
    if (bar) {
      bar.value = fraction;
      bar.previousSibling.textContent = words;
      return;
    }
    const progress = element("progress", { max: 1, value: fraction, className: "progress-bar" });
    progress.setAttribute("aria-label", "Progress of the explanation");
    node
      .querySelector(".explained-state")
      .replaceChildren(
        element("span", { className: "progress-text" }, words),
        progress,
        button("explain-remove", "close", "Cancel"),
      );
  }

  function showFailure(node, sentence) {
    node
      .querySelector(".explained-state")
      .replaceChildren(
        element("p", { className: "explained-error" }, icon("file-x"), sentence),
        button("explain-remove", "close", "Remove"),
      );
  }

  async function showResult(node, answer) {
    const map = lesions.heat.unpack(await ask(address(answer.key, "/map")));
    const canvas = element("canvas", { className: "thumb heat", width: map.width, height: map.height });
    canvas.setAttribute("aria-hidden", "true");
    lesions.heat.draw(canvas, map, 0, lesions.heat.largest(map, 0));
    const frame = node.querySelector(".heat-frame");
    frame.querySelector("canvas")?.remove();
    frame.append(canvas);
    const { target, probability, seconds: took } = answer.facts;
    node.querySelector(".explained-words").textContent =
      `${node.names[target] || target} ${(100 * probability).toFixed(1)}% · ${seconds(took)}`;
    node
      .querySelector(".explained-state")
      .replaceChildren(
        button("explain-outlines", "outline", "Outlines", { "aria-pressed": "false" }),
        button("explain-save", "download", "Picture", { "data-file": "picture.png" }),
        button("explain-save", "download", "Array", { "data-file": "map.npy" }),
        button("explain-remove", "close", "Remove"),
      );
  }

  /* Whoever asks for the same again is shown what is there. */
  function isThere(node, key) {
    const there = node.parentNode?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!there || there === node) {
      return false;
    }
    node.removed = true;
    node.remove();
    there.scrollIntoView({ block: "nearest" });
    return true;
  }

  async function tell(item, node, answer) {
    if (node.removed || (answer.key && isThere(node, answer.key))) {
      return;
    }
    if (answer.key) {
      node.dataset.key = answer.key;
    }
    if (OPEN.includes(answer.state)) {
      showProgress(node, answer);
      return;
    }
    try {
      if (answer.state !== "done") {
        throw new Error(answer.error);
      }
      await showResult(node, answer);
      lesions.announce(`${item.name}: explained`);
    } catch (error) {
      showFailure(node, error.message);
    }
  }

  function follow(item, node, order) {
    node.ticket = lesions.jobs.start(
      order,
      (answer) => tell(item, node, answer),
      (key) => again(item, node, key),
    );
  }

  /* Nothing was heard of a job: go on with it, or say why not. */
  async function again(item, node, key) {
    if (node.removed) {
      return;
    }
    try {
      if (!key) {
        throw new Error("The server did not answer: explain again.");
      }
      await ask(address(key));
      follow(item, node, async () => ({ key }));
    } catch (error) {
      showFailure(node, error.message);
    }
  }

  function add(item, details, order, asked, offer) {
    const node = figure(item, asked, offer);
    if (asked.key) {
      node.dataset.key = asked.key;
    }
    details.querySelector(".explanations").append(node);
    showProgress(node, { state: "queued", fraction: 0 });
    follow(item, node, order);
  }

  async function fill(details) {
    const item = lesions.cards.find(details.closest(".card").id);
    const body = details.querySelector(".explain-body");
    details.dataset.filled = "true";
    try {
      const offer = await offered();
      body.replaceChildren(
        form(item, details, offer),
        element("div", { className: "explanations" }),
      );
      body.addEventListener("change", () => hint(body, details, offer));
      hint(body, details, offer);
      for (const key of details.dataset.known.split(" ").filter(Boolean)) {
        const answer = await ask(address(key)).catch(() => null);
        if (answer) {
          add(item, details, async () => ({ key }), answer, offer);
        }
      }
    } catch (error) {
      delete details.dataset.filled;
      body.replaceChildren(element("p", { className: "explained-error" }, error.message));
    }
  }

  // The event does not bubble.
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (target.matches("details.explain[open]:not([data-filled])")) {
        fill(target);
      }
    },
    true,
  );

  async function pictureOf(item) {
    if (item.file) {
      return item.file;
    }
    const response = await fetch(`/examples/${item.example}.jpg`);
    return response.blob();
  }

  lesions.explain = {
    async start(card) {
      const item = lesions.cards.find(card.id);
      const details = card.querySelector("details.explain");
      const control = (name) => document.getElementById(`${item.id}-${name}`);
      const options = {
        model: details.dataset.model,
        method: control("method").value,
        precision: control("precision").value,
        target: control("target").value || null,
      };
      // Sent when its turn has come: the server holds a picture for a minute.
      const order = async () => {
        const body = await pictureOf(item);
        const { picture } = await ask("/pictures", { method: "POST", body });
        return { picture, options };
      };
      add(item, details, order, options, await offered());
    },
    /* Cancel one that is under way, forget one that is done. */
    remove(card, pressed) {
      const node = pressed.closest(".explained");
      node.removed = true;
      node.remove();
      if (node.querySelector("progress")) {
        lesions.jobs.cancel(node.ticket);
      } else if (node.dataset.key) {
        ask(address(node.dataset.key), { method: "DELETE" }).catch(() => {});
      }
      card.querySelector("[data-action=explain]").focus();
    },
    /* Show outlines of the most important regions in the heatmap's place, and back. */
    outlines(card, pressed) {
      const node = pressed.closest(".explained");
      const frame = node.querySelector(".heat-frame");
      const drawn = pressed.getAttribute("aria-pressed") !== "true";
      pressed.setAttribute("aria-pressed", String(drawn));
      node.querySelector("[data-file$=png]").dataset.file = drawn ? "outlines.png" : "picture.png";
      frame.querySelector("canvas").hidden = drawn;
      node.querySelector(".explained-words + .explained-legend")?.remove();
      const shown = frame.querySelector(".explained-outlines");
      if (!drawn) {
        shown.remove();
        return;
      }
      const image = element("img", {
        className: "thumb explained-outlines",
        src: address(node.dataset.key, "/outlines.png"),
        alt: "Outlines of the most important regions",
      });
      image.addEventListener("error", () => showFailure(node, GONE));
      frame.append(image);
      node.querySelector(".explained-words").after(
        element(
          "span",
          { className: "explained-words explained-legend" },
          "Green surrounds what speaks for the class, red what speaks against it.",
        ),
      );
    },
    async save(card, pressed) {
      const node = pressed.closest(".explained");
      const { file } = pressed.dataset;
      const response = await fetch(address(node.dataset.key, `/${file}`)).catch(() => null);
      if (!response?.ok) {
        showFailure(node, GONE);
        return;
      }
      const url = URL.createObjectURL(await response.blob());
      const stem = lesions.cards.find(card.id).name.replace(/\.[^.]*$/, "");
      const method = node.querySelector("strong").textContent.trim().toLowerCase().replace(/\W+/g, "-");
      const [kind, ending] = file.split(".");
      const suffix = kind === "outlines" ? "-outlines" : "";
      element("a", { href: url, download: `${stem}-${method}${suffix}.${ending}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    },
  };
})();
