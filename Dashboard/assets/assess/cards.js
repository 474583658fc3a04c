/* The cards: one per image, newest upload on top, in the order of the files within an upload. */
(function () {
  "use strict";
  const lesions = (window.lesions = window.lesions || {});
  const { element, icon } = lesions;
  const items = new Map();
  const STATES = {
    waiting: "Waiting",
    uploading: "Uploading…",
    working: "Assessing…",
    stopped: "Stopped",
  };
  const UNDER_WAY = ["waiting", "uploading", "working"];
  const NOT_DRAWN =
    "This browser could not draw all of the result. The table and the CSV file have it.";
  const STOPPED = "It was not assessed: somebody pressed Stop before its turn.";
  const FEW = 3;
  let lastId = 0;
  let lastBatch = 0;
  let filter = "all";
  let total = 0; // images of the current round: from the first upload until nothing is left
  let redraw = null;

  const underWay = ({ state }) => UNDER_WAY.includes(state);

  function frame(item) {
    const remove = element(
      "button",
      { type: "button", className: "icon-button", "data-action": "remove" },
      icon("close"),
    );
    remove.setAttribute("aria-label", `Remove ${item.name}`);
    remove.title = "Remove";
    return element(
      "article",
      { id: item.id, className: "card", tabindex: "-1", "aria-label": item.name },
      element(
        "header",
        { className: "card-head" },
        element("h3", { className: "card-name", title: item.name }, ...lesions.path(item.name)),
        element("span", { className: "card-state" }),
        remove,
      ),
      element("div", { className: "card-body" }),
    );
  }

  function show(item) {
    const { node } = item;
    const busy = underWay(item);
    node.dataset.state = item.state;
    node.dataset.outcome = item.outcome || "";
    node.setAttribute("aria-busy", String(busy));
    tell(item);
    for (const button of node.querySelectorAll(".card-body button")) {
      button.disabled = busy;
    }
    node.hidden = !selected(item) && !item.kept;
  }

  /* What is being done, and how much of a file is sent while it is sent. */
  function tell({ node, state, uploaded }) {
    const place = node.querySelector(".card-state");
    const made = { max: 1, className: "card-sent", "aria-label": "Sent" };
    const bar = place.querySelector("progress") || element("progress", made);
    bar.value = uploaded || 0;
    place.replaceChildren(STATES[state] || "", ...(state === "uploading" ? [bar] : []));
  }

  const selected = ({ outcome }) => filter === "all" || outcome === filter;

  /* `kept` cards stay in view until then: none may go away under somebody's hands. */
  function choose(key) {
    filter = key;
    for (const item of items.values()) {
      item.kept = false;
      show(item);
    }
  }

  function fill(item, ...parts) {
    item.node.querySelector(".card-body").replaceChildren(...parts);
    show(item);
  }

  function settle(item, row, spoken) {
    item.state = "done";
    item.row = row;
    item.outcome = row.outcome;
    item.saved = false;
    if (total <= FEW) {
      lesions.announce(`${item.name}: ${spoken}`);
    }
  }

  /* A card for what went wrong before or beside the server's judgement of the file. */
  function fail(item, sentence, canRetry) {
    settle(item, { outcome: "error", verdict: "error", error: sentence }, sentence);
    item.canRetry = canRetry;
    const parts = [
      element(
        "div",
        { className: "banner tone-error" },
        icon("file-x", "banner-icon"),
        element("p", { className: "banner-text" }, sentence),
      ),
    ];
    if (canRetry) {
      const attributes = { type: "button", className: "button", "data-action": "retry" };
      parts.push(element("button", attributes, "Try again"));
    }
    fill(item, element("div", { className: "card-grid card-grid-plain" }, ...parts));
  }

  function counts() {
    const found = { all: items.size };
    for (const { outcome } of items.values()) {
      if (outcome) {
        found[outcome] = (found[outcome] || 0) + 1;
      }
    }
    return found;
  }

  function summarise() {
    const section = document.getElementById("results");
    if (!section) {
      return;
    }
    section.hidden = items.size === 0;
    document.documentElement.classList.toggle("has-results", items.size > 0);
    const found = counts();
    if (filter !== "all" && !found[filter]) {
      choose("all");
    }
    for (const button of section.querySelectorAll("[data-filter]")) {
      const count = found[button.dataset.filter] || 0;
      button.querySelector(".count").textContent = count;
      button.hidden = count === 0;
      button.setAttribute("aria-pressed", String(button.dataset.filter === filter));
    }
    section.querySelector(".filters").hidden = items.size < 2;
    section.querySelector(".switch").hidden = items.size < 2;
    const download = section.querySelector("[data-action=download]");
    download.disabled = !rows().length;
    const only = selection();
    download.lastElementChild.textContent = `Download CSV${only ? `: ${only} only` : ""}`;
    lesions.table.refresh(rows());
  }

  /* Bring the results into view where they begin below the middle of the window. */
  function reveal() {
    const section = document.getElementById("results");
    if (section && section.getBoundingClientRect().top > window.innerHeight / 2) {
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      section.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    }
  }

  function later() {
    redraw = redraw || requestAnimationFrame(() => {
      redraw = null;
      summarise();
    });
  }

  function forget(gone) {
    for (const item of gone) {
      total -= underWay(item) ? 1 : 0;
      items.delete(item.id);
      item.node.remove();
    }
    lesions.queue.drop(gone);
    summarise();
  }

  function rows(found = lesions.cards.all()) {
    return found
      .filter((item) => item.row && selected(item))
      .map((item) => ({ ...item.row, id: item.id, file: item.name, folder: folder(item) }));
  }

  const folder = ({ name }) => name.slice(0, Math.max(0, name.lastIndexOf("/")));

  const label = (button) => button.querySelector("span:not(.icon)").textContent;

  /* What the filter's button says; null where all results are shown. */
  function selection() {
    return filter === "all" ? null : label(document.querySelector(`[data-filter="${filter}"]`));
  }

  function spokenSummary() {
    const found = counts();
    const parts = [...document.querySelectorAll("#results [data-filter]")]
      .filter((button) => button.dataset.filter !== "all" && found[button.dataset.filter])
      .map((button) => `${label(button)}: ${found[button.dataset.filter]}`);
    // The Compare page has no such buttons.
    return `${found.all} images${parts.length ? `. ${parts.join(", ")}` : " assessed"}.`;
  }

  lesions.cards = {
    /* entries: [{name, file}, {name, example} or, of what could not be read, {name, error}];
     * maxBytes: larger files are not sent. */
    add(entries, model, maxBytes, maxShown) {
      lastBatch += 1;
      choose("all"); // else somebody would look for these in vain
      const added = entries.map((entry) => {
        lastId += 1;
        const id = `card-${lastId}`;
        const item = { ...entry, id, batch: lastBatch, model, gate: true };
        item.state = "waiting";
        item.node = frame(item);
        items.set(id, item);
        return item;
      });
      document.getElementById("cards")?.prepend(...added.map((item) => item.node));
      total += added.length;
      for (const item of added) {
        if (item.error) {
          fail(item, item.error, false);
        } else if (item.file && item.file.size > maxBytes) {
          const size = (item.file.size / 2 ** 20).toFixed(1);
          fail(item, `The file has ${size} MB; at most ${maxShown} are accepted.`, false);
        } else {
          show(item);
        }
      }
      summarise();
      reveal();
      lesions.queue.add(added.filter((item) => item.state === "waiting"));
    },
    started(item) {
      lesions.cards.uploaded(item, item.file ? 0 : 1);
    },
    /* share: how much of the file is sent, from 0 to 1. */
    uploaded(item, share) {
      Object.assign(item, { state: share < 1 ? "uploading" : "working", uploaded: share });
      show(item);
    },
    finished(item, answer) {
      settle(item, answer.row, answer.spoken);
      try {
        fill(item, lesions.build(answer.body));
        lesions.heat.drawAll(item.node);
        lesions.prevalence.draw(item.node);
      } catch (error) {
        // The result is there, however little of it can be drawn.
        const message = element("p", { className: "banner-text" }, answer.row.message || "");
        const banner = element("div", { className: `banner tone-${item.outcome}` }, message);
        fill(item, banner, element("p", { className: "hint" }, NOT_DRAWN));
        reportError(error);
      }
      later();
    },
    failed(item, sentence) {
      fail(item, sentence, true);
      later();
    },
    progressed() {
      const left = lesions.queue.left();
      const box = document.getElementById("progress");
      if (box) {
        box.hidden = left === 0 || total < 2;
        box.querySelector("progress").max = Math.max(total, 1);
        box.querySelector("progress").value = total - left;
        box.querySelector("label").textContent = `${total - left} of ${total} assessed`;
      }
      if (left === 0) {
        if (total > FEW) {
          lesions.announce(spokenSummary());
        }
        total = 0;
      }
    },
    /* Assess an image once more: after a failure, or with `gate` false in spite of its quality. */
    again(id, gate) {
      const item = items.get(id);
      Object.assign(item, { gate, state: "waiting", kept: true });
      total += 1;
      show(item);
      item.node.focus({ preventScroll: true });
      lesions.queue.add([item]);
    },
    stop() {
      for (const item of lesions.queue.stop()) {
        total -= 1;
        Object.assign(item, { state: "stopped", outcome: "error", canRetry: true });
        item.row = { outcome: "error", verdict: "error", error: STOPPED };
        const attributes = { type: "button", className: "button", "data-action": "retry" };
        const button = element("button", attributes, "Assess this image");
        fill(item, element("div", { className: "card-grid card-grid-plain" }, button));
      }
      lesions.cards.progressed();
      later();
    },
    remove(id) {
      const item = items.get(id);
      const neighbour = item.node.nextElementSibling || item.node.previousElementSibling;
      forget([item]);
      lesions.announce(`${item.name} removed`);
      (neighbour?.querySelector("[data-action=remove]") || lesions.intake.field())?.focus();
    },
    clear() {
      forget([...items.values()]);
      lesions.announce("All results removed");
      lesions.intake.field()?.focus();
    },
    showOnly(key) {
      choose(key);
      summarise();
    },
    selection,
    /* The rows of the images that are selected, in the order of the page. */
    rows: () => rows(),
    /* The same as a record of what was done, for a file: the first upload first. */
    record: () => rows([...items.values()]),
    /* They are in a file: nothing of them is lost any more. */
    saved(record) {
      for (const { id } of record) {
        items.get(id).saved = true;
      }
    },
    /* Whether work goes on, or there are results in no file. Those of the examples are no loss. */
    unsaved() {
      const found = [...items.values()];
      const loss = ({ row, outcome, saved, example }) =>
        row && outcome !== "error" && !saved && !example;
      const explaining = ({ node }) => node.querySelector(".explained progress");
      return lesions.queue.left() > 0 || found.some(loss) || found.some(explaining);
    },
    count: () => items.size,
    names: () => [...items.values()].map(({ name }) => name),
    underWay,
    /* An image by the id of its card, and all of them in the order of the page. */
    find: (id) => items.get(id),
    all: () => [...items.values()].sort((a, b) => b.batch - a.batch),
    /* The page was drawn anew: put back what there is. */
    mount() {
      const ordered = lesions.cards.all();
      document.getElementById("cards").replaceChildren(...ordered.map((item) => item.node));
      summarise();
      lesions.cards.progressed();
    },
  };
})();
