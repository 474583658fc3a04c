"""The picture viewer: what is in it. `assets/cases/viewer.mjs` moves the picture and draws maps.

The picture's own pixels are shown, and nothing lies over the lesion's colours until somebody asks
for it: `docs/adr/0022-the-viewer-shows-the-pictures-own-pixels.md`.
"""

import math

import dash
import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from Dashboard.store.schema import Item
from Dashboard.ui.cases.words import part_id
from Dashboard.ui.elements.icons import icon

# What every browser shows, and how large; of anything else there is a copy.
SHOWN = ("image/jpeg", "image/png", "image/webp", "image/bmp")
LONGEST, MOST_PIXELS = 12_000, 40_000_000
UNSCALED = ", no ruler: the scale is not known"
KEYS = "Keys: + and − zoom, arrows move, 0 shows all of it, H held down shows the heat map."


def viewer(item: Item) -> html.Div:
    """The picture of an assessment, to be looked at closely."""
    measured = item.answer["quality"]
    width, height = measured["width"], measured["height"]
    return html.Div(
        [
            _tools(item.answer["success"]),
            html.Div(
                [_stage(item, width, height), _stage(item, width, height, second=True)],
                className="columns",
                style={"--least": "260px"},
            ),
            html.Div(
                [
                    html.Span(
                        [
                            f"{width:,} × {height:,} pixels",
                            html.Span(UNSCALED, className="viewer-unscaled"),
                        ]
                    ),
                    html.Span(className="viewer-legend", role="status"),
                ],
                className="apart hint",
            ),
        ],
        id=part_id(item.key, "scale"),
        className="viewer stack",
        role="group",
        **{
            "data-scale": scale_of(item),
            "aria-label": "Picture viewer",
            "data-viewer": "",
            "data-width": width,
            "data-height": height,
        },
    )


def scale_of(item: Item) -> str:
    """The share of the picture's width that a millimetre is, for the ruler; empty: not known."""
    scale = item.pixels_per_mm
    return "" if scale is None else f"{scale / item.answer['quality']['width']:.8f}"


def _stage(item: Item, width: int, height: int, *, second: bool = False) -> html.Div:
    """One place for the picture; the second, for a map beside it, is hidden until it is needed."""
    name = item.file or "that was handed in"
    picture = html.Img(
        src=picture_address(item),
        alt=f"The picture {name}{', with a map over it' if second else ''}",
        className="viewer-picture",
        draggable="false",
    )
    layer = html.Div([picture, _map()], className="viewer-layer")
    ruler = [] if second else [html.Div(className="viewer-ruler", hidden=True)]
    return html.Div(
        [layer, *ruler],
        className="viewer-stage",
        style={"aspectRatio": f"{width} / {height}"},
        hidden=second,
        tabIndex=0,
        role="group",
        **{"aria-label": KEYS},
    )


def _map() -> html.Img:
    return html.Img(className="viewer-map", alt="", draggable="false", hidden=True)


def picture_address(item: Item) -> str:
    """Where a browser gets the picture: its own file where browsers show it, else a copy."""
    measured = item.answer["quality"]
    sides = measured["width"], measured["height"]
    shown = item.picture.media_type in SHOWN and max(sides) <= LONGEST
    file = "picture" if shown and math.prod(sides) <= MOST_PIXELS else "view.jpg"
    return str(dash.get_relative_path(f"/assessments/{item.key}/{file}"))


def _tools(classified: bool) -> html.Div:
    """What the picture is moved with; and what shows maps, where there can be one."""
    heat = [
        _tool("heat", "heat", "Heat map", pressed=False),
        _tool("beside", "table", "Side by side", pressed=False),
        _tool("outlines", "outline", "Outlines", pressed=False),
        html.Label(
            ["Opacity", html.Span(className="viewer-opacity")], className="viewer-slider along hint"
        ),
    ]
    return html.Div(
        [
            _tool("out", None, "−", label="Zoom out"),
            _tool("in", None, "+", label="Zoom in"),
            _tool("reset", None, "Reset", label="Show all of the picture"),
            html.Div(heat, className="viewer-tools along", hidden=not classified),
        ],
        className="viewer-tools along",
        role="toolbar",
        **{"aria-label": "Picture"},
    )


def _tool(
    do: str, symbol: str | None, text: str, *, label: str = "", pressed: bool | None = None
) -> Component:
    named = {"aria-label": label} if label else {}
    state = {} if pressed is None else {"aria-pressed": str(pressed).lower()}
    button: Component = dmc.Button(
        text,
        leftSection=icon(symbol) if symbol else None,
        variant="default",
        size="xs",
        **{"data-do": do, **named, **state},
    )
    return button
