/* Explanations of a case, by the API's own routes: asks, follows, gives a map to the viewer. */
import { mount } from "../shell/mount.mjs";

/** @typedef {{ key: string, state: string, fraction: number, seconds_left: number | null,
 *   error: string | null, method: string, precision: string, model: string, target: string | null,
 *   facts: { target: string, probability: number, seconds: number, fails_randomisation: boolean } | null
 * }} Explanation */
/** @typedef {{ methods: { name: string, label: string, has_precision: boolean }[],
 *   models: { name: string, names: Record<string, string> }[] }} Offer */

const [LOOK_MS, GIVEN_UP_MS] = [700, 7000];
const OPEN = ["queued", "running"];
const FILES = { Picture: "picture.png", Outlines: "outlines.png", Array: "map.npy" };

/** @type {(value: number) => string} */
const seconds = (value) => `${value < 9.5 ? Math.max(value, 0.1).toFixed(1) : Math.round(value)} s`;

/** How far one is that waits or runs. @type {(answer: Explanation) => string} */
export const progress = ({ state, fraction, seconds_left: left }) =>
  `${state === "queued" ? "Waiting" : `${Math.round(100 * fraction)}%`}, about ${seconds(left ?? 0)} left`;

/** What one is of. @type {(answer: Explanation, offer: Offer) => { title: string, words: string }} */
export function naming({ method, precision, model, target, facts }, offer) {
  const entry = offer.methods.find(({ name }) => name === method);
  const names = offer.models.find(({ name }) => name === model)?.names ?? {};
  const code = facts?.target ?? target;
  const of = code ? (names[code] ?? code) : "Predicted class";
  const words = [
    facts ? `${of} ${(100 * facts.probability).toFixed(1)}%` : of,
    entry?.has_precision && precision,
    facts && seconds(facts.seconds),
    facts?.fails_randomisation && "fails the sanity check",
  ];
  return { title: entry?.label ?? method, words: words.filter(Boolean).join(" · ") };
}

/** @type {(tag: string, more: object, ...children: (Node | string)[]) => HTMLElement} */
function make(tag, more, ...children) {
  const node = document.createElement(tag);
  node.append(...children);
  return Object.assign(node, more);
}

/** @param {HTMLElement} root */
function start(root) {
  const { explain: assessment, address, file } = root.dataset;
  const list = /** @type {HTMLElement} */ (root.querySelector(".explanations"));
  const ask = async (path = "", method = "GET", /** @type {object | undefined} */ body = undefined) => {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(address + path, { method, headers, body: body && JSON.stringify(body) });
    const found = await answer.json().catch(() => ({}));
    return answer.ok ? found : Promise.reject(new Error(found.error ?? answer.statusText));
  };
  const offered = ask();
  const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
    make("button", { type: "button", className: "tool", onclick }, text);
  const pressed = () => list.querySelector("[aria-pressed=true]");
  const show = (/** @type {object | null} */ detail, /** @type {HTMLElement | null} */ toggle = null) => {
    pressed()?.setAttribute("aria-pressed", "false");
    toggle?.setAttribute("aria-pressed", String(detail !== null));
    root.dispatchEvent(new CustomEvent("lesions:map", { bubbles: true, detail }));
  };

  /** @param {HTMLElement} node @param {Explanation} answer @param {Offer} offer */
  function draw(node, answer, offer) {
    const { title, words } = naming(answer, offer);
    const away = button(OPEN.includes(answer.state) ? "Cancel" : "Remove", () => {
      node.contains(pressed()) && show(null);
      node.remove();
      ask(`/${answer.key}`, "DELETE").catch(() => null); // it may be gone
    });
    const parts = [make("span", { role: "status" }, answer.error ?? "")];
    if (OPEN.includes(answer.state)) {
      parts[0].textContent = progress(answer);
      parts.unshift(make("progress", { value: answer.fraction, ariaLabel: title }));
    } else if (answer.state === "done") {
      const map = () => ask(`/${answer.key}/map`).then((map) => show({ map, label: `${title}: ${words}` }, toggle));
      const toggle = button("Show", () => (toggle === pressed() ? show(null, toggle) : map().catch(fail)));
      toggle.ariaPressed = "false";
      const links = Object.entries(FILES).map(([text, name]) => {
        const href = `${address}/${answer.key}/${name}`;
        return make("a", { className: "tool", href, download: `${file}-${answer.method}-${name}` }, text);
      });
      parts.splice(0, 1, toggle, ...links);
    }
    node.replaceChildren(make("strong", {}, title), make("span", {}, words), ...parts, away);
  }

  /** @param {Explanation} answer @param {object | null} order that it was asked for by, here */
  async function follow(answer, order = null) {
    const node = make("div", { className: "explained", id: `explained-${answer.key}` });
    const offer = await offered;
    document.getElementById(node.id)?.remove(); // an equal request is the same one
    list.append(node);
    draw(node, answer, offer);
    while (OPEN.includes(answer.state) && node.isConnected) {
      const before = Date.now();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const next = await ask(`/${answer.key}`).catch(({ message: error }) => ({ ...answer, state: "failed", error }));
      // A browser lets a page that is out of sight ask too seldom; what it still shows is asked for again.
      const late = next.state === "cancelled" && Date.now() - before > GIVEN_UP_MS;
      answer = late && order && node.isConnected ? await ask("", "POST", order) : next;
      draw(node, answer, offer);
    }
  }

  const fail = (/** @type {Error} */ { message }) =>
    list.append(make("p", { className: "explained", role: "alert" }, message));
  root.querySelector("[data-do=explain]")?.addEventListener("click", () => {
    const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("input[name]"));
    const chosen = [...inputs].filter((input) => input.value).map((input) => [input.name, input.value]);
    const order = { assessment, watched: true, gate: false, ...Object.fromEntries(chosen) };
    ask("", "POST", order).then((answer) => follow(answer, order)).catch(fail);
  });
  ask(`?assessment=${assessment}`)
    .then(({ explanations }) => explanations.forEach((/** @type {Explanation} */ one) => follow(one).catch(fail)))
    .catch(fail);
}

mount("[data-explain]", start);
