"""What is said of a lesion over time: data in, sentences out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import dash

from Dashboard.assess.retakes import Measure, retake_spread
from Dashboard.store.lesions import LesionSeries
from Dashboard.store.schema import Item

NOTABLE = 95
APPROXIMATE = (
    "All measures are approximate. That none changed does not mean that nothing did: look at the "
    "pictures."
)
BY_ALL = (
    "Too few marks on the skin around were found in both pictures, so the lesion itself decided, "
    "too: one that grew alike in all directions would look unchanged."
)


def day(item: Item) -> str:
    """When a picture was taken, else kept: "1 March 2026"."""
    return day_of(item.taken or item.created)


def day_of(moment: datetime) -> str:
    """A date as people write it."""
    return f"{moment.day} {moment:%B %Y}"


def span(series: LesionSeries) -> str:
    """How many pictures, and from when to when."""
    count, first, last = len(series.items), day(series.items[0]), day(series.items[-1])
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return f"{pictures}, {first}" if first == last else f"{pictures}, {first} to {last}"


def address(name: str) -> str:
    """Of a lesion's page and of all that is below it."""
    return str(dash.get_relative_path(f"/lesions/{quote(name, safe='')}"))


def area_words(change: Mapping[str, Any]) -> str:
    """How the area changed."""
    area = change["area"]
    if area is None:
        return change["reason"] or "One of the pictures has no outline to be trusted."
    return f"{abs(area):.0%} {'larger' if area >= 0 else 'smaller'}"


def colour_words(change: Mapping[str, Any]) -> str:
    """How the colour changed."""
    colour = change["colour"]
    if colour is None:
        return "One of the pictures has no outline to be trusted."
    return f"{colour:.1f} apart (CIEDE2000, in one light)"


def risk_words(first: Item, second: Item) -> str:
    """How the malignant probability changed."""
    if first.p_malignant is None or second.p_malignant is None:
        return "One of the pictures was not classified."
    ends = f"{first.p_malignant:.1%} before, {second.p_malignant:.1%} after"
    if (first.model, first.version) != (second.model, second.version):
        return f"{ends}, by two models or versions: not to be compared."
    return ends


def retake_words(below: float | None) -> str:
    """What a change is worth beside the spread of retakes."""
    if below is None:
        return ""
    if below == 0:
        return "Nearly all retakes of an unchanged lesion differ by more."
    return f"More than {below:g} of 100 retakes of an unchanged lesion differ by less."


def spread_words() -> str:
    """Where the spread of retakes is from."""
    found = retake_spread().get("area")
    if found is None:
        return ""
    risk = retake_spread().get("p_malignant", found)
    return (
        f"Grey: where {NOTABLE} of 100 retakes of the first picture would lie. "
        f"Retakes: {found.pairs:,} pairs of pictures of {found.lesions:,} lesions of HAM10000, "
        "many at another magnification or with another camera; the malignant probability by "
        f"{risk.model}, version {risk.version}."
    )


def registration_words(change: Mapping[str, Any]) -> str:
    """How two pictures lie on each other."""
    if not change["registered"]:
        return ""
    turned = f", turned by {abs(change['degrees']):.0f}°" if abs(change["degrees"]) >= 1 else ""
    laid = (
        f"Laid onto each other by {change['points']} points, "
        f"scaled by {change['scale']:.2f}{turned}."
    )
    return laid if change["by"] == "skin" else f"{laid} {BY_ALL}"


def most(measure: Measure, percentile: float = NOTABLE) -> float | None:
    """By how much that many of 100 retakes differ at most."""
    spread = retake_spread().get(measure)
    return None if spread is None else spread.at(percentile)


def short_day(item: Item) -> str:
    """A date for an axis: "2026-03-01"."""
    return f"{item.taken or item.created:%Y-%m-%d}"
