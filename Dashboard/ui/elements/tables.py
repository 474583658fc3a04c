"""A table of texts as one component: a page of thousands of cells draws at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

NOTHING = "–"


def data_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> html.Div:
    """A table with a title that scrolls within itself where the page is narrow.

    Dash keeps account of every component it draws, a cell each of plain elements too, and with
    several thousand of them the page stood still for minutes.
    """
    data = {"caption": title, "head": list(head), "body": [list(row) for row in rows]}
    table = dmc.Table(data=data, captionSide="top", className="table data-table")
    return html.Div(
        table, className="scroll-box framed", tabIndex=0, role="region", **{"aria-label": title}
    )


def interval(value: Mapping[str, Any] | None, digits: int = 3) -> str:
    """A value with its interval below it; a dash for what was not measured.

    >>> interval({"value": 0.9, "low": 0.85, "high": 0.95}, 2)
    '0.90\\n0.85 to 0.95'
    """
    if not value or value.get("value") is None:
        return NOTHING
    low, high = value.get("low"), value.get("high")
    spread = "" if low is None or high is None else f"\n{low:.{digits}f} to {high:.{digits}f}"
    return f"{value['value']:.{digits}f}{spread}"
