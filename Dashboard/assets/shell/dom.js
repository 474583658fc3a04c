/* Drawing without a framework: from Dash's JSON of html components, or from plain arguments.
 *
 * Loaded before the other scripts, which use it. */
(function () {
  "use strict";
  const lesions = (window.lesions = /** @type {Lesions} */ ({}));
  /** @type {Record<string, string>} */
  const ATTRIBUTES = { className: "class", htmlFor: "for", colSpan: "colspan" };

  /* A DOM node from a component as the server sends it. Text stays text: nothing is parsed. */
  lesions.build = function build(part) {
    if (Array.isArray(part)) {
      const fragment = document.createDocumentFragment();
      fragment.append(...part.map(build));
      return fragment;
    }
    if (part === null || part === undefined || typeof part !== "object") {
      return document.createTextNode(part === null || part === undefined ? "" : String(part));
    }
    const { children, style, ...attributes } = part.props;
    const tag = /** @type {keyof HTMLElementTagNameMap} */ (part.type.toLowerCase());
    const node = lesions.element(tag, /** @type {Attributes} */ (attributes));
    Object.assign(node.style, style);
    if (children !== null && children !== undefined) {
      node.append(build(children));
    }
    return node;
  };

  /* An element with attributes; `false`, `null` and `undefined` leave an attribute out. */
  lesions.element = function element(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null && value !== undefined && value !== false) {
        node.setAttribute(ATTRIBUTES[name] || name, value === true ? "" : String(value));
      }
    }
    node.append(...children);
    return node;
  };

  /* An element that the page must have. */
  lesions.byId = function byId(id) {
    const node = document.getElementById(id);
    if (!node) {
      throw new Error(`The page has no element #${id}.`);
    }
    return node;
  };

  /* An address on this server. Behind a proxy it begins with a path of the proxy's, which Dash's
   * configuration names; it stands in the page before the scripts. */
  lesions.url = function url(path) {
    const { requests_pathname_prefix: base } = JSON.parse(lesions.byId("_dash-config").textContent);
    return base + path;
  };

  /* As the server writes it: what would round to 0 or 100 is not rounded so. */
  lesions.percent = function percent(share) {
    const value = 100 * share;
    if (value > 0 && value < 0.1) {
      return "<0.1%";
    }
    return value > 99.9 && value < 100 ? ">99.9%" : `${value.toFixed(1)}%`;
  };

  /* The path of a file in two parts: where there is little room, the folder is cut, not the name. */
  lesions.path = function path(name) {
    const start = name.lastIndexOf("/") + 1;
    const file = lesions.element("span", { className: "path-file" }, name.slice(start));
    const folder = lesions.element("span", { className: "path-folder" }, name.slice(0, start));
    return start ? [folder, file] : [file];
  };

  lesions.icon = function icon(name, extra) {
    const names = `icon icon-${name}${extra ? ` ${extra}` : ""}`;
    return lesions.element("span", { className: names, "aria-hidden": "true" });
  };

  lesions.announce = function announce(sentence) {
    lesions.byId("announcer").textContent = sentence;
  };
})();
