"""The picture viewer: what is in it. `assets/cases/viewer.mjs` moves the picture and draws maps.

The picture's own pixels are shown, and nothing lies over the lesion's colours until somebody asks
for it: `docs/adr/0022-the-viewer-shows-the-pictures-own-pixels.md`.
"""

import dash
import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from Dashboard.store.schema import Item
from Dashboard.ui.elements.icons import icon

KEYS = "Keys: + and − zoom, arrows move, 0 shows all of it, H held down shows the heat map."


def viewer(item: Item) -> html.Div:
    """The picture of an assessment, to be looked at closely."""
    measured = item.answer["quality"]
    width, height = measured["width"], measured["height"]
    return html.Div(
        [
            _tools(item.answer.get("activation") is not None),
            html.Div([_stage(item, width, height)], className="viewer-stages"),
            html.Div(
                [
                    html.Span(f"{width:,} × {height:,} pixels"),
                    html.Span(className="viewer-legend", hidden=True),
                ],
                className="viewer-foot",
            ),
        ],
        className="viewer",
        role="group",
        title=KEYS,
        **{"aria-label": "Picture viewer", "data-viewer": ""},
    )


def _stage(item: Item, width: int, height: int) -> html.Div:
    return html.Div(
        html.Div(
            html.Img(
                src=picture_address(item),
                alt=f"The picture {item.file or 'that was handed in'}",
                className="viewer-picture",
                draggable="false",
                width=width,
                height=height,
            ),
            className="viewer-layer",
        ),
        className="viewer-stage",
        style={"aspectRatio": f"{width} / {height}"},
        tabIndex=0,
        role="group",
        **{"aria-label": KEYS},
    )


def picture_address(item: Item) -> str:
    """Where a browser gets a picture that it can show."""
    return str(dash.get_relative_path(f"/assessments/{item.key}/picture"))


def _tools(explained: bool) -> html.Div:
    heat = [
        _tool("heat", "heat", "Heat map", pressed=False),
        _tool("beside", "table", "Side by side", pressed=False),
        _tool("outlines", "outline", "Outlines", pressed=False),
        html.Label(
            [html.Span("Opacity"), html.Span(className="viewer-opacity")],
            className="viewer-slider",
        ),
    ]
    return html.Div(
        [
            _tool("out", None, "−", label="Zoom out"),
            _tool("in", None, "+", label="Zoom in"),
            _tool("reset", None, "Reset", label="Show all of the picture"),
            html.Div(heat, className="viewer-heat", hidden=not explained),
        ],
        className="viewer-tools",
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
