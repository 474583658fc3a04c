"""What the notebooks call: so that they hold no logic. Needs torch where it explains."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from interpretability.attribution.explainer import Explainer, Explanation
from interpretability.methods import METHODS
from interpretability.rendering import overlay
from interpretability.rendering.drawing import drawn_lesion
from models.inference.views import set_upright
from quality.arrays import RGBImage

# Captum asks for a progress bar that only matters with widgets.
warnings.filterwarnings("ignore", message="IProgress not found")


class Shown:
    """A picture that a notebook displays as JPEG: small outputs, without a plotting library."""

    def __init__(self, picture: RGBImage) -> None:
        self._picture = picture

    def _repr_jpeg_(self) -> bytes:
        import cv2

        bgr = cv2.cvtColor(self._picture, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 80])
        return data.tobytes()


class Rows:
    """A table that a notebook displays: a row per mapping."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.rows = list(rows)

    def _repr_markdown_(self) -> str:
        names = list(self.rows[0]) if self.rows else []
        lines = [f"| {' | '.join(names)} |", "|" + " --- |" * len(names)]
        lines += [f"| {' | '.join(str(row[name]) for name in names)} |" for row in self.rows]
        return "\n".join(lines)


def load_picture(path: str | Path | None = None) -> RGBImage:
    """The picture in a file, (H, W, 3) uint8 RGB, or the drawn one where there is no path."""
    from quality import read

    return drawn_lesion() if path is None else read(Path(path))


def probabilities(explainer: Explainer, picture: RGBImage) -> Rows:
    """The calibrated probability of every class."""
    taxonomy = explainer.card.taxonomy
    found = explainer.probabilities(picture)
    return Rows(
        [
            {"class": code, "name": taxonomy.name(code), "probability": f"{value:.3f}"}
            for code, value in zip(taxonomy.codes, found, strict=True)
        ]
    )


def about(explainer: Explainer) -> Rows:
    """Every method: its paper, what it does, or why it does not work with this checkpoint."""
    return Rows(
        [
            {
                "method": entry.label,
                "what it does": explainer.refusal(name) or entry.text,
                "paper": entry.paper,
            }
            for name, entry in METHODS.items()
        ]
    )


def explain_all(
    explainer: Explainer,
    picture: RGBImage,
    precision: str = "Low",
    target: str | None = None,
    methods: Sequence[str] | None = None,
) -> list[Explanation]:
    """One explanation per method, of all that work with the checkpoint unless some are named."""
    chosen = methods or [name for name in METHODS if not explainer.refusal(name)]
    return [
        explainer.explain(picture, method=name, precision=precision, target=target)
        for name in chosen
    ]


def side_by_side(picture: RGBImage, found: Sequence[Explanation], opacity: float = 0.6) -> Shown:
    """The picture and the maps on one scale."""
    titles = [METHODS[one.method].label for one in found]
    maps = [one.map for one in found]
    return Shown(overlay.side_by_side(picture, maps, titles, opacity, height=170, columns=4))


def contours(picture: RGBImage, found: Explanation) -> Shown:
    """Outlines of what speaks for the class (green) and against it (red)."""
    return Shown(overlay.contours(picture, found.map))


def scores(explainer: Explainer, picture: RGBImage, found: Sequence[Explanation]) -> Rows:
    """Deletion, insertion and infidelity of maps of one picture; smaller, larger, smaller is good.

    A random map stands beside them. Measured on the served model.
    """
    from interpretability.attribution.target import choose_target
    from interpretability.attribution.task import skin
    from interpretability.faithfulness import curves
    from interpretability.faithfulness.scoring import areas
    from interpretability.faithfulness.stability import infidelity, resized
    from interpretability.faithfulness.subject import Subject

    card = explainer.card
    image, upright = set_upright(picture)
    square = card.preprocessing.resize(image)
    target = choose_target(
        found[0].target, card.taxonomy, explainer.probabilities(picture), card.temperature
    )
    subject = Subject(explainer, found[0].precision, [])
    maps = {
        METHODS[one.method].label: resized(
            np.ascontiguousarray(upright.apply(one.map)), len(square)
        )
        for one in found
    }
    maps["random map"] = curves.random_map(len(square), 0)
    rows = []
    for name, one in maps.items():
        down, up = areas(subject, target, square, one)
        error = infidelity(
            lambda squares: target.score(explainer.served.logits(squares)),
            square,
            skin(square),
            one,
        )
        rows.append(
            {
                "method": name,
                "deletion": f"{down:.3f}",
                "insertion": f"{up:.3f}",
                "infidelity": f"{error:.3f}",
            }
        )
    return Rows(rows)
