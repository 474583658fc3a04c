/* Explanations of a case, by the API's own routes: asks, follows, gives a map to the viewer. */
import { make, mount } from "../shell/mount.mjs";

/** @typedef {{ key: string, state: string, fraction: number, method: string, title: string,
 *   words: string, status: string }} Explanation */

const [LOOK_MS, GIVEN_UP_MS] = [700, 7000];
const OPEN = ["queued", "running"];
const FILES = { Picture: "picture.png", Outlines: "outlines.png", Array: "map.npy" };

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
  const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) =>
    make("button", { type: "button", className: "tool", onclick }, text);
  const pressed = () => list.querySelector("[aria-pressed=true]");
  const show = (/** @type {object | null} */ detail, /** @type {HTMLElement | null} */ toggle = null) => {
    pressed()?.setAttribute("aria-pressed", "false");
    toggle?.setAttribute("aria-pressed", String(detail !== null));
    root.dispatchEvent(new CustomEvent("lesions:map", { bubbles: true, detail }));
  };

  /** @param {HTMLElement} node @param {Explanation} answer */
  function draw(node, { key, state, fraction, method, title, words, status }) {
    const isOpen = OPEN.includes(state);
    const away = button(isOpen ? "Cancel" : "Remove", () => {
      node.contains(pressed()) && show(null);
      node.remove();
      ask(`/${key}`, "DELETE").catch(() => null); // it may be gone
    });
    const parts = isOpen ? [make("progress", { value: fraction, ariaLabel: title })] : [];
    if (state === "done") {
      const map = () => ask(`/${key}/map`).then((map) => show({ map, label: `${title}: ${words}` }, toggle));
      const toggle = button("Show", () => (toggle === pressed() ? show(null, toggle) : map().catch(fail)));
      toggle.ariaPressed = "false";
      const links = Object.entries(FILES).map(([text, name]) => {
        const href = `${address}/${key}/${name}`;
        return make("a", { className: "tool", href, download: `${file}-${method}-${name}` }, text);
      });
      parts.push(toggle, ...links);
    }
    const said = make("span", { role: "status" }, status);
    node.replaceChildren(make("strong", {}, title), make("span", {}, words), ...parts, said, away);
  }

  /** @param {Explanation} answer @param {object | null} order that it was asked for by, here */
  async function follow(answer, order = null) {
    const node = make("div", { className: "explained along", id: `explained-${answer.key}` });
    document.getElementById(node.id)?.remove(); // an equal request is the same one
    list.append(node);
    draw(node, answer);
    while (OPEN.includes(answer.state) && node.isConnected) {
      const before = Date.now();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const next = await ask(`/${answer.key}`).catch(({ message: status }) => ({ ...answer, state: "failed", status }));
      // A browser lets a page that is out of sight ask too seldom; what it still shows is asked for again.
      const late = next.state === "cancelled" && Date.now() - before > GIVEN_UP_MS;
      answer = late && order && node.isConnected ? await ask("", "POST", order) : next;
      draw(node, answer);
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
