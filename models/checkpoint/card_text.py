"""A checkpoint's card, evaluation and provenance in words, for pages and its README."""

from collections.abc import Mapping
from typing import Any

from models.checkpoint.card import Card
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance

SPLITS = {"train": "to train", "val": "to choose", "test": "to test"}
RULES = {"threshold": "operating point", "argmax": "most likely class"}
ATTRIBUTES = {
    "sex": "Sex",
    "age": "Age",
    "localization": "Body site",
    "skin_tone": "Skin tone",
    "dx_type": "Diagnosed by",
}
GROUP_COLUMNS = {
    "balanced_accuracy": "Balanced accuracy",
    "malignant_auc": "AUC, malignant or not",
    "malignant_sensitivity_at_threshold": "Sensitivity",
    "malignant_specificity_at_threshold": "Specificity",
}


def percent(probability: float) -> str:
    """A probability in [0, 1] with one decimal; what would round to 0 or 100 is not rounded so."""
    value = 100 * probability
    if 0 < value < 0.1:
        return "<0.1%"
    if 99.9 < value < 100:
        return ">99.9%"
    return f"{value:.1f}%"


def spread(value: Mapping[str, Any], digits: int) -> str:
    """The interval of a value in brackets, with a space before; nothing where it has none."""
    low, high = value.get("low"), value.get("high")
    return "" if low is None or high is None else f" ({low:.{digits}f} to {high:.{digits}f})"


def number(value: Mapping[str, Any] | None, digits: int) -> str:
    """A value with its interval, or a dash where it was not measured.

    >>> number({"value": 0.7461, "low": 0.696, "high": 0.7937}, 2)
    '0.75 (0.70 to 0.79)'
    """
    if not value or value.get("value") is None:
        return "–"
    return f"{value['value']:.{digits}f}{spread(value, digits)}"


def origin_facts(card: Card, provenance: Provenance) -> dict[str, str]:
    """Titles and texts: the data, how they were split, pretraining, teachers, the prior."""
    facts: dict[str, str] = {}
    data, split = provenance.data, provenance.split
    if data.get("name"):
        terms = [data[key] for key in ("source", "licence", "paper") if data.get(key)]
        facts["Data"] = ". ".join([data["name"], *terms])
    others = {
        name: n for name, n in split.get("collections", {}).items() if name != data.get("name")
    }
    if others:
        facts["Trained besides on"] = ", ".join(
            f"{n:,} images of {name}" for name, n in others.items()
        )
    earlier = [name for name in provenance.collections if name not in {data.get("name"), *others}]
    if earlier:
        facts["What it came of was trained besides on"] = ", ".join(earlier)
    counts, lesions = split.get("counts", {}), split.get("lesions", {})
    listed = [
        f"{sum(counts[name].values()):,} images of {lesions[name]:,} lesions {purpose}"
        for name, purpose in SPLITS.items()
        if name in counts and name in lesions
    ]
    if listed:
        facts["Split"] = "; ".join([*listed, *_leaked(split)])
    sizes = split.get("sizes", {})
    if sizes:
        facts["Size of the images, pixels"] = ", ".join(
            f"{size.replace('x', ' x ')} ({n:,})" for size, n in sizes.items()
        )
    pretrained = _pretrained(provenance)
    if pretrained:
        facts["Pretrained on"] = "; ".join(pretrained)
    if provenance.training.get("summary"):
        facts["Training"] = provenance.training["summary"].removesuffix(".")
    if provenance.teachers:
        facts["Teachers"] = ", ".join(provenance.teachers)
    if provenance.members:
        versions = (f"{name} {one['version']}" for name, one in provenance.members.items())
        facts["Members"] = ", ".join(versions)
    if card.prior and len(set(card.prior.values())) == 1:
        facts["Prior"] = "probabilities stand for classes that are evenly frequent"
    elif card.prior:
        shares = (f"{code} {percent(share)}" for code, share in card.prior.items())
        facts["Prior"] = f"probabilities stand for these frequencies: {', '.join(shares)}"
    if provenance.reproducible:
        facts["Reproducible"] = provenance.reproducible.removesuffix(".")
    return facts


def point_sentence(card: Card, evaluation: ModelEvaluation) -> str:
    """The operating point, what it reached where it was chosen, and what it reaches on test.

    Empty where none was chosen on a split.
    """
    point = card.operating_point
    if not point or "sensitivity" not in point:
        return ""
    test = evaluation.on("test")
    names = ("malignant_sensitivity_at_threshold", "malignant_specificity_at_threshold")
    target = percent(float(point["target_sensitivity"]))
    reached = ""
    if all(name in test for name in names):
        sensitivity, specificity = (test[name] for name in names)
        reached = (
            f" On the test split ({int(sensitivity['n']):,} images): sensitivity "
            f"{sensitivity['value']:.3f}{spread(sensitivity, 3)}, specificity "
            f"{specificity['value']:.3f}{spread(specificity, 3)}."
        )
        high = sensitivity.get("high")
        if high is not None and high < point["target_sensitivity"]:
            reached += f" That is less than the {target}."
    images = f"the validation split ({int(point['n']):,} images)"
    chosen = f"Chosen on {images} to find {target} of the images of malignant lesions;"
    if "lower" in point:
        supported = "" if point["supported"] else ", which so few cannot support"
        chosen = (
            f"Chosen by the lower confidence bound over {int(point['lesions']):,} malignant "
            "lesions, copies of them that are degraded or turned and pictures of other clinics "
            f"among them: {percent(float(point['lower']))} for a target of {target}{supported}."
        )
        chosen += f" Reached on {images}"
    else:
        chosen += " reached there"
    return (
        f"Consultation from a malignant probability of {percent(float(point['threshold']))}, or "
        f"where a malignant class is the most likely. {chosen}: sensitivity "
        f"{float(point['sensitivity']):.3f}, specificity {float(point['specificity']):.3f}."
        f"{reached}"
    )


