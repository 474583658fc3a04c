"""Area, colour and malignant probability over time, with the spread of retakes as a band."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from Dashboard.ui.lesions.words import NOTABLE, most

Point = Mapping[str, Any]
BAND, VALUE = "retakes", "value"


def charts(points: Sequence[Point]) -> html.Div:
    """Three small charts of `points`: `date`, `area`, `colour`, `p_malignant`, None where unknown.

    area: by that of the first picture; colour: its distance from the first one's.
    """
    area, colour, risk = most("area"), most("colour"), most("p_malignant")
    first = next((one["p_malignant"] for one in points if one["p_malignant"] is not None), None)
    return html.Div(
        [
            _chart("Area, first picture = 100 %", points, "area", 100, "%",
                   None if area is None else (100 / (1 + area), 100 * (1 + area))),
            _chart("Colour, distance from the first", points, "colour", 1, "",
                   None if colour is None else (0, colour)),
            _chart("Malignant probability", points, "p_malignant", 100, "%",
                   None if risk is None or first is None
                   else (100 * max(0, first - risk), 100 * min(1, first + risk))),
        ],
        className="lesion-charts columns",
    )  # fmt: skip


def _chart(
    title: str,
    points: Sequence[Point],
    name: str,
    factor: float,
    unit: str,
    band: tuple[float, float] | None,
) -> Component:
    """One measure over time; the band is where most retakes of the first picture would lie."""
    data: list[dict[str, Any]] = [
        {
            "date": one["date"],
            VALUE: None if one[name] is None else round(factor * one[name], 1),
            BAND: band and [round(end, 1) for end in band],
        }
        for one in points
    ]
    series = [{"name": VALUE, "color": "var(--accent)", "type": "line"}]
    if band:
        series.insert(0, {"name": BAND, "color": "var(--ink-soft)", "type": "area"})
    words = f"{title}: " + "; ".join(
        f"{one['date']} {'unknown' if one[VALUE] is None else f'{one[VALUE]:g}{unit}'}"
        for one in data
    )
    if band:
        words += f". {NOTABLE} of 100 retakes lie from {band[0]:.1f} to {band[1]:.1f}{unit}."
    return html.Figure(
        [
            html.Figcaption(title),
            html.Div(
                dmc.CompositeChart(
                    h=160,
                    data=data,
                    dataKey="date",
                    series=series,
                    unit=unit,
                    withTooltip=False,
                    connectNulls=False,
                    curveType="linear",
                    withDots=True,
                    gridAxis="y",
                    tickLine="none",
                    yAxisProps={"width": 52, "domain": ["auto", "auto"]},
                    lineProps={"isAnimationActive": False},
                    areaProps={"isAnimationActive": False, "dot": False, "activeDot": False},
                ),
                role="img",
                **{"aria-label": words},
            ),
        ]
    )
