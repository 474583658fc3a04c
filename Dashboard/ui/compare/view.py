"""The frame of the Compare page; the pictures in it are drawn by `assets/compare/compare.js`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from Dashboard.assess import advice, messages
from Dashboard.assess.service import ModelInfo
from Dashboard.config import AdviceRule
from Dashboard.ui.assess.result import MAJORITY, MORE_LIKELY_MALIGNANT
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
        "models": {info.name: expectations(info, rule) for info in models},
        "rule": rule,
        "names": {code: HAM10000.name(code) for code in HAM10000.codes},
        "consult": messages.CONSULT,
        "clear": messages.NO_APPOINTMENT,
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


def expectations(info: ModelInfo, rule: AdviceRule) -> dict[str, Any]:
    """Of a model: the threshold that it advises by, and what its card expects of others.

    None where there is none: of the threshold also where the server advises by the class alone.
    """
    curve = info.operating_curve
    return {
        "threshold": advice.threshold(rule, info.operating_point),
        "curve": dict(curve) if curve else None,
    }


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