def calibration_sentence(card: Card, evaluation: ModelEvaluation) -> str:
    """The calibration error on test, beside what exact probabilities would show there.

    Empty where it was not measured.
    """
    measured = evaluation.calibration.get("test", {})
    exact = evaluation.calibration.get("test_if_exact", {})
    if not measured.get("ece_15"):
        return ""
    texts = []
    for name, where in (
        ("ece_15", "with all classes weighing the same"),
        ("ece_15_natural", "at the classes' own frequencies"),
    ):
        value = measured.get(name)
        if not value:
            continue
        text = f"{value['value']:.3f}{spread(value, 3)} {where}"
        before = measured.get(f"{name}_uncalibrated")
        if before:
            text += f", {before['value']:.3f} without the temperature"
        if name in exact:
            text += (
                f" (exact probabilities would show {exact[name]['low']:.3f} to "
                f"{exact[name]['high']:.3f} on so few images)"
            )
        texts.append(text)
    return (
        f"Temperature {card.temperature:.3f}, chosen on the validation split. Expected calibration "
        f"error on the test split: {'; '.join(texts)}."
    )


def form_sentence(card: Card, evaluation: ModelEvaluation) -> str:
    """On which form of the network the scores were measured; nothing where that is not known."""
    form = str(evaluation.calibration.get("form", ""))
    if form == "trained":
        return (
            "Scores are of the network as it was trained; those of the form that is served differ "
            "slightly."
        )
    if card.members:
        form = form.replace("(bf16)", "(bf16, members that do not support it in f32)")
    return f"Scores are of the network as it is {form}." if form else ""


def ood_sentence(ood: Mapping[str, Any] | None) -> str:
    """How the out-of-distribution (OOD) score was set, and how often it is wrong on test.

    Empty where it was not measured.
    """
    if not ood:
        return ""
    wrong = ood["false_positive_rate"]
    by_class = ", ".join(f"{code} {percent(share)}" for code, share in wrong["by_class"].items())
    target = percent(ood["target_false_positive_rate"])
    others = ", ".join(
        f"{percent(one['flagged']['value'])} of {one['n']:,} of {one['source']}"
        for one in ood.get("sources", [])[1:]
    )
    far = ""
    if "target_far" in ood:
        beyond = ood["sources"][0]["far"]["value"]
        far = (
            f" Above a second, far threshold ({percent(beyond)} of the test images) nothing is "
            "said of a picture."
        )
    learnt = ""
    if "something_else" in ood:
        other = ood["something_else"]
        packages = f" ({len(other['origin'])} packages in all)" if other["origin"] else ""
        learnt = (
            f" Learnt from {other['n_fit']:,} pictures of other things; of {other['n_choose']:,} "
            f"by other makers{packages}, which were not learnt from, {percent(other['flagged'])} "
            "are flagged."
        )
    return (
        f"{ood['method'][:1].upper()}{ood['method'][1:]}.{learnt} The threshold is such that at "
        f"most {target} of the {ood['n']:,} validation images"
        f"{' and of those of other clinics' if others else ''} are flagged as out-of-distribution "
        f"(OOD); of the {wrong['n']:,} test images it flags {percent(wrong['all'])} ({by_class})"
        f"{f', of pictures of other clinics {others}' if others else ''}.{far} Close-up "
        "photographs of skin without a dermatoscope could not be had, were not measured and may "
        "pass."
    )


def target_rows(card: Card, evaluation: ModelEvaluation) -> list[list[str]]:
    """Cells of a table of all operating points: target, threshold, where, n, what they reach."""
    rows = []
    for place, point in enumerate(card.operating_points):
        elsewhere = [(one["source"], one["points"][place]) for one in evaluation.sources]
        own = [("test", point["test"])] if "test" in point else []
        for where, measured in [*own, *elsewhere]:
            spreads = []
            for name in ("sensitivity", "specificity"):
                parts = (measured[name], measured[f"{name}_low"], measured[f"{name}_high"])
                spreads.append(number(dict(zip(("value", "low", "high"), parts, strict=True)), 3))
            counts = f"{measured['n']:,} ({measured['n_malignant']:,})"
            threshold = percent(float(point["threshold"]))
            target = percent(float(point["target_sensitivity"]))
            rows.append([target, threshold, where, counts, *spreads])
    return rows


def _leaked(split: Mapping[str, Any]) -> list[str]:
    """Whether a lesion is in more than one of train, val and test."""
    if "lesions_leaked" not in split:
        return []
    leaked = split["lesions_leaked"]
    return [f"{leaked:,} lesions leaked across splits" if leaked else "no lesion is in two splits"]


def _pretrained(provenance: Provenance) -> list[str]:
    """The weights from elsewhere that the model, or one that it came of, began with."""
    origins = [provenance.weights, *(e.get("weights", {}) for e in provenance.lineage.values())]
    found = []
    for weights in origins:
        if weights.get("start") in ("imagenet", "hints") and weights.get("source"):
            licence = f" ({weights['licence']})" if weights.get("licence") else ""
            what = weights.get("note") or f"ImageNet: {weights['source'].removeprefix('package:')}"
            found.append(f"{what}{licence}")
    return list(dict.fromkeys(found))
