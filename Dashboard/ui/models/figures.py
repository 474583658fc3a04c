"""Figures of the comparison, drawn when they come into view."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
import flask
from dash import Input, Output, callback, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from Dashboard.ui.elements.figures import figure_place, graphs, seen
from Dashboard.ui.models.shipped_comparison import (
    Comparison,
    load_comparison,
    load_figure,
    name_of,
)
from models.registry.taxonomy import HAM10000


@dataclass(frozen=True)
class Block:
    """Figures that are drawn together.

    key: of the identifiers in the page.
    figures: their files, `{}` being what somebody chose.
    choice: what is chosen; empty: nothing.
    options: makes what there is to choose from, values and labels.
    """

    key: str
    title: str
    figures: tuple[str, ...]
    choice: str = ""
    options: Callable[[Comparison, Collection[str]], Sequence[Mapping[str, Any]]] | None = None


def tasks(found: Comparison, _usable: Collection[str]) -> list[dict[str, Any]]:
    """What curves tell apart: malignant or not, then the classes."""
    names = sorted(name.removeprefix("roc_") for name in found.figures if name[:4] == "roc_")
    names.sort(key=lambda task: task != "malignant")
    return [{"value": task, "label": _task(task)} for task in names]


def models(found: Comparison, usable: Collection[str]) -> list[dict[str, Any]]:
    """The models with a figure of their own: those of this server, then experiments."""
    groups: dict[str, list[dict[str, str]]] = {"On this server": [], "Experiments": []}
    for number, model in enumerate(found.models):
        if f"confusion_{number}" in found.figures:
            group = "On this server" if model["model"] in usable else "Experiments"
            groups[group].append({"value": str(number), "label": name_of(model)})
    return [{"group": name, "items": items} for name, items in groups.items() if items]


BLOCKS: tuple[Block, ...] = (
    Block("intervals", "Headline metrics", ("intervals",)),
    Block("curves", "ROC and precision-recall", ("roc_{}", "pr_{}"), "Tell apart", tasks),
    Block("one", "Confusion and calibration", ("confusion_{}", "reliability_{}"), "Model", models),
    Block("cost", "Cost and accuracy", ("cost",)),
)


def figure_places(found: Comparison, usable: Collection[str]) -> list[Component]:
    """A place for each block that this comparison has figures of."""
    return [place for block in BLOCKS for place in _place(block, found, usable)]


def draw(block: Block, shown: object, chosen: object = "") -> list[Component]:
    """The figures of a block, once it was seen.

    chosen: what stands for `{}` in their names.
    """
    found = load_comparison()
    if not shown or found is None:
        raise PreventUpdate
    usable = [info.name for info in flask.current_app.extensions["service"].models()]
    figures = [load_figure(found, name.format(chosen), usable) for name in block.figures]
    return graphs([figure for figure in figures if figure is not None])


def _place(block: Block, found: Comparison, usable: Collection[str]) -> list[Component]:
    options = block.options(found, usable) if block.options else None
    first = "" if not options else (options[0].get("items") or options)[0]["value"]
    if options == [] or block.figures[0].format(first) not in found.figures:
        return []
    parts: list[Component] = [html.H3(block.title)]
    if options:
        parts.append(
            dmc.Select(
                id=f"models-{block.key}-choice",
                label=block.choice,
                data=list(options),
                value=first,
                allowDeselect=False,
                maw=420,
            )
        )
    return [html.Div([*parts, *figure_place(f"models-{block.key}")])]


def _task(task: str) -> str:
    if task == "malignant":
        return "Malignant or not"
    return f"{HAM10000.name(task)} or not" if task in HAM10000.codes else f"{task} or not"


def register() -> None:
    """Register what draws; by the page's `layout` module, which Dash runs once for each app."""
    for block in BLOCKS:
        _register(block)


def _register(block: Block) -> None:
    inputs = [Input(seen(f"models-{block.key}"), "data")]
    if block.choice:
        inputs.append(Input(f"models-{block.key}-choice", "value"))

    @callback(Output(f"models-{block.key}", "children"), *inputs, prevent_initial_call=True)
    def drawn(*values: object) -> list[Component]:
        return draw(block, *values)
