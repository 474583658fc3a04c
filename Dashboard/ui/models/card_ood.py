"""What a model flags as out-of-distribution (OOD), rightly and wrongly, as tables."""

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.ui.models.metrics import scrollable, table_head
from models.checkpoint.card_text import ood_sentence, percent


def ood_section(ood: Mapping[str, Any]) -> list[Component]:
    """How the OOD score was set, which pictures it flags, and which corruptions mislead it.

    ood: as `models.checkpoint.evaluation.ModelEvaluation.ood`.
    """
    kinds = [
        html.Tr(
            [
                html.Th(row["kind"][:1].upper() + row["kind"][1:], scope="row"),
                *(_number(f"{row[what]:,}") for what in ("pictures", "views")),
                _area(row["auroc"]),
                _number(percent(row["flagged"])),
            ]
        )
        for row in ood["kinds"]
    ]
    head = ["Not dermatoscopic", "Pictures", "Views", "AUROC", "Flagged as OOD"]
    title = "Told apart from the test split, 95% intervals over lesions and pictures"
    corruptions = ood["corruptions"]
    corrupted = [
        html.Tr([html.Th(kind, scope="row"), _number(percent(share))])
        for kind, share in corruptions["flagged"].items()
    ]
    wrongly = f"{corruptions['n']} test images, corrupted: wrongly flagged as OOD"
    return [
        html.P(ood_sentence(ood), className="model-text"),
        scrollable(table_head(head, 1), html.Tbody(kinds), title),
        scrollable(table_head(["Corruption", "Flagged"], 1), html.Tbody(corrupted), wrongly),
    ]


def _number(text: str) -> html.Td:
    return html.Td(text, className="number")


def _area(auroc: Mapping[str, float | None]) -> html.Td:
    low, high = auroc["low"], auroc["high"]
    spread = "" if low is None or high is None else f" ({low:.4f} to {high:.4f})"
    value = f"{auroc['value']:.4f}"
    return html.Td([value, html.Span(spread, className="spread")], className="number")
