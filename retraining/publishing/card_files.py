"""A card on disk: `card.json`, and beside it the same for people, `README.md`."""

import json
from pathlib import Path

from models.checkpoint.card import CARD_FILE, Card
from models.checkpoint.card_text import markdown
from quality.output import write_text

TEXT_FILE = "README.md"


def write_card(folder: Path, card: Card) -> None:
    """Write both files of the checkpoint in `folder`, each whole or not at all."""
    text = json.dumps(card.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(folder / CARD_FILE, text)
    write_text(folder / TEXT_FILE, markdown(card))
