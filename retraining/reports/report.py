"""A comparison on disk: CSV, JSON, Markdown, figures, and one page that needs nothing else."""

import csv
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from models.checkpoint import metric_columns as columns
from quality.output import write_text
from retraining.evaluation.evaluation_folder import RESAMPLED
from retraining.reports import tables
from retraining.reports.compare import PAIRED, Entry, caveats
from retraining.reports.figures import HEADLINES, all_figures, task_name

FORMAT = 1
FIGURES = "figures"
KINDS = ("intervals", "cost", "roc_", "pr_", "confusion_", "reliability_", "groups_")
PUBLISHED = ("table", "model", "auc", "accuracy", "precision", "recall", "f1", "protocol")
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
        "The validation part with all classes weighing the same, which is what it tends to when "
        "its images are drawn with evening weights. Some older tables were made so, on the part "
        "that chose the model; these numbers can be laid beside them, and are too good for the "
        "same reason: the part that scored is the part that chose."
    ),
    "published": (
        "As published, without intervals. What was done is beside each. Where a split parts the "
        "images of a lesion, or the part that scores is the part that chose, numbers are better "
        "than on lesions that are new; nearest to such tables are ours of val, evenly resampled, "
        "above, which share the second fault but not the first."
    ),
    "Calibration": (
        "Expected calibration error (15 bins) and Brier score. All classes weigh the same, as the "
        "probabilities stand for evenly frequent classes; natural frequencies: probabilities "
        "turned to the class frequencies of the training part, every image weighing the same. "
        "Exact: the error that a perfect model with these probabilities would show on so few "
        "images, mean and 95% range. Before: without the temperature, which was chosen on val, as "
        "the weights were; where the error before is the smaller one, it harms on this part. "
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


def write_report(
    entries: Sequence[Entry],
    pairs: Sequence[dict[str, Any]],
    out: Path,
    *,
    command: str = "",
    published: Sequence[dict[str, str]] = (),
) -> None:
    """Write `models.csv`, `models.json`, `breakdown.csv`, `report.md`, `figures/` and `index.html`.

    command: that made the report, for its text.
    published: rows of other people's tables, see `load_published`.
    """
    drawn = all_figures(entries)
    for stale in (out / FIGURES).glob("*.json"):
        if stale.stem.startswith(KINDS) and stale.stem not in drawn:
            stale.unlink()
    for name, figure in drawn.items():
        write_text(out / FIGURES / f"{name}.json", _json(figure) + "\n")
    data = {
        "format": FORMAT,
        "split": entries[0].part,
        "command": command,
        "models": [entry.to_dict() for entry in entries],
        "caveats": caveats(entries),
        "pairs": list(pairs),
        "published": list(published),
        "figures": sorted(drawn),
    }
    write_text(out / "models.csv", tables.models_csv(entries))
    write_text(out / "breakdown.csv", tables.breakdown_csv(entries))
    write_text(out / "models.json", json.dumps(data, allow_nan=False) + "\n")
    sections = _sections(entries, pairs, published)
    write_text(out / "report.md", _markdown(entries, sections, command))
    write_text(out / "index.html", _page(entries, sections, drawn, command))


def load_published(path: Path) -> list[dict[str, str]]:
    """Read other people's results: a CSV file with the columns `PUBLISHED`.

    table: `7-class` or `2-class`; protocol: on what, and chosen how. ValueError otherwise.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        lacking = [name for name in PUBLISHED if name not in (reader.fieldnames or ())]
        if lacking:
            raise ValueError(
                f"{path} lacks the columns {', '.join(lacking)}; it needs {', '.join(PUBLISHED)}"
            )
        rows = [{name: (row[name] or "").strip() for name in PUBLISHED} for row in reader]
    wrong = {row["table"] for row in rows} - {"7-class", "2-class"}
    if wrong:
        raise ValueError(f"{path}: table must be 7-class or 2-class, got {sorted(wrong)[0]!r}")
    return rows


Section = tuple[str, str, tables.Cells, list[tables.Cells]]


def _sections(
    entries: Sequence[Entry],
    pairs: Sequence[dict[str, Any]],
    published: Sequence[dict[str, str]],
) -> list[Section]:
    """Title, explanation, head and rows of every table that is the same on page and in Markdown."""
    found: list[Section] = []

    def add(title: str, note: str, table: tuple[tables.Cells, list[tables.Cells]]) -> None:
        if table[1]:
            found.append((title, note, *table))

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
        _range(entry.evaluation.chance_ece.get(entry.part, {}).get("ece_15")) for entry in entries
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


def _markdown(entries: Sequence[Entry], sections: Sequence[Section], command: str) -> str:
    parts = ["# Comparison of models\n", f"{_intro(entries)}\n"]
    if command:
        parts.append(f"Made by `{command}`, folders left out.\n")
    parts.append(f"Figures as Plotly JSON in `{FIGURES}/`, every number in `models.csv`.\n")
    for title, note, head, rows in sections:
        parts.append(f"## {title}\n")
        parts += [f"{note}\n"] if note else []
        parts.append(tables.markdown(head, rows))
    for entry in entries:
        parts += [f"## {entry.name}: class by class\n", tables.markdown(*tables.class_table(entry))]
        if entry.breakdown:
            parts.append(f"## {entry.name}: by sex, age, body site and way of diagnosis\n")
            parts.append(tables.markdown(*tables.group_table(entry)))
    return "\n".join(parts)


def _page(
    entries: Sequence[Entry],
    sections: Sequence[Section],
    drawn: dict[str, go.Figure],
    command: str,
) -> str:
    first = (SEVEN, TWO, POINT)
    parts = ['<h2>At a glance</h2><div class="figure" data-figure="intervals"></div>']
    parts += [_section(section) for section in sections if section[0] in first]
    if "cost" in drawn:
        parts.append('<h2>Cost and accuracy</h2><div class="figure" data-figure="cost"></div>')
    tasks = [name.removeprefix("roc_") for name in drawn if name.startswith("roc_")]
    classes = entries[0].evaluation.classes
    options = {task: task_name(task, classes) for task in tasks}
    parts += ["<h2>ROC and precision-recall curves</h2>", _choice("task", "Task", options)]
    parts.append(_pair("roc", "pr"))
    models = {str(number): entry.name for number, entry in enumerate(entries)}
    parts += ["<h2>One model</h2>", _choice("model", "Model", models)]
    parts.append(_pair("confusion", "reliability"))
    parts.append('<div class="figure" id="figure-groups"></div>')
    for number, entry in enumerate(entries):
        about = _table(*tables.class_table(entry))
        about += _table(*tables.group_table(entry)) if entry.breakdown else ""
        parts.append(f'<div data-of="choice-model" data-value="{number}">{about}</div>')
    parts += [_section(section) for section in sections if section[0] not in first]
    page = files("retraining").joinpath("report.html").read_text(encoding="utf-8")
    made = (
        f"<p class='soft'>Made by <code>{escape(command)}</code>, folders left out</p>"
        if command
        else ""
    )
    held = {
        "intro": f"<p>{escape(_intro(entries))}</p>{made}",
        "sections": "\n".join(parts),
        # The longest last, so that its text is not searched for marks of the others.
        "figures": "{" + ",".join(f'"{n}":{_json(f)}' for n, f in drawn.items()) + "}",
        "plotly": get_plotlyjs(),
    }
    for mark, text in held.items():
        safe = text.replace("</", "<\\/") if mark == "figures" else text
        page = page.replace("{{" + mark + "}}", safe, 1)
    return page


def _choice(name: str, label: str, options: dict[str, str]) -> str:
    kinds = {"task": "roc pr", "model": "confusion reliability groups"}[name]
    listed = "".join(
        f'<option value="{escape(v)}">{escape(t)}</option>' for v, t in options.items()
    )
    return (
        f'<label>{label} <select id="choice-{name}" data-kinds="{kinds}">{listed}</select></label>'
    )


def _pair(first: str, second: str) -> str:
    return (
        f'<div class="pair"><div id="figure-{first}"></div><div id="figure-{second}"></div></div>'
    )


def _section(section: Section) -> str:
    title, note, head, rows = section
    said = f'<p class="soft">{escape(note)}</p>' if note else ""
    plain = [[cell.strip("*") for cell in row] for row in rows]
    return f"<h2>{escape(title)}</h2>{said}{_table(head, plain)}"


def _table(head: tables.Cells, rows: Sequence[tables.Cells]) -> str:
    top = "".join(f'<th scope="col"><button type="button">{escape(c)}</button></th>' for c in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _intro(entries: Sequence[Entry]) -> str:
    first = entries[0]
    chosen = ", ".join(sorted({entry.evaluation.chosen_on for entry in entries}))
    text = (
        f"{len(entries)} models, scored on {first.part} ({first.n:,} images). Weights, input size, "
        f"temperature and operating point were chosen on {chosen}. Intervals: 95%, bootstrap over "
        f"lesions. Split {first.evaluation.split[:12]} (SHA-256)."
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


def _json(figure: go.Figure) -> str:
    return str(figure.to_json(remove_uids=True))
