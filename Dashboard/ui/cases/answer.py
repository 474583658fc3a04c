"""What a kept answer says: the message and what it is worth, the finding, the picture's quality.

Everything is drawn from the answer as it was given. The models and settings of this server may have
changed since.
"""

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from Dashboard.assess.worth import of_a_hundred
from Dashboard.store.schema import Item
from Dashboard.ui.cases import prevalence
from Dashboard.ui.cases.gauges import gauges, report_of
from Dashboard.ui.cases.probabilities import chart_legend, malignancy, probability_chart
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.outcomes import CLEAR, CONSULT, NONE, OOD, banner, outcome
from Dashboard.ui.elements.text import duration, percent
from models.registry.names import title
from models.registry.taxonomy import HAM10000

FAILED_MEASURES = {"laplacian_variance": "is too blurred", "gamma": "has too little contrast"}
# The most probable class may be benign while the malignant ones together are more probable.
MAJORITY = 0.5
MORE_LIKELY_MALIGNANT = (
    "Together the malignant classes are more likely than the benign ones: look again."
)
NOT_ALWAYS_RIGHT = (
    "The model has seen nothing like it in its training, so what it computes means little here. "
    "If it is a dermatoscopic image after all, take it again or judge it without the program."
)
WITHOUT_ADVICE = "Take the image again, or judge the lesion without the program."
OVERRIDDEN = "The quality gate rejects this image and was overridden."
Answer = Mapping[str, Any]


def verdict(item: Item) -> html.Div:
    """The message word for word, and what it is worth."""
    kind = outcome(item.verdict, item.answer.get("dermatoscopic"))
    return html.Div([banner(kind, item.message), *worth(item)], className="stack")


def worth(item: Item) -> list[Component]:
    """Doubts, second opinions, how often a clearance is wrong, what to do."""
    answer = item.answer
    if not answer["success"]:
        return _reasons(answer["quality"])
    kind = outcome(item.verdict, answer["dermatoscopic"])
    parts: list[Component] = [_caution(OVERRIDDEN)] if overridden(answer) else []
    if kind is OOD:
        return [*parts, dmc.Text(NOT_ALWAYS_RIGHT, size="sm")]
    for reason in answer["reasons"]:
        parts.append(_caution(["Uncertain: ", html.Span(reason, className="reason")]))
    agreed = answer["second_opinion"]
    if agreed and agreed not in answer["reasons"]:
        parts.append(dmc.Text(agreed, size="sm"))
    if kind is CLEAR and answer["p_malignant"] >= MAJORITY:
        parts.append(_caution(MORE_LIKELY_MALIGNANT))
    if answer["clearance"]:
        parts.append(dmc.Text(answer["clearance"], size="sm"))
    if kind is CONSULT and answer.get("rule"):
        parts.append(dmc.Text(f"{answer['rule']}.", size="sm"))
    if kind is NONE:
        parts.append(dmc.Text(WITHOUT_ADVICE, size="sm"))
    return parts


def finding(item: Item, *, own_prevalence: bool = False) -> list[Component]:
    """The most likely class, the malignant probability, all classes; nothing without them.

    own_prevalence: with the field for one, which a page may have once.
    """
    answer = item.answer
    if not answer["success"]:
        return []
    chart = html.Div(
        [
            probability_chart(answer["probabilities"], answer["code"], HAM10000),
            chart_legend(),
        ]
    )
    if outcome(item.verdict, answer["dermatoscopic"]) is OOD:
        title = html.Summary("What the classifier computed all the same")
        return [html.Details([title, chart], className="computed")]
    parts: list[Component] = [_most_likely(answer)]
    share = answer.get("malignant_share")
    if share is not None:
        # A threshold holds for the model's own class frequencies; beside a probability that is
        # weighted by others it would mislead.
        threshold = None if answer["prior"] else (answer.get("evidence") or {}).get("threshold")
        adjusted = answer["prior"] is not None
        parts.append(malignancy(answer["p_malignant"], threshold, share=share, adjusted=adjusted))
    if item.verdict != "none":
        parts.append(_at_prevalence(answer))
        if own_prevalence and share is not None:
            parts.append(prevalence.own_prevalence(item))
    return [*parts, chart]


def quality(item: Item) -> html.Div:
    """What the quality gate measured, on gauges."""
    return gauges(report_of(item.answer["quality"]))


def provenance(item: Item) -> str:
    """Which model answered, when and how quickly."""
    when = f"{item.created:%Y-%m-%d %H:%M} UTC"
    if not item.answer["success"]:
        return f"Not classified · {when}"
    seconds = duration(item.answer["seconds"])
    return f"{title(item.model)}, version {item.version} · {when} · {seconds}"


def overridden(answer: Answer) -> bool:
    """Whether the image was classified although the gate rejects it."""
    return bool(
        answer["success"] and not answer["gated"] and answer["quality"]["verdict"] == "reject"
    )


def _caution(children: Any) -> html.P:
    return html.P([icon("warning"), html.Span(children)], className="caution marked")


def _reasons(measured: Mapping[str, Any]) -> list[Component]:
    what = " and ".join(FAILED_MEASURES[name] for name in measured["failed"])
    return [
        html.P(["This image ", html.Strong(f"{what}.")]),
        html.Ul([html.Li(reason) for reason in measured["reasons"]], className="stack"),
    ]


def _most_likely(answer: Answer) -> html.Div:
    return html.Div(
        [
            html.Span("Most likely", className="hint"),
            dmc.Group(
                [
                    html.Span(answer["prediction"]),
                    html.Span(percent(answer["probability"])),
                ],
                justify="space-between",
                fz="lg",
                fw=600,
            ),
        ]
    )


def _at_prevalence(answer: Answer) -> html.Table:
    """What the malignant probability means where other shares of the lesions are malignant."""
    shares = answer["at_prevalence"]
    heads = (html.Th(f"{100 * float(one):.3g}%", scope="col") for one in shares)
    counts = (html.Td(of_a_hundred(p)) for p in shares.values())
    return html.Table(
        [
            html.Caption("What that means at your clinic", className="hint"),
            html.Tbody(
                [
                    html.Tr([html.Th("Malignant of all lesions you see", scope="row"), *heads]),
                    html.Tr([html.Th("Malignant of 100 like this one", scope="row"), *counts]),
                ]
            ),
        ],
        className="prevalences small-table",
    )
