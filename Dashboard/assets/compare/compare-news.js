/* What the Compare page says of files that are no column: under way, or failed. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon } = lesions;
  const MOST = 5;
  let drawn = null;

  function busy(items) {
    const box = document.getElementById("compare-busy");
    const found = items.filter(lesions.cards.underWay);
    box.hidden = found.length === 0;
    box.textContent =
      found.length === 1 ? `Assessing ${found[0].name}…` : `Assessing, ${found.length} to go…`;
  }

  function note({ id, name, row, canRetry }) {
    const again = {
      type: "button",
      className: "button",
      "data-action": "compare-retry",
      "data-id": id,
    };
    const away = {
      type: "button",
      className: "icon-button",
      "data-action": "compare-dismiss",
      "data-id": id,
      "aria-label": `Dismiss the note on ${name}`,
      title: "Dismiss",
    };
    return element(
      "div",
      { className: "banner tone-error" },
      icon("file-x", "banner-icon"),
      element("p", { className: "banner-text" }, element("strong", {}, `${name}: `), row.error),
      ...(canRetry ? [element("button", again, "Try again")] : []),
      element("button", away, icon("close")),
    );
  }

  /* Of the files that came in here: those of the Assess page have their cards there. */
  function failed(items) {
    const found = items.filter(
      (item) => item.onCompare && item.outcome === "error" && !lesions.cards.underWay(item),
    );
    const box = document.getElementById("compare-failed");
    const state = found.map(({ id, row }) => id + row.error).join();
    if (state === drawn && Boolean(box.firstChild) === Boolean(state)) {
      return; // so that the focus stays where it is
    }
    drawn = state;
    const more = found.length - MOST;
    const rest = `${more} more ${more === 1 ? "was" : "were"} not assessed: see the Assess page.`;
    box.replaceChildren(
      ...found.slice(0, MOST).map(note),
      ...(more > 0 ? [element("p", { className: "hint" }, rest)] : []),
    );
  }

  function focusOn() {
    const next = document.querySelector("#compare-failed [data-action=compare-dismiss]");
    (next || lesions.intake.field())?.focus();
  }

  lesions.news = {
    draw() {
      if (document.getElementById("compare-failed")) {
        const items = lesions.cards.all();
        busy(items);
        failed(items);
      }
    },
    retry(id) {
      lesions.cards.again(id, true);
      focusOn();
    },
    dismiss(id) {
      lesions.cards.find(id).onCompare = false; // its card stays on the Assess page
      lesions.news.draw();
      focusOn();
    },
  };
})();
