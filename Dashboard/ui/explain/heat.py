"""The instant heatmap: the class activation map of the served model, for the browser to draw.

A map takes some dozens of bytes, and the browser colours it: the opacity of a hundred pictures
changes at once, and several are drawn on one scale.
"""

import json

from dash import html

from Dashboard.assess.activation import as_shown
from Dashboard.explain.maps import colour_table, encode_map
from Dashboard.ui.elements.icons import icon
from models.inference.classifier import Prediction

# Longest side of the drawing in pixels; the browser stretches it over the picture.
DRAWN_SIDE = 160


def heat_tools(scale: str) -> html.Div:
    """Switch, opacity and legend for all heatmaps of a page; `assets/explain/heat.js` fills it.

    scale: what the strongest colour stands for.
    """
    return html.Div(
        [
            html.Button(
                [icon("heat"), html.Span("Heatmap")],
                type="button",
                className="tool heat-switch",
                **{"data-action": "heat", "aria-pressed": "true"},
            ),
            html.Div(className="heat-opacity"),
            html.Div(
                [
                    html.Span("against"),
                    html.Canvas(className="heat-scale", width=127, height=1),
                    html.Span("for the class"),
                ],
                className="heat-legend",
            ),
            html.Span(scale),
        ],
        id="heat-tools",
        className="heat-tools",
        **{"data-colours": colour_table(True)},
    )


def heat_canvas(prediction: Prediction, width: int, height: int) -> html.Canvas | None:
    """The map over a picture of `width` x `height`; None where the model has none.

    Holds the maps of all classes, so that another one can be shown at once.
    """
    if prediction.cam is None:
        return None
    scale = DRAWN_SIDE / max(width, height)
    codes = list(prediction.probabilities)
    return html.Canvas(
        className="thumb heat",
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        **{
            "data-map": json.dumps(encode_map(as_shown(prediction))),
            "data-codes": " ".join(codes),
            "data-shown": str(codes.index(prediction.code)),
            "aria-hidden": "true",
        },
    )
