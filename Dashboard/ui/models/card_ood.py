"""What a model flags as out-of-distribution (OOD), rightly and wrongly, as tables."""

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.ui.elements.tables import data_table, interval
from models.checkpoint.card_text import ood_sentence, percent


def ood_section(ood: Mapping[str, Any]) -> list[Component]:
    """How the OOD score was set, which pictures it flags, and which corruptions mislead it.

    ood: as `models.checkpoint.evaluation.ModelEvaluation.ood`.
    """
    kinds = [
        [
            row["kind"][:1].upper() + row["kind"][1:],
            *(f"{row[what]:,}" for what in ("pictures", "views")),
            interval(row["auroc"], 4),
            percent(row["flagged"]),
        ]
        for row in ood["kinds"]
    ]
    head = ["Not dermatoscopic", "Pictures", "Views", "AUROC", "Flagged as OOD"]
    title = "Told apart from the test split, 95% intervals over lesions and pictures"
    corruptions = ood["corruptions"]
    corrupted = [[kind, percent(share)] for kind, share in corruptions["flagged"].items()]
    wrongly = f"{corruptions['n']} test images, corrupted: wrongly flagged as OOD"
    return [
        html.P(ood_sentence(ood), className="model-text"),
        data_table(title, head, kinds),
        data_table(wrongly, ["Corruption", "Flagged"], corrupted),
    ]
