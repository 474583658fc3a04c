/* Where Dash calls in. */
(function () {
  "use strict";
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    lesions: {
      showWhere(/** @type {string} */ pathname) {
        for (const link of document.querySelectorAll("#navigation a")) {
          const here = link.getAttribute("href") === pathname;
          link.toggleAttribute("aria-current", here);
          if (here) {
            link.setAttribute("aria-current", "page");
          }
        }
        return pathname;
      },
    },
  });
})();
