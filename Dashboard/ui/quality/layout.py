"""Quality page: spoil a picture and see the gauges move; why the thresholds are where they are."""

from collections.abc import Callable
from typing import Any

import dash
import dash_mantine_components as dmc
import flask
import numpy as np
from dash import Input, Output, State, callback, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from numpy.typing import NDArray

from Dashboard.assess.service import Service
from Dashboard.config import Config
from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.ui.cases.gauges import gauges
from Dashboard.ui.elements.examples import draw
from Dashboard.ui.elements.figures import figure_place, graphs, seen
from Dashboard.ui.elements.head import page_head
from Dashboard.ui.elements.tables import data_table
from Dashboard.ui.quality.study import (
    KINDS,
    MEASURES,
    Study,
    distribution,
    levels,
    load_study,
    loss,
    summary,
)
from Dashboard.ui.quality.trial import LEAST_CONTRAST, MOST_BLUR, Trial, small, try_out
from Dashboard.web.errors import InputError
from quality.gate import RECOMMENDED_THRESHOLDS, default_thresholds

KEY, BLUR, CONTRAST = "quality-case", "quality-blur", "quality-contrast"
PICTURE, FOUND = "quality-picture", "quality-found"
SPREAD, LOST = "quality-spread", "quality-lost"
EXAMPLE = "A drawn picture: no photograph of a patient."
GATES = {
    "normalised": "sharpness judged at 600 × 450, so that a large photograph is not blurred for "
    "its size",
    "classic": "sharpness judged at the picture's own size",
    "recommended": "sharpness judged at 600 × 450, by the thresholds of the study below",
}

HEAD = page_head(
    "Image quality",
    "A picture that is out of focus or pale is not classified: the patient is still there, and "
    "another one is quickly taken.",
)
dash.register_page(
    __name__,
    path="/quality",
    name="Quality",
    title="Image quality · Skin lesion dashboard",
    order=3,
    in_navigation=True,
    head=HEAD,
)


def layout(case: str = "", **_query: str) -> html.Div:
    """The page; `case`: a kept picture of one's own instead of the example."""
    config: Config = flask.current_app.extensions["config"]
    sentence = EXAMPLE
    key = str(case)
    try:
        image = picture_of(key)
        sentence = "Your own picture; nothing of what you try here is kept." if key else EXAMPLE
    except (UnknownItem, StoreUnavailable, StoreFull) as error:
        key, image = "", picture_of("")
        sentence = f"{str(error)[:1].upper()}{str(error)[1:]}; here is a drawn picture instead."
    trial = try_out(image, 0, 1, config.gate)
    study = load_study()
    return html.Div(
        [
            HEAD,
            _try_it(trial, sentence),
            _in_force(config),
            *([] if study is None else _studied(study)),
            dcc.Store(id=KEY, data=key),
        ],
        className="sections",
    )


@callback(
    Output(PICTURE, "src"),
    Output(FOUND, "children"),
    Input(BLUR, "value"),
    Input(CONTRAST, "value"),
    State(KEY, "data"),
    prevent_initial_call=True,
)
def spoil(blur: Any, contrast: Any, key: Any) -> tuple[str, list[Component]]:
    """The picture as the sliders say, and what the gate says of it."""
    values = (blur, contrast)
    if not all(isinstance(v, int | float) for v in values) or not isinstance(key, str):
        raise InputError("blur and contrast must be numbers, and the picture the key of a case")
    config: Config = flask.current_app.extensions["config"]
    try:
        trial = try_out(picture_of(key), float(blur), contrast / 100, config.gate)
    except ValueError as error:
        raise InputError(str(error)) from None
    return trial.picture, verdict(trial)


@callback(Output(SPREAD, "children"), Input(seen(SPREAD), "data"), prevent_initial_call=True)
def spread(shown: object) -> list[Component]:
    """The distributions, once their place is seen."""
    return _drawn(distribution, shown)


@callback(Output(LOST, "children"), Input(seen(LOST), "data"), prevent_initial_call=True)
def lost(shown: object) -> list[Component]:
    """What accuracy is lost, once its place is seen."""
    return _drawn(loss, shown)


def _drawn(figure: Callable[..., dict[str, Any]], shown: object) -> list[Component]:
    """A figure of each measure, with the thresholds in force and those that the study found."""
    study = load_study()
    if not shown or study is None:
        raise PreventUpdate
    config: Config = flask.current_app.extensions["config"]
    lines: dict[str, dict[str, float]] = {measure: {} for measure in MEASURES}
    for name, limits in {
        "in force": default_thresholds(config.gate),
        "recommended": RECOMMENDED_THRESHOLDS,
    }.items():
        if config.gate != "recommended" or name == "in force":
            lines["sharpness"][name] = limits.min_laplacian
            lines["gamma"][name] = limits.min_gamma
    return graphs([figure(study, measure, lines[measure]) for measure in MEASURES])


