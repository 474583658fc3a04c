"""The shipped comparison of models, as `python -m retraining compare` left it on disk."""

import json
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from Dashboard.ui.models.in_force import AT, Metric
from models.registry.names import TITLES, title

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
    published: what others reported, rows of texts.
    """

    split: str
    models: list[dict[str, Any]]
    caveats: dict[str, str]
    figures: frozenset[str]
    published: list[dict[str, str]]


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
            published=[dict(row) for row in data.get("published", ())],
        )
        for model in found.models:
            _ = model["model"], model["n"], model["chosen_on"], model["metrics"][found.split]
        for row in found.published:
            _ = row["table"], row["model"]
    except (KeyError, TypeError, ValueError) as error:
        logger.warning("the comparison in %s is not shown: %r", path, error)
        return None
    return found


def name_of(model: Mapping[str, Any]) -> str:
    """What a model of a comparison is called: a shipped one plainly, a run by what was done.

    >>> name_of({"model": "probe_7", "backbone": "resnet18", "recipe": "linear_probe"})
    'ResNet-18, linear probe'
    """
    name, backbone, recipe = (str(model.get(key, "")) for key in ("model", "backbone", "recipe"))
    if name in TITLES or not recipe:
        return title(name, backbone)
    return f"{TITLES.get(backbone, backbone)}, {recipe.replace('_', ' ').replace('adamw', 'AdamW')}"


def with_evaluations(found: Comparison, evaluations: Mapping[str, Sequence[Metric]]) -> Comparison:
    """The comparison with the figures of the checkpoints that can be chosen, as they are served.

    A comparison measures anew, perhaps another form of the network: its third digits would differ
    from those on the card of the same checkpoint. Where both scored the same images, the card's
    evaluation holds; at an operating point it alone.

    evaluations: metrics by checkpoint, as of `Dashboard.ui.models.in_force.metrics_in_force`.
    """
    models = []
    for model in found.models:
        values = dict(model["metrics"][found.split])
        if model["model"] in evaluations:
            values = {name: one for name, one in values.items() if not name.endswith(AT)}
        for row in evaluations.get(model["model"], ()):
            same = row.get("split") == found.split and row.get("n") == model["n"]
            if same and (row["metric"] in values or row["metric"].endswith(AT)):
                values[row["metric"]] = {key: row.get(key) for key in ("value", "low", "high")}
        models.append({**model, "metrics": {**model["metrics"], found.split: values}})
    return replace(found, models=models)


def load_figure(found: Comparison, name: str, usable: Collection[str]) -> dict[str, Any] | None:
    """A figure as Plotly takes it, models by their plain names; None where there is none.

    usable: the models of this server; what is drawn of others waits in the legend, or is left out
        where it shares its lines with theirs.
    """
    if name not in found.figures:
        return None
    figure = json.loads((FOLDER / FIGURES / f"{name}.json").read_text(encoding="utf-8"))
    others = [str(model["model"]) for model in found.models if model["model"] not in usable]
    for trace in figure["data"]:
        if _leave_out(trace, others):
            figure["layout"].pop("height", None)  # it was made for as many lines
        if str(trace.get("name", "")).split(" ")[0] in others:
            trace["visible"] = "legendonly"
    names = {str(model["model"]): name_of(model) for model in found.models}
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest))})(?!\w)")
    renamed: dict[str, Any] = _renamed(figure, pattern, names)
    return renamed


def _leave_out(trace: dict[str, Any], others: Collection[str]) -> bool:
    """Take points of these models away, where one axis has the models' names; whether it has."""
    names = trace.get("y")
    if not isinstance(names, list) or not any(name in others for name in names):
        return False
    kept = [place for place, name in enumerate(names) if name not in others]
    for part in (trace, trace.get("error_x", {})):
        for key in ("x", "y", "array", "arrayminus"):
            if isinstance(part.get(key), list):
                part[key] = [part[key][place] for place in kept]
    return True


def _renamed(part: Any, pattern: re.Pattern[str], names: Mapping[str, str]) -> Any:
    """The same with every model's name replaced, in all texts."""
    if isinstance(part, str):
        return pattern.sub(lambda found: names[found[1]], part)
    if isinstance(part, list):
        return [_renamed(one, pattern, names) for one in part]
    if isinstance(part, dict):
        return {key: _renamed(one, pattern, names) for key, one in part.items()}
    return part
