/* Tells Dash that a part of the page has come into view: `data-in-view` names the store that hears
   of it, once. */
import { mount } from "../shell/mount.mjs";

// So that a figure is there by the time somebody has scrolled to it.
const AHEAD = "300px";

mount("[data-in-view]", (element) => {
  const watching = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watching.disconnect();
        window.dash_clientside.set_props(element.dataset.inView ?? "", { data: true });
      }
    },
    { rootMargin: AHEAD },
  );
  watching.observe(element);
  return () => watching.disconnect();
});
