"""What describes a checkpoint, on disk: three JSON files, and the same for people."""

from pathlib import Path

from models.checkpoint.card import CARD_FILE, Card
from models.checkpoint.evaluation import EVALUATION_FILE, ModelEvaluation
from models.checkpoint.json_files import json_text, write_files
from models.checkpoint.provenance import PROVENANCE_FILE, Provenance
from models.checkpoint.readme import readme

README_FILE = "README.md"
MOST_BYTES = 8192
"""Of `card.json`, which serving reads at every start and every page of models."""


def write_card(
    folder: Path, card: Card, evaluation: ModelEvaluation, provenance: Provenance
) -> None:
    """Write `card.json`, `evaluation.json`, `provenance.json` and `README.md`, or none of them.

    Raises ValueError for a card of more than `MOST_BYTES`.
    """
    text = json_text(card.to_dict())
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ValueError(f"the card of {card.name} has {size} bytes; at most {MOST_BYTES} may be")
    write_files(
        folder,
        {
            EVALUATION_FILE: json_text(evaluation.to_dict()),
            PROVENANCE_FILE: json_text(provenance.to_dict()),
            README_FILE: readme(card, evaluation, provenance),
            CARD_FILE: text,
        },
    )
