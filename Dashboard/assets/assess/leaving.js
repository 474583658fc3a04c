/* Asks before results are lost that are in no file: by "Clear all", or because the page goes. */
(function () {
  "use strict";
  const { lesions } = window;
  const { element } = lesions;

  /* Resolves to whether `yes` was pressed; the other button has the focus. */
  /** @type {(question: string, explanation: string, yes: string, no: string) => Promise<boolean>} */
  function ask(question, explanation, yes, no) {
    return new Promise((resolve) => {
      const keep = element("button", { type: "button", className: "button", autofocus: true }, no);
      const go = element("button", { type: "button", className: "button" }, yes);
      const dialog = element(
        "dialog",
        {
          className: "dialog",
          "aria-labelledby": "dialog-title",
          "aria-describedby": "dialog-text",
        },
        element("h2", { id: "dialog-title" }, question),
        element("p", { id: "dialog-text" }, explanation),
        element("div", { className: "dialog-actions" }, keep, go),
      );
      keep.addEventListener("click", () => dialog.close());
      go.addEventListener("click", () => dialog.close("yes"));
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      });
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  // Going to another page of the dashboard is no unloading: the results stay.
  window.addEventListener("beforeunload", (event) => {
    if (lesions.cards.unsaved()) {
      event.preventDefault();
      event.returnValue = true; // what browsers before 2024 heed
    }
  });

  lesions.leaving = {
    async clear() {
      const count = lesions.cards.count();
      const sure =
        !lesions.cards.unsaved() ||
        (await ask(
          `Remove ${count === 1 ? "the result" : `all ${count} results`}?`,
          "What was not downloaded cannot be brought back.",
          "Remove",
          "Keep",
        ));
      if (sure) {
        lesions.cards.clear();
      }
    },
  };
})();
