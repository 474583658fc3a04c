"""What a card tells beyond its metrics: operating point, predictive values, groups, repetition."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.components.card_origin import foreign_section, origin_facts
from Dashboard.components.metrics import scrollable, table_head
from Dashboard.components.text import percent
from models.checkpoints import Card

GROUP_COLUMNS = {
    "balanced_accuracy": "Balanced accuracy",
    "malignant_auc": "AUC, malignant or not",
    "malignant_sensitivity_at_threshold": "Sensitivity",
    "malignant_specificity_at_threshold": "Specificity",
}
ATTRIBUTES = {"sex": "Sex", "age": "Age", "localization": "Body site", "dx_type": "Diagnosed by"}


def card_details(card: Card) -> list[Component]:
    """Sections of a model card; those that the card says nothing of are left out."""
    parts: list[Component] = []
    if card.intended_use:
        parts.append(_section("Intended use", html.P(card.intended_use, className="model-text")))
    facts = origin_facts(card)
    if facts:
        entries = [html.Div([html.Dt(t), html.Dd(f)], className="fact") for t, f in facts.items()]
        parts.append(_section("Data and origin", html.Dl(entries, className="facts")))
    if card.operating_point and "sensitivity" in card.operating_point:
        parts.append(_section("Advice", html.P(point_sentence(card), className="model-text")))
    if card.calibration.get("test", {}).get("ece_15"):
        parts.append(
            _section("Calibration", html.P(calibration_sentence(card), className="model-text"))
        )
    if card.predictive_values:
        parts.append(_fold("Predictive values", predictive_table(card.predictive_values)))
    if card.breakdowns:
        parts.append(_fold("By sex, age, body site and diagnosis", group_table(card.breakdowns)))
    if card.ood and "false_alarms" in card.ood:
        parts.append(_fold("Pictures that are not dermatoscopic", *foreign_section(card.ood)))
    if card.repeat:
        lines = html.Ol([html.Li(html.Code(line)) for line in card.repeat], className="model-steps")
        parts.append(_fold("How to repeat", lines))
    return parts


def point_sentence(card: Card) -> str:
    """The operating point, what it reached where it was chosen, and what it reaches on test."""
    point = card.operating_point or {}
    test = {m["metric"]: m for m in card.metrics if m.get("split") == "test"}
    names = ("malignant_sensitivity_at_threshold", "malignant_specificity_at_threshold")
    reached = ""
    if all(name in test for name in names):
        sensitivity, specificity = (test[name] for name in names)
        reached = (
            f" On the test split ({int(sensitivity['n']):,} images): sensitivity "
            f"{sensitivity['value']:.3f}{_spread(sensitivity, 3)}, specificity "
            f"{specificity['value']:.3f}{_spread(specificity, 3)}."
        )
        high = sensitivity.get("high")
        if high is not None and high < point["target_sensitivity"]:
            reached += f" That is less than the {percent(float(point['target_sensitivity']))}."
    return (
        f"Consultation from a malignant probability of {percent(float(point['threshold']))}, or "
        "where a malignant class is the most likely. Chosen on the validation split "
        f"({int(point['n']):,} images) to find {percent(float(point['target_sensitivity']))} of "
        f"the images of malignant lesions; reached there: sensitivity "
        f"{float(point['sensitivity']):.3f}, specificity {float(point['specificity']):.3f}."
        + reached
    )


def calibration_sentence(card: Card) -> str:
    """The calibration error on test, beside what exact probabilities would show there."""
    measured, exact = card.calibration["test"], card.calibration.get("test_if_exact", {})
    texts = []
    for name, where in (
        ("ece_15", "with all classes weighing the same"),
        ("ece_15_natural", "at the classes' own frequencies"),
    ):
        value = measured.get(name)
        if not value:
            continue
        text = f"{value['value']:.3f}{_spread(value, 3)} {where}"
        before = measured.get(f"{name}_uncalibrated")
        if before:
            text += f", {before['value']:.3f} without the temperature"
        if name in exact:
            text += (
                f" (exact probabilities would show {exact[name]['low']:.3f} to "
                f"{exact[name]['high']:.3f} on so few images)"
            )
        texts.append(text)
    return (
        f"Temperature {card.temperature:.3f}. Expected calibration error on the test split: "
        + "; ".join(texts)
        + "."
    )


def predictive_table(values: Sequence[Mapping[str, Any]]) -> html.Div:
    """Predictive values by rule and by share of malignant lesions."""
    names = {"threshold": "operating point", "argmax": "most likely class"}
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
                html.Td(names.get(entry["rule"], entry["rule"])),
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
    parts = [f"{value['value']:.2f}", html.Span(_spread(value, 2), className="spread")]
    return html.Td(parts, className="number")


def _spread(value: Mapping[str, Any], digits: int) -> str:
    low, high = value.get("low"), value.get("high")
    return "" if low is None or high is None else f" ({low:.{digits}f} to {high:.{digits}f})"


def _section(title: str, content: Component) -> html.Div:
    return html.Div([html.H3(title, className="model-title"), content])


def _fold(title: str, *content: Component) -> html.Details:
    return html.Details([html.Summary(title), *content], className="model-fold")
