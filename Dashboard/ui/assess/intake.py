"""Where images come in: the drop zone, the choice of the model, the examples."""

import json
from collections.abc import Mapping, Sequence
from functools import cache

import dash_mantine_components as dmc
from dash import html

from Dashboard.assess.service import ModelInfo
from Dashboard.assess.thumbnails import thumbnail
from Dashboard.config import Config
from Dashboard.ui.assess.examples import EXAMPLES, Example, draw
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.text import percent
from quality.inputs import SYSTEM_FOLDERS

FORMATS = "JPEG, PNG, WebP, TIFF or BMP"
EXAMPLE_SIDE = 240
FILE_FIELD = "file-field"


def drop_zone(config: Config) -> html.Div:
    """Where files and folders are dropped and chosen, and what is to be said of them.

    The file field is put into `#picker` by `assets/assess/intake.js`, which also opens it where
    the zone is pressed: Dash has no file field that leaves files alone; its own Upload reads all of
    them into memory at once.
    """
    return html.Div(
        [_zone(config), html.P(id="zone-note", className="zone-note", hidden=True)],
        className="zone-holder",
    )


def _zone(config: Config) -> html.Div:
    folder = html.Button("a folder", type="button", id="choose-folder", className="zone-link")
    return html.Div(
        [
            html.Span(id="picker"),
            html.Span(
                [html.Span(className="zone-ring"), icon("upload", class_name="zone-icon")],
                className="zone-mark",
                **{"aria-hidden": "true"},
            ),
            html.Div(
                [
                    html.Div(
                        [
                            "Drop images or folders, or ",
                            html.Label("choose files", htmlFor=FILE_FIELD, className="zone-link"),
                            html.Span([" or ", folder], id="folder-choice"),
                        ],
                        className="zone-title",
                    ),
                    html.P(
                        f"{FORMATS}, up to {config.max_upload_mb:g} MB and "
                        f"{config.max_megapixels:g} megapixels each. As many as you like.",
                        className="zone-text",
                        id="zone-text",
                    ),
                ],
                className="zone-words",
            ),
        ],
        id="zone",
        className="zone",
        **{
            "data-max-bytes": str(config.limits.max_bytes),
            "data-max-shown": f"{config.max_upload_mb:g} MB",
            "data-system-folders": json.dumps(sorted(SYSTEM_FOLDERS)),
        },
    )


def model_choice(models: Sequence[ModelInfo], selected: str) -> html.Div:
    """The checkpoints to choose from, `selected` chosen."""
    options = [{"value": m.name, "label": f"{m.name} ({m.version})"} for m in models]
    return html.Div(
        dmc.Select(
            id="model",
            label="Model",
            data=options,
            value=selected if any(m.name == selected for m in models) else None,
            placeholder="Choose a model" if models else "No model is installed",
            disabled=not models,
            allowDeselect=False,
            comboboxProps={"shadow": "md"},
        )
    )


def frequencies_note(prior: Mapping[str, float] | None) -> html.P:
    """For which class frequencies the probabilities hold."""
    if prior is None:
        return html.P(
            "Probabilities take all seven classes to be equally frequent.", className="hint"
        )
    ranked = sorted(prior.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{code} {percent(value)}" for code, value in ranked)
    return html.P(
        [
            html.Strong("Adjusted to this clinic: "),
            f"probabilities are weighted by its class frequencies ({listed}).",
        ],
        className="hint hint-strong",
        id="prior-note",
    )


def example_strip() -> html.Div:
    """Drawn pictures to try, labelled as what they are."""
    return html.Div(
        [
            html.H2("Synthetic examples", className="strip-title"),
            html.P("No image at hand? Try a picture that this program draws.", className="hint"),
            html.Div([_example(example) for example in EXAMPLES], className="strip-items"),
        ],
        className="strip",
    )


@cache
def _example_picture(name: str) -> str:
    return thumbnail(draw(name), EXAMPLE_SIDE)


def _example(example: Example) -> html.Button:
    return html.Button(
        [
            html.Img(src=_example_picture(example.name), alt="", className="strip-img"),
            html.Span(
                [
                    html.Span(example.title, className="strip-name"),
                    html.Span(example.text, className="strip-text"),
                ],
                className="strip-words",
            ),
        ],
        type="button",
        className="strip-item",
        **{
            "data-example": example.name,
            "aria-label": f"Try the synthetic picture: {example.title}, {example.text}",
        },
    )
