"""The words and derived numbers of a model card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.backbones import get_backbone
from models.checkpoints import Card, CheckpointError, load_card, locate
from models.taxonomy import HAM10000, Taxonomy
from retraining.config import CRITERIA, TrainConfig, load_config
from retraining.evaluation import Evaluation
from retraining.runs import CONFIG_FILE, Epoch, best_epoch, run_taxonomy
from retraining.scores import AT_THRESHOLD, Metric

DATA = {
    "name": "HAM10000",
    "source": "Harvard Dataverse, doi:10.7910/DVN/DBW86T",
    "paper": (
        "Tschandl, P., Rosendahl, C. & Kittler, H. The HAM10000 dataset, a large collection of "
        "multi-source dermatoscopic images of common pigmented skin lesions. Sci. Data 5, 180161 "
        "(2018), doi:10.1038/sdata.2018.161"
    ),
    "licence": "CC BY-NC 4.0",
}
INTENDED_USE = (
    "Decision support for health professionals who look at dermatoscopic photographs of pigmented "
    "skin lesions, and research. Not a diagnosis, not a medical device, and not for patients' own "
    "use."
)
# What `imported` stands for in the registry of backbones.
IMPORTED = "those of Keras's ResNet50, from the package idai-shapes-ceramics_resnet50"
OWN_DATA = "that of the data and weights it was trained on"
LIMITS = [
    "Trained on dermatoscopic images alone: the answer for any other picture means nothing.",
    "Images from other cameras, other clinics or another time may be harder; a test on one's own "
    "images, with the diagnosis known, should come before any use.",
]
LIMITS_HAM10000 = [
    "HAM10000 comes from Austria and Australia, from two clinics and few devices. Skin tone is "
    "not recorded in it and dark skin is rare: how well the model does there is not known.",
    "Children, nails, mucosa and the palms and soles are rare in the data or absent.",
]
# Shares of malignant lesions among those photographed: screening, general practice, a pigmented
# lesion clinic, and a referral clinic near HAM10000's own 19.5 %.
PREVALENCES = (0.02, 0.05, 0.10, 0.20)
TRANSPLANT = "transplant"  # recipe of the checkpoints that the command of this name leaves
FEW = 100  # images; fewer make the figures of a group unsure


def made(config: TrainConfig, log: Sequence[Epoch], recipe: str) -> str:
    """How the network was made, in sentences."""
    entry = get_backbone(config.backbone)
    start = {
        "imagenet": f"from ImageNet weights ({_source(config)})",
        "none": "from random weights, without ImageNet pretraining",
    }.get(config.weights, f"from an earlier checkpoint, {Path(config.weights).name},")
    layers = {"backbone": "last layer", 0: "all layers"}.get(config.freeze, "upper layers")
    run = Counter(int(row["size"]) for row in log)
    sizes = ", ".join(f"{epochs} epochs at {size} pixels" for size, epochs in run.items())
    kept = best_epoch(config, list(log))
    which = "highest" if CRITERIA[config.best_by][1] else "lowest"
    changed = ", its pictures changed as in training" if config.val_view == "changed" else ""
    kept_weights = f"{'averaged ' if config.ema else ''}weights after epoch {kept} of {len(log)}"
    if config.blend < 1:
        kept_weights = (
            f"weights {config.blend:.0%} of the way from that checkpoint to the {kept_weights}"
        )
    text = (
        f"{entry.name}, {layers} trained {start} on the training part of the data (recipe "
        f"{recipe}): {sizes}. Kept are the {kept_weights}, "
        f"which had the {which} {config.best_by.replace('_', ' ')} on val{changed}."
    )
    if config.teachers:
        teachers = [Path(teacher).name for teacher in config.teachers]
        seen = "the same augmented views"
        if config.teacher_view == "clean":
            seen = "the same views with their own colours and without added flaws"
        text += (
            f" {config.distill:.0%} of the loss asks for the probabilities of "
            f"{', '.join(teachers)}, trained on the same part, for {seen}."
        )
        if config.feature_distill:
            text += (
                f" The last {config.feature_maps} feature maps of {teachers[0]} are learnt, too."
            )
    return text


def _source(config: TrainConfig) -> str:
    weights = get_backbone(config.backbone).weights
    return IMPORTED if weights == "imported" else weights


def intended_use(taxonomy: Taxonomy) -> str:
    """For whom and for what."""
    if taxonomy != HAM10000:
        return INTENDED_USE
    return f"{INTENDED_USE} Non-commercial: the training data is licensed {DATA['licence']}."


def licence(taxonomy: Taxonomy) -> str:
    """Of the weights: the training data's."""
    return DATA["licence"] if taxonomy == HAM10000 else OWN_DATA


