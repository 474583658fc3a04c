"""How far two colours are apart, and a colour as another light shows it.

Tested against scikit-image, but not by it: the web processes would load SciPy for two formulas.
"""

from math import atan2, cos, degrees, exp, hypot, radians, sin

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
_BEND = 6 / 29  # of the cube root in CIELAB


def ciede2000(first: Colour, second: Colour) -> float:
    """The colour difference CIEDE2000 of two CIELAB colours (ISO/CIE 11664-6).

    Written after Sharma, Wu and Dalal, Color Research & Application 30 (2005), 21-30.

    Examples:
        >>> round(ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)), 4)
        2.0425
    """
    chroma = (hypot(*first[1:]) + hypot(*second[1:])) / 2
    stretch = 1.5 - 0.5 * (chroma**7 / (chroma**7 + 25.0**7)) ** 0.5
    (c1, h1), (c2, h2) = (_polar(stretch * one[1], one[2]) for one in (first, second))
    grey = c1 * c2 == 0
    turn = 0.0 if grey else (h2 - h1 + 180) % 360 - 180
    mean_l, mean_c = (first[0] + second[0]) / 2, (c1 + c2) / 2
    mean_h = h1 + h2 if grey else (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * cos(radians(mean_h - 30))
        + 0.24 * cos(radians(2 * mean_h))
        + 0.32 * cos(radians(3 * mean_h + 6))
        - 0.20 * cos(radians(4 * mean_h - 63))
    )
    far = (mean_l - 50) ** 2
    light = (second[0] - first[0]) / (1 + 0.015 * far / (20 + far) ** 0.5)
    strong = (c2 - c1) / (1 + 0.045 * mean_c)
    hue = 2 * (c1 * c2) ** 0.5 * sin(radians(turn / 2)) / (1 + 0.015 * mean_c * t)
    pull = 2 * (mean_c**7 / (mean_c**7 + 25.0**7)) ** 0.5
    turned = sin(radians(60 * exp(-(((mean_h - 275) / 25) ** 2))))
    total = light**2 + strong**2 + hue**2 - pull * turned * strong * hue
    return float(max(total, 0.0) ** 0.5)


def in_light(colour: Colour, white: Colour, other: Colour) -> Colour:
    """A CIELAB colour that was seen where something looked `white`, as where that looks `other`.

    Von Kries' rule, in XYZ: each of the three is multiplied by what the light did to the other.

    Examples:
        >>> [round(value, 6) for value in in_light((40, 9, 9), (70, 5, 5), (70, 5, 5))]
        [40.0, 9.0, 9.0]
    """
    gain = np.maximum(_xyz(other), 1e-4) / np.maximum(_xyz(white), 1e-4)
    scaled = _xyz(colour) * gain
    x, y, z = np.where(
        scaled > _BEND**3, np.cbrt(scaled), scaled / (3 * _BEND**2) + 4 / 29
    )  # fmt: skip
    return float(116 * y - 16), float(500 * (x - y)), float(200 * (y - z))


def _xyz(colour: Colour) -> NDArray[np.float64]:
    """X, Y and Z by those of the white point."""
    lightness, red, yellow = colour
    y = (lightness + 16) / 116
    bent = np.array([y + red / 500, y, y - yellow / 200])
    return np.asarray(np.where(bent > _BEND, bent**3, 3 * _BEND**2 * (bent - 4 / 29)))


def _polar(red: float, yellow: float) -> tuple[float, float]:
    """Chroma and hue, in degrees from 0 to 360."""
    return hypot(red, yellow), degrees(atan2(yellow, red)) % 360
