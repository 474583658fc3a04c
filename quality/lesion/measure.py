"""What is measured of a lesion in one picture: how much of the picture it takes, and its colour."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.arrays import RGBImage
from quality.lesion.colour import Colour, ciede2000, in_light
from quality.lesion.outline import Mask, NoOutline, Outline, find_outline

# The skin that a lesion is held against: so far around it, as a share of its diameter.
_GAP, _RING = 0.06, 0.25


@dataclass(frozen=True)
class Measurement:
    """A lesion in one picture, approximately; without an outline only `reason` is said.

    outline: corners, x and y as shares of the picture's width and height.
    area: share of the picture.
    colour, skin: mean CIELAB of the lesion, and of the skin around it.
    spread: of the lesion's colours, the standard deviation of their distance from the mean.
    contrast: between the two means, CIEDE2000.
    """

    reason: str = ""
    outline: tuple[tuple[float, float], ...] = ()
    area: float | None = None
    colour: Colour | None = None
    skin: Colour | None = None
    spread: float | None = None
    contrast: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Everything in plain types that `json.dumps` accepts."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Measurement":
        """From what `to_dict` gave, also after it was JSON."""
        pairs = tuple((float(x), float(y)) for x, y in values["outline"])
        colours = {
            name: values[name] and tuple(map(float, values[name])) for name in ("colour", "skin")
        }
        return cls(**{**values, **colours, "outline": pairs})


def measure(image: RGBImage) -> Measurement:
    """Outline the lesion in `image`, uint8 (H, W, 3), RGB, and measure it.

    Examples:
        >>> skin = np.full((225, 300, 3), (220, 180, 160), np.uint8)
        >>> measure(skin).reason
        'Nothing stands out from the skin clearly enough.'
        >>> found = measure(cv2.circle(skin, (150, 110), 50, (110, 70, 60), -1))
        >>> round(found.area, 2), round(found.contrast), round(found.spread)
        (0.12, 38, 9)
    """
    try:
        found = find_outline(image)
    except NoOutline as refusal:
        return Measurement(reason=str(refusal))
    around = _around(found)
    if not around.any():
        return Measurement(reason="The picture shows no skin around the lesion.")
    inside = found.smooth[found.mask]
    colour, skin = inside.mean(axis=0), found.smooth[around].mean(axis=0)
    return Measurement(
        outline=tuple(found.polygon),
        area=round(float(found.mask.mean()), 5),
        colour=_rounded(colour),
        skin=_rounded(skin),
        spread=round(float(np.sqrt(((inside - colour) ** 2).sum(axis=1).mean())), 2),
        contrast=round(ciede2000(_rounded(colour), _rounded(skin)), 2),
    )


def colour_apart(first: Measurement, second: Measurement) -> float | None:
    """How far a lesion's mean colours are apart in two pictures, CIEDE2000.

    The second is seen in the first one's light, by the skin in both (von Kries, in XYZ). None
    where one has no outline.

    Examples:
        >>> one = Measurement(colour=(40, 15, 15), skin=(70, 12, 15))
        >>> darker = Measurement(colour=(30, 15, 15), skin=(70, 12, 15))
        >>> colour_apart(one, one), round(colour_apart(one, darker), 1)
        (0.0, 8.2)
    """
    if first.colour is None or second.colour is None:
        return None
    assert first.skin is not None
    assert second.skin is not None
    seen = in_light(second.colour, second.skin, first.skin)
    return round(ciede2000(first.colour, seen), 2)


def _around(found: Outline) -> Mask:
    """The ring of skin around a lesion, within the field."""
    diameter = 2 * (float(found.mask.sum()) / np.pi) ** 0.5
    near, far = (
        cv2.dilate(found.mask.astype(np.uint8), _disc(share * diameter)) > 0
        for share in (_GAP, _RING)
    )
    return np.asarray(far & ~near & found.field)


def _disc(radius: float) -> NDArray[np.uint8]:
    size = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _rounded(colour: Any) -> Colour:
    light, red, yellow = (round(float(value), 2) for value in colour)
    return light, red, yellow
