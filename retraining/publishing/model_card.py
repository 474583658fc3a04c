"""Sentences and derived numbers of a checkpoint's card and evaluation."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.checkpoint.predictive import predictive
from models.registry.backbones import get_backbone
from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.evaluation.evaluation_folder import Evaluation
from retraining.evaluation.scores import AT_THRESHOLD, FEW_MALIGNANT, Metric
from retraining.publishing.provenance import DATA
from retraining.training.config import CRITERIA, TrainConfig
from retraining.training.run_folder import Epoch, best_epoch

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
    "not recorded in it, and by the colour of the skin around the lesions brown and dark skin are "
    "next to absent: how well the model does there is not known.",
    "Children, nails, mucosa and the palms and soles are rare in the data or absent.",
]
ORIGINAL = "600x450"  # pixels of HAM10000's images
# Shares of malignant lesions among those photographed: screening, general practice, a pigmented
# lesion clinic, and a referral clinic near HAM10000's own 19.5 %.
PREVALENCES = (0.02, 0.05, 0.10, 0.20)
FEW = 100  # images; fewer make the figures of a group unsure
FEW_TO_NAME = 10  # malignant images; of fewer no share is given
GROUPS = {"localization": "body site", "skin_tone": "skin tone"}
MARKEDLY = 0.05  # below the sensitivity in all, for a group to be named


def description(backbone: str, classes: Taxonomy, collections: Collection[str] = ()) -> str:
    """What a network is, in a sentence.

    collections: names of those it was trained on, where they were several.
    """
    first = [DATA["name"]] if classes == HAM10000 else []
    names = list(dict.fromkeys([*first, *collections]))
    data = f" on {', '.join(names)}" if names else ""
    return (
        f"{backbone}, trained{data} to tell {len(classes)} classes of skin lesions apart in "
        "dermatoscopic images."
    )


def training_summary(config: TrainConfig, log: Sequence[Epoch], recipe: str) -> str:
    """How a network was trained, in sentences."""
    entry = get_backbone(config.backbone)
    start = {
        "imagenet": f"from {'DINOv2' if entry.patch else 'ImageNet'} weights ({entry.weights})",
        "none": "from random weights, without ImageNet pretraining",
        "hints": "with what it shares with a ResNet50 of ImageNet weights, block by block learning "
        "to give what that one's give,",
    }.get(
        "hints" if config.hints else config.weights,
        f"from an earlier checkpoint, {Path(config.weights).name},",
    )
    layers = {"backbone": "last layer", 0: "all layers"}.get(config.freeze, "upper layers")
    run = Counter(int(row["size"]) for row in log)
    sizes = ", ".join(f"{epochs} epochs at {size} pixels" for size, epochs in run.items())
    if len(log) < config.epochs:
        sizes += f", of {config.epochs} epochs planned"
    kept = best_epoch(config, list(log))
    which = "highest" if CRITERIA[config.monitor][1] else "lowest"
    best = f"which had the {which} {config.monitor.replace('_', ' ')} on val"
    changed = ", its pictures changed as in training" if config.val_view == "changed" else ""
    kept_weights = f"{'averaged ' if config.ema else ''}weights after epoch {kept} of {len(log)}"
    if config.wise_ft_alpha < 1:
        alpha = f"{config.wise_ft_alpha:.0%}"
        kept_weights = f"weights {alpha} of the way from that checkpoint to the {kept_weights}"
    text = (
        f"{entry.name}, {layers} trained {start} on the train split (recipe "
        f"{recipe}): {sizes}. Kept are the {kept_weights}, "
        f"{'the last' if config.monitor == 'last' else best + changed}."
    )
    if config.class_bias:
        listed = ", ".join(f"{value:+g} to {code}" for code, value in config.class_bias.items())
        text += f" Then the last layer's bias was changed: {listed}."
    if config.teachers:
        teachers = [Path(teacher).name for teacher in config.teachers]
        seen = "the same augmented views"
        if config.teacher_view == "clean":
            seen = "the same views without colour augmentation and corruptions"
        text += (
            f" {config.distill:.0%} of the loss asks for the probabilities of "
            f"{', '.join(teachers)} for {seen}."
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
    """How the temperature was chosen, and errors on test before and after it."""
    names = [
        f"{error}{form}"
        for form in ("", "_uncalibrated", "_natural")
        for error in ("ece_15", "brier", "log_loss")
    ]
    return {
        "method": "one temperature for all classes, least log loss, all classes weighing the same",
        "split": evaluation.chosen_on,
        "form": evaluation.form,
        "prior": "evenly frequent classes; _natural: re-weighted to the train split's frequencies",
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


def limits(
    test: Mapping[str, Metric],
    breakdowns: Sequence[Mapping[str, Any]],
    taxonomy: Taxonomy,
    split: Mapping[str, Any],
) -> list[str]:
    """What the model is not made for, with what was measured.

    split: as in the provenance, see `retraining.data.splits.described`.
    """
    counts = split.get("counts", {}).get("test", {})
    listed = ", ".join(taxonomy.codes)
    found = [
        f"Knows {len(taxonomy)} classes ({listed}): every lesion is given to one of them, whatever "
        "it is.",
        *LIMITS,
        *(LIMITS_HAM10000 if taxonomy == HAM10000 else []),
        *(_copies(split.get("sizes", {})) if taxonomy == HAM10000 else []),
    ]
    found += [*_least_recognised(test, taxonomy, counts), *_missed(test, breakdowns)]
    small = [
        f"{_group(entry)} (n = {entry['n']}, {entry['malignant']} malignant)"
        for entry in breakdowns
        if entry["group"] != "unknown"
        and entry["by"] != "dx_type"
        and (entry["n"] < FEW or entry["malignant"] < FEW_MALIGNANT)
    ]
    if small:
        found.append("Too few test images for more than a rough figure: " + ", ".join(small) + ".")
    return found


def _copies(sizes: Mapping[str, int]) -> list[str]:
    """That the images were not HAM10000's own, where most have another size."""
    commonest = next(iter(sizes), ORIGINAL)
    if commonest == ORIGINAL:
        return []
    several = [size.replace("x", " x ") for size in sizes if sizes[size] >= FEW]
    size, original = (text.replace("x", " x ") for text in (commonest, ORIGINAL))
    if len(several) > 1:
        return [
            f"Trained and measured on copies of pictures, of {', '.join(several)} pixels; "
            f"HAM10000's own are of {original}, and figures on those may differ."
        ]
    return [
        f"Trained and measured on copies of HAM10000's images of {size} pixels; its own are of "
        f"{original}, and figures on those may differ."
    ]


