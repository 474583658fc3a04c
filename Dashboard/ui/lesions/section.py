"""The lesion in a case: its place in the series and its verdict. For `ui/cases/panel.py`."""

import dash
import dash_mantine_components as dmc
import flask
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.lesions import lesion_series
from Dashboard.store.schema import Item
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.elements.outcomes import outcome
from Dashboard.ui.lesions import words


def lesion_section(item: Item) -> Component | None:
    """Where a picture stands among those of its lesion; None where it is of none."""
    if item.lesion is None:
        return None
    store: Store = flask.current_app.extensions["store"]
    try:
        series = lesion_series(store, Sessions(store).owner(), item.lesion.name)
    except (UnknownItem, StoreUnavailable, StoreFull):
        return None
    keys = [one.key for one in series.items]
    if item.key not in keys:
        return None
    count, urgent = len(keys), series.urgent
    place = "The only picture" if count == 1 else f"Picture {keys.index(item.key) + 1} of {count}"
    link = dcc.Link(f"lesion {series.lesion.name}", href=words.address(series.lesion.name))
    verdict = outcome(urgent.verdict).label
    said = series.said
    own = said and f" The clinician's: {outcome(str(said.clinician_verdict)).label}."
    of = "this picture" if urgent.key == item.key else dcc.Link(
        f"the picture of {words.day(urgent)}", href=dash.get_relative_path(f"/cases/{urgent.key}")
    )  # fmt: skip
    return html.Section(
        [
            dmc.Title("Over time", order=3, size="h5"),
            html.P([place, " of ", link, ". Its most urgent verdict: ", html.Strong(verdict),
                    ", of ", of, ".", own or ""]),
        ],
        className="stack",
    )  # fmt: skip
