"""Worklist: pictures in, what is kept of them as a list, and a case beside it."""

import dash
import dash_mantine_components as dmc
import flask
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.config import Config
from Dashboard.ui.elements.chosen import chosen
from Dashboard.ui.elements.head import page_head
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.worklist import callbacks, where
from Dashboard.ui.worklist.intake import (
    batch,
    drop_zone,
    examples,
    frequencies_note,
    hours_kept,
    model_choice,
)
from Dashboard.ui.worklist.names import plain_names
from Dashboard.ui.worklist.table import stand_in

HEAD = page_head(
    "Worklist",
    "Photographs of skin lesions are checked, classified and kept here, the most urgent first.",
    class_name="stack",
)
dash.register_page(
    __name__,
    path="/",
    name="Worklist",
    title="Worklist · Skin lesion dashboard",
    order=0,
    in_navigation=True,
    head=html.Div(HEAD, className="wide-page"),
)
callbacks.install()
KEYS = (("J", "next"), ("K", "back"), ("Enter", "open"), ("A", "agree"), ("O", "override"))


def layout(**query: str) -> html.Div:
    """The page, for the settings and checkpoints of this server and an address's filters."""
    config: Config = flask.current_app.extensions["config"]
    models = flask.current_app.extensions["service"].models()
    names = plain_names(models)
    by = chosen(models)
    model = by and by.name
    said = where.read(query)
    options = [{"value": name, "label": label} for name, label in names.items()]
    return html.Div(
        [
            HEAD,
            dmc.Flex(
                [
                    drop_zone(config, model),
                    dmc.Stack(
                        [
                            model_choice(models, model, names),
                            frequencies_note(config.prior),
                            examples(),
                        ],
                        justify="space-between",
                        gap="sm",
                        w={"base": "100%", "md": 320},
                    ),
                ],
                gap="md",
                direction={"base": "column", "md": "row"},
            ),
            html.P(id="zone-note", className="zone-note", role="status"),
            batch(),
            where.controls(said, options),
            _selection(),
            html.Div(
                [
                    html.Section(
                        [
                            dmc.Group(
                                [
                                    html.P(id="count", className="hint", role="status"),
                                    html.A(
                                        "Export this list (CSV)",
                                        id="export-list",
                                        download="assessments.csv",
                                        hidden=True,
                                    ),
                                ],
                                justify="space-between",
                            ),
                            html.Div(stand_in(), id=callbacks.PLACE),
                            _keys(),
                        ],
                        **{"aria-label": "Pictures"},
                    ),
                    html.Aside(
                        [
                            _decisions(),
                            html.Div(
                                html.P("Choose a picture of the list to see its case here."),
                                id="case-panel",
                            ),
                        ],
                        className="worklist-case worklist-wide framed",
                        **{"aria-label": "Case"},
                    ),
                ],
                className="worklist-both",
            ),
            _kept(config),
            _delete_all(),
            dcc.Store(id="asked", data=where.address(said)),
            dcc.Store(id="open"),
            dcc.Store(id="removed"),
            dcc.Store(id="batch-name", data=said.get("batch")),
            dcc.Location(id="go", refresh="callback-nav"),
            dcc.Download(id="export-file"),
            html.Div(id="list-address", hidden=True),
            html.Div(id="list-changed", hidden=True),
        ],
        className="wide-page stack",
    )


def _selection() -> html.Div:
    """What can be done with the rows that are ticked, and the way back of a deletion."""
    return html.Div(
        [
            html.Div(
                [
                    html.Strong(id="selected-count"),
                    html.A("Compare", id="to-compare", className="tool", href="#"),
                    html.A("Report", id="to-report", className="tool", href="#"),
                    dmc.Button("Export CSV", id="export", variant="default", size="sm"),
                    dmc.Popover(
                        [
                            dmc.PopoverTarget(
                                dmc.Button("Assign to a lesion", variant="default", size="sm")
                            ),
                            dmc.PopoverDropdown(
                                dmc.Stack(
                                    [
                                        dmc.Autocomplete(
                                            id="lesion-name",
                                            label="Pseudonym of the lesion",
                                            description="Never the patient's name; empty: none",
                                            data=[],
                                        ),
                                        dmc.Button("Assign", id="assign"),
                                    ],
                                    gap="sm",
                                )
                            ),
                        ],
                        width=280,
                        shadow="md",
                        trapFocus=True,
                        keepMounted=True,
                    ),
                    dmc.Button(
                        "Flag", id="flag", variant="default", size="sm", leftSection=icon("flag")
                    ),
                    dmc.Button(
                        "Delete",
                        id="delete",
                        variant="default",
                        color="red",
                        size="sm",
                        leftSection=icon("trash"),
                    ),
                ],
                id="selection",
                className="selection along framed",
                hidden=True,
            ),
            html.Div(
                [
                    html.Span(id="done-text"),
                    dmc.Button("Undo", id="undo", variant="subtle", size="compact-md"),
                ],
                id="done",
                className="done apart framed",
                role="status",
                hidden=True,
            ),
            dcc.Interval(id="done-over", interval=28_000, max_intervals=0),
        ]
    )


def _decisions() -> html.Div:
    """What a clinician says of the case that is open."""
    return html.Div(
        [
            dmc.Button("Agree with the verdict", id="agree", variant="default", size="sm", mb="sm"),
        ],
        id="decisions",
        hidden=True,
    )


def _keys() -> html.P:
    parts: list[Component | str] = []
    for key, what in KEYS:
        parts += [dmc.Kbd(key, size="xs"), f" {what}  "]
    return html.P(parts, className="hint worklist-wide")


def _kept(config: Config) -> dmc.Group:
    """Where everything lies and for how long, and the way to be rid of it."""
    hours = hours_kept(config)
    until = "until you delete it" if hours is None else f"for {_span(hours)} at most"
    place = "on this server" if config.durable else "in this server's memory, until it stops, and"
    return dmc.Group(
        [
            html.P(
                f"What you hand in is kept {place} {until}, for this browser alone. Files that "
                "still wait to be sent lie in this browser until they are answered, so that a "
                "reload loses nothing.",
                className="hint",
                style={"flex": "1 1 320px"},
                id="kept-note",
            ),
            html.A("Export all pictures (zip)", href=dash.get_relative_path("/export?all=true")),
            dmc.Button(
                "Delete all of mine",
                id="delete-all",
                variant="default",
                color="red",
                size="sm",
                leftSection=icon("trash"),
            ),
        ],
        pt="sm",
        style={"borderTop": "1px solid var(--line)"},
    )


def _span(hours: float) -> str:
    if hours >= 48:
        return f"{hours / 24:g} days"
    return f"{hours:g} hours" if hours >= 2 else f"{60 * hours:g} minutes"


def _delete_all() -> dmc.Modal:
    return dmc.Modal(
        dmc.Stack(
            [
                dmc.Text(
                    "Every picture, result, note and lesion of this browser goes for good, and so "
                    "do files that still wait to be sent. This cannot be undone."
                ),
                dmc.Group(
                    [
                        dmc.Button("Keep everything", id="delete-all-no", variant="default"),
                        dmc.Button("Delete everything", id="delete-all-yes", color="red"),
                    ],
                    justify="flex-end",
                ),
            ]
        ),
        id="delete-all-box",
        title="Delete all of mine?",
        opened=False,
        closeButtonProps={"aria-label": "Close"},
    )
