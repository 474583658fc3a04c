"""What a comparison says in tables: titles, explanations and rows, for page and Markdown alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.checkpoint import metric_columns as columns
from retraining.evaluation.evaluation_folder import RESAMPLED
from retraining.markdown import Cells
from retraining.reports import tables
from retraining.reports.compare import PAIRED, Entry, caveats
from retraining.reports.figures import HEADLINES
from retraining.reports.published import PUBLISHED

MEASURES = {
    **HEADLINES,
    "accuracy": "Accuracy",
    "malignant_sensitivity": "Sensitivity to malignant lesions",
}
# Titles and explanations, shared by the page and the Markdown file.
SEVEN = "Seven classes"
TWO = "Malignant or benign, the most likely class decides"
POINT = "Malignant or benign at the operating point"
NOTES = {
    SEVEN: (
        "AUC: each class against the rest, mean over the classes. Precision, recall and F1: mean "
        "over the classes (macro); recall is the balanced accuracy."
    ),
    TWO: "AUC of the malignant probability. Recall is the sensitivity to malignant lesions.",
    POINT: (
        "Consultation where the malignant probability reaches the threshold that finds the stated "
        "share of the malignant images of val, or where a malignant class is the most likely."
    ),
    "resampled": (
        "The val split with all classes weighing the same, which is what it tends to when its "
        "images are drawn with weights that even out the classes. Some published tables were made "
        "so, on the split that chose the model; these numbers can be compared with them, and are "
        "optimistic for the same reason: the split that scored is the split that chose."
    ),
    "published": (
        "As published, without intervals, each with its protocol. Where images of a lesion leak "
        "across splits, or the split that scores is the split that chose, numbers are better than "
        "on new lesions; nearest to such tables are ours of val, evenly resampled, above, which "
        "share the second fault but not the first."
    ),
    "Calibration": (
        "Expected calibration error (15 bins) and Brier score. All classes weigh the same, as the "
        "probabilities stand for evenly frequent classes; natural frequencies: probabilities "
        "re-weighted to the class frequencies of the train split, every image weighing the same. "
        "Exact: the error that a perfect model with these probabilities would show on so few "
        "images, mean and 95% range. Before: without the temperature, which was chosen on val, as "
        "the weights were; where the error before is the smaller one, it harms on this split. "
        "Lesions drawn more than once make ECE larger: its intervals lie high, and may even leave "
        "out the value."
    ),
    "pairs": (
        "Difference, row minus column, with its 95% interval and two-sided p-value: paired "
        "bootstrap over lesions. Not corrected for the number of pairs."
    ),
    "cost": (
        "Time and throughput of the served form for one 600 × 450 image, resizing included. "
        "Training is that of the last run, on the device that is named."
    ),
}


@dataclass(frozen=True)
class Section:
    """A table with its title and explanation; `note` may be empty."""

    title: str
    note: str
    head: Cells
    rows: list[Cells]

    @property
    def headline(self) -> bool:
        """Whether the page has it before the figures."""
        return self.title in (SEVEN, TWO, POINT)

    @property
    def plain_rows(self) -> list[Cells]:
        """The rows without the marks of Markdown's bold."""
        return [[cell.strip("*") for cell in row] for row in self.rows]


def all_sections(
    entries: Sequence[Entry],
    pairs: Sequence[dict[str, Any]],
    published: Sequence[dict[str, str]],
) -> list[Section]:
    """Every table that is the same on the page and in Markdown, in the order of the Markdown."""
    found: list[Section] = []

    def add(title: str, note: str, table: tuple[Cells, list[Cells]]) -> None:
        if table[1]:
            found.append(Section(title, note, *table))

    add(SEVEN, NOTES[SEVEN], tables.metric_table(entries, columns.SEVEN))
    add(TWO, NOTES[TWO], tables.metric_table(entries, columns.TWO))
    add(POINT, NOTES[POINT], tables.metric_table(entries, tables.POINT))
    for title, shape in ((SEVEN, columns.SEVEN), (TWO, columns.TWO)):
        table = tables.metric_table(entries, shape, RESAMPLED)
        add(f"{title}: val, evenly resampled", NOTES["resampled"], table)
    for kind, title in (("7-class", SEVEN), ("2-class", TWO.partition(",")[0])):
        rows = [[r[c] for c in PUBLISHED[1:]] for r in published if r["table"] == kind]
        head = ["Model", "AUC", "Accuracy", "Precision", "Recall", "F1", "Protocol"]
        add(f"{title}: published by others", NOTES["published"], (head, rows))
    head, rows = tables.metric_table(entries, tables.CALIBRATION)
    exact = [
        _range(entry.evaluation.chance_ece.get(entry.split, {}).get("ece_15")) for entry in entries
    ]
    if len(exact) == len(rows):
        head = [*head[:3], "ECE, exact", *head[3:]]
        rows = [[*r[:3], e, *r[3:]] for r, e in zip(rows, exact, strict=True)]
    add("Calibration", NOTES["Calibration"], (head, rows))
    add("Cost", _cost_note(entries), tables.cost_table(entries))
    names = [entry.name for entry in entries]
    for metric, titles, cells in tables.pair_tables(pairs, names):
        title = f"Is one better? {MEASURES.get(metric, metric)}"
        add(title, NOTES["pairs"] if metric == PAIRED[0] else "", (titles, cells))
    return found


def intro(entries: Sequence[Entry]) -> str:
    """What was scored on what, and which models are not comparable with the first."""
    first = entries[0]
    chosen = ", ".join(sorted({entry.evaluation.chosen_on for entry in entries}))
    text = (
        f"{len(entries)} models, scored on {first.split} ({first.n:,} images). Weights, input "
        f"size, temperature and operating point were chosen on {chosen}. Intervals: 95%, bootstrap "
        f"over lesions. Split {first.evaluation.split[:12]} (SHA-256)."
    )
    for name, why in caveats(entries).items():
        text += f" {name}: {why}."
    return text


def _cost_note(entries: Sequence[Entry]) -> str:
    machines = sorted(
        {f"{e.cost['processor']}, {e.cost['cores']} cores" for e in entries if e.cost}
    )
    return f"{NOTES['cost']} Measured on: {'; '.join(machines)}."


def _range(chance: dict[str, float] | None) -> str:
    if not chance:
        return ""
    return f"{chance['mean']:.3f} ({chance['low']:.3f}–{chance['high']:.3f})"
