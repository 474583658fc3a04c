/* The panel that explains a result: starts jobs, shows how far they are and their maps side by side.
 *
 * A job goes on when the page is left; the server tells of it when the picture comes again. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon } = lesions;
  const { ask, address, seconds, ...figure } = lesions.explained;
  const OPEN = ["queued", "running"];
  let capabilities = null;

  function offered() {
    capabilities =
      capabilities ||
      ask(lesions.url("explanations")).catch((error) => {
        capabilities = null;
        throw error;
      });
    return capabilities;
  }

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
      const note = refusals[name] ? " (not with this model)" : fails ? " (fails the sanity check)" : "";
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
            "Fails the model-randomisation sanity check: with random weights its map hardly changes, so it shows the " +
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

  /* Explanations under way */

  /* Whether a figure is on its card, and the card on the page, be another page shown or not. */
  function isShown(item, node) {
    return !node.removed && lesions.cards.find(item.id) === item && item.node.contains(node);
  }

  /* Whoever asks for the same again is shown what is there, unless that failed. */
  function isThere(node, key) {
    const there = node.parentNode?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!there || there === node) {
      return false;
    }
    const failed = there.querySelector(".explained-error");
    const [away, kept] = failed ? [there, node] : [node, there];
    away.removed = true;
    away.remove();
    kept.scrollIntoView({ block: "nearest" });
    return !failed;
  }

  async function tell(item, node, answer) {
    if (!isShown(item, node) || (answer.key && isThere(node, answer.key))) {
      lesions.jobs.release(node.ticket);
      return;
    }
    if (answer.key) {
      node.dataset.key = answer.key;
    }
    if (OPEN.includes(answer.state)) {
      figure.progress(node, answer);
      return;
    }
    try {
      if (answer.state !== "done") {
        throw new Error(answer.error);
      }
      await figure.result(node, answer);
      lesions.announce(`${item.name}: explained`);
    } catch (error) {
      figure.failure(node, error.message);
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
    if (!isShown(item, node)) {
      return;
    }
    try {
      if (!key) {
        throw new Error("The server did not answer: explain again.");
      }
      await ask(address(key));
      follow(item, node, async () => ({ key }));
    } catch (error) {
      figure.failure(node, error.message);
    }
  }

  function add(item, details, order, asked, offer) {
    const node = figure.create(item, asked, offer);
    if (asked.key) {
      node.dataset.key = asked.key;
    }
    details.querySelector(".explanations").append(node);
    figure.progress(node, { state: "queued", fraction: 0 });
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
    const response = await fetch(lesions.url(`examples/${item.example}.jpg`));
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
        const { picture } = await ask(lesions.url("pictures"), { method: "POST", body });
        return { picture, options };
      };
      add(item, details, order, options, await offered());
    },
    /* Take one off the page. What is under way is followed no longer: who else follows it goes on
     * to. What is done the server forgets by itself, and others may show it until then. */
    remove(card, pressed) {
      const node = pressed.closest(".explained");
      node.removed = true;
      node.remove();
      if (node.querySelector("progress")) {
        lesions.jobs.cancel(node.ticket);
      }
      card.querySelector("[data-action=explain]").focus();
    },
    outlines(card, pressed) {
      figure.outlines(pressed.closest(".explained"), pressed);
    },
    save(card, pressed) {
      const { file } = pressed.dataset;
      return figure.save(lesions.cards.find(card.id), pressed.closest(".explained"), file);
    },
  };
})();
