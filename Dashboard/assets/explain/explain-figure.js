/* One explanation as the panel shows it: how far it is, its map with its scale, its files. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon } = lesions;
  const GONE = "The server no longer has it: explain again.";

  const address = (key, ...rest) => lesions.url(["explanations", encodeURIComponent(key), ...rest].join("/"));

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

  const seconds = (value) => (value < 9.5 ? `${Math.max(value, 0.1).toFixed(1)} s` : `${Math.round(value)} s`);

  /* What of a request a figure says: a method without degrees has no precision. */
  function words(node, target, more) {
    const precision = node.method.has_precision ? [node.asked.precision] : [];
    node.querySelector(".explained-words").textContent = [target, ...precision, ...more].join(" · ");
  }

  function create(item, asked, offer) {
    const method = offer.methods.find(({ name }) => name === asked.method);
    const source = item.node.querySelector(".figure img").src;
    const names = offer.models.find(({ name }) => name === asked.model)?.names || {};
    const title = element("strong", {}, method.label);
    if (method.fails_randomisation) {
      title.append(" ", icon("warning", "explain-warning"));
      title.title = "Fails the model-randomisation sanity check";
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
        element("span", { className: "explained-words" }),
        element("div", { className: "explained-state" }),
      ),
    );
    Object.assign(node, { names, method, asked, scales: offer.scales });
    words(node, asked.target ? names[asked.target] : "Predicted class", []);
    return node;
  }

  function button(action, symbol, text, data) {
    const attributes = { type: "button", className: "tool", "data-action": action, ...data };
    return element("button", attributes, icon(symbol), element("span", {}, text));
  }

  function progress(node, { state, fraction, seconds_left: left }) {
    const text =
      state === "queued"
        ? "Waiting for its turn"
        : `${Math.round(100 * fraction)}% · about ${seconds(left)} left`;
    const bar = node.querySelector("progress");
    if (bar) {
      bar.value = fraction;
      bar.previousSibling.textContent = text;
      return;
    }
    const made = element("progress", { max: 1, value: fraction, className: "progress-bar" });
    made.setAttribute("aria-label", "Progress of the explanation");
    node
      .querySelector(".explained-state")
      .replaceChildren(
        element("span", { className: "progress-text" }, text),
        made,
        button("explain-remove", "close", "Cancel"),
      );
  }

  function failure(node, sentence) {
    node
      .querySelector(".explained-state")
      .replaceChildren(
        element("p", { className: "explained-error" }, icon("file-x"), sentence),
        button("explain-remove", "close", "Remove"),
      );
  }

  /* The colours of a map with what their ends mean, as below a drawing of the house. */
  function scale({ low, high }, table, signed) {
    const bar = element("canvas", { className: "heat-scale", width: 127, height: 1 });
    bar.setAttribute("aria-hidden", "true");
    lesions.heat.legend(bar, table, signed ? -lesions.heat.LEVELS : 0);
    return element(
      "div",
      { className: "explained-scale" },
      bar,
      element("span", {}, low),
      element("span", {}, high),
    );
  }

  async function result(node, answer) {
    const sent = await ask(address(answer.key, "map"));
    const map = lesions.heat.unpack(sent);
    const kind = sent.signed ? node.scales.signed : node.scales.unsigned;
    const table = lesions.heat.bytes(kind.colours);
    const canvas = element("canvas", { className: "thumb heat", width: map.width, height: map.height });
    canvas.setAttribute("aria-hidden", "true");
    // The scale of picture.png. A few pixels stand out from a map that is made pixel by pixel; by
    // them the rest would have no colour.
    lesions.heat.draw(canvas, map, 0, map.limit, table);
    const frame = node.querySelector(".heat-frame");
    frame.querySelector("canvas")?.remove();
    frame.append(canvas);
    const { target, probability, seconds: took } = answer.facts;
    node.target = target;
    words(node, `${node.names[target] || target} ${(100 * probability).toFixed(1)}%`, [seconds(took)]);
    node.querySelector(".explained-scale")?.remove();
    node.querySelector(".explained-words").after(scale(kind, table, sent.signed));
    node
      .querySelector(".explained-state")
      .replaceChildren(
        button("explain-outlines", "outline", "Outlines", { "aria-pressed": "false" }),
        button("explain-save", "download", "Picture", { "data-file": "picture.png" }),
        button("explain-save", "download", "Array", { "data-file": "map.npy" }),
        button("explain-remove", "close", "Remove"),
      );
  }

  /* Show outlines of the most important regions in the heatmap's place, and back. */
  function outlines(node, pressed) {
    const frame = node.querySelector(".heat-frame");
    const drawn = pressed.getAttribute("aria-pressed") !== "true";
    pressed.setAttribute("aria-pressed", String(drawn));
    node.querySelector("[data-file$=png]").dataset.file = drawn ? "outlines.png" : "picture.png";
    frame.querySelector("canvas").hidden = drawn;
    node.querySelector(".explained-scale").hidden = drawn;
    node.querySelector(".explained-legend")?.remove();
    if (!drawn) {
      frame.querySelector(".explained-outlines").remove();
      return;
    }
    const image = element("img", {
      className: "thumb explained-outlines",
      src: address(node.dataset.key, "outlines.png"),
      alt: "Outlines of the most important regions",
    });
    image.addEventListener("error", () => {
      if (image.isConnected) {
        outlines(node, pressed); // the heatmap is here, whatever the server has forgotten
        failure(node, GONE);
      }
    });
    frame.append(image);
    node
      .querySelector(".explained-words")
      .after(
        element(
          "span",
          { className: "explained-words explained-legend" },
          node.method.signed
            ? "Green surrounds what speaks for the class, red what speaks against it."
            : "Green surrounds where the model is most sensitive.",
        ),
      );
  }

  async function save(item, node, file) {
    const response = await fetch(address(node.dataset.key, file)).catch(() => null);
    if (!response?.ok) {
      failure(node, GONE);
      return;
    }
    const url = URL.createObjectURL(await response.blob());
    const [kind, ending] = file.split(".");
    const parts = [
      item.name.replace(/\.[^.]*$/, ""),
      node.method.label.toLowerCase().replace(/\W+/g, "-"),
      node.target,
      ...(node.method.has_precision ? [node.asked.precision.toLowerCase()] : []),
      ...(kind === "outlines" ? [kind] : []),
    ];
    element("a", { href: url, download: `${parts.join("-")}.${ending}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  lesions.explained = { ask, address, seconds, create, progress, failure, result, outlines, save };
})();
