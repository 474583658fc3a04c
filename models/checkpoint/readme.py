"""A checkpoint's `README.md`: the JSON files in words, with the front matter that hubs read."""

import re
from pathlib import Path
from typing import Any

from models.checkpoint.card import Card
from models.checkpoint.card_text import (
    ATTRIBUTES,
    GROUP_COLUMNS,
    RULES,
    calibration_sentence,
    form_sentence,
    number,
    ood_sentence,
    origin_facts,
    percent,
    point_sentence,
    target_rows,
)
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance
from models.registry.backbones import BACKBONES

TEMPLATE = Path(__file__).with_name("readme.md.jinja")
TAGS = ["image-classification", "medical-imaging", "dermatology", "dermoscopy", "skin-lesion"]
# Identifiers that hubs know (those of SPDX, in small letters).
LICENCES = {"CC BY-NC 4.0": "cc-by-nc-4.0", "Apache-2.0": "apache-2.0", "MIT": "mit"}
OVERALL = {
    "balanced_accuracy": "Balanced accuracy",
    "macro_auc": "Macro AUC",
    "macro_f1": "Macro F1",
    "accuracy": "Accuracy",
    "malignant_auc": "AUC, malignant or not",
    "malignant_sensitivity_at_threshold": "Sensitivity to malignant lesions, operating point",
    "malignant_specificity_at_threshold": "Specificity, operating point",
    "malignant_sensitivity": "Sensitivity to malignant lesions, most likely class",
    "malignant_specificity": "Specificity, most likely class",
    "ece_15": "Calibration error (ECE, 15 bins), classes weighing the same",
    "ece_15_natural": "Calibration error at the classes' own frequencies",
}
PER_CLASS = {"sensitivity": "Sensitivity", "precision": "Precision", "f1": "F1", "auc": "AUC"}


def readme(card: Card, evaluation: ModelEvaluation, provenance: Provenance) -> str:
    """The text of a checkpoint's README; sections without content are left out.

    Needs jinja2 and PyYAML.
    """
    import jinja2
    import yaml

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters |= {"percent": percent, "number": number}
    test = evaluation.on("test")
    counts = provenance.split.get("counts", {}).get("test", {})
    measured = any(name in test for name in OVERALL)
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        card=card,
        evaluation=evaluation,
        front_matter=yaml.safe_dump(
            front_matter(card, provenance), sort_keys=False, allow_unicode=True, width=100
        ),
        facts=origin_facts(card, provenance),
        test=test if measured else {},
        test_images=max((int(row["n"]) for row in test.values()), default=0),
        form=form_sentence(card, evaluation),
        overall=OVERALL,
        per_class=PER_CLASS,
        classes={
            code: f"{counts[code]:,}" if code in counts else "–"
            for code in card.taxonomy.codes
            if any(f"{name}_{code}" in test for name in PER_CLASS)
        },
        point=point_sentence(card, evaluation),
        rules=RULES,
        calibration=calibration_sentence(card, evaluation),
        attributes=ATTRIBUTES,
        group_columns=GROUP_COLUMNS,
        ood=ood_sentence(evaluation.ood),
        targets=target_rows(card, evaluation),
    )
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" +\n", "\n", text)).strip() + "\n"


def front_matter(card: Card, provenance: Provenance) -> dict[str, Any]:
    """What model hubs read at the head of a README, with the headline metrics on test."""
    entry = BACKBONES.get(card.backbone)
    data = provenance.data.get("name")
    known: dict[str, Any] = {"license": LICENCES.get(card.licence, "other")}
    if known["license"] == "other":
        known["license_name"] = card.licence
    known |= {
        "library_name": entry.library if entry else "pytorch",
        "pipeline_tag": TAGS[0],
        "tags": [*TAGS, card.backbone],
    }
    if data:
        known["datasets"] = list(dict.fromkeys([data, *provenance.collections]))
    if card.metrics:
        result = {
            "task": {"type": TAGS[0], "name": "Skin lesion classification"},
            "dataset": {
                "type": (data or "other").lower(),
                "name": data or "other",
                "split": card.metrics[0]["split"],
            },
            "metrics": [
                {
                    "type": row["metric"],
                    "name": OVERALL.get(row["metric"], row["metric"]),
                    "value": row["value"],
                    "args": {key: row[key] for key in ("n", "low", "high") if key in row},
                }
                for row in card.metrics
            ],
        }
        known["metrics"] = [row["metric"] for row in card.metrics]
        known["model-index"] = [{"name": card.name, "results": [result]}]
    return known
