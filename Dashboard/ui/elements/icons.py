"""The dashboard's own icons: `assets/shell/icons/NAME.svg`, painted in the colour of the text."""

from dash import html


def icon(name: str, *, class_name: str = "") -> html.Span:
    """An icon beside a text that says the same; hidden from screen readers.

    name: a file of `assets/shell/icons`, without its suffix; `assets/shell/icons.css` lists them.
    """
    classes = f"icon icon-{name} {class_name}".strip()
    return html.Span(className=classes, **{"aria-hidden": "true"})
