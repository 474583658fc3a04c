/* Small parts of pages: what prints, and what tells Dash that it has come into view: `data-in-view`
   names the store that hears of it, once. */
import { mount } from "../shell/mount.mjs";

mount("[data-print]", (button) => button.addEventListener("click", () => window.print()));

mount("[data-in-view]", (element) => {
  const watching = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watching.disconnect();
        window.dash_clientside.set_props(element.dataset.inView ?? "", { data: true });
      }
    },
    { rootMargin: "300px" }, // it is there by the time somebody has scrolled to it
  );
  watching.observe(element);
});
