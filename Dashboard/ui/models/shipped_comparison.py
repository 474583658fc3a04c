"""The shipped comparison of models, as `python -m retraining compare` left it on disk."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import flask

FOLDER = Path(__file__).resolve().parents[3] / "reports" / "comparison"
FILE = "models.json"
FIGURES = "figures"
FORMAT = 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Comparison:
    """Models side by side.

    split: the part that was scored.
    models: in their order, as `models.json` holds them.
    caveats: by model, what makes its numbers not comparable.
    figures: names of the figures' files, without suffix.
    """

    split: str
    models: list[dict[str, Any]]
    caveats: dict[str, str]
    figures: frozenset[str]


def load_comparison(folder: Path | None = None) -> Comparison | None:
    """Read a comparison; None where there is none, or none that this release understands."""
    path = (folder or FOLDER) / FILE
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, this release reads {FORMAT}")
        found = Comparison(
            split=str(data["split"]),
            models=[dict(model) for model in data["models"]],
            caveats=dict(data["caveats"]),
            figures=frozenset(map(str, data["figures"])),
        )
        for model in found.models:
            _ = model["model"], model["n"], model["chosen_on"], model["metrics"][found.split]
    except (KeyError, TypeError, ValueError) as error:
        logger.warning("the comparison in %s is not shown: %r", path, error)
        return None
    return found


def with_evaluations(
    found: Comparison, evaluations: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Comparison:
    """The comparison with the figures of the checkpoints that can be chosen, as they are served.

    A comparison measures anew, perhaps another form of the network: its third digits would differ
    from those on the card of the same checkpoint. Where both scored the same images, the card's
    evaluation holds.

    evaluations: metrics by checkpoint, as of `models.checkpoint.evaluation.ModelEvaluation`.
    """
    models = []
    for model in found.models:
        values = dict(model["metrics"][found.split])
        for row in evaluations.get(model["model"], ()):
            same = row.get("split") == found.split and row.get("n") == model["n"]
            if same and row["metric"] in values:
                values[row["metric"]] = {key: row.get(key) for key in ("value", "low", "high")}
        models.append({**model, "metrics": {**model["metrics"], found.split: values}})
    return replace(found, models=models)


def add_comparison(server: flask.Flask) -> None:
    """Serve the comparison's figures at `/comparison/NAME.json`."""
    server.add_url_rule("/comparison/<name>.json", "comparison", figure)


def figure(name: str) -> flask.Response:
    """A figure of the comparison as Plotly's JSON; 404 for any other name."""
    found = load_comparison()
    if found is None or name not in found.figures:
        flask.abort(404)
    return flask.send_from_directory(FOLDER / FIGURES, f"{name}.json")
