/* What an accessibility check finds without judgement: names, labels, ids, headings, contrast.
   Returns a list of complaints. */
() => {
  const complaints = [];
  const visible = (node) => node.checkVisibility({ visibilityProperty: true });
  const where = (node) => node.outerHTML.slice(0, 120);
  const nodes = [...document.querySelectorAll("body *")].filter(visible);

  const named = (node) =>
    node.getAttribute("aria-label") ||
    (node.getAttribute("aria-labelledby") || "")
      .split(" ")
      .some((id) => document.getElementById(id)?.textContent.trim()) ||
    [...(node.labels || [])].some((label) => label.textContent.trim()) ||
    node.textContent.trim();
  for (const node of nodes) {
    if (node.matches("img") && !node.hasAttribute("alt")) {
      complaints.push(`no alt: ${where(node)}`);
    }
    if (node.matches("a, button, input, select, textarea, summary") && !named(node)) {
      complaints.push(`no name: ${where(node)}`);
    }
    if (node.matches("article, nav, section, aside, progress, [role=region]") && !named(node)) {
      complaints.push(`no name: ${where(node)}`);
    }
    if (node.matches("[tabindex]") && node.tabIndex > 0) {
      complaints.push(`tabindex above 0: ${where(node)}`);
    }
  }

  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) {
    complaints.push(`id twice: ${id}`);
  }
  let level = 0;
  for (const heading of nodes.filter((node) => node.matches("h1, h2, h3, h4"))) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) {
      complaints.push(`heading skips a level: ${where(heading)}`);
    }
    level = next;
  }
  if (!document.documentElement.lang || !document.title) {
    complaints.push("the page has no language or no title");
  }

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const background = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) {
        return colour;
      }
    }
    return [255, 255, 255, 255];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (const node of nodes) {
    const written = [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (written && !node.disabled) {
      const pair = [rgba(getComputedStyle(node).color), background(node)].map(luminance);
      const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
      if (ratio < 4.5) {
        complaints.push(`contrast ${ratio.toFixed(2)}: ${where(node)}`);
      }
    }
  }
  return complaints;
};
