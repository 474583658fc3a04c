"""A model card beyond its metrics: operating point, predictive values, groups."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.assess.worth import in_words
from Dashboard.ui.models.card_ood import ood_section
from Dashboard.ui.models.metrics import scrollable, table_head
from models.checkpoint.card import Card
from models.checkpoint.card_text import (
    ATTRIBUTES,
    GROUP_COLUMNS,
    RULES,
    calibration_sentence,
    form_sentence,
    origin_facts,
    percent,
    spread,
)
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance


def card_details(
    card: Card,
    evaluation: ModelEvaluation,
    provenance: Provenance,
    point: Mapping[str, Any] | None = None,
) -> list[Component]:
    """Sections of a model card; those without content are left out.

    point: the operating point that this server advises by.
    """
    parts: list[Component] = []
    if evaluation.intended_use:
        parts.append(_section("Intended use", _text(evaluation.intended_use)))
    facts = origin_facts(card, provenance)
    if facts:
        entries = [html.Div([html.Dt(t), html.Dd(f)], className="fact") for t, f in facts.items()]
        parts.append(_section("Data and origin", html.Dl(entries, className="facts")))
    if point:
        parts.append(_section("Advice", _text(in_words(point))))
    calibration = calibration_sentence(card, evaluation)
    if calibration:
        text = f"{calibration} {form_sentence(card, evaluation)}".strip()
        parts.append(_section("Calibration", _text(text)))
    if evaluation.predictive_values:
        table = predictive_table(evaluation.predictive_values)
        parts.append(_fold("Predictive values", table))
    if evaluation.breakdowns:
        groups = group_table(evaluation.breakdowns)
        parts.append(_fold("By sex, age, body site and diagnosis", groups))
    if evaluation.ood:
        parts.append(_fold("Pictures that are not dermatoscopic", *ood_section(evaluation.ood)))
    return parts


def predictive_table(values: Sequence[Mapping[str, Any]]) -> html.Div:
    """Predictive values by rule and by share of malignant lesions."""
    head = [
        "Malignant among those seen",
        "Rule",
        "Consultation is right",
        "No consultation is right",
    ]
    rows = [
        html.Tr(
            [
                html.Th(percent(float(entry["prevalence"])), scope="row"),
                html.Td(RULES.get(entry["rule"], entry["rule"])),
                _cell(entry["positive"]),
                _cell(entry["negative"]),
            ]
        )
        for entry in sorted(values, key=lambda entry: entry["prevalence"])
    ]
    title = "Positive and negative predictive value, from sensitivity and specificity on test"
    return scrollable(table_head(head, 2), html.Tbody(rows), title)


def group_table(groups: Sequence[Mapping[str, Any]]) -> html.Div:
    """A row per group, its size first."""
    head = ["Group", "Images", "Malignant", *GROUP_COLUMNS.values()]
    rows = []
    for entry in groups:
        name = f"{ATTRIBUTES.get(entry['by'], entry['by'])}: {entry['group']}"
        counts = [html.Td(f"{entry[key]:,}", className="number") for key in ("n", "malignant")]
        cells = [_cell(entry["metrics"].get(metric)) for metric in GROUP_COLUMNS]
        rows.append(html.Tr([html.Th(name, scope="row"), *counts, *cells]))
    return scrollable(table_head(head, 1), html.Tbody(rows), "Test split, 95% intervals")


def _cell(value: Mapping[str, Any] | None) -> html.Td:
    if not value or value.get("value") is None:
        return html.Td("–", className="number")
    parts = [f"{value['value']:.2f}", html.Span(spread(value, 2), className="spread")]
    return html.Td(parts, className="number")


def _text(text: str) -> html.P:
    return html.P(text, className="model-text")


def _section(title: str, content: Component) -> html.Div:
    return html.Div([html.H3(title, className="model-title"), content])


def _fold(title: str, *content: Component) -> html.Details:
    return html.Details([html.Summary(title), *content], className="model-fold")
