/* Two pictures of a lesion, laid onto each other: seen in turns, by a button or while B is held. */

import { mount } from "../shell/mount.mjs";

const SECONDS = 0.8;

/** Which of two pictures is seen after so many seconds, 0 or 1.
 * @type {(seconds: number) => number} */
export function turn(seconds) {
  return Math.floor(seconds / SECONDS) % 2;
}

mount("[data-pair]", (root) => {
  const pictures = root.querySelector("[data-blinks]");
  const button = root.querySelector("[data-blink]");
  if (!pictures || !button) {
    return;
  }
  let timer = 0;
  /** @param {number} place */
  const see = (place) => {
    [...pictures.children].forEach((one, at) => one.classList.toggle("seen", at === place));
  };
  /** @param {boolean} on */
  const blink = (on) => {
    clearInterval(timer);
    pictures.classList.toggle("blinking", on);
    button.setAttribute("aria-pressed", String(on));
    if (on) {
      const start = performance.now();
      see(0);
      timer = setInterval(() => see(turn((performance.now() - start) / 1000)), SECONDS * 1000);
    }
  };
  const pressed = () => button.getAttribute("aria-pressed") === "true";
  const click = () => blink(!pressed());
  /** @param {KeyboardEvent} event */
  const key = (event) => {
    const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea");
    if (event.key.toLowerCase() === "b" && !event.repeat && !typing && !event.ctrlKey) {
      blink(event.type === "keydown");
    }
  };
  button.addEventListener("click", click);
  document.addEventListener("keydown", key);
  document.addEventListener("keyup", key);
  return () => {
    clearInterval(timer);
    document.removeEventListener("keydown", key);
    document.removeEventListener("keyup", key);
  };
});
