/* What the page's script and its tests must keep to; `npm run lint`. */
import js from "@eslint/js";
import globals from "globals";

const STRICTER = {
  curly: "error",
  eqeqeq: "error",
  "no-console": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
  "prefer-template": "error",
};

// Text stays text: what the page draws is never parsed, and no text becomes a program.
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTMLUnsafe"];
const NOTHING_IS_PARSED = {
  "no-eval": "error",
  "no-implied-eval": "error",
  "no-new-func": "error",
  "no-restricted-properties": [
    "error",
    ...MARKUP.map((property) => ({ property, message: "Build nodes, or let Dash do it." })),
    { object: "document", property: "write", message: "Build nodes, or let Dash do it." },
  ],
};

export default [
  js.configs.recommended,
  { rules: STRICTER, linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    // Dash includes these as classic scripts, in strict mode and in a function each.
    files: ["Dashboard/assets/**/*.js"],
    languageOptions: { sourceType: "script", globals: globals.browser },
    rules: { ...NOTHING_IS_PARSED, strict: ["error", "function"], "no-implicit-globals": "error" },
  },
  {
    // New script: modules, which Dash includes as such.
    files: ["Dashboard/assets/**/*.mjs"],
    languageOptions: { globals: globals.browser },
    rules: NOTHING_IS_PARSED,
  },
  {
    files: ["tests/dashboard/assets/*.mjs", "eslint.config.mjs"],
    languageOptions: { globals: globals.node },
  },
];
