"""What surrounds every page: provider, header with navigation, the permanent note, footer."""

import dash
import dash_mantine_components as dmc
from dash import Input, Output, dcc, html
from dash.development.base_component import Component

from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.theme import THEME

PRODUCT = "Skin lesion dashboard"
NOTE = "Decision support for professionals, not a diagnosis."
API_PAGE = "/docs"


def install(app: dash.Dash) -> None:
    """Give `app` the frame of all pages and the callback that marks the current page."""
    app.layout = layout
    app.callback(Output("navigation", "children"), Input("_pages_location", "pathname"))(links)


def layout() -> dmc.MantineProvider:
    """The frame of the whole application; Dash puts the page into its container."""
    return dmc.MantineProvider(
        theme=THEME,
        defaultColorScheme="auto",
        children=[
            print_head(),
            html.A("Skip to the content", href="#content", className="skip-link tool"),
            header(),
            note(),
            html.Main(dash.page_container, id="content", className="page", tabIndex=-1),
            footer(),
            dcc.Store(id="has-grid", data=False),
        ],
    )


def print_head() -> html.Div:
    """What stands at the top of every printed page."""
    return html.Div(
        html.Div([html.Strong(PRODUCT), html.Span(NOTE)], className="apart"),
        className="print-head",
    )


def header(here: str = "") -> html.Header:
    """Product name, navigation, colour scheme; `here`: as of `links`."""
    return html.Header(
        html.Div(
            [
                dcc.Link(
                    [html.Span(className="brand-mark", **{"aria-hidden": "true"}), PRODUCT],
                    href=dash.get_relative_path("/"),
                    className="brand",
                ),
                navigation(here),
                colour_scheme_toggle(),
            ],
            className="header-inner",
        ),
        className="header",
    )


def navigation(here: str) -> html.Nav:
    """Where one may go; `here`: as of `links`."""
    return html.Nav(links(here), className="nav", id="navigation", **{"aria-label": "Main"})


def links(here: str = "") -> list[Component]:
    """A link to every registered page that has a place in the navigation, and one to the API.

    here: the path of the page that is shown.
    """
    pages = [page for page in dash.page_registry.values() if page.get("in_navigation")]
    places = {page["name"]: dash.get_relative_path(page["path"]) for page in pages}
    # No page of Dash: the browser loads it anew.
    places["API"] = dash.get_relative_path(API_PAGE)
    return [
        dmc.Anchor(
            name,
            href=address,
            refresh=name == "API",
            className="nav-link",
            unstyled=True,
            **({"aria-current": "page"} if address == here else {}),
        )
        for name, address in places.items()
    ]


def colour_scheme_toggle() -> dmc.ColorSchemeToggle:
    """Light or dark; Mantine keeps the choice in the browser."""
    return dmc.ColorSchemeToggle(
        lightIcon=icon("moon"),
        darkIcon=icon("sun"),
        variant="subtle",
        size=44,
        c="var(--ink-soft)",
        className="scheme-toggle",
        **{"aria-label": "Switch between light and dark colours"},
    )


def note() -> html.Aside:
    """The sentence that stays in view on every page."""
    return html.Aside(
        [icon("info"), html.Span(NOTE)], className="note", **{"aria-label": "What this is for"}
    )


def footer() -> html.Footer:
    """What is kept of an upload, in a sentence; the worklist says for how long."""
    return html.Footer(
        html.Div(
            [
                html.Span(
                    "Pictures and results are kept for the browser that sent them, and go when "
                    "they are deleted. No request leaves this server."
                ),
                html.Span("A clinician's judgement comes first."),
            ],
            className="footer-inner apart",
        ),
        className="footer",
    )