def _least_recognised(
    test: Mapping[str, Metric], taxonomy: Taxonomy, counts: Mapping[str, int]
) -> list[str]:
    """The class that is recognised least often, and the malignant one where that is another."""
    rows = {code: row for code in taxonomy.codes if (row := test.get(f"sensitivity_{code}"))}
    known = {code: row for code, row in rows.items() if row["value"] is not None}
    found: list[str] = []
    for codes, which in ((known, "class"), (set(known) & taxonomy.malignant, "malignant class")):
        if not codes:
            continue
        code = min(sorted(codes), key=lambda one: known[one]["value"])
        row, of = known[code], f"{counts[code]:,} test images" if code in counts else "test images"
        sentence = f"{taxonomy.name(code)}, {row['value']:.0%} of its {of}{_between(row)}."
        if not any(sentence in one for one in found):
            found.append(f"The {which} that is recognised least often: {sentence}")
    return found


def _missed(test: Mapping[str, Metric], breakdowns: Sequence[Mapping[str, Any]]) -> list[str]:
    """What share of the malignant the operating point finds on test, and in whom it finds fewer."""
    name = f"malignant_sensitivity{AT_THRESHOLD}"
    row = test.get(name)
    if not row or row["value"] is None:
        return []
    found = [
        f"At the operating point {row['value']:.1%}{_between(row, 1)} of the malignant test images "
        "lead to a consultation; the others would get no appointment."
    ]
    fewer = []
    for entry in breakdowns:
        value = entry["metrics"].get(name, {}).get("value")
        if value is None or entry["group"] == "unknown" or entry["malignant"] < FEW_TO_NAME:
            continue
        if value <= row["value"] - MARKEDLY:
            group = GROUPS.get(entry["by"], entry["by"])
            fewer.append((value, f"{group} {entry['group']}: {value:.0%} of {entry['malignant']}"))
    if fewer:
        listed = "; ".join(text for _, text in sorted(fewer))
        found.append(f"It finds fewer of them in some groups, as far as so few tell: {listed}.")
    return found


def _group(entry: Mapping[str, Any]) -> str:
    """Named so that it says of what: a group of skin tone could be one of anything."""
    return f"{entry['group']} skin" if entry["by"] == "skin_tone" else str(entry["group"])


def _between(row: Metric, digits: int = 0) -> str:
    low, high = row["low"], row["high"]
    return "" if low is None or high is None else f" ({low:.{digits}%} to {high:.{digits}%})"
