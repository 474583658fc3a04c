"""Own record: how often program and clinician were right, where histology is known."""

from contextlib import suppress

import dash
import dash_mantine_components as dmc
import flask
from dash import html
from pydantic import TypeAdapter

from Dashboard.proven.audit import audit, proven_lesions
from Dashboard.store.errors import StoreFull, StoreUnavailable
from Dashboard.store.forms import Name
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.audit.view import own_record
from Dashboard.ui.elements.head import page_head
from Dashboard.ui.elements.icons import icon
from models.registry.names import title

HEAD = page_head(
    "Own record",
    "What was advised, held against what the pathologist found: your lesions with a histology, "
    "each once, with the most urgent verdict of its pictures.",
)
dash.register_page(
    __name__,
    path="/audit",
    name="Own record",
    title="Own record · Skin lesion dashboard",
    order=4,
    in_navigation=True,
    head=HEAD,
)


def layout(model: str = "", version: str = "", **_query: str) -> html.Div:
    """The page, for the lesions of the visitor; of one model or version where they are named."""
    named = {}
    for name, text in {"model": model, "version": version}.items():
        with suppress(ValueError):  # no such name can be
            named[name] = TypeAdapter(Name).validate_python(text)
    store: Store = flask.current_app.extensions["store"]
    try:
        whose = Sessions(store).owner()
        found = audit(proven_lesions(store, whose, named.get("model"), named.get("version")))
    except (StoreUnavailable, StoreFull) as error:
        sentence = str(error)
        shown = f"{sentence[:1].upper()}{sentence[1:]}."
        return html.Div([HEAD, dmc.Alert(shown, color="gray", icon=icon("info"))])
    words = {"model": title(named.get("model", "")), "version": f"version {named.get('version')}"}
    narrowed = " ".join(text for name, text in words.items() if name in named)
    return html.Div([HEAD, own_record(found, narrowed)])
