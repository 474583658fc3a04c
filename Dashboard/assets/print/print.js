/* A printed page has the time in its head and dark ink on light paper. */
(function () {
  "use strict";
  /** @type {(value: number) => string} */
  const two = (value) => String(value).padStart(2, "0");

  const { documentElement: root } = document;
  const SCHEME = "data-mantine-color-scheme";
  let scheme = "light";

  window.addEventListener("beforeprint", () => {
    scheme = root.getAttribute(SCHEME) || "light";
    root.setAttribute(SCHEME, "light");
    const now = new Date();
    const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
    const time = `${day} ${two(now.getHours())}:${two(now.getMinutes())}`;
    window.lesions.byId("printed").textContent = `Printed on ${time}`;
  });
  window.addEventListener("afterprint", () => root.setAttribute(SCHEME, scheme));
})();
