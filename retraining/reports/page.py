"""A comparison as one HTML page that needs nothing else; works from a file, without network."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from retraining.reports import tables
from retraining.reports.compare import Entry
from retraining.reports.figures import task_name
from retraining.reports.sections import Section, intro

TEMPLATE = "comparison.html.j2"


def comparison_page(
    entries: Sequence[Entry],
    sections: Sequence[Section],
    figures: Mapping[str, go.Figure],
    command: str,
) -> str:
    """The page as HTML. figures: of `all_figures`; command: that made it, or ""."""
    tasks = [name.removeprefix("roc_") for name in figures if name.startswith("roc_")]
    classes = entries[0].evaluation.classes
    models = [
        {
            "choice": (number, entry.name),
            "tables": [
                tables.class_table(entry),
                *([tables.group_table(entry)] if entry.breakdown else []),
            ],
        }
        for number, entry in enumerate(entries)
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(TEMPLATE).render(
        intro=intro(entries),
        command=command,
        sections=sections,
        tasks=[(task, task_name(task, classes)) for task in tasks],
        models=models,
        figures={name: json.loads(one.to_json(remove_uids=True)) for name, one in figures.items()},
        plotly=get_plotlyjs(),
    )
