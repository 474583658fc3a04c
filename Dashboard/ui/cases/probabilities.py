"""The probability chart of the classes and the malignant probability."""

from collections.abc import Mapping

import dash_mantine_components as dmc
from dash import html

from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.text import percent
from Dashboard.ui.elements.text import share as spread
from models.registry.taxonomy import Taxonomy


def probability_chart(
    probabilities: Mapping[str, float], top: str, taxonomy: Taxonomy
) -> html.Table:
    """A bar per class, the most probable first; malignant classes carry a mark of their own.

    top: the predicted class.

    A table underneath, so that it can be read without seeing the bars. Plain elements: charts of
    a plotting library in every card would slow a page of a hundred images to a crawl.
    """
    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    rows = [
        _row(taxonomy.name(code), probability, code in taxonomy.malignant, code == top)
        for code, probability in ranked
    ]
    return html.Table(
        [
            html.Caption("Probability of each class", className="hint"),
            html.Tbody(rows),
        ],
        className="chart small-table",
    )


def chart_legend() -> html.P:
    """What the mark beside some classes means."""
    return html.P(
        [icon("diamond", class_name="malignant-mark"), html.Span("malignant or pre-malignant")],
        className="hint",
    )


def malignancy(
    p_malignant: float, threshold: float | None = None, *, share: float, adjusted: bool = False
) -> html.Div:
    """The malignant probability on its scale, and for which class frequencies it holds.

    threshold: of the model's operating point, from which on a consultation is advised; None
        where the advice does not come from one, or holds for other class frequencies.
    share: of malignant lesions, that the probability holds for, in (0, 1).
    adjusted: whether these are a clinic's class frequencies.
    """
    marks = [html.Div(className="fill", style={"width": spread(p_malignant)})]
    whose = "as this clinic's frequencies say" if adjusted else "as the model assumes"
    foot = f"if {percent(share)} of the lesions are malignant, {whose}"
    if threshold is not None:
        marks.append(html.Div(className="tick", style={"left": spread(threshold)}))
        foot += f"; consultation advised from {percent(threshold)}"
    return html.Div(
        [
            html.Div(
                [
                    html.Span("Malignant probability", className="hint"),
                    html.Strong(percent(p_malignant)),
                ],
                className="apart",
            ),
            html.Div(marks, className="track", **{"aria-hidden": "true"}),
            html.Div(foot, className="hint"),
        ],
        className="meter",
    )


def _row(name: str, probability: float, malignant: bool, top: bool) -> html.Tr:
    mark = []
    if malignant:
        mark = [
            icon("diamond", class_name="malignant-mark"),
            dmc.VisuallyHidden(" (malignant)"),
        ]
    bar = html.Div(
        html.Div(className="fill", style={"width": spread(probability)}),
        className="track",
        **{"aria-hidden": "true"},
    )
    kind = " is-malignant" if malignant else ""
    return html.Tr(
        [
            html.Th([html.Span(name), *mark], scope="row"),
            html.Td(bar, **{"aria-hidden": "true"}),
            html.Td(percent(probability)),
        ],
        className=f"{kind}{' is-top' if top else ''}".strip(),
    )
