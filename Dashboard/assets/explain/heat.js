/* Draws maps over pictures: bytes from the server, coloured here, on a scale of one's choice. */
(function () {
  "use strict";
  const { lesions } = window;
  const { byId, element } = lesions;
  const LEVELS = 127;
  /** @type {WeakMap<HTMLCanvasElement, PixelMap>} */
  const unpacked = new WeakMap();
  /** @type {Colours | null} */
  let colours = null;
  let shown = true;
  let opacity = 60;

  // A rule of its own: a variable on the root would have the browser look at every element of the
  // page again, which takes long with a hundred cards.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".heat { opacity: 0.6 }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const rule = /** @type {CSSStyleRule} */ (sheet.cssRules[0]);

  /** @type {(canvas: HTMLCanvasElement) => CanvasRenderingContext2D} */
  function pen(canvas) {
    const context = canvas.getContext("2d");
    if (!context) {
      throw new Error("This browser cannot draw on a canvas.");
    }
    return context;
  }

  /** @type {Heat["bytes"]} */
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

  /* The map as the server sends it, unpacked once: one array of signed bytes after the other. */
  /** @type {Heat["unpack"]} */
  function unpack({ width, height, limit, values }) {
    return { width, height, limit, values: new Int8Array(bytes(values).buffer) };
  }

  /* Largest magnitude of one of the maps, in the map's own unit. */
  /** @type {Heat["largest"]} */
  function largest({ width, height, limit, values }, index) {
    const size = width * height;
    let most = 0;
    for (let i = index * size; i < (index + 1) * size; i += 1) {
      most = Math.max(most, Math.abs(values[i]));
    }
    return (most * limit) / LEVELS;
  }

  /* One value of a map between its cells, which cover the whole picture, edge to edge. */
  /** @type {(length: number, cells: number) => [number, number, number][]} */
  function along(length, cells) {
    return Array.from({ length }, (_, i) => {
      const at = Math.min(Math.max(((i + 0.5) * cells) / length - 0.5, 0), cells - 1);
      const low = Math.floor(at);
      return [low, Math.min(low + 1, cells - 1), at - low];
    });
  }

  /* Draw map `index` into a canvas; a value of `scale` gets the strongest colour of `table`. */
  /** @type {Heat["draw"]} */
  function draw(canvas, map, index, scale, table = colours) {
    if (!table) {
      return;
    }
    const context = pen(canvas);
    const { width, height } = canvas;
    const image = context.createImageData(width, height);
    const { values } = map;
    const factor = scale > 0 ? map.limit / scale : 0;
    const start = index * map.width * map.height;
    const columns = along(width, map.width);
    let place = 0;
    for (const [top, bottom, down] of along(height, map.height)) {
      const [above, below] = [start + top * map.width, start + bottom * map.width];
      for (const [left, right, across] of columns) {
        const upper = values[above + left] * (1 - across) + values[above + right] * across;
        const lower = values[below + left] * (1 - across) + values[below + right] * across;
        const level = Math.round((upper * (1 - down) + lower * down) * factor);
        const from = 4 * (Math.min(Math.max(level, -LEVELS), LEVELS) + LEVELS);
        for (let part = 0; part < 4; part += 1) {
          image.data[place + part] = table[from + part];
        }
        place += 4;
      }
    }
    context.putImageData(image, 0, 0);
  }

  /* The canvases below a node that the server filled with maps, each on a scale of its own. */
  /** @type {Heat["drawAll"]} */
  function drawAll(node) {
    /** @type {NodeListOf<HTMLCanvasElement>} */
    const canvases = node.querySelectorAll("canvas[data-map]");
    for (const canvas of canvases) {
      const map = lesions.heat.mapOf(canvas);
      const index = Number(canvas.dataset.shown);
      draw(canvas, map, index, largest(map, index));
    }
  }

  function apply() {
    rule.style.opacity = String(opacity / 100);
    rule.style.visibility = shown ? "" : "hidden";
    const button = document.querySelector("#heat-tools [data-action=heat]");
    button?.setAttribute("aria-pressed", String(shown));
  }

  function slider() {
    const field = element("input", {
      type: "range",
      id: "heat-opacity",
      min: 0,
      max: 100,
      step: 5,
      value: opacity,
    });
    field.addEventListener("input", () => {
      opacity = Number(field.value);
      shown = true;
      apply();
    });
    return [element("label", { htmlFor: "heat-opacity" }, "Opacity"), field];
  }

  /* The colours of values from `least`, -127 or 0, to 127. */
  /** @type {Heat["legend"]} */
  function legend(canvas, table, least) {
    const context = pen(canvas);
    const image = context.createImageData(canvas.width, 1);
    for (let x = 0; x < canvas.width; x += 1) {
      const level = Math.round(least + (x / (canvas.width - 1)) * (LEVELS - least)) + LEVELS;
      image.data.set(table.subarray(4 * level, 4 * level + 4), 4 * x);
    }
    context.putImageData(image, 0, 0);
  }

  lesions.heat = {
    LEVELS,
    bytes,
    unpack,
    legend,
    largest,
    draw,
    drawAll,
    /* The maps behind a canvas of the server; unpacked at the first use. */
    mapOf(canvas) {
      const map = unpacked.get(canvas) || unpack(JSON.parse(canvas.dataset.map || ""));
      unpacked.set(canvas, map);
      return map;
    },
    toggle() {
      shown = !shown;
      apply();
    },
    /* A page with the tools was drawn. */
    mount() {
      const tools = byId("heat-tools");
      colours = bytes(tools.dataset.colours || "");
      tools.querySelector(".heat-opacity")?.replaceChildren(...slider());
      const scale = /** @type {HTMLCanvasElement} */ (tools.querySelector(".heat-scale"));
      legend(scale, colours, -LEVELS);
      apply();
    },
  };
})();
