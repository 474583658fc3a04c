"""What a browser shows before any script has run: the frame and the heading of the page asked for.

Scripts take half a second or more until Dash draws; style sheets alone are there at once.
"""

from collections.abc import Iterator
from html import escape
from typing import Any

from dash import html
from dash._pages import _path_to_page
from dash.development.base_component import Component

from Dashboard.ui.shell.shell import header, note

LINKS = ("Anchor", "Link")
# Those that say what an element looks like, where it leads and what a screen reader says of it.
# No `id`: what Dash draws has them, and both are in the page for a moment.
ATTRIBUTES = {"className": "class", "href": "href"}


def first_paint(path: str) -> str:
    """The markup for the page at `path`, an address on this server.

    `assets/shell/mount.mjs` takes it away once Dash has drawn the page.
    """
    page, _ = _path_to_page(path.strip("/"))
    head = page.get("head") if page else None
    parts = [header(path), note(), html.Main(head, className="page")]
    return f'<div class="first-paint">{"".join(map(markup, parts))}</div>'


def markup(component: Component) -> str:
    """HTML of a component and what is in it.

    A link of any package is a link; of what needs a script there is only the place.

    >>> markup(html.P(["a < b, ", html.Strong("c", className="d", id="e")]))
    '<p>a &lt; b, <strong class="d">c</strong></p>'
    """
    drawn: dict[str, Any] = component.to_plotly_json()
    name = "a" if drawn["type"] in LINKS else drawn["type"].lower()
    if drawn["namespace"] != html.P._namespace and name != "a":
        name = "span"
    attributes = "".join(
        f' {ATTRIBUTES.get(key, key)}="{escape(value)}"'
        for key, value in drawn["props"].items()
        if key in ATTRIBUTES or key.startswith("aria-")
    )
    inside = drawn["props"].get("children")
    return f"<{name}{attributes}>{''.join(_texts(inside))}</{name}>"


def _texts(inside: Any) -> Iterator[str]:
    for one in inside if isinstance(inside, list | tuple) else [inside]:
        if isinstance(one, Component):
            yield markup(one)
        elif one is not None:
            yield escape(str(one))
