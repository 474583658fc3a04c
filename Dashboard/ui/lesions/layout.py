"""The page of one lesion over time."""

from contextlib import suppress
from typing import Any
from urllib.parse import unquote

import dash
import dash_mantine_components as dmc
import flask
from dash import Input, Output, State, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.lesions import LesionSeries, lesion_series
from Dashboard.store.measuring import MOST_MEASURED, Measurements
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.lesions import view, words
from Dashboard.ui.lesions.charts import charts

NAME, MEASURED = "lesion-name", "lesion-measured"
FAILURES = (UnknownItem, StoreUnavailable, StoreFull)


def find(name: str) -> tuple[LesionSeries, Measurements]:
    """The visitor's lesion of this name, and what measures it.

    Raises:
        UnknownItem, StoreUnavailable, StoreFull.
    """
    store: Store = flask.current_app.extensions["store"]
    owner = Sessions(store).owner()
    service = flask.current_app.extensions["service"]
    return lesion_series(store, owner, name), Measurements(store, service, owner)


def is_there(name: str = "") -> bool:
    """Whether the visitor has such a lesion; a store that cannot be read says so on the page."""
    with suppress(StoreUnavailable, StoreFull):
        try:
            find(name)
        except UnknownItem:
            return False
    return True


dash.register_page(
    __name__,
    path_template="/lesions/<name>",
    name="Lesion",
    title="Lesion over time · Skin lesion dashboard",
    in_navigation=False,
    is_there=is_there,
)


def layout(name: str = "", **_query: str) -> html.Div:
    """The lesion; what is measured comes when it is there, since that may take a while at first."""
    try:
        series, _ = find(unquote(name))
    except FAILURES as error:
        return html.Div([html.H1("No lesion"), _sentence(error)], className="page-head")
    lesion = series.lesion
    about = [lesion.body_site, lesion.age_band and f"age {lesion.age_band}", lesion.sex]
    lead = ", ".join([words.span(series), *(one for one in about if one)])
    parts: list[Component] = [
        view.verdict(series),
        view.timeline(series),
        *(_course(series) if len(series.items) > 1 else [html.P("One picture has no course yet.")]),
        html.P([words.APPROXIMATE, " ", words.spread_words()], className="hint"),
        dcc.Store(id=NAME, data=lesion.name),
    ]
    head = html.Div(
        [html.H1(f"Lesion {lesion.name}"), html.P(lead, className="lead")], className="page-head"
    )
    return html.Div([head, dmc.Stack(parts, gap="lg")], className="wide-page")


def _course(series: LesionSeries) -> list[Component]:
    return [
        html.H2("Two pictures"),
        view.choice(series),
        dcc.Loading(html.Div(id=view.PAIR), type="dot", delay_show=300),
        html.H2("All pictures"),
        dcc.Loading(html.Div(id=MEASURED), type="dot", delay_show=300),
    ]


def _sentence(error: Exception) -> Component:
    sentence = str(error)
    alert: Component = dmc.Alert(f"{sentence[:1].upper()}{sentence[1:]}.", color="gray")
    return alert


@callback(
    Output(view.PAIR, "children"),
    Input(view.EARLIER, "value"),
    Input(view.LATER, "value"),
    Input(view.OUTLINES, "checked"),
    State(NAME, "data"),
)
def show_pair(earlier: Any, later: Any, outlines: Any, name: Any) -> Component:
    """Two pictures of the lesion, laid onto each other."""
    try:
        series, measurements = find(str(name))
        there = {item.key: item for item in series.items}
        if earlier not in there or later not in there:
            raise PreventUpdate
        first, second = there[earlier], there[later]
        change = measurements.change(first, second)
        seen = measurements.of(second)
        drawn = outlines is True
        return view.pair(series.lesion.name, first, second, change, seen, outlines=drawn)
    except FAILURES as error:
        return _sentence(error)


@callback(Output(MEASURED, "children"), Input(NAME, "data"))
def show_course(name: Any) -> Component | None:
    """Area, colour and probability over time."""
    try:
        series, measurements = find(str(name))
        items = series.items[-MOST_MEASURED:]
        if len(items) < 2:
            return None
        return charts(
            [
                {"date": words.short_day(item), "p_malignant": item.p_malignant, **course}
                for item, course in zip(items, measurements.course(items), strict=True)
            ]
        )
    except FAILURES as error:
        return _sentence(error)
