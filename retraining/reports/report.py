"""A comparison on disk: CSV, JSON, Markdown, figures, and one page that needs nothing else."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from quality.output import write_text
from retraining.markdown import markdown_table
from retraining.reports import tables
from retraining.reports.compare import Entry, caveats
from retraining.reports.figures import all_figures
from retraining.reports.page import comparison_page
from retraining.reports.sections import Section, all_sections, intro

FORMAT = 1
FIGURES = "figures"
KINDS = ("intervals", "cost", "roc_", "pr_", "confusion_", "reliability_", "groups_")


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
    published: rows of other people's tables, see `published.load_published`.
    """
    drawn = all_figures(entries)
    for stale in (out / FIGURES).glob("*.json"):
        if stale.stem.startswith(KINDS) and stale.stem not in drawn:
            stale.unlink()
    for name, figure in drawn.items():
        write_text(out / FIGURES / f"{name}.json", _json(figure) + "\n")
    data = {
        "format": FORMAT,
        "split": entries[0].split,
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
    sections = all_sections(entries, pairs, published)
    write_text(out / "report.md", _markdown(entries, sections, command))
    write_text(out / "index.html", comparison_page(entries, sections, drawn, command))


def _markdown(entries: Sequence[Entry], sections: Sequence[Section], command: str) -> str:
    parts = ["# Comparison of models\n", f"{intro(entries)}\n"]
    if command:
        parts.append(f"Made by `{command}`, folders left out.\n")
    parts.append(f"Figures as Plotly JSON in `{FIGURES}/`, every number in `models.csv`.\n")
    for one in sections:
        parts.append(f"## {one.title}\n")
        parts += [f"{one.note}\n"] if one.note else []
        parts.append(markdown_table(one.head, one.rows))
    for entry in entries:
        parts += [f"## {entry.name}: class by class\n", markdown_table(*tables.class_table(entry))]
        if entry.breakdown:
            parts.append(f"## {entry.name}: by sex, age, site, skin tone and way of diagnosis\n")
            parts.append(markdown_table(*tables.group_table(entry)))
    return "\n".join(parts)


def _json(figure: go.Figure) -> str:
    return str(figure.to_json(remove_uids=True))
