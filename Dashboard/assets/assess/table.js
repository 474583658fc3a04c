/* The results as a table that sorts, and as a CSV file. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon, percent } = lesions;
  const SHARPNESS = "sharpness"; // the one that was judged
  const COLUMNS = [
    { key: "file", title: "File" },
    { key: "message", title: "Message" },
    { key: "prediction", title: "Most likely" },
    { key: "probability", title: "Probability", show: percent },
    { key: "p_malignant", title: "Malignant", show: percent },
    { key: SHARPNESS, title: "Sharpness", show: (value) => value.toFixed(1) },
    { key: "gamma", title: "Contrast", show: (value) => value.toFixed(3) },
  ];
  // What the classifier computed of a picture that is none of skin means nothing: the cards fold it
  // away, and only the CSV file and the API, which programs read, give it.
  const FOLDED = ["prediction", "probability", "p_malignant"];
  let sorting = { key: null, down: true };
  let shown = false;

  function value(row, key) {
    if (row.outcome === "ood" && FOLDED.includes(key)) {
      return null;
    }
    const column = key === SHARPNESS ? document.getElementById("results").dataset.sharpness : key;
    const found = key === "message" ? row.message || row.error : row[column];
    return found === undefined || found === "" ? null : found;
  }

  /* Empty values come last in either direction. */
  function compare(a, b) {
    const [x, y] = [value(a, sorting.key), value(b, sorting.key)];
    if (x === null || y === null) {
      return (x === null) - (y === null);
    }
    const order =
      typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true });
    return sorting.down ? -order : order;
  }

  function heading({ key, title, show }) {
    const sorted = sorting.key === key;
    const state = sorted ? (sorting.down ? "descending" : "ascending") : null;
    const attributes = { type: "button", className: "sort", "data-sort": key };
    const button = element("button", attributes, title);
    const kind = show ? "number" : null;
    return element("th", { scope: "col", "aria-sort": state, className: kind }, button);
  }

  function cell(row, { key, show }) {
    const content = value(row, key);
    if (key === "file") {
      const attributes = { type: "button", className: "jump", "data-jump": row.id, title: row.file };
      const button = element("button", attributes, ...lesions.path(row.file));
      return element("th", { scope: "row" }, button);
    }
    if (key === "message") {
      const symbol = document.querySelector(`[data-filter="${row.outcome}"] .icon`);
      const words = element("span", { className: `tone-text tone-${row.outcome}` });
      words.append(...(symbol ? [symbol.cloneNode()] : []), content || "");
      const doubts = [
        ...(row.certainty === "uncertain" ? ["uncertain"] : []),
        ...(row.gate_overridden === true ? ["quality gate overridden"] : []),
      ];
      const marks = doubts.map((doubt) =>
        element("span", { className: "caution" }, icon("warning"), doubt),
      );
      return element("td", {}, words, ...marks);
    }
    if (content === null) {
      return element("td", { className: show ? "number" : null }, "–");
    }
    return element("td", { className: show ? "number" : null }, show ? show(content) : content);
  }

  function draw(rows) {
    const ordered = sorting.key ? [...rows].sort(compare) : rows;
    const body = ordered.map((row) =>
      element("tr", {}, ...COLUMNS.map((column) => cell(row, column))),
    );
    return element(
      "table",
      { className: "table" },
      element("caption", { className: "visually-hidden" }, "Results, one row per image"),
      element("thead", {}, element("tr", {}, ...COLUMNS.map(heading))),
      element("tbody", {}, ...body),
    );
  }

  /* RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe before it. */
  function csvField(content) {
    let text = String(content ?? "");
    if (typeof content === "string" && /^[=+\-@\t\r\n＝＋－＠]/.test(text)) {
      text = `'${text}`;
    }
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  lesions.table = {
    refresh(rows) {
      const holder = document.getElementById("table");
      const asTable = shown && rows.length > 0;
      holder.hidden = !asTable;
      document.getElementById("cards").hidden = asTable;
      for (const button of document.querySelectorAll(".switch [data-action]")) {
        const pressed = (button.dataset.action === "show-table") === asTable;
        button.setAttribute("aria-pressed", String(pressed));
      }
      const focused = holder.contains(document.activeElement)
        ? document.activeElement.dataset.sort
        : null;
      holder.replaceChildren(...(asTable ? [draw(rows)] : []));
      if (focused) {
        holder.querySelector(`[data-sort="${focused}"]`)?.focus();
      }
    },
    show(asTable) {
      shown = asTable;
      lesions.table.refresh(lesions.cards.rows());
    },
    sort(key) {
      sorting = { key, down: sorting.key === key ? !sorting.down : key !== "file" };
      lesions.table.refresh(lesions.cards.rows());
    },
    /* The columns that the server names, of the rows that it sent; with the mark by which
     * spreadsheet programs know UTF-8. */
    csv(rows, columns) {
      const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))];
      return `\ufeff${lines.map((line) => `${line.map(csvField).join(",")}\r\n`).join("")}`;
    },
    download() {
      const columns = JSON.parse(document.getElementById("results").dataset.columns);
      const record = lesions.cards.record();
      const text = lesions.table.csv(record, columns);
      const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
      const day = new Date().toISOString().slice(0, 10);
      const only = lesions.cards.selection();
      const part = only ? `-${only.toLowerCase().replaceAll(" ", "-")}-only` : "";
      element("a", { href: url, download: `skin-lesion-results${part}-${day}.csv` }).click();
      lesions.cards.saved(record);
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    },
  };
})();
