"""A lesion in a picture: its outline, its area and colour, and two pictures laid onto each other.

Everything here is approximate, and where it is not to be trusted there is a sentence instead.
"""

from quality.lesion.change import Change, change
from quality.lesion.measure import Measurement, colour_apart, measure
from quality.lesion.outline import NoOutline, Outline, find_outline
from quality.lesion.registration import NotRegistered, Registration, register, warp

__all__ = [
    "Change",
    "Measurement",
    "NoOutline",
    "NotRegistered",
    "Outline",
    "Registration",
    "change",
    "colour_apart",
    "find_outline",
    "measure",
    "register",
    "warp",
]
