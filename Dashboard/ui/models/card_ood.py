"""What a card tells of pictures that are not dermatoscopic, as tables."""

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.ui.models.metrics import scrollable, table_head
from models.checkpoint.card_text import foreign_sentence, percent


def foreign_section(ood: Mapping[str, Any]) -> list[Component]:
    """How the score of strangeness was set, and what it rejects, rightly and wrongly."""
    rows = [
        html.Tr(
            [
                html.Th(kind[:1].upper() + kind[1:], scope="row"),
                *_counted(ood, kind),
                _area(area, ood.get("auroc_interval", {}).get(kind)),
                html.Td(percent(ood["rejected"][kind]), className="number"),
            ]
        )
        for kind, area in ood.get("auroc", {}).items()
        if kind in ood.get("rejected", {})
    ]
    head = ["Not dermatoscopic", "Pictures", "Views", "AUROC", "Told apart"]
    title = "Told apart from the test split, 95% intervals over lesions and pictures"
    variants = {k: v for k, v in ood.get("rejected_variants_of_test", {}).items() if k != "n"}
    changed = [
        html.Tr([html.Th(kind, scope="row"), html.Td(percent(share), className="number")])
        for kind, share in variants.items()
    ]
    tables = [scrollable(table_head(head, 1), html.Tbody(rows), title)] if rows else []
    if changed:
        n = ood["rejected_variants_of_test"]["n"]
        title = f"{n} test images, changed: wrongly taken for something else"
        tables.append(scrollable(table_head(["Change", "Taken"], 1), html.Tbody(changed), title))
    return [html.P(foreign_sentence(ood), className="model-text"), *tables]


def _counted(ood: Mapping[str, Any], kind: str) -> list[html.Td]:
    counts = [ood.get(what, {}).get(kind) for what in ("pictures", "views")]
    return [html.Td("–" if n is None else f"{n:,}", className="number") for n in counts]


def _area(value: float, interval: Any) -> html.Td:
    known = interval and None not in interval
    spread = f" ({interval[0]:.4f} to {interval[1]:.4f})" if known else ""
    return html.Td([f"{value:.4f}", html.Span(spread, className="spread")], className="number")
