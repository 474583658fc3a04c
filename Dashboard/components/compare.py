"""The frame of the Compare page; the pictures in it are drawn by `assets/compare.js`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from Dashboard import messages
from Dashboard.components.heat import heat_tools
from Dashboard.components.icons import icon
from Dashboard.service import ModelInfo
from models.taxonomy import HAM10000

FEWEST, MOST = 2, 6


def compare_view(models: Sequence[ModelInfo], prior: Mapping[str, float] | None) -> html.Section:
    """Pictures to choose from, the controls, and the place for two to six columns."""
    data = {
        "models": {info.name: expectations(info) for info in models},
        "names": {code: HAM10000.name(code) for code in HAM10000.codes},
        "consult": messages.CONSULT,
        "clear": messages.NO_APPOINTMENT,
        "adjusted": prior is not None,
        "fewest": FEWEST,
        "most": MOST,
    }
    return html.Section(
        [
            html.H2("Pictures", id="compare-choice-title"),
            html.P(
                f"Choose {FEWEST} to {MOST} of the pictures assessed in this window.",
                className="hint",
                id="compare-hint",
            ),
            html.Div(
                id="compare-choice",
                className="compare-choice",
                role="group",
                **{"aria-labelledby": "compare-choice-title"},
            ),
            html.Div([_threshold(), _shown()], id="compare-tools", className="compare-tools"),
            heat_tools("One scale for all pictures"),
            html.Div(id="compare-columns", className="compare-columns"),
        ],
        id="compare",
        className="compare",
        **{"data-settings": json.dumps(data), "aria-label": "Comparison"},
    )


def expectations(info: ModelInfo) -> dict[str, Any]:
    """Of a model's card: its threshold, and what to expect of others; None where it has none."""
    point, curve = info.operating_point, info.operating_curve
    return {
        "threshold": None if point is None else float(point["threshold"]),
        "curve": dict(curve) if curve else None,
    }


def _threshold() -> html.Div:
    return html.Div(
        [
            html.Div(id="compare-slider", className="compare-slider"),
            html.P(id="compare-expected", className="compare-expected", role="status"),
            html.Button(
                [icon("repeat"), html.Span("The card's own")],
                type="button",
                className="tool",
                **{"data-action": "compare-reset"},
            ),
        ],
        className="compare-threshold",
    )


def _shown() -> html.Div:
    return html.Div(id="compare-class", className="explain-field")
