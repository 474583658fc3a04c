/* Models page: which model is in use, sorting, figures; and the choice on the Assess page. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  let used = null; // in this browser window, until it is closed or loaded anew
  const figures = new Map();

  function mark() {
    for (const tag of document.querySelectorAll("[data-used]")) {
      tag.hidden = tag.dataset.used !== used;
    }
    for (const button of document.querySelectorAll("[data-use]")) {
      const on = button.dataset.use === used;
      button.setAttribute("aria-pressed", String(on));
      button.textContent = on ? "In use" : "Use this model";
    }
  }

  function use(name) {
    used = name;
    lesions.intake.choose(name);
    mark();
    lesions.announce(`${name} is in use`);
  }

  /* By the number that a cell begins with, or by its text; empty cells come last. */
  function sort(button) {
    const head = button.closest("th");
    const body = button.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") !== "descending";
    const text = (row) => row.cells[Number(button.dataset.order)].textContent.trim();
    const order = (a, b) => {
      const [x, y] = [text(a), text(b)];
      if (x === "–" || y === "–") {
        return (x === "–") - (y === "–");
      }
      const [m, n] = [parseFloat(x.replaceAll(",", "")), parseFloat(y.replaceAll(",", ""))];
      const found =
        Number.isNaN(m) || Number.isNaN(n) ? x.localeCompare(y, "en", { numeric: true }) : m - n;
      return down ? -found : found;
    };
    for (const other of head.parentElement.cells) {
      other.removeAttribute("aria-sort");
    }
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort(order));
  }

  function figure(name) {
    if (!figures.has(name)) {
      const answer = fetch(lesions.url(`comparison/${encodeURIComponent(name)}.json`)).then((response) => {
        if (!response.ok) {
          figures.delete(name);
          return { data: [], layout: {} };
        }
        return response.json();
      });
      figures.set(name, answer);
    }
    return figures.get(name);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.use) {
      use(button.dataset.use);
    } else if (button?.dataset.order) {
      sort(button);
    }
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    models: {
      /* The Assess page's choice: at its first call on a page the choice of before returns. */
      choose(name) {
        const first = document.getElementById("cards").dataset.model === undefined;
        const offered = first && used !== null ? used : name;
        used = offered;
        lesions.intake.choose(offered);
        return [offered === name ? window.dash_clientside.no_update : offered, offered];
      },
      /* The Models page was drawn: mark the model in use, which is the server's unless chosen. */
      mount(standard) {
        used = used ?? standard;
        mark();
        return used;
      },
      curves: (task) => Promise.all([figure(`roc_${task}`), figure(`pr_${task}`)]),
      oneModel: (number) =>
        Promise.all([figure(`confusion_${number}`), figure(`reliability_${number}`)]),
      single: (id) => figure(id.replace("graph-", "")),
    },
  });
})();
