"""A model card beyond its headlines: use, limits, origin, all measures, groups."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelInfo
from Dashboard.assess.worth import in_words
from Dashboard.ui.elements.tables import data_table, interval
from Dashboard.ui.models.card_ood import ood_section
from Dashboard.ui.models.in_force import groups_in_force, metrics_in_force, predictive_in_force
from Dashboard.ui.models.metrics import performance
from Dashboard.ui.models.model_card import facts
from models.checkpoint.card import Card
from models.checkpoint.card_text import (
    ATTRIBUTES,
    GROUP_COLUMNS,
    RULES,
    calibration_sentence,
    form_sentence,
    origin_facts,
    percent,
)
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance
from models.registry.names import plainly


def card_details(
    info: ModelInfo, card: Card, evaluation: ModelEvaluation, provenance: Provenance
) -> list[Component]:
    """Sections of a model card beyond its headlines; those without content are left out."""
    parts: list[Component] = []
    if evaluation.intended_use:
        parts.append(_section("Intended use", _text(evaluation.intended_use)))
    if info.limits:
        limits = html.Ul([html.Li(plainly(limit)) for limit in info.limits], className="model-text")
        parts.append(_fold(f"Limits ({len(info.limits)})", limits))
    found = origin_facts(card, provenance)
    if found:
        parts.append(
            _fold("Data and origin", facts({name: plainly(text) for name, text in found.items()}))
        )
    if info.operating_point:
        parts.append(_section("Operating point", _text(in_words(info.operating_point))))
    values = predictive_in_force(info, evaluation.predictive_values)
    if values:
        parts.append(_section("Predictive values", predictive_table(values)))
    parts.append(_fold("All measures", *_performance(info)))
    calibration = calibration_sentence(card, evaluation)
    if calibration:
        text = f"{calibration} {form_sentence(card, evaluation)}".strip()
        parts.append(_fold("Calibration", _text(text)))
    if evaluation.breakdowns:
        groups = groups_in_force(info, evaluation.breakdowns)
        parts.append(_fold("By sex, age, body site, skin tone and diagnosis", group_table(groups)))
    if evaluation.ood:
        parts.append(_fold("Pictures that are not dermatoscopic", *ood_section(evaluation.ood)))
    return parts


def _performance(info: ModelInfo) -> list[Component]:
    point = info.operating_point
    target = None if point is None else float(point["target_sensitivity"])
    return performance(metrics_in_force(info), target)


def predictive_table(values: Sequence[Mapping[str, Any]]) -> html.Div:
    """Predictive values by share of malignant lesions."""
    rows = [
        [
            percent(float(entry["prevalence"])),
            interval(entry["positive"]),
            interval(entry["negative"]),
        ]
        for entry in sorted(values, key=lambda entry: entry["prevalence"])
    ]
    rule = RULES.get(values[0]["rule"], values[0]["rule"])
    title = f"By the {rule} in force, from the limits of sensitivity and specificity on test"
    head = ["Malignant among those seen", "Consultation is right", "No consultation is right"]
    return data_table(title, head, rows)


def group_table(groups: Sequence[Mapping[str, Any]]) -> html.Div:
    """A row per group, its size first."""
    columns = {
        metric: title
        for metric, title in GROUP_COLUMNS.items()
        if any(metric in entry["metrics"] for entry in groups)
    }
    rows = [
        [
            f"{ATTRIBUTES.get(entry['by'], entry['by'])}: {entry['group']}",
            *(f"{entry[key]:,}" for key in ("n", "malignant")),
            *(interval(entry["metrics"].get(metric), 2) for metric in columns),
        ]
        for entry in groups
    ]
    head = ["Group", "Images", "Malignant", *columns.values()]
    return data_table("Test split, 95% intervals", head, rows)


def _text(text: str) -> html.P:
    return html.P(text, className="model-text")


def _section(title: str, content: Component) -> html.Div:
    return html.Div([html.H4(title), content])


def _fold(title: str, *content: Component) -> html.Details:
    return html.Details([html.Summary(title), *content], className="model-fold stack")
