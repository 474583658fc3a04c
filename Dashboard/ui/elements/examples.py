"""Example pictures drawn by code: no photograph and no patient is in them.

They show what the quality gate does: a sharp picture passes it, the same one blurred or pale
does not.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import flask
import numpy as np
from numpy.typing import NDArray
from werkzeug.exceptions import NotFound

from Dashboard.assess.thumbnails import encode_jpeg
from quality.arrays import RGBImage

WIDTH, HEIGHT = 600, 450
JPEG_QUALITY = 92
BLUR_SIGMA = 7.0
PALE_RANGE, PALE_LEVEL = 0.32, 0.94
Field = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A drawn picture and the words that go with it."""

    name: str
    title: str
    text: str


EXAMPLES: tuple[Example, ...] = (
    Example("sharp", "Sharp", "passes the quality check"),
    Example("blurred", "Blurred", "out of focus: retake"),
    Example("pale", "Pale", "too little contrast: retake"),
)


def draw(name: str) -> RGBImage:
    """The example `name` as (450, 600, 3) RGB, 8 bits; the same picture at every call.

    Raises:
        ValueError: names the examples that there are.
    """
    picture = _lesion()
    if name == "sharp":
        return picture.copy()
    if name == "blurred":
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), BLUR_SIGMA), dtype=np.uint8)
    if name == "pale":
        pale = 255 * PALE_LEVEL - PALE_RANGE * (255.0 - picture)
        return np.asarray(np.clip(pale, 0, 255), dtype=np.uint8)
    raise ValueError(
        f"there is no example {name!r}; there are {', '.join(e.name for e in EXAMPLES)}"
    )


@cache
def example_file(name: str) -> bytes:
    """The example `name` as a JPEG file; ValueError as `draw`."""
    return encode_jpeg(draw(name), JPEG_QUALITY)


@cache  # a fifth of a second of drawing
def _lesion() -> RGBImage:
    """A brown patch with a wavy border and a network of lines, on skin with a few hairs."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    dx, dy = (x - 0.48 * WIDTH) / 150, (y - 0.52 * HEIGHT) / 118
    angle, radius = np.arctan2(dy, dx), np.hypot(dx, dy)
    border = (
        1 + 0.09 * np.sin(3 * angle + 0.6) + 0.05 * np.sin(5 * angle) + 0.03 * np.sin(9 * angle)
    )
    inside = 1 / (1 + np.exp((radius - border) * 6))

    light = 1 - 0.16 * np.hypot((x - WIDTH / 2) / WIDTH, (y - HEIGHT / 2) / HEIGHT) ** 2 * 4
    skin = np.stack([232 * light, 186 * light, 164 * light], axis=-1)
    skin += 7 * _smooth_noise(random, 22)[..., None] + 4 * _smooth_noise(random, 3)[..., None]
    brown = np.stack(
        [np.full_like(x, 138.0), np.full_like(x, 84.0), np.full_like(x, 58.0)], axis=-1
    )
    brown += 20 * _smooth_noise(random, 30)[..., None] - 34 * np.exp(-(radius**2) * 3)[..., None]
    brown -= 12 * (_network(x, y, random) * inside)[..., None]
    picture = skin * (1 - inside[..., None]) + brown * inside[..., None]
    picture += 1.5 * random.standard_normal(x.shape)[..., None]
    canvas: RGBImage = np.clip(picture, 0, 255).astype(np.uint8)
    _draw_globules(canvas, random)
    _draw_hairs(canvas, random)
    _draw_scale(canvas)
    return canvas


def _smooth_noise(random: np.random.Generator, sigma: float) -> Field:
    """Noise with features of about `sigma` pixels, of unit deviation."""
    noise = cv2.GaussianBlur(random.standard_normal((HEIGHT, WIDTH)), (0, 0), sigma)
    return np.asarray(noise / noise.std(), dtype=np.float64)


def _network(x: Field, y: Field, random: np.random.Generator) -> Field:
    """Lines of a honeycomb, in [0, 1]: where three tilted waves come near zero together."""
    bent_x = x + 5 * _smooth_noise(random, 18)
    bent_y = y + 5 * _smooth_noise(random, 18)
    waves = sum(
        np.cos((bent_x * np.cos(a) + bent_y * np.sin(a)) * 2 * np.pi / 15)
        for a in (0.2, 0.2 + np.pi / 3, 0.2 + 2 * np.pi / 3)
    )
    return np.asarray(1 / (1 + np.exp((np.asarray(waves) + 0.5) * 5)), dtype=np.float64)


def _draw_globules(canvas: RGBImage, random: np.random.Generator) -> None:
    for _ in range(10):
        turn, reach = random.uniform(0, 2 * np.pi), random.uniform(0.55, 0.93)
        centre = (
            int(0.48 * WIDTH + 150 * reach * np.cos(turn)),
            int(0.52 * HEIGHT + 118 * reach * np.sin(turn)),
        )
        cv2.circle(canvas, centre, int(random.integers(2, 5)), (74, 42, 34), -1, cv2.LINE_AA)


def _draw_hairs(canvas: RGBImage, random: np.random.Generator) -> None:
    for _ in range(3):
        start = random.uniform((0, 0), (WIDTH, HEIGHT))
        turn, bend = random.uniform(0, np.pi), random.uniform(-0.004, 0.004)
        steps = np.arange(0, random.uniform(160, 340), 6.0)
        points = start + np.cumsum(
            6 * np.stack([np.cos(turn + bend * steps), np.sin(turn + bend * steps)], axis=1), axis=0
        )
        line = [np.round(points * 16).astype(np.int32)]
        cv2.polylines(canvas, line, False, (58, 38, 32), 2, cv2.LINE_AA, shift=4)


def _draw_scale(canvas: RGBImage) -> None:
    """The ruler along the edge of a dermatoscope's plate."""
    for k in range(21):
        left, length = 60 + 24 * k, 16 if k % 5 == 0 else 9
        cv2.line(canvas, (left, HEIGHT - 14), (left, HEIGHT - 14 - length), (70, 60, 58), 1)


def add_examples(server: flask.Flask) -> None:
    """Serve the files of the drawn pictures."""
    server.add_url_rule("/examples/<name>.jpg", "example", example_picture)


def example_picture(name: str) -> flask.Response:
    """The file of a drawn picture."""
    if name not in [known.name for known in EXAMPLES]:
        raise NotFound
    return flask.Response(example_file(name), mimetype="image/jpeg")
