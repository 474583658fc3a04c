/* Where Dash and the buttons of the page call in. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const ACTIONS = {
    "show-cards": () => lesions.table.show(false),
    "show-table": () => lesions.table.show(true),
    download: () => lesions.table.download(),
    clear: () => lesions.leaving.clear(),
    stop: () => lesions.cards.stop(),
    heat: () => lesions.heat.toggle(),
    remove: (card) => lesions.cards.remove(card.id),
    retry: (card) => lesions.cards.again(card.id, true),
    "classify-anyway": (card) => lesions.cards.again(card.id, false),
  };

  function jump(id) {
    lesions.table.show(false);
    const card = document.getElementById(id);
    card.scrollIntoView({ block: "start" });
    card.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) {
      return;
    }
    const { action, filter, sort, jump: target } = button.dataset;
    if (action) {
      ACTIONS[action](button.closest(".card"), button);
    } else if (filter) {
      lesions.cards.showOnly(filter);
    } else if (sort) {
      lesions.table.sort(sort);
    } else if (target) {
      jump(target);
    }
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    lesions: {
      mount() {
        lesions.heat.mount();
        lesions.intake.mount();
        lesions.cards.mount();
        return "true";
      },
      prevalence: (text) => lesions.prevalence.choose(text ?? ""),
      showWhere(pathname) {
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
