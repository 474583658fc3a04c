"""Quality gauges: a measured value on a scale, with the threshold it is held against."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dash import html
from dash.development.base_component import Component

from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.text import measure, share
from quality import QualityReport, Thresholds

# Sharpness spans four orders of magnitude, so its scale is logarithmic: 1 to 10,000.
SHARPNESS_DECADES = 4
MAX_GAMMA = 0.5
MAX_BRIGHTNESS = 255


@dataclass(frozen=True)
class Gauge:
    """One measure.

    position, threshold_position: in [0, 1] along the scale.
    threshold: None for a measure that is shown and not judged.
    """

    label: str
    unit: str
    value: str
    position: float
    threshold: str | None = None
    threshold_position: float | None = None
    passed: bool = True


def report_of(kept: Mapping[str, Any]) -> QualityReport:
    """The report that `QualityReport.to_dict` was of."""
    lists = {name: tuple(kept[name]) for name in ("reasons", "notes", "failed")}
    return QualityReport(**{**kept, **lists, "thresholds": Thresholds(**kept["thresholds"])})


def gauges_of(report: QualityReport) -> tuple[Gauge, ...]:
    """Sharpness, contrast and brightness of `report`; the sharpness is the one that was judged."""
    normalised = report.mode != "classic"
    sharpness = report.laplacian_variance_normalised if normalised else report.laplacian_variance
    limits = report.thresholds
    return (
        Gauge(
            label="Sharpness",
            unit="variance of the Laplacian" + (" at 600 × 450" if normalised else ""),
            value=measure(sharpness),
            position=_log_position(sharpness),
            threshold=f"{limits.min_laplacian:g}",
            threshold_position=_log_position(limits.min_laplacian),
            passed="laplacian_variance" not in report.failed,
        ),
        Gauge(
            label="Contrast",
            unit="luminance range, gamma",
            value=f"{report.gamma:.3f}",
            position=report.gamma / MAX_GAMMA,
            threshold=f"{limits.min_gamma:g}",
            threshold_position=limits.min_gamma / MAX_GAMMA,
            passed="gamma" not in report.failed,
        ),
        Gauge(
            label="Brightness",
            unit="mean value, 0 to 255",
            value=f"{report.brightness:.0f}",
            position=report.brightness / MAX_BRIGHTNESS,
        ),
    )


def gauge(data: Gauge) -> html.Div:
    """A gauge with its value, its threshold and, where there is one, whether it was reached."""
    state = "info" if data.threshold is None else "pass" if data.passed else "fail"
    marks = [html.Div(className="fill", style={"width": share(data.position)})]
    if data.threshold_position is not None:
        marks.append(html.Div(className="tick", style={"left": share(data.threshold_position)}))
    return html.Div(
        [
            html.Div(
                [
                    html.Strong(data.label, title=data.unit),
                    html.Strong(data.value),
                ],
                className="apart",
            ),
            html.Div(marks, className="track", **{"aria-hidden": "true"}),
            html.Div(_verdict(data), className="hint marked"),
        ],
        className=f"gauge gauge-{state}",
    )


def gauges(report: QualityReport) -> html.Div:
    """All gauges of an image, and the notes on how far they can be trusted."""
    children: list[Component] = [
        html.Div(
            [gauge(data) for data in gauges_of(report)],
            className="gauges columns",
            style={"--least": "124px"},
        )
    ]
    children += [
        html.P([icon("info"), html.Span(note)], className="hint marked") for note in report.notes
    ]
    return html.Div(children, className="stack")


def _verdict(data: Gauge) -> list[html.Span]:
    if data.threshold is None:
        return [html.Span("for information")]
    if data.passed:
        return [icon("pass"), html.Span(f"at least {data.threshold}: met")]
    return [icon("warning"), html.Span(f"at least {data.threshold}: too low")]


def _log_position(value: float) -> float:
    return math.log10(max(value, 1.0)) / SHARPNESS_DECADES