def provenance(config: TrainConfig, taxonomy: Taxonomy) -> dict[str, Any]:
    """Where weights and data come from."""
    entry = get_backbone(config.backbone)
    weights: dict[str, Any] = {"start": config.weights, "architecture": entry.paper}
    if config.weights == "imagenet":
        weights |= {"source": _source(config), "licence": entry.licence}
    elif config.weights != "none":
        weights["start"] = ancestor(config.weights)
    data = DATA if taxonomy == HAM10000 else {"name": "images of one's own"}
    return {"data": data, "weights": weights, "teachers": [ancestor(t) for t in config.teachers]}


def without_folders(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a training for a card: checkpoints by name, no folder of the trainer's own."""
    kept = {key: value for key, value in settings.items() if key != "splits"}
    kept["weights"] = Path(kept["weights"]).name
    kept["teachers"] = [Path(teacher).name for teacher in kept["teachers"]]
    return kept


def ancestor(name: str) -> dict[str, Any]:
    """What is known of a checkpoint that a training began with, or of a teacher.

    A checkpoint may be replaced by what came of it, so its card's account is carried along.
    """
    known: dict[str, Any] = {"name": Path(name).name}
    try:
        card = load_card(locate(name))
    except CheckpointError:
        if not (Path(name) / CONFIG_FILE).is_file():
            return known
        config = load_config(Path(name) / CONFIG_FILE)
        origin = provenance(config, run_taxonomy(Path(name)))
        return known | {
            "training": {"config": without_folders(config.to_dict())},
            "provenance": {k: v for k, v in origin.items() if k != "data"},
        }
    settings = {key: value for key, value in card.training.items() if key != "log"}
    return known | {
        "version": card.version,
        "weights_sha256": card.weights_sha256,
        "description": card.description,
        "training": settings,
        "provenance": {k: v for k, v in card.provenance.items() if k != "data"},
    }


def calibration(evaluation: Evaluation, test: Mapping[str, Metric]) -> dict[str, Any]:
    """Temperature, errors on test before and after it, and those of a perfect model."""
    names = [
        f"{error}{form}"
        for form in ("", "_uncalibrated", "_natural")
        for error in ("ece_15", "brier", "log_loss")
    ]
    return {
        "method": "one temperature for all classes, least log loss, all classes weighing the same",
        "temperature": evaluation.temperature,
        "split": evaluation.chosen_on,
        "form": evaluation.form,
        "prior": "evenly frequent classes; _natural: turned to the training part's frequencies",
        "test": {
            name: {key: test[name][key] for key in ("value", "low", "high")}
            for name in names
            if name in test
        },
        # Where few images weigh much, even exact probabilities have an error well above 0.
        "test_if_exact": evaluation.chance_ece.get("test", {}),
    }


def predictive_values(test: Mapping[str, Metric]) -> list[dict[str, Any]]:
    """Share of true calls at `PREVALENCES`, by Bayes, for both rules, from test.

    The limits are those that the limits of sensitivity and specificity give together, so wider
    than 95 % intervals.
    """
    found = []
    for rule, suffix in (("threshold", AT_THRESHOLD), ("argmax", "")):
        names = (f"malignant_sensitivity{suffix}", f"malignant_specificity{suffix}")
        if any(name not in test or test[name]["low"] is None for name in names):
            continue
        sensitivity, specificity = (test[name] for name in names)
        for prevalence in PREVALENCES:
            values = {
                key: predictive(sensitivity[key], specificity[key], prevalence)
                for key in ("value", "low", "high")
            }
            found.append(
                {
                    "rule": rule,
                    "split": "test",
                    "prevalence": prevalence,
                    "positive": {key: pair[0] for key, pair in values.items()},
                    "negative": {key: pair[1] for key, pair in values.items()},
                }
            )
    return found


def predictive(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float | None, float | None]:
    """Positive and negative predictive value; None where a rule never says so."""
    hit, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    missed, right = (1 - sensitivity) * prevalence, specificity * (1 - prevalence)
    return (
        hit / (hit + false) if hit + false else None,
        right / (right + missed) if right + missed else None,
    )


def limits(
    test: Mapping[str, Metric], breakdowns: Sequence[Mapping[str, Any]], taxonomy: Taxonomy
) -> list[str]:
    """What the model is not made for, with what the evaluation says of it."""
    listed = ", ".join(taxonomy.codes)
    found = [
        f"Knows {len(taxonomy)} classes ({listed}): every lesion is given to one of them, whatever "
        "it is.",
        *LIMITS,
        *(LIMITS_HAM10000 if taxonomy == HAM10000 else []),
    ]
    unsure = [
        (row["low"], taxonomy.name(code), row)
        for code in taxonomy.codes
        if (row := test.get(f"sensitivity_{code}")) and row["low"] is not None
    ]
    if unsure:
        low, name, row = min(unsure, key=lambda entry: entry[0])
        found.append(
            f"Weakest class on test: {name}, of which {row['value']:.0%} are recognised "
            f"({low:.0%} to {row['high']:.0%})."
        )
    small = [
        f"{entry['group']} (n = {entry['n']})"
        for entry in breakdowns
        if entry["n"] < FEW and entry["group"] != "unknown" and entry["by"] != "dx_type"
    ]
    if small:
        found.append("Too few test images for more than a rough figure: " + ", ".join(small) + ".")
    return found


def repeat(card: Card, evaluation: Evaluation) -> list[str]:
    """The commands that make this checkpoint again; capitals stand for folders of one's own."""
    if card.members:
        listed = " ".join(card.members)
        return [
            f"python -m retraining ensemble {listed} --splits SPLIT --name {card.name}",
            f"split sha256 {evaluation.split}",
        ]
    data = ["python -m retraining prepare ARCHIVES --out DATA"] if card.taxonomy == HAM10000 else []
    return [
        *data,
        "python -m retraining split --data DATA --out SPLIT",
        *_ancestry(card.provenance),
        *_trained(evaluation.recipe, "training.config", card.name),
        f"split sha256 {evaluation.split}",
    ]


def _ancestry(provenance: Mapping[str, Any]) -> list[str]:
    """The commands that make the checkpoints a training began with, the oldest first."""
    start, place = provenance.get("weights", {}).get("start"), "provenance.weights.start"
    commands: list[str] = []
    while isinstance(start, Mapping):
        name, training = start["name"], start.get("training", {})
        if training.get("phases"):
            made = [
                f"python -m retraining transplant --config CONFIG --splits SPLIT --out {name}  # "
                f"CONFIG holds what is under {place}.training.config"
            ]
        else:
            recipe = training.get("recipe", "an earlier recipe")
            made = _trained(recipe, f"{place}.training.config", name)
        commands = [*made, *commands]
        start = start.get("provenance", {}).get("weights", {}).get("start")
        place += ".provenance.weights.start"
    return commands


def _trained(recipe: str, place: str, name: str) -> list[str]:
    return [
        f"python -m retraining train --config CONFIG --splits SPLIT --out RUN  # {recipe}: "
        f"CONFIG holds what is under {place}",
        "python -m retraining evaluate RUN --split test",
        f"python -m retraining promote RUN --name {name}",
    ]
