/* The picture viewer of a case: zoom, pan, a map beside or over the picture, a ruler. Nothing lies
 * over the picture until somebody asks for it. */
import { mount } from "../shell/mount.mjs";

/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number }} Point From the middle of the stage, in its pixels. */
/** @typedef {Point & { scale: number }} View Of the picture's middle; 1: all of it. */
/** @typedef {{ map: { heat: string, outlines: string } | null, label: string }} Shown Addresses of pictures. */

const CLOSEST = 24;
const STEP = 1.3;
const LENGTHS = [50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1];
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** @type {(value: number, low: number, high: number) => number} */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** The size of a picture that is shown as large as a stage has room for.
 * @type {(picture: Size, stage: Size) => Size} */
export function fitted(picture, stage) {
  const scale = Math.min(stage.width / picture.width, stage.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** Closer by a factor; what is at `point` stays there, and no room is left empty that can be filled.
 * @type {(view: View, factor: number, point: Point, size: Size, stage: Size) => View} */
export function zoomed(view, factor, point, size, stage) {
  const scale = clamp(view.scale * factor, 1, CLOSEST);
  const along = (/** @type {number} */ at, /** @type {number} */ from, /** @type {number} */ over) =>
    clamp(at - (at - from) * (scale / view.scale), -Math.max(0, over) / 2, Math.max(0, over) / 2);
  return {
    scale,
    x: along(point.x, view.x, size.width * scale - stage.width),
    y: along(point.y, view.y, size.height * scale - stage.height),
  };
}

/** The longest round length, in mm, that has room, and its pixels on the screen.
 * @type {(perMm: number, room: number) => { mm: number, width: number } | null} */
export function ruler(perMm, room) {
  const mm = LENGTHS.find((length) => length * perMm <= room);
  return mm && perMm > 0 ? { mm, width: mm * perMm } : null;
}

/** @param {HTMLElement} root @param {AbortSignal} signal */
function start(root, signal) {
  /** @type {<E extends HTMLElement>(selector: string) => E[]} */
  const all = (selector) => [.../** @type {NodeListOf<any>} */ (root.querySelectorAll(selector))];
  const find = (/** @type {string} */ selector) => all(selector)[0];
  const [stages, layers, maps] = [".viewer-stage", ".viewer-layer", ".viewer-map"].map(all);
  const picture = /** @type {HTMLImageElement} */ (find("img"));
  const whole = { width: Number(root.dataset.width), height: Number(root.dataset.height) };
  const on = { heat: false, beside: false, outlines: false, held: false };
  /** @type {Map<number, Point>} */
  const fingers = new Map();
  const opacity = Object.assign(document.createElement("input"), { type: "range", min: "10", value: "60" });
  find(".viewer-opacity").append(opacity);
  /** @type {View} */
  let view = { scale: 1, x: 0, y: 0 };
  /** @type {{ own: Promise<Shown> | null, given: Shown | null }} Of the case, and of another part of it. */
  const shown = { own: null, given: null };

  const room = () => ({ width: stages[0].clientWidth, height: stages[0].clientHeight });
  const move = (/** @type {View} */ to, factor = 1, point = { x: 0, y: 0 }) => {
    view = zoomed(to, factor, point, fitted(whole, room()), room());
    show();
  };
  const pan = (/** @type {number} */ x, /** @type {number} */ y) => move({ ...view, x: view.x + x, y: view.y + y });
  const point = (/** @type {MouseEvent} */ event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    return { x: event.clientX - box.x - box.width / 2, y: event.clientY - box.y - box.height / 2 };
  };

  function show() {
    const size = fitted(whole, room());
    root.classList.toggle("is-close", view.scale > 1);
    root.classList.toggle("is-pixels", (view.scale * size.width) / whole.width > 3);
    const transform = `translate(-50%, -50%) translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    for (const layer of layers) {
      Object.assign(layer.style, { width: `${size.width}px`, height: `${size.height}px`, transform });
    }
    const length = ruler(Number(root.dataset.scale) * size.width * view.scale, room().width / 3);
    Object.assign(find(".viewer-ruler"), { hidden: !length, textContent: length ? `${length.mm} mm` : "" });
    find(".viewer-ruler").style.width = `${length?.width ?? 0}px`;
  }

  async function draw() {
    const shows = [on.heat || on.held, on.beside];
    stages[1].hidden = !on.beside;
    for (const [name, pressed] of Object.entries(on)) {
      find(`[data-do=${name}]`)?.setAttribute("aria-pressed", String(pressed));
    }
    maps.forEach((map, place) => {
      map.hidden = !shows[place];
      map.style.opacity = String(Number(opacity.value) / 100);
      map.style.filter = on.outlines ? "drop-shadow(0 0 1px white)" : "";
    });
    show();
    if (!root.classList.toggle("has-map", shows.includes(true))) {
      return;
    }
    const legend = find(".viewer-legend");
    shown.own ??= fetch(new URL("map", picture.src)).then((answer) =>
      answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText)),
    );
    try {
      const { map, label } = shown.given ?? (await shown.own);
      legend.textContent = label;
      maps.forEach((one) => one.setAttribute("src", map ? map[on.outlines ? "outlines" : "heat"] : "data:,"));
    } catch {
      shown.own = null;
      legend.textContent = "The heat map cannot be loaded.";
    }
  }

  /** @type {Record<string, () => void>} */
  const actions = {
    in: () => move(view, STEP),
    out: () => move(view, 1 / STEP),
    reset: () => move({ scale: 1, x: 0, y: 0 }),
    heat: () => void (on.heat = !on.heat),
    beside: () => void (on.beside = !on.beside),
    outlines: () => {
      on.outlines = !on.outlines;
      on.heat ||= on.outlines && !on.beside;
    },
  };
  root.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-do]");
    actions[button?.getAttribute("data-do") ?? ""]?.();
    void draw();
  });
  opacity.addEventListener("input", () => void draw());
  const hold = (/** @type {boolean} */ held) => {
    if (on.held !== held) {
      on.held = held;
      void draw();
    }
  };
  ["keyup", "focusout"].forEach((type) => root.addEventListener(type, () => hold(false)));
  root.addEventListener("keydown", (event) => {
    if (event.target === opacity || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    hold(on.held || event.key.toLowerCase() === "h");
    const action = { "+": actions.in, "=": actions.in, "-": actions.out, 0: actions.reset }[event.key];
    const arrow = ARROWS[event.key];
    if (action || (arrow && view.scale > 1)) {
      event.preventDefault();
      action ? action() : pan(60 * arrow[0], 60 * arrow[1]);
    }
  });
  for (const stage of stages) {
    stage.addEventListener("wheel", (event) => {
      // Where there is nothing left to zoom out of, the page scrolls.
      if (event.deltaY < 0 || view.scale > 1) {
        event.preventDefault();
        move(view, Math.exp(-clamp(event.deltaY, -200, 200) / 400), point(event));
      }
    });
    stage.addEventListener("dblclick", (event) => (view.scale > 1 ? actions.reset() : move(view, 3, point(event))));
    stage.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, point(event));
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) {
        return;
      }
      const [now, ...rest] = [point(event), ...fingers.values()];
      const other = rest.find((one) => one !== before);
      fingers.set(event.pointerId, now);
      const away = (/** @type {Point} */ one) => Math.hypot(one.x - (other?.x ?? 0), one.y - (other?.y ?? 0)) || 1;
      if (other) {
        move(view, away(now) / away(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
      }
      const far = other ? 2 : 1; // the middle of two fingers moves half as far
      pan((now.x - before.x) / far, (now.y - before.y) / far);
    });
    stage.addEventListener("lostpointercapture", (event) => fingers.delete(event.pointerId));
  }
  root.closest("[data-case]")?.addEventListener("lesions:map", (event) => {
    shown.given = /** @type {CustomEvent<Shown | null>} */ (event).detail;
    on.beside ||= shown.given !== null; // the lesion's own colours stay in view
    void draw();
  });
  new MutationObserver(show).observe(root, { attributeFilter: ["data-scale"] });
  const sizes = new ResizeObserver(() => move(view));
  sizes.observe(stages[0]);
  signal.addEventListener("abort", () => sizes.disconnect());
}

mount("[data-viewer]", start);
