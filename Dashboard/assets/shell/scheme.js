/* Before anything is drawn: whether this browser can draw the page, and its colour scheme, from
 * where Mantine keeps the choice.
 *
 * `.unfit` in the page says which browsers can. It is hidden here, so it is also read where there is
 * no script, or one too old even to read this file. */
(function () {
  "use strict";
  // The two latest of what the pages use; who has them has the rest.
  const hasStyles = CSS.supports("color", "light-dark(red, red)") && CSS.supports("selector(:has(*))");
  document.documentElement.classList.toggle("is-fit", hasStyles && "adoptedStyleSheets" in document);

  let chosen = null;
  try {
    chosen = window.localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // Storage may be forbidden; the system's preference decides then.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
