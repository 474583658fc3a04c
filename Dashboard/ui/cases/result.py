"""The body of a result card: what the server found out about one image.

The frame around it (file name, buttons) belongs to the browser: file names stay there.
"""

from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from Dashboard.assess.service import Assessment
from Dashboard.ui.cases.answer import (
    FAILED_MEASURES,
    MAJORITY,
    MORE_LIKELY_MALIGNANT,
    NOT_ALWAYS_RIGHT,
    WITHOUT_ADVICE,
)
from Dashboard.ui.cases.gauges import gauges
from Dashboard.ui.cases.outcomes import CLEAR, ERROR, NONE, OF_VERDICT, OOD, banner, outcome_of
from Dashboard.ui.cases.prevalence import prevalence_line
from Dashboard.ui.cases.probabilities import chart_legend, malignancy, probability_chart
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.text import duration, percent
from Dashboard.ui.explain.heat import heat_canvas
from models.inference.classifier import Prediction
from models.registry.taxonomy import Taxonomy
from quality import QualityReport


@dataclass(frozen=True)
class ResultView:
    """All that a card shows of one image.

    thumbnail: an address for the picture, usually a data URL.
    synthetic: whether the picture is one of the drawn examples.
    """

    assessment: Assessment
    thumbnail: str
    taxonomy: Taxonomy
    synthetic: bool = False


def result_body(view: ResultView) -> html.Div:
    """The inside of the card of an assessed or a rejected image."""
    parts = [_figure(view)]
    if view.assessment.rejected:
        parts.append(_rejected(view.assessment))
    else:
        parts += _classified(view)
    return html.Div(parts, className="card-grid", **_for_comparing(view.assessment))


def _for_comparing(assessment: Assessment) -> dict[str, str]:
    """What the page needs to judge the picture by another threshold."""
    otherwise = assessment.decision.otherwise
    if otherwise is None or assessment.p_malignant_at_card is None:
        return {}
    return {
        "data-p-malignant": f"{assessment.p_malignant_at_card:.6f}",
        "data-malignant": "true" if assessment.leads else "false",
        "data-otherwise": OF_VERDICT[otherwise.verdict].key,
        "data-otherwise-message": otherwise.message,
    }


def error_body(sentence: str) -> html.Div:
    """The inside of the card of a file that could not be assessed."""
    return html.Div(banner(ERROR, sentence), className="card-grid card-grid-plain")


def _figure(view: ResultView) -> html.Figure:
    report = view.assessment.quality
    tags = []
    if view.synthetic:
        tags.append(html.Span([icon("pencil"), "Synthetic picture"], className="tag"))
    if view.assessment.overridden:
        tags.append(
            html.Span([icon("warning"), "Quality gate overridden"], className="tag tag-warning")
        )
    picture = html.Img(src=view.thumbnail, alt=_alt(view), className="thumb")
    prediction = view.assessment.prediction
    heat = None
    if prediction is not None and outcome_of(view.assessment) is not OOD:
        heat = heat_canvas(prediction, report.width, report.height)
    captions = [html.Span(f"{report.width:,} × {report.height:,} pixels"), *tags]
    if prediction is not None and heat is not None:
        captions.append(
            html.Span(f"Heatmap: what speaks for {prediction.name}", className="heat-caption")
        )
    return html.Figure(
        [
            picture if heat is None else html.Div([picture, heat], className="heat-frame"),
            html.Figcaption(captions, className="thumb-caption"),
        ],
        className="figure",
    )


def _alt(view: ResultView) -> str:
    return "Drawn example picture" if view.synthetic else "The uploaded image"


def _rejected(assessment: Assessment) -> html.Div:
    return html.Div(
        [
            banner(outcome_of(assessment), assessment.message),
            _reasons(assessment.quality),
            gauges(assessment.quality),
            html.Div(
                [
                    html.Button(
                        "Classify anyway",
                        type="button",
                        className="button",
                        **{"data-action": "classify-anyway"},
                    ),
                    html.Span(
                        "The result will be marked: a poor image misleads the classifier, and "
                        "cannot rule anything out.",
                        className="hint",
                    ),
                ],
                className="card-actions",
            ),
            html.P(f"Not classified · {duration(assessment.seconds)}", className="provenance"),
        ],
        className="card-main card-main-wide",
    )


