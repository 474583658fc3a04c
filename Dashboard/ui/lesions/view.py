"""One lesion: its verdict, its pictures in order, two of them laid onto each other."""

from collections.abc import Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.store.lesions import LesionSeries
from Dashboard.store.measuring import Seen
from Dashboard.store.schema import Item
from Dashboard.ui.elements.outcomes import banner, outcome
from Dashboard.ui.lesions import words

EARLIER, LATER, PAIR = "lesion-earlier", "lesion-later", "lesion-pair"
OUTLINES = "lesion-outlines"
Corners = Sequence[tuple[float, float]]


def verdict(series: LesionSeries) -> html.Div:
    """The lesion's verdict, whose it is, and what a clinician said."""
    urgent, said = series.urgent, series.said
    lines = [
        html.P(
            [
                "The most urgent of its pictures' verdicts: ",
                case_link(urgent, f"picture of {words.day(urgent)}"),
                ".",
            ],
            className="hint",
        )
    ]
    if said is not None:
        own = outcome(str(said.clinician_verdict)).label.lower()
        note = f" “{said.note}”" if said.note else ""
        lines.append(
            html.P(
                [
                    html.Strong(f"The clinician's verdict: {own}."),
                    note,
                    " (",
                    case_link(said, f"picture of {words.day(said)}"),
                    ")",
                ]
            )
        )
    if series.lesion.histology:
        lines.append(html.P(html.Strong(f"Histology: {series.lesion.histology}")))
    return html.Div([banner(outcome(urgent.verdict), urgent.message), *lines], className="stack")


def timeline(series: LesionSeries) -> html.Ol:
    """All pictures, the first one first."""
    return html.Ol(
        [html.Li(_stop(item)) for item in series.items], className="lesion-timeline plain"
    )


def _stop(item: Item) -> Component:
    kind = outcome(item.verdict)
    own = outcome(item.clinician_verdict) if item.clinician_verdict else None
    risk = "" if item.p_malignant is None else f", malignant {item.p_malignant:.0%}"
    kept = "" if item.taken else " (kept)"
    return dcc.Link(
        [
            html.Img(
                src=dash.get_relative_path(f"/assessments/{item.key}/thumbnail"),
                alt="",
                width=148,
                height=112,
                className="thumbnail",
            ),
            html.Strong(f"{words.day(item)}{kept}"),
            html.Span(f"{kind.label}{risk}", className="hint"),
            *([html.Span(f"Clinician: {own.label}", className="hint")] if own else []),
        ],
        href=case_address(item),
    )


def case_address(item: Item) -> str:
    """Of a picture's case."""
    return str(dash.get_relative_path(f"/cases/{item.key}"))


def case_link(item: Item, text: str) -> dcc.Link:
    """To a picture's case."""
    return dcc.Link(text, href=case_address(item))


def choice(series: LesionSeries) -> Component:
    """Which two pictures are laid onto each other: at first the last two."""
    options = [
        {"value": item.key, "label": f"{place}. {words.day(item)}"}
        for place, item in enumerate(series.items, 1)
    ]
    selects = [
        dmc.Select(
            id=name,
            label=label,
            data=options,
            value=series.items[place].key,
            allowDeselect=False,
            w=220,
        )
        for name, label, place in ((EARLIER, "Earlier", -2), (LATER, "Later", -1))
    ]
    drawn = dmc.Switch(id=OUTLINES, label="Outlines that were found, approximate", checked=False)
    group: Component = dmc.Group([*selects, drawn], align="end")
    return group


def pair(
    name: str,
    first: Item,
    second: Item,
    change: dict[str, Any],
    seen: Seen,
    *,
    outlines: bool = False,
) -> html.Div:
    """Two pictures, the first as it lies on the second, and what differs.

    seen: what is known of the second; outlines: with those that were found.
    """
    drawn = "?outline=true" if outlines else ""
    base = f"{words.address(name)}/registered"
    shown = change["registered"]
    onto = second.key if shown else first.key
    pictures = [
        _picture(f"{base}/{first.key}/onto/{onto}.jpg{drawn}", words.day(first), seen),
        _picture(f"{base}/{second.key}/onto/{second.key}.jpg{drawn}", words.day(second), seen),
    ]
    buttons = [
        dmc.Button(
            "Blink", variant="default", size="xs", **{"data-blink": "", "aria-pressed": "false"}
        ),
        html.Span("Or hold B.", className="hint"),
    ]
    return html.Div(
        [
            dmc.Group(buttons) if shown else dmc.Alert(str(change["reason"]), color="gray"),
            html.Div(
                pictures,
                className="lesion-pictures columns",
                **({"data-blinks": ""} if shown else {}),
            ),
            html.P(words.registration_words(change), className="hint"),
            differences(first, second, change),
        ],
        className="stack",
        **{"data-pair": ""},
    )


def _picture(address: str, date: str, seen: Seen) -> html.Figure:
    width, height = seen.size
    image = dmc.Image(
        src=address,
        alt=f"The lesion on {date}",
        radius="sm",
        fit="contain",
        style={"aspectRatio": f"{width} / {height}"},
    )
    return html.Figure([image, html.Figcaption(date)])


def differences(first: Item, second: Item, change: dict[str, Any]) -> Component:
    """Area, colour and probability: what differs, and how often retakes do."""
    rows = [
        ("Area", words.area_words(change), change["area_retakes_below"]),
        ("Colour", words.colour_words(change), change["colour_retakes_below"]),
        (
            "Malignant probability",
            words.risk_words(first, second),
            change["p_malignant_retakes_below"],
        ),
    ]
    return html.Ul(
        [
            html.Li([html.Strong(title), html.Span(what), _retakes(below)])
            for title, what, below in rows
        ],
        className="rows plain framed lesion-differences",
    )


def _retakes(below: int | None) -> Component:
    """How often retakes differ by less; in bold where that is notable."""
    text = words.retake_words(below)
    notable = below is not None and below >= words.NOTABLE
    return html.Strong(text) if notable else html.Span(text)