def picture_of(key: str) -> NDArray[np.uint8]:
    """A kept picture of the caller's, or the drawn example where no key is given.

    Raises:
        UnknownItem, StoreUnavailable, StoreFull.
    """
    if not key:
        return draw("sharp")
    store: Store = flask.current_app.extensions["store"]
    service: Service = flask.current_app.extensions["service"]
    data, _ = store.picture(Sessions(store).owner(), key)
    with service.cpu_slot():
        return small(service.decode(data).image)


def verdict(trial: Trial) -> list[Component]:
    """Whether the gate takes the picture, why not, and its gauges."""
    report = trial.report
    accepted = report.verdict == "accept"
    said = " ".join(report.reasons) or "Sharp enough, and of enough contrast."
    return [
        dmc.Alert(
            said,
            title="Accepted" if accepted else "Rejected: please retake your image",
            color="petrol" if accepted else "yellow",
            variant="light",
            mih=104,  # words come and go: the gauges below them stay where they are
        ),
        gauges(report),
    ]


def _try_it(trial: Trial, sentence: str) -> html.Section:
    alt = "The picture as it is tried"
    picture = dmc.Image(src=trial.picture, alt=alt, id=PICTURE, radius="md")
    shown = html.Figure([picture, html.Figcaption(sentence, className="hint")])
    sliders = [
        _slider(BLUR, "Blur", 0, MOST_BLUR, 0.5, 0, "pixels at a width of 600"),
        _slider(CONTRAST, "Contrast left", 100 * LEAST_CONTRAST, 100, 5, 100, "percent"),
    ]
    told = dmc.Stack(verdict(trial), id=FOUND, gap="md", **{"aria-live": "polite"})
    parts = dmc.SimpleGrid(
        [shown, dmc.Stack([*sliders, told], gap="md")], cols={"base": 1, "sm": 2}, spacing="xl"
    )
    heading = html.H2("Try it", id="quality-try")
    return html.Section(
        [heading, dmc.Paper(parts, p="lg", withBorder=True)],
        className="stack",
        **{"aria-labelledby": "quality-try"},
    )


def _slider(
    identity: str, name: str, least: float, most: float, step: float, value: float, unit: str
) -> html.Div:
    return html.Div(
        [
            dmc.Text(f"{name}, {unit}", size="sm", fw=600),
            dmc.Slider(
                id=identity,
                min=least,
                max=most,
                step=step,
                value=value,
                precision=1,
                updatemode="drag",
                thumbLabel=name,
                thumbSize=24,
                mt="xs",
            ),
        ]
    )


def _in_force(config: Config) -> html.Section:
    limits = default_thresholds(config.gate)
    rows = [
        ["Sharpness", "Variance of the Laplacian", f"at least {limits.min_laplacian:g}"],
        ["Contrast", "Half the luminance range (gamma)", f"at least {limits.min_gamma:g}"],
        ["Brightness", "Mean of the HSV value, 0 to 255", "for information"],
    ]
    return _section(
        "In force on this server",
        [
            html.P(f"GATE={config.gate}: {GATES[config.gate]}."),
            data_table("What is measured", ["Measure", "How", "Accepted"], rows),
        ],
    )


def _studied(study: Study) -> list[Component]:
    tables = [
        data_table(
            f"{title} (test, 95% intervals)",
            [
                "Step",
                "Balanced accuracy, 95% interval",
                "AUC, malignant or not",
                f"Median {measure}",
            ],
            levels(study, kind),
        )
        for (kind, title), measure in zip(KINDS.items(), ("sharpness", "contrast"), strict=True)
    ]
    spread_of = ", ".join(name[:1].lower() + name[1:] for name in MEASURES.values())
    return [
        _section(
            "How pictures are spread",
            [
                html.P(
                    f"{study.result['scored_on']['images']:,} test images of HAM10000 as they are, "
                    f"by {spread_of}; lines are thresholds."
                ),
                *figure_place(SPREAD),
            ],
        ),
        _section(
            "What the study found",
            [
                html.P(summary(study), className="model-text"),
                *figure_place(LOST),
                dmc.SimpleGrid(tables, cols={"base": 1, "md": 2}),
            ],
        ),
    ]


def _section(title: str, children: list[Component]) -> html.Section:
    key = f"quality-{title.split()[0].lower()}"
    return html.Section(
        [html.H2(title, id=key), *children],
        className="stack",
        **{"aria-labelledby": key},
    )
