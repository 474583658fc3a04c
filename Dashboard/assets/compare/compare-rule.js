/* What judges the pictures of the Compare page: the rule that each was assessed by, until somebody
 * moves the slider; then one threshold for all. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, percent } = lesions;
  const UNKNOWN = { threshold: null, curve: null };
  let settings = null;
  let tried = null; // the slider's threshold; null: nobody moved it

  const card = (name) => settings.models[name] || UNKNOWN;
  const of = ({ row }) => tried ?? card(row.model).threshold;

  /* The malignant probability that a threshold is held against; null where none is. */
  function malignancy({ row, node }) {
    const { pMalignant } = node.querySelector(".card-grid").dataset;
    return pMalignant === undefined || row.outcome === "ood" ? null : Number(pMalignant);
  }

  /* The models that a threshold matters for, each once, in the order of the columns. */
  const models = (items) => [
    ...new Set(items.filter((item) => malignancy(item) !== null).map(({ row }) => row.model)),
  ];

  /* Tone and sentence of a picture. Before the slider is moved they are the server's own, word for
   * word: only it knows for sure by which rule and by which card it advised. */
  function verdict(item) {
    const { row, node } = item;
    const value = malignancy(item);
    let { outcome: tone, message: sentence } = row;
    if (tried !== null && value !== null) {
      const { malignant, otherwise, otherwiseMessage } = node.querySelector(".card-grid").dataset;
      const consult = value >= tried || malignant === "true";
      tone = consult ? "consult" : otherwise;
      sentence = consult ? settings.consult : otherwiseMessage;
    }
    const doubt = tone === "clear" && row.p_malignant >= settings.majority;
    const before = tone === row.outcome ? null : `As assessed: ${row.message}.`;
    return { tone, sentence, before, doubt: doubt ? settings.doubt : null };
  }

  const thresholds = (items) => [
    ...new Set(models(items).map((name) => tried ?? card(name).threshold)),
  ];

  function words(items) {
    const found = thresholds(items).map((one) => (one === null ? "none" : percent(one)));
    return found.join(" or ") || "none";
  }

  /* Where the slider stands: among several thresholds at the most cautious one. */
  function place(items) {
    const found = thresholds(items).filter((one) => one !== null);
    return found.length ? Math.min(...found) : 0.5;
  }

  const asAssessed = (name) => {
    const { threshold } = card(name);
    return threshold === null ? "by the most likely class" : `from ${percent(threshold)}`;
  };

  /* In one sentence, which rule the verdicts on the page follow. */
  function told(items) {
    const names = models(items);
    if (!names.length) {
      return "";
    }
    if (tried !== null) {
      return (
        `Tried out: ${percent(tried)} for all pictures, whichever model assessed them. ` +
        "Cards and CSV file keep the advice as assessed."
      );
    }
    if (settings.rule === "argmax") {
      return "As assessed: this server advises by the most likely class.";
    }
    const each = names.map((name) => `${name} ${asAssessed(name)}`).join(", ");
    return names.length === 1
      ? `As assessed: ${each}.`
      : `As assessed, each picture by its own model: ${each}.`;
  }

  /* What a card expects at a threshold, between the points that it lists. */
  function expected(curve, at) {
    const { threshold: points } = curve;
    const after = points.findIndex((point) => point >= at);
    const high = after < 0 ? points.length - 1 : after;
    const low = Math.max(high - 1, 0);
    const width = points[high] - points[low];
    const share = after < 0 || !width ? 1 : Math.min(Math.max((at - points[low]) / width, 0), 1);
    const between = (values) => values[low] + share * (values[high] - values[low]);
    return [between(curve.sensitivity), between(curve.specificity)];
  }

  function expectation(name, several) {
    const { curve, threshold, as_assessed: asOnCard } = card(name);
    const at = tried ?? threshold;
    if (tried === null && asOnCard) {
      return several ? `${name}: ${asOnCard}` : asOnCard;
    }
    if (!curve) {
      return `The card of ${name} does not say what to expect of other thresholds.`;
    }
    if (at === null) {
      return `Move the slider to see what to expect of a threshold with ${name}.`;
    }
    const [sensitivity, specificity] = expected(curve, at);
    return (
      `Expected${several ? ` of ${name}` : ""}: sensitivity ${percent(sensitivity)}, ` +
      `specificity ${percent(specificity)} (${curve.split} split, n = ${curve.n})`
    );
  }

  lesions.rule = {
    /* Whoever comes to the page finds the advice as it was given, not somebody's trial. */
    mount(found) {
      settings = found;
      tried = null;
    },
    /* Judge all by this threshold; null: each as it was assessed. */
    try(threshold) {
      tried = threshold;
    },
    tried: () => tried !== null,
    of,
    malignancy,
    verdict,
    words,
    place,
    told,
    /* A line for each model. */
    expectations(items) {
      const names = models(items);
      return names.map((name) =>
        element("span", { className: "compare-line" }, expectation(name, names.length > 1)),
      );
    },
  };
})();
