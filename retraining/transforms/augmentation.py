"""Random changes that a dermatoscopic picture may undergo without changing its diagnosis."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from retraining.schema import Number, Settings
from retraining.transforms import rand_augment as policies
from retraining.transforms import random_corruptions

# Random crops, rotations and stretches are taken from pictures so much larger than the input
# that they do not lose sharpness, and no larger, so that they do not alias.
OVERSAMPLING = 1.15
FULL = 65535  # white in 16 bits
# Luminance and the two axes of colour of NTSC television, in which a turn changes the hue alone.
RGB_TO_YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]]
)


@dataclass(frozen=True)
class Drawn:
    """The random numbers of a batch: changing a picture needs no others.

    geometry: (N, 7) uniform in 0..1: angle, scale, stretch, two mirrors, two shifts.
    colour: of each change of colour, (N, 1, 1, 1 or 3).
    hue: (N,) in plus or minus 1; None: not changed.
    policy: for every picture, the operations and their strengths.
    corruptions: of every picture; None: none has any.
    """

    geometry: NDArray[np.float64]
    colour: dict[str, NDArray[np.float64]]
    hue: NDArray[np.float64] | None
    policy: tuple[tuple[policies.Step, ...], ...] | None
    corruptions: tuple[tuple[random_corruptions.Corruption, ...], ...] | None

    @property
    def mirrors(self) -> NDArray[np.float64]:
        """Uniform numbers of the horizontal and the vertical mirror, (N, 2)."""
        return self.geometry[:, 3:5]


class Augmentation(Settings):
    """Strengths of the random changes; 0 turns one off."""

    rotation: Number = Field(default=180.0, description="Uniform in plus or minus so many degrees.")
    zoom: Number = Field(
        default=0.25, description="The logarithm of the scale is uniform in plus or minus this."
    )
    aspect: Number = Field(
        default=0.3,
        description="The logarithm of width over height is uniform in plus or minus this: users' "
        "pictures come in any shape, and all are stretched to a square.",
    )
    shift: Number = Field(
        default=0.08, description="Uniform in plus or minus this share of the side."
    )
    flip: Number = Field(default=0.5, ge=0, le=1, description="Probability of each mirror axis.")
    brightness: Number = Field(default=0.15, description="Factor, uniform in 1 plus or minus this.")
    contrast: Number = Field(default=0.2, description="Factor, uniform in 1 plus or minus this.")
    cast: Number = Field(
        default=0.08,
        description="Factor of each channel, uniform in 1 plus or minus this (light and camera).",
    )
    saturation: Number = Field(
        default=0.25, description="Factor of the distance to grey, uniform in 1 plus or minus this."
    )
    gamma: Number = Field(
        default=0.2, description="The logarithm of the exponent is uniform in plus or minus this."
    )
    hue: Number = Field(
        default=0.0,
        description="Turn of the colours, uniform in plus or minus this share of the circle.",
    )
    policy: Literal["none", "randaugment", "trivialaugment"] = Field(
        default="none",
        description="`randaugment`: `policy_steps` random operations of `policy_strength` (Cubuk "
        "et al., NeurIPS 2020); `trivialaugment`: one of random strength (Müller & Hutter, ICCV "
        "2021).",
    )
    policy_steps: int = Field(default=2, ge=0, description="Of `randaugment`.")
    policy_strength: Number = Field(default=0.3, ge=0, le=1, description="Of `randaugment`.")
    corruptions: Number = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Probability of each: hair, illumination gradient, vignette, blur, noise, JPEG "
        "compression.",
    )

    def __call__(
        self, pictures: NDArray[np.uint8], size: int, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """(N, H, W, 3) uint8 to (N, size, size, 3) uint8, each picture changed by itself."""
        return self.apply(pictures, size, self.draw(len(pictures), rng))

    @property
    def mirrors_only(self) -> bool:
        """Whether mirroring is the only change, so that a picture has four views."""
        others = self._warps or self._recolours or self.hue or self.corruptions
        return not others and self.policy == "none"

    @property
    def _warps(self) -> bool:
        return any((self.rotation, self.zoom, self.aspect, self.shift))

    @property
    def _recolours(self) -> bool:
        return any((self.brightness, self.contrast, self.cast, self.saturation, self.gamma))

    def source_size(self, size: int) -> int:
        """Side of the pictures that `apply` should be given for views of `size`."""
        return round(size * OVERSAMPLING) if self._warps else size

    def draw(self, count: int, rng: np.random.Generator) -> Drawn:
        """All random numbers of `count` pictures; the same of an equal generator."""
        geometry = rng.random((count, 7))

        def factor(low: float, high: float, last: int = 1) -> NDArray[np.float64]:
            return rng.uniform(low, high, (count, 1, 1, last))

        colour = {
            "gamma": factor(-self.gamma, self.gamma),
            "saturation": factor(1 - self.saturation, 1 + self.saturation),
            "contrast": factor(1 - self.contrast, 1 + self.contrast),
            "brightness": factor(1 - self.brightness, 1 + self.brightness),
            "cast": factor(1 - self.cast, 1 + self.cast, last=3),
        }
        hue = rng.uniform(-1, 1, count) if self.hue else None
        policy = None
        if self.policy != "none":
            policy = tuple(
                policies.draw(self.policy, self.policy_steps, self.policy_strength, rng)
                for _ in range(count)
            )
        # The last of all, so that without them the other numbers are what they were.
        corruptions = None
        if self.corruptions:
            corruptions = random_corruptions.draw(count, self.corruptions, rng)
        return Drawn(geometry, colour, hue, policy, corruptions)

    def mirrored(self, drawn: Drawn) -> NDArray[np.bool_]:
        """Whether each picture is mirrored along x and along y, (N, 2)."""
        return np.asarray(drawn.mirrors < self.flip)

    def apply(
        self, pictures: NDArray[np.uint8], size: int, drawn: Drawn, rows: slice = slice(None)
    ) -> NDArray[np.uint8]:
        """The changes of `drawn` for its `rows`, which are `pictures` (N, H, W, 3) uint8.

        Returns (N, size, size, 3) uint8.
        """
        return self.altered(self.moved(pictures, size, drawn, rows), drawn, rows)

    def moved(
        self, pictures: NDArray[np.uint8], size: int, drawn: Drawn, rows: slice = slice(None)
    ) -> NDArray[np.uint8]:
        """The first part of `apply`: the changes of place and shape, (N, size, size, 3) uint8."""
        moved = np.empty((len(pictures), size, size, 3), np.uint8)
        mirrors = self.mirrored(drawn)[rows]
        exact = not self._warps and pictures.shape[1:3] == (size, size)
        for i, (picture, numbers) in enumerate(zip(pictures, drawn.geometry[rows], strict=True)):
            if exact:
                x, y = (-1 if mirror else 1 for mirror in mirrors[i])
                moved[i] = picture[::y, ::x]
            else:
                moved[i] = self._warp(picture, size, numbers)
        return moved

    def altered(
        self, moved: NDArray[np.uint8], drawn: Drawn, rows: slice = slice(None)
    ) -> NDArray[np.uint8]:
        """The second part of `apply`: policy, colours and corruptions; `moved` stays as it is."""
        views = moved
        if drawn.policy is not None:
            steps = drawn.policy[rows]
            views = np.stack([policies.apply(*one) for one in zip(views, steps, strict=True)])
        if self._recolours or self.hue:
            views = self._recolour(views, drawn, rows)
        if drawn.corruptions is not None:
            chosen = drawn.corruptions[rows]
            views = np.stack(
                [random_corruptions.apply(*one) for one in zip(views, chosen, strict=True)]
            )
        return views

    def _warp(
        self, picture: NDArray[np.uint8], size: int, numbers: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        """Rotate, zoom, stretch, shift and mirror in one interpolation."""
        height, width = picture.shape[:2]

        def within(strength: float, number: float) -> float:
            return -strength + 2 * strength * number

        angle = np.deg2rad(within(self.rotation, numbers[0]))
        scale = np.exp(within(self.zoom, numbers[1]))
        stretch = np.exp(within(self.aspect, numbers[2]) / 2)
        mirror = np.where(numbers[3:5] < self.flip, -1.0, 1.0)
        shift = np.array([within(self.shift, n) for n in numbers[5:7]]) * size
        cos, sin = np.cos(angle), np.sin(angle)
        rotation = np.array([[cos, -sin], [sin, cos]])
        # Stretched after the rotation as users' pictures are: their own axes are the square's.
        linear = np.diag([scale * stretch, scale / stretch]) @ rotation @ np.diag(mirror)
        linear = linear @ np.diag([size / width, size / height])
        centre = np.array([width - 1, height - 1]) / 2
        offset = (size - 1) / 2 + shift - linear @ centre
        warped = cv2.warpAffine(
            picture,
            np.column_stack([linear, offset]),
            (size, size),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return np.asarray(warped, np.uint8)

    def _recolour(
        self, pictures: NDArray[np.uint8], drawn: Drawn, rows: slice
    ) -> NDArray[np.uint8]:
        """Change exposure, contrast, saturation, hue and colour cast of (N, H, W, 3) uint8."""
        changes = {name: numbers[rows] for name, numbers in drawn.colour.items()}
        turns = None if drawn.hue is None else 2 * np.pi * self.hue * drawn.hue[rows]
        changed = np.empty_like(pictures)
        for i, picture in enumerate(pictures):
            factors = {name: numbers[i, 0, 0] for name, numbers in changes.items()}
            turn = None if turns is None else float(turns[i])
            changed[i] = _recoloured(picture, factors, turn)
        return changed


def _recoloured(
    picture: NDArray[np.uint8], factors: dict[str, NDArray[np.float64]], turn: float | None
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 with other colours: a table for the exponent, a matrix for all the rest.

    In 16 bits, so that one rounding is seen, the last; OpenCV's routines release the lock of the
    interpreter and cut off what leaves the range.
    """
    exponent = np.exp(factors["gamma"][0])
    table = np.rint(FULL * (np.arange(256) / 255) ** exponent).astype(np.uint16)
    values = cv2.LUT(picture, table)
    if turn is not None:
        cos, sin = np.cos(turn), np.sin(turn)
        rotation = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
        values = cv2.transform(values, np.linalg.inv(RGB_TO_YIQ) @ rotation @ RGB_TO_YIQ)
    mean = np.mean(cv2.mean(values)[:3])
    saturation, contrast = factors["saturation"][0], factors["contrast"][0]
    gains = factors["brightness"] * factors["cast"]
    mixing = saturation * np.eye(3) + (1 - saturation) / 3
    linear = gains[:, None] * contrast * mixing
    offset = gains * (1 - contrast) * mean
    values = cv2.transform(values, np.column_stack([linear, offset]))
    return np.asarray(cv2.convertScaleAbs(values, alpha=255 / FULL), np.uint8)
