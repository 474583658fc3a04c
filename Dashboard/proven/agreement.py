"""How often neighbours have the diagnosis of a picture: measured, and said beside them."""

from Dashboard.proven.similar import Similar
from models.registry.names import title
from models.registry.taxonomy import HAM10000

MODEL = "resnext50_32x4d"
# Of the ten nearest lesions, the share with the picture's own diagnosis: 3,607 pictures of 2,691
# lesions of HAM10000 that the model had not learnt from, among each other, a lesion's own left out.
# By class; the mean over classes with its 95 % interval. Where it is from is in
# `docs/adr/0024-neighbours-by-last-features.md`.
BY_CLASS = {
    "akiec": 0.52,
    "bcc": 0.74,
    "bkl": 0.62,
    "df": 0.56,
    "mel": 0.47,
    "nv": 0.87,
    "vasc": 0.81,
}
MEAN, LOW, HIGH = 0.65, 0.63, 0.68
PICTURES = 3607


def agreement(found: Similar) -> str:
    """What the neighbours are worth, in a sentence; empty where there are none."""
    if not found.neighbours:
        return ""
    most, least = (choose(BY_CLASS, key=BY_CLASS.__getitem__) for choose in (max, min))
    measured = (
        f"Looking alike proves nothing: of {PICTURES:,} pictures whose diagnosis was known, the "
        f"nearest ten lesions had the same one in {MEAN:.0%} ({LOW:.0%} to {HIGH:.0%}) on average "
        f"over the classes, from {BY_CLASS[least]:.0%} for {HAM10000.name(least).lower()} to "
        f"{BY_CLASS[most]:.0%} for {HAM10000.name(most).lower()}."
    )
    if found.model == MODEL:
        return measured
    return f"{measured} That was measured with another model, {title(MODEL)}."
