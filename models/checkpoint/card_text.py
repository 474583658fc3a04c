"""A card in words: sentences for pages, and the whole as Markdown. Needs no torch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.checkpoint.card import Card

PARTS = {"train": "to train", "val": "to choose", "test": "to test"}
RULES = {"threshold": "operating point", "argmax": "most likely class"}
ATTRIBUTES = {"sex": "Sex", "age": "Age", "localization": "Body site", "dx_type": "Diagnosed by"}
GROUP_COLUMNS = {
    "balanced_accuracy": "Balanced accuracy",
    "malignant_auc": "AUC, malignant or not",
    "malignant_sensitivity_at_threshold": "Sensitivity",
    "malignant_specificity_at_threshold": "Specificity",
}
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


def origin_facts(card: Card) -> dict[str, str]:
    """Titles and texts: the data, how they were parted, what was learnt before, the prior."""
    told = card.provenance
    facts: dict[str, str] = {}
    data = told.get("data", {})
    if data.get("name"):
        terms = [data[key] for key in ("source", "licence", "paper") if data.get(key)]
        facts["Data"] = ". ".join([data["name"], *terms])
    counts, lesions = card.split.get("counts", {}), card.split.get("lesions", {})
    parts = [
        f"{sum(counts[part].values()):,} images of {lesions[part]:,} lesions {purpose}"
        for part, purpose in PARTS.items()
        if part in counts and part in lesions
    ]
    if parts:
        facts["Parted"] = "; ".join(parts) + _alone(card.split)
    sizes = card.split.get("sizes", {})
    if sizes:
        listed = ", ".join(f"{size.replace('x', ' x ')} ({n:,})" for size, n in sizes.items())
        facts["Size of the images, pixels"] = listed
    before = _pretrained(told)
    if before:
        facts["Learnt before"] = "; ".join(before)
    if told.get("teachers"):
        facts["Taught by"] = ", ".join(told["teachers"])
    if told.get("members"):
        versions = (f"{name} {one['version']}" for name, one in told["members"].items())
        facts["Members"] = ", ".join(versions)
    if card.prior and len(set(card.prior.values())) == 1:
        facts["Prior"] = "probabilities stand for classes that are evenly frequent"
    elif card.prior:
        shares = (f"{code} {percent(share)}" for code, share in card.prior.items())
        facts["Prior"] = f"probabilities stand for these frequencies: {', '.join(shares)}"
    return facts


def point_sentence(card: Card) -> str:
    """The operating point, what it reached where it was chosen, and what it reaches on test."""
    point = card.operating_point or {}
    test = _of_test(card)
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
    return (
        f"Consultation from a malignant probability of {percent(float(point['threshold']))}, or "
        "where a malignant class is the most likely. Chosen on the validation split "
        f"({int(point['n']):,} images) to find {target} of the images of malignant lesions; "
        f"reached there: sensitivity {float(point['sensitivity']):.3f}, specificity "
        f"{float(point['specificity']):.3f}.{reached}"
    )


def calibration_sentence(card: Card) -> str:
    """The calibration error on test, beside what exact probabilities would show there."""
    measured, exact = card.calibration["test"], card.calibration.get("test_if_exact", {})
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


def form_sentence(card: Card) -> str:
    """On which form of the network the scores were measured; nothing where that is not known."""
    form = str(card.calibration.get("form", ""))
    if form == "trained":
        return (
            "Scores are of the network as it was trained; those of the form that is served differ "
            "slightly."
        )
    if card.members:
        form = form.replace("(bf16)", "(bf16, members that do not bear it in f32)")
    return f"Scores are of the network as it is {form}." if form else ""


def foreign_sentence(ood: Mapping[str, Any]) -> str:
    """How the score of strangeness was set, and what it wrongly takes for something else."""
    alarms = ood["false_alarms"]
    by_class = ", ".join(
        f"{code} {percent(share)}"
        for code, share in alarms.items()
        if code not in ("split", "n", "all")
    )
    return (
        f"{ood['method'][:1].upper()}{ood['method'][1:]}. The threshold takes "
        f"{percent(ood['target_false_alarms'])} of the {ood['n']:,} validation images for "
        f"something else; of the {alarms['n']:,} test images it takes {percent(alarms['all'])} "
        f"({by_class}). Close-up photographs of skin without a dermatoscope were not measured and "
        "may pass."
    )


def markdown(card: Card) -> str:
    """The card for people who have no dashboard at hand; sections without content are left out."""
    about = f"Version {card.version}, {card.backbone}, licence {card.licence}."
    parts = [f"# {card.name}", about, card.description]
    if card.intended_use:
        parts += ["## Intended use", card.intended_use]
    if card.limits:
        parts += ["## Limits", _list(card.limits)]
    facts = origin_facts(card)
    if facts:
        parts += ["## Data and origin", _list(f"{title}: {text}." for title, text in facts.items())]
    test = _of_test(card)
    rows = [[title, _number(test[name], 3)] for name, title in OVERALL.items() if name in test]
    if rows:
        n = max(int(row["n"]) for row in test.values())
        said = "95% intervals, bootstrap over lesions. Nothing was trained or chosen on this split."
        parts += [f"## Measured on test, {n:,} images", f"{said} {form_sentence(card)}".strip()]
        parts += [_table(["", "Value"], rows), *_class_by_class(card, test)]
    if card.operating_point and "sensitivity" in card.operating_point:
        parts += ["## Advice", point_sentence(card)]
    if card.predictive_values:
        parts += ["Share of true answers, where so many of those seen are malignant:"]
        parts += [_predictive(card.predictive_values)]
    if card.calibration.get("test", {}).get("ece_15"):
        parts += ["## Calibration", calibration_sentence(card)]
    if card.breakdowns:
        parts += ["## By sex, age, body site and diagnosis", _groups(card.breakdowns)]
    if card.ood and "false_alarms" in card.ood:
        parts += ["## Pictures that are not dermatoscopic", foreign_sentence(card.ood)]
        parts += _foreign(card.ood)
    return "\n\n".join(part for part in parts if part) + "\n"


def _class_by_class(card: Card, test: Mapping[str, Mapping[str, Any]]) -> list[str]:
    counts = card.split.get("counts", {}).get("test", {})
    rows = [
        [
            card.taxonomy.name(code),
            f"{counts[code]:,}" if code in counts else "–",
            *(_number(test.get(f"{name}_{code}"), 2) for name in PER_CLASS),
        ]
        for code in card.taxonomy.codes
        if any(f"{name}_{code}" in test for name in PER_CLASS)
    ]
    return [_table(["Class", "Images", *PER_CLASS.values()], rows)] if rows else []


def _predictive(values: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            percent(float(entry["prevalence"])),
            RULES.get(entry["rule"], entry["rule"]),
            _number(entry["positive"], 2),
            _number(entry["negative"], 3),
        ]
        for entry in sorted(values, key=lambda entry: entry["prevalence"])
    ]
    return _table(["Malignant", "Rule", "Consultation", "No consultation"], rows)


def _groups(groups: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            f"{ATTRIBUTES.get(entry['by'], entry['by'])}: {entry['group']}",
            f"{entry['n']:,}",
            f"{entry['malignant']:,}",
            *(_number(entry["metrics"].get(name), 2) for name in GROUP_COLUMNS),
        ]
        for entry in groups
    ]
    return _table(["Group", "Images", "Malignant", *GROUP_COLUMNS.values()], rows)


def _foreign(ood: Mapping[str, Any]) -> list[str]:
    intervals = ood.get("auroc_interval", {})
    rows = [
        [
            kind,
            *(str(ood.get(what, {}).get(kind, "–")) for what in ("pictures", "views")),
            _number({"value": area, **_ends(intervals.get(kind))}, 4),
            percent(ood["rejected"][kind]),
        ]
        for kind, area in ood.get("auroc", {}).items()
        if kind in ood.get("rejected", {})
    ]
    changed = ood.get("rejected_variants_of_test", {})
    shares = [[kind, percent(share)] for kind, share in changed.items() if kind != "n"]
    return [
        _table(["Kind", "Pictures", "Views", "AUROC", "Told apart"], rows) if rows else "",
        _table([f"{changed['n']} test images, changed", "Taken for something else"], shares)
        if shares
        else "",
    ]


def _ends(interval: Sequence[float] | None) -> dict[str, float]:
    return {} if interval is None else {"low": interval[0], "high": interval[1]}


def _alone(split: Mapping[str, Any]) -> str:
    """Whether the parts share lesions."""
    if "lesions_parted" not in split:
        return ""
    parted = split["lesions_parted"]
    return f"; {parted:,} lesions are in two parts" if parted else "; no lesion is in two parts"


def _pretrained(told: Mapping[str, Any]) -> list[str]:
    """The weights from elsewhere that the model or one that it came of began with."""
    origins = [told, *(one.get("provenance", {}) for one in told.get("ancestors", {}).values())]
    found = []
    for origin in origins:
        weights = origin.get("weights", {})
        if weights.get("start") == "imagenet" and weights.get("source"):
            licence = f" ({weights['licence']})" if weights.get("licence") else ""
            source = weights["source"].removeprefix("package:")
            found.append(f"ImageNet: {source}{licence}")
    return list(dict.fromkeys(found))


def _of_test(card: Card) -> dict[str, dict[str, Any]]:
    return {m["metric"]: m for m in card.metrics if m.get("split") == "test"}


def _number(value: Mapping[str, Any] | None, digits: int) -> str:
    if not value or value.get("value") is None:
        return "–"
    return f"{value['value']:.{digits}f}{spread(value, digits)}"


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
