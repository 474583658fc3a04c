/* Two pictures of a lesion, laid onto each other: seen in turns, by a button or while B is held. */
import { mount } from "../shell/mount.mjs";

mount("[data-pair]:has([data-blinks])", (root, signal) => {
  const pictures = /** @type {Element} */ (root.querySelector("[data-blinks]"));
  const button = /** @type {Element} */ (root.querySelector("[data-blink]"));
  const blink = (/** @type {boolean} */ on) => {
    pictures.classList.toggle("blinking", on);
    button.setAttribute("aria-pressed", String(on));
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    const isTyping = event.target instanceof HTMLElement && event.target.closest("input, textarea");
    if (event.key.toLowerCase() === "b" && !event.repeat && !isTyping && !event.ctrlKey) {
      blink(event.type === "keydown");
    }
  };
  button.addEventListener("click", () => blink(button.ariaPressed !== "true"));
  document.addEventListener("keydown", key, { signal });
  document.addEventListener("keyup", key, { signal });
});
