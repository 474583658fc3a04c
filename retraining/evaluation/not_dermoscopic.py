"""Real and drawn images that are not dermatoscopic, by kind, to measure what a network rejects.

The photographs, textures, scans and micrographs are scikit-image's bundled samples (van der
Walt et al., PeerJ 2:e453, 2014): no download, and real pictures by many cameras and scanners.
"""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

import quality
from quality.arrays import RGBImage

HEIGHT, WIDTH = 450, 600
CROPS = 6
SAMPLES: dict[str, tuple[str, ...]] = {
    "photographs": (
        "astronaut.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png",
        "coins.png", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg",
    ),
    "micrographs and scans": (
        "cell.png", "ihc.png", "microaneurysms.png", "phantom.png", "retina.jpg",
    ),
    "sky": ("hubble_deep_field.jpg", "moon.png"),
    "textures": ("brick.png", "grass.png", "gravel.png"),
    "scanned pages": ("page.png", "text.png"),
    "graphics": (
        "chessboard_GRAY.png", "chessboard_RGB.png", "color.png", "horse.png", "logo.png",
    ),
}  # fmt: skip
DRAWN = ("phantom.png",)  # among the others
FACES = "lfw_subset.npy"  # grey, 25 x 25 pixels
FACE_COUNT = 40  # the first hundred of the file are faces, the others are parts of backgrounds
MADE = 24
# Light to dark skin, as a camera sees it (RGB).
SKIN = ((236, 200, 178), (222, 176, 150), (198, 148, 120), (150, 104, 80), (98, 66, 50))


class NotDermoscopic(NamedTuple):
    """An image (H, W, 3) uint8 RGB, its kind, and what it is a view of.

    real: whether a camera or a scanner made it.
    source: views of one image have the same; they are alike.
    """

    kind: str
    real: bool
    source: str
    image: RGBImage


def not_dermoscopic_images() -> Iterator[NotDermoscopic]:
    """The images, the same ones at every call.

    Raises ModuleNotFoundError where scikit-image is not installed.
    """
    rng = np.random.default_rng(0)
    for kind, name, picture in sample_pictures():
        real = kind != "graphics" and name not in DRAWN
        for view in views(picture, rng, CROPS):
            yield NotDermoscopic(kind, real, name, view)
    faces = np.load(_samples_folder() / FACES)[:FACE_COUNT]
    for number, face in enumerate(faces):
        grey = np.asarray(np.clip(face * 255, 0, 255), np.uint8)
        large = cv2.resize(grey, (400, 400), interpolation=cv2.INTER_CUBIC)
        image = np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), np.uint8)
        yield NotDermoscopic("small grey faces, enlarged", True, f"face {number}", image)
    makers: dict[str, Callable[[np.random.Generator], RGBImage]] = {
        "drawn pages": written_page,
        "drawn screenshots": screenshot,
        "noise": noise,
        "skin-coloured gradients": skin_gradient,
        "plain colours": plain,
    }
    for kind, make in makers.items():
        for number in range(MADE):
            yield NotDermoscopic(kind, False, f"{kind} {number}", make(rng))


def sample_pictures() -> Iterator[tuple[str, str, RGBImage]]:
    """Kind, name and picture of scikit-image's samples that are among the images."""
    folder = _samples_folder()
    for kind, names in SAMPLES.items():
        for name in names:
            yield kind, name, quality.read(folder / name)


