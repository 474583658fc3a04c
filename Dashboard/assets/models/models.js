/* The choice of the model on the Assess page, which outlives a visit to another page. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  let used = null; // in this browser window, until it is closed or loaded anew

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    models: {
      /* At its first call on a page the choice of before returns. */
      choose(name) {
        const first = document.getElementById("cards").dataset.model === undefined;
        const offered = first && used !== null ? used : name;
        used = offered;
        lesions.intake.choose(offered);
        return [offered === name ? window.dash_clientside.no_update : offered, offered];
      },
    },
  });
})();
