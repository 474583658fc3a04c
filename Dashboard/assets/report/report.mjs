/* The report's button. */
import { mount } from "../shell/mount.mjs";

mount("[data-print]", (button) => button.addEventListener("click", () => window.print()));
