"""The list of lesions, the most urgent first."""

from urllib.parse import quote

import dash
import dash_mantine_components as dmc
import flask
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.lesions import LesionPage, LesionSeries, lesion_page
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.elements.head import page_head
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.outcomes import outcome
from Dashboard.ui.lesions import words
from Dashboard.web.errors import InputError

NONE = (
    "No picture has been assigned to a lesion yet: give one a pseudonym in its case, or select "
    "several in the worklist."
)

HEAD = page_head(
    "Lesions", "Each with the most urgent verdict of its pictures, and its course over time."
)
dash.register_page(
    __name__,
    path="/lesions",
    name="Lesions",
    title="Lesions · Skin lesion dashboard",
    order=1,
    in_navigation=True,
    head=html.Div(HEAD, className="wide-page"),
)


def layout(after: str | None = None, **_query: str) -> html.Div:
    """A part of the list."""
    store: Store = flask.current_app.extensions["store"]
    try:
        page = lesion_page(store, Sessions(store).owner(), after=after)
        content = listed(page)
    except (StoreUnavailable, StoreFull, InputError) as error:
        content = dmc.Alert(str(error), color="gray")
    return html.Div([HEAD, content], className="wide-page")


def listed(page: LesionPage) -> Component:
    """The lesions as a table, with a link to the next part."""
    if not page.lesions:
        return html.P(NONE)
    rows = [html.Li(_row(series)) for series in page.lesions]
    following = page.next and dcc.Link(
        "Further lesions", href=dash.get_relative_path(f"/lesions?after={quote(page.next)}")
    )
    return html.Div(
        [
            html.Ul(rows, className="rows plain framed lesion-list"),
            *([following] if following else []),
        ],
        className="stack",
    )


def _row(series: LesionSeries) -> list[Component]:
    lesion, said = series.lesion, series.said
    kind = outcome(series.urgent.verdict)
    own = said and f"Clinician: {outcome(str(said.clinician_verdict)).label}"
    known = [own, lesion.body_site, lesion.histology and f"Histology: {lesion.histology}"]
    small = dash.get_relative_path(f"/assessments/{series.items[-1].key}/thumbnail")
    return [
        html.Img(src=small, alt="", width=64, height=64, className="thumbnail"),
        dcc.Link(lesion.name, href=words.address(lesion.name)),
        html.Span([icon(kind.icon), kind.label], className=f"toned tone-{kind.key}"),
        html.Span(words.span(series)),
        html.Span(", ".join(one for one in known if one), className="hint"),
    ]
