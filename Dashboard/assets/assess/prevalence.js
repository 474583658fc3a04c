/* What a malignant probability means at the prevalence that somebody chose. The form and the words
 * are those of `Dashboard/assess/worth.py`: `tests/dashboard/assets/prevalence.json` holds both. */
(function () {
  "use strict";
  const { lesions } = window;
  const WRONG = "A number above 0 and below 100, such as 10";
  /** @type {number | null} */
  let chosen = null;

  /* `Dashboard.assess.worth.at_prevalence`. */
  function atPrevalence(/** @type {number} */ p, /** @type {number} */ share, /** @type {number} */ prevalence) {
    const forIt = p * prevalence * (1 - share);
    return forIt / (forIt + (1 - p) * (1 - prevalence) * share);
  }

  function about(/** @type {number} */ count) {
    if (count < 0.5) {
      return "fewer than 1";
    }
    return count > 99.5 ? "more than 99" : `about ${count.toFixed(0)}`;
  }

  lesions.prevalence = {
    /* `Dashboard.assess.worth.at_clinic`. */
    sentence(p, share, prevalence) {
      const count = about(100 * atPrevalence(p, share, prevalence));
      const verb = count.endsWith(" 1") ? "is" : "are";
      return (
        `Where ${Number((100 * prevalence).toPrecision(3))}% of the lesions seen are malignant: ` +
        `of 100 lesions like this, ${count} ${verb} malignant.`
      );
    },
    /* Writes the sentences of a card for what was chosen. */
    draw(node) {
      for (const line of node.querySelectorAll(".prevalence")) {
        const { p, share } = /** @type {HTMLElement} */ (line).dataset;
        if (chosen !== null) {
          line.textContent = lesions.prevalence.sentence(Number(p), Number(share), chosen);
        }
      }
    },
    /* Takes what the field holds; what is wrong with it, or an empty text. */
    choose(text) {
      const percent = Number(text.replace("%", "").replace(",", ".").trim() || NaN);
      if (!(percent > 0 && percent < 100)) {
        return WRONG;
      }
      chosen = percent / 100;
      for (const { node } of lesions.cards.all()) {
        lesions.prevalence.draw(node);
      }
      return "";
    },
  };
})();
