"""The words and derived numbers of a model card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.backbones import get_backbone
from models.checkpoints import Card
from models.taxonomy import HAM10000, Taxonomy
from retraining.config import CRITERIA, TrainConfig
from retraining.evaluation import Evaluation
from retraining.lineage import DATA, imagenet_source, origin_commands, training_commands
from retraining.runs import Epoch, best_epoch
from retraining.scores import AT_THRESHOLD, Metric

INTENDED_USE = (
    "Decision support for health professionals who look at dermatoscopic photographs of pigmented "
    "skin lesions, and research. Not a diagnosis, not a medical device, and not for patients' own "
    "use."
)
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
FEW = 100  # images; fewer make the figures of a group unsure


def made(config: TrainConfig, log: Sequence[Epoch], recipe: str) -> str:
    """How the network was made, in sentences."""
    entry = get_backbone(config.backbone)
    start = {
        "imagenet": f"from ImageNet weights ({imagenet_source(config)})",
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


def intended_use(taxonomy: Taxonomy) -> str:
    """For whom and for what."""
    if taxonomy != HAM10000:
        return INTENDED_USE
    return f"{INTENDED_USE} Non-commercial: the training data is licensed {DATA['licence']}."


def licence(taxonomy: Taxonomy) -> str:
    """Of the weights: the training data's."""
    return DATA["licence"] if taxonomy == HAM10000 else OWN_DATA


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
        *origin_commands(card.provenance),
        *training_commands(evaluation.recipe, "training.config", card.name),
        f"split sha256 {evaluation.split}",
    ]
