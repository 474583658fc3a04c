"""What a card tells of a model's data and origin, and of pictures that are not dermatoscopic."""

from collections.abc import Mapping
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.components.metrics import scrollable, table_head
from Dashboard.components.text import percent
from models.checkpoints import Card

PARTS = {"train": "to train", "val": "to choose", "test": "to test"}


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
        facts["Size of the images"] = f"{listed} pixels"
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


def foreign_section(ood: Mapping[str, Any]) -> list[Component]:
    """How the score of strangeness was set, and what it rejects, rightly and wrongly."""
    alarms = ood["false_alarms"]
    by_class = ", ".join(
        f"{code} {percent(share)}"
        for code, share in alarms.items()
        if code not in ("split", "n", "all")
    )
    sentence = (
        f"{ood['method'][:1].upper()}{ood['method'][1:]}. The threshold takes "
        f"{percent(ood['target_false_alarms'])} of the {ood['n']:,} validation images for "
        f"something else; of the {alarms['n']:,} test images it takes {percent(alarms['all'])} "
        f"({by_class}). "
        "Close-up photographs of skin without a dermatoscope were not measured and may pass."
    )
    rows = [
        html.Tr(
            [
                html.Th(kind[:1].upper() + kind[1:], scope="row"),
                *_counted(ood, kind),
                _area(area, ood.get("auroc_interval", {}).get(kind)),
                html.Td(percent(ood["rejected"][kind]), className="number"),
            ]
        )
        for kind, area in ood.get("auroc", {}).items()
        if kind in ood.get("rejected", {})
    ]
    head = ["Not dermatoscopic", "Pictures", "Views", "AUROC", "Told apart"]
    title = "Told apart from the test split, 95% intervals over lesions and pictures"
    variants = {k: v for k, v in ood.get("rejected_variants_of_test", {}).items() if k != "n"}
    changed = [
        html.Tr([html.Th(kind, scope="row"), html.Td(percent(share), className="number")])
        for kind, share in variants.items()
    ]
    tables = [scrollable(table_head(head, 1), html.Tbody(rows), title)] if rows else []
    if changed:
        n = ood["rejected_variants_of_test"]["n"]
        title = f"{n} test images, changed: wrongly taken for something else"
        tables.append(scrollable(table_head(["Change", "Taken"], 1), html.Tbody(changed), title))
    return [html.P(sentence, className="model-text"), *tables]


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
            found.append(f"ImageNet: {weights['source']}{licence}")
    return list(dict.fromkeys(found))


def _counted(ood: Mapping[str, Any], kind: str) -> list[html.Td]:
    counts = [ood.get(what, {}).get(kind) for what in ("pictures", "views")]
    return [html.Td("–" if n is None else f"{n:,}", className="number") for n in counts]


def _area(value: float, interval: Any) -> html.Td:
    known = interval and None not in interval
    spread = f" ({interval[0]:.4f} to {interval[1]:.4f})" if known else ""
    return html.Td([f"{value:.4f}", html.Span(spread, className="spread")], className="number")