def _reasons(report: QualityReport) -> html.Div:
    what = " and ".join(FAILED_MEASURES[name] for name in report.failed)
    return html.Div(
        [
            html.P(["This image ", html.Strong(f"{what}.")], className="reasons-title"),
            html.Ul([html.Li(reason) for reason in report.reasons], className="reasons"),
        ]
    )


def _classified(view: ResultView) -> list[Component]:
    assessment = view.assessment
    prediction = assessment.prediction
    if prediction is None:
        return []
    outcome = outcome_of(assessment)
    chart = html.Div(
        [
            probability_chart(prediction.probabilities, prediction.code, view.taxonomy),
            chart_legend(),
        ]
    )
    findings: list[Component] = [banner(outcome, assessment.message)]
    if outcome is OOD:
        computed = [html.Summary("What the classifier computed all the same"), chart]
        findings += [
            html.P(NOT_ALWAYS_RIGHT, className="hint"),
            html.Details(computed, className="computed"),
        ]
        parts = [html.Div(gauges(assessment.quality), className="card-quality")]
    else:
        findings += [
            *_worth(assessment),
            _finding(prediction),
            _malignancy(assessment, prediction),
        ]
        if outcome is not NONE:
            findings.append(prevalence_line(assessment, prediction.p_malignant))
        if outcome is CLEAR and prediction.p_malignant >= MAJORITY:
            findings.append(_caution(MORE_LIKELY_MALIGNANT))
        parts = [
            html.Div(chart, className="card-chart"),
            html.Div(gauges(assessment.quality), className="card-quality"),
        ]
    findings.append(
        html.P(
            f"{assessment.model} · version {assessment.version} · {duration(assessment.seconds)}",
            className="provenance",
        )
    )
    wide = " card-main-wide" if outcome is OOD else ""
    return [html.Div(findings, className=f"card-main{wide}"), *parts]


def _worth(assessment: Assessment) -> list[Component]:
    """What the message is worth: doubts, second opinions, how often a clearance is wrong."""
    agreed = assessment.decision.second_opinion
    parts: list[Component] = []
    for place, reason in enumerate(assessment.reasons):
        mark = [html.Strong("Uncertain: ")] if place == 0 else []
        # The other reasons hold whatever threshold is tried out.
        kind = "caution reason" if reason == agreed else "caution reason reason-lasting"
        words = html.Span([*mark, reason])
        parts.append(html.P([icon("warning"), words], className=kind))
    if agreed and agreed not in assessment.reasons:
        parts.append(html.P(agreed, className="hint"))
    if assessment.clearance:
        parts.append(html.P(assessment.clearance, className="clearance"))
    if assessment.verdict == "none":
        parts.append(html.P(WITHOUT_ADVICE, className="hint"))
    return parts


def _caution(sentence: str) -> html.P:
    return html.P([icon("warning"), html.Span(sentence)], className="caution")


def _malignancy(assessment: Assessment, prediction: Prediction) -> html.Div:
    # The threshold holds for the card's class frequencies; beside a probability that is weighted
    # by others it would mislead.
    adjusted = assessment.prior is not None
    return malignancy(
        prediction.p_malignant,
        None if adjusted else assessment.threshold,
        share=assessment.malignant_share,
        adjusted=adjusted,
    )


def _finding(prediction: Prediction) -> html.P:
    return html.P(
        [
            html.Span("Most likely", className="block-title"),
            html.Span(
                [
                    html.Strong(prediction.name, className="finding-name"),
                    html.Span(percent(prediction.probability), className="finding-value"),
                ],
                className="finding",
            ),
        ],
        className="finding-block",
    )
