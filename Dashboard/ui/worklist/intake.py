"""Where pictures come in: the drop zone, the choice of the model, drawn examples, the batch."""

import json
from collections.abc import Mapping, Sequence
from functools import cache

import dash
import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelInfo
from Dashboard.assess.thumbnails import thumbnail
from Dashboard.config import Config
from Dashboard.ui.elements.examples import EXAMPLES, Example, draw
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.text import percent
from quality.inputs import SYSTEM_FOLDERS

FORMATS = "JPEG, PNG, WebP, TIFF or BMP"
EXAMPLE_SIDE = 112
MARK = {"bg": "var(--accent-wash)", "c": "var(--accent)"}
# The id of a file field, and what its button says. A device has a camera or folders.
FIELDS = (
    ("file-field", "Choose files", "filled"),
    ("folder-field", "Choose a folder", "default"),
    ("photo-field", "Take photo", "default"),
)
MEGABYTE = 2**20
# Beside the archive a body holds a little more, in percent.
ARCHIVE_ROOM = 99


def drop_zone(config: Config, model: str | None = None) -> html.Div:
    """Where files and folders are dropped and chosen, and what is to be said of them.

    model: that they are assessed by; None: the server's own.

    The file field of each button is put beside it by `assets/worklist/worklist.mjs`: Dash has none
    that leaves files alone; its own Upload reads all of them into memory at once.
    """
    archive = config.max_archive_bytes // MEGABYTE
    return html.Div(
        [
            dmc.ThemeIcon(icon("upload"), size=52, radius="xl", fz="h3", **MARK, visibleFrom="xs"),
            html.Div(
                [
                    dmc.Text("Drop pictures, folders or a zip archive here", fz="lg", fw=600),
                    html.P(
                        f"{FORMATS}, up to {config.max_upload_mb:g} MB and "
                        f"{config.max_megapixels:g} megapixels each, or a zip archive of up to "
                        f"{archive} MB. Pasting works, too.",
                        className="hint",
                        id="zone-text",
                    ),
                ],
                style={"flex": 1},
            ),
            html.Span([_field(*one) for one in FIELDS], id="picker", className="along"),
        ],
        id="zone",
        className="zone",
        **{
            "data-most": json.dumps(
                {
                    "image": {
                        "bytes": config.limits.max_bytes,
                        "shown": f"{config.max_upload_mb:g} MB",
                    },
                    "archive": {
                        "bytes": ARCHIVE_ROOM * config.max_archive_bytes // 100,
                        "shown": f"{archive} MB",
                    },
                }
            ),
            "data-hours": str(hours_kept(config) or ""),
            **({"data-model": model} if model else {}),
            "data-system-folders": json.dumps(sorted(SYSTEM_FOLDERS)),
        },
    )


def hours_kept(config: Config) -> float | None:
    """How long assessments are kept at most; None: until they are deleted."""
    kept = config.retention_in_force
    return None if kept is None else kept.total_seconds() / 3600


def model_choice(
    models: Sequence[ModelInfo], selected: str | None, names: Mapping[str, str]
) -> dmc.Select:
    """The checkpoints to choose from, `selected` chosen; see `Dashboard.ui.elements.chosen`."""
    return dmc.Select(
        id="model",
        label="Assessed by",
        data=[{"value": m.name, "label": names[m.name]} for m in models],
        value=selected,
        placeholder="Choose a model" if models else "No model is installed",
        disabled=not models,
        allowDeselect=False,
        comboboxProps={"shadow": "md"},
    )


def frequencies_note(prior: Mapping[str, float] | None) -> html.P | None:
    """For which class frequencies the probabilities hold, where a clinic has set its own."""
    if prior is None:
        return None
    ranked = sorted(prior.items(), key=lambda item: -item[1])
    listed = ", ".join(f"{code} {percent(value)}" for code, value in ranked)
    return html.P(
        [
            html.Strong("Adjusted to this clinic: "),
            f"probabilities are weighted by its class frequencies ({listed}).",
        ],
        className="hint",
        style={"color": "var(--ink)"},
        id="prior-note",
    )


def examples() -> html.Div:
    """Drawn pictures to try, labelled as what they are."""
    return html.Div(
        [
            html.Span("No picture at hand? Try a synthetic one:", className="hint"),
            dmc.SimpleGrid([_example(example) for example in EXAMPLES], cols=3, spacing=8, mt=4),
        ],
    )


def batch() -> html.Div:
    """How far what was handed in together is; `assets/worklist/worklist.mjs` fills it."""
    return html.Div(
        [
            html.Div(
                [
                    html.Strong(html.Label(htmlFor="batch-bar", id="batch-text")),
                    html.Progress(id="batch-bar", value="0", max="1", style={"flex": 1}),
                    dmc.Button("Pause", id="batch-pause", variant="default", size="sm"),
                    dmc.Button("Discard the rest", id="batch-drop", variant="subtle", size="sm"),
                ],
                id="batch-head",
                className="along",
            ),
            html.P(id="batch-note", className="hint", hidden=True),
            html.Details(
                [
                    html.Summary(html.Strong(id="batch-failed")),
                    html.Ul(id="batch-list", className="batch-list"),
                    dmc.Group(
                        [
                            dmc.Button("Try these again", id="batch-again", variant="default"),
                            dmc.Button("Close", id="batch-close", variant="subtle"),
                        ]
                    ),
                ],
                id="batch-failures",
                hidden=True,
                open=True,
            ),
        ],
        id="batch",
        className="batch framed",
        hidden=True,
    )


def _field(field: str, text: str, variant: str) -> Component:
    looks = {"c": "var(--accent-ink)"} if variant == "filled" else {}
    picks = {"data-picks": field}
    button: Component = dmc.Button(text, variant=variant, h=44, px="md", **looks, **picks)
    return button


@cache
def _example_picture(name: str) -> str:
    return thumbnail(draw(name), EXAMPLE_SIDE)


def _example(example: Example) -> Component:
    picture = html.Img(
        src=_example_picture(example.name), alt="", width=32, height=24, className="thumbnail"
    )
    button: Component = dmc.Button(
        example.title,
        leftSection=picture,
        variant="default",
        h=44,
        px=4,
        fz="xs",
        fw=400,
        attributes={"root": {"title": f"{example.title}: {example.text}"}},
        **{
            "data-example": dash.get_relative_path(f"/examples/{example.name}.jpg"),
            "data-name": f"synthetic-{example.name}.jpg",
            "aria-label": f"Try the synthetic picture: {example.title}, {example.text}",
        },
    )
    return button