def written_page(rng: np.random.Generator) -> RGBImage:
    """Lines of text in one of OpenCV's fonts on paper, sometimes tilted."""
    paper = np.full((HEIGHT, WIDTH, 3), rng.integers(215, 256), np.uint8)
    ink = tuple(int(v) for v in rng.integers(0, 90, 3))
    size, thick = float(rng.uniform(0.4, 1.2)), int(rng.integers(1, 3))
    font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX]))
    for y in range(30, HEIGHT, int(32 * size) + 10):
        words = ["".join(rng.choice(list("abcdefghilmnoprstu"), rng.integers(2, 9)))
                 for _ in range(12)]  # fmt: skip
        cv2.putText(paper, " ".join(words), (18, y), font, size, ink, thick, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), float(rng.normal(0, 4)), 1)
    return np.asarray(
        cv2.warpAffine(paper, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def screenshot(rng: np.random.Generator) -> RGBImage:
    """Windows with bars, fields and words on a plain desktop."""
    canvas = np.full((HEIGHT, WIDTH, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(rng.integers(2, 5)):
        x, y = int(rng.integers(0, 300)), int(rng.integers(0, 250))
        right, bottom = x + int(rng.integers(180, 320)), y + int(rng.integers(120, 240))
        shade = int(rng.choice([24, 245, 255]))
        cv2.rectangle(canvas, (x, y), (right, bottom), (shade,) * 3, -1)
        bar = tuple(int(v) for v in rng.integers(0, 256, 3))
        cv2.rectangle(canvas, (x, y), (right, y + 22), bar, -1)
        for line in range(y + 42, bottom - 8, 20):
            ink = (40,) * 3 if shade > 100 else (220,) * 3
            word = "".join(rng.choice(list("abcdefghilmnoprstu    "), 18))
            cv2.putText(canvas, word, (x + 8, line), cv2.FONT_HERSHEY_SIMPLEX, 0.45, ink, 1)
    return canvas


def noise(rng: np.random.Generator) -> RGBImage:
    """White, coarse or 1/f noise, grey or coloured."""
    channels = int(rng.choice([1, 3]))
    slope = float(rng.choice([0.0, 0.0, 1.0, 1.6]))
    down = np.fft.fftfreq(HEIGHT)[:, None, None]
    across = np.fft.rfftfreq(WIDTH)[None, :, None]
    spectrum = np.fft.rfft2(rng.standard_normal((HEIGHT, WIDTH, channels)), axes=(0, 1))
    spectrum /= np.maximum(np.hypot(down, across), 1 / WIDTH) ** slope
    values = np.fft.irfft2(spectrum, (HEIGHT, WIDTH), axes=(0, 1))
    values = 128 + rng.uniform(25, 70) * values / values.std()
    return np.asarray(np.clip(values, 0, 255).repeat(3 // channels, axis=2), np.uint8)


def skin_gradient(rng: np.random.Generator) -> RGBImage:
    """A smooth change of light over plain skin: nothing to be seen on it."""
    colour = np.asarray(SKIN[rng.integers(len(SKIN))], np.float64)
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    ramp = x * np.cos(turn) + y * np.sin(turn)
    if rng.random() < 0.5:
        ramp = -np.hypot(x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5))
    light = 1 + rng.uniform(0.05, 0.4) * ramp
    return np.asarray(np.clip(colour * light[..., None], 0, 255), np.uint8)


def plain(rng: np.random.Generator) -> RGBImage:
    """One colour with a sensor's noise: a lens cap, a wall, a sheet."""
    colour = rng.integers(0, 256, 3)
    grain = rng.normal(0, rng.uniform(0, 4), (HEIGHT, WIDTH, 1))
    return np.asarray(np.clip(colour + grain, 0, 255), np.uint8)


def _samples_folder() -> Path:
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("scikit-image, whose sample images are needed, is missing")
    return Path(found.origin).parent / "data"


def views(image: RGBImage, rng: np.random.Generator, crops: int) -> Iterator[RGBImage]:
    """The whole image and square crops of a third to all of its shorter side."""
    yield image
    height, width = image.shape[:2]
    for _ in range(crops):
        side = max(24, int(min(height, width) * rng.uniform(0.35, 1)))
        top = int(rng.integers(0, max(1, height - side + 1)))
        left = int(rng.integers(0, max(1, width - side + 1)))
        yield np.ascontiguousarray(image[top : top + side, left : left + side])
