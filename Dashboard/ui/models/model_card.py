"""A checkpoint at a glance: what it is called, how well it does, by what it advises."""

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelInfo
from Dashboard.ui.elements.text import percent
from Dashboard.ui.models.in_force import AT, Metric, metrics_in_force
from models.registry.names import plainly

USE = "use-model"
HEADLINES = {
    "malignant_auc": "AUC, malignant or not",
    "balanced_accuracy": "Balanced accuracy",
    f"malignant_sensitivity{AT}": "Sensitivity",
    f"malignant_specificity{AT}": "Specificity",
}


def model_card(
    info: ModelInfo, details: Sequence[Component] = (), *, used: bool = False
) -> html.Article:
    """The card of one checkpoint.

    details: further sections, see `card_details`.
    used: new pictures of this browser are assessed by it; else there is a button to say so.
    """
    heading = f"model-{info.name}"
    return html.Article(
        dmc.Paper(
            [
                dmc.Group(
                    [
                        html.H3(info.title, id=heading),
                        dmc.Text(f"version {info.version}", c="dimmed", size="sm"),
                        dmc.Badge("In use", variant="light") if used else use_button(info),
                    ],
                    align="baseline",
                ),
                html.P(plainly(info.description), className="model-text"),
                headlines(info),
                facts(
                    {
                        "Advice": advice(info),
                        "Name in the API": info.name,
                        "Licence": info.licence,
                    }
                ),
                *details,
            ],
            className="stack",
            p={"base": "md", "sm": "lg"},
            radius="lg",
            withBorder=True,
        ),
        **{"aria-labelledby": heading},
    )


def use_button(info: ModelInfo) -> dmc.Button:
    """The way to choose a model for new pictures."""
    return dmc.Button(
        "Use this model",
        id={"type": USE, "model": info.name},
        variant="default",
        size="compact-md",
        **{"aria-label": f"Use this model: {info.title}, version {info.version}"},
    )


def headlines(info: ModelInfo) -> html.P | dmc.SimpleGrid:
    """The four figures that matter first, on test, with their intervals."""
    test = {m["metric"]: m for m in metrics_in_force(info) if m.get("split") == "test"}
    shown = [(title, test[name]) for name, title in HEADLINES.items() if name in test]
    if not shown:
        return html.P("Nothing was measured of this model.")
    return _grid({title: _headline(metric) for title, metric in shown}, {"base": 2, "md": 4})


def advice(info: ModelInfo) -> str:
    """The rule that this server advises by with this model."""
    point = info.operating_point
    rule = "Consultation where a malignant class is the most likely"
    if point is not None:
        rule = (
            f"Consultation from a malignant probability of {percent(float(point['threshold']))} "
            f"(for a sensitivity of {float(point['target_sensitivity']):.0%}), or where a "
            "malignant class is the most likely"
        )
    return f"{rule}. {info.target_note}".strip()


def facts(entries: dict[str, str]) -> dmc.SimpleGrid:
    """Titles and texts."""
    return _grid(dict(entries), {"base": 1, "sm": 2, "md": 3})


def _headline(metric: Metric) -> list[Component]:
    low, high = metric.get("low"), metric.get("high")
    interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
    value = dmc.Text(f"{metric['value']:.3f}", fz=28, fw=650, lh=1.2)
    return [value, dmc.Text(interval, size="sm", c="dimmed")]


def _grid(entries: dict[str, str | list[Component]], columns: dict[str, int]) -> dmc.SimpleGrid:
    facts = [
        html.Div([dmc.Text(title, size="sm", c="dimmed"), html.Div(text, className="model-text")])
        for title, text in entries.items()
    ]
    return dmc.SimpleGrid(facts, cols=columns)
