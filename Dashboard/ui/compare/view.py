"""The frame of the Compare page; the pictures in it are drawn by `assets/compare/compare.js`."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from Dashboard.assess import messages
from Dashboard.assess.service import ModelInfo
from Dashboard.assess.worth import expectation
from Dashboard.config import AdviceRule
from Dashboard.ui.cases.result import MAJORITY, MORE_LIKELY_MALIGNANT
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.explain.heat import heat_tools
from models.registry.taxonomy import HAM10000

FEWEST, MOST = 2, 6


def compare_view(
    models: Sequence[ModelInfo], prior: Mapping[str, float] | None, rule: AdviceRule
) -> html.Section:
    """Pictures to choose from, the controls, and the place for two to six columns.

    rule: by which this server advises; the page starts from it.
    """
    data = {
        "models": {info.name: expectations(info) for info in models},
        "rule": rule,
        "names": {code: HAM10000.name(code) for code in HAM10000.codes},
        "consult": messages.CONSULT,
        "doubt": MORE_LIKELY_MALIGNANT,
        "majority": MAJORITY,
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
            html.Div(id="compare-busy", className="compare-busy", hidden=True),
            html.Div(id="compare-failed", className="compare-failed"),
            html.Div([_threshold(), _shown()], id="compare-tools", className="compare-tools"),
            heat_tools("One scale for all pictures"),
            html.Div(id="compare-columns", className="compare-columns"),
        ],
        id="compare",
        className="compare",
        **{"data-settings": json.dumps(data), "aria-label": "Comparison"},
    )


def expectations(info: ModelInfo) -> dict[str, Any]:
    """Of a model: the threshold that it advises by, and what its card expects of it and of others.

    threshold: None where the server advises by the most likely class.
    as_assessed: what the card says of that threshold, a sentence, empty where it says nothing.
    curve: what to expect of other thresholds; None: not measured. At the threshold itself it has
        the card's figures, so that one figure stands wherever that threshold is judged.
    """
    point, curve = info.operating_point, info.operating_curve
    if curve and point and point.get("test"):
        reached = {name: point["test"][name] for name in ("sensitivity", "specificity")}
        curve = {**curve, **_inserted(curve, {"threshold": point["threshold"], **reached})}
    return {
        "threshold": None if point is None else float(point["threshold"]),
        "as_assessed": " ".join(
            filter(None, [expectation(point) if point else "", info.target_note])
        ),
        "curve": dict(curve) if curve else None,
    }


def _inserted(curve: Mapping[str, Any], point: Mapping[str, float]) -> dict[str, list[float]]:
    """The columns of a curve with a point in its place, instead of one at the same threshold."""
    columns = {name: list(curve[name]) for name in point}
    place = bisect_left(columns["threshold"], point["threshold"])
    there = columns["threshold"][place : place + 1] == [point["threshold"]]
    for name, value in point.items():
        columns[name][place : place + there] = [value]
    return columns


def _threshold() -> html.Div:
    return html.Div(
        [
            html.Div(id="compare-slider", className="compare-slider"),
            html.Div(
                [
                    html.P(id="compare-rule", className="compare-rule"),
                    html.P(id="compare-expected"),
                ],
                className="compare-words",
                role="status",
            ),
            html.Button(
                [icon("repeat"), html.Span("As assessed")],
                type="button",
                className="tool",
                **{"data-action": "compare-reset"},
            ),
        ],
        className="compare-threshold",
    )


def _shown() -> html.Div:
    return html.Div(id="compare-class", className="explain-field")
