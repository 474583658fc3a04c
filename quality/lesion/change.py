"""What changed of a lesion from one picture to another, measured in the second one's frame."""

from dataclasses import dataclass

from quality.lesion.measure import Measurement, colour_apart
from quality.lesion.registration import Registration


@dataclass(frozen=True)
class Change:
    """From one picture of a lesion to another.

    area: of the second by the first, less 1 (0.2: a fifth larger), both at the scale of the second;
        None without two outlines and a registration.
    colour: how far the mean colours are apart, CIEDE2000, in one light; None without two outlines.
    """

    area: float | None
    colour: float | None


def change(
    first: Measurement,
    second: Measurement,
    pixels: tuple[int, int],
    registration: Registration | None,
) -> Change:
    """What changed; `pixels`: how many each picture has.

    Examples:
        >>> one, other = Measurement(area=0.1), Measurement(area=0.3)
        >>> matrix = ((1.5, 0, 0), (0, 1.5, 0))
        >>> twice = Registration(matrix, 1.5, 0, points=40, by="skin", correlation=0.9)
        >>> change(one, other, (60_000, 60_000), twice)
        Change(area=0.3333, colour=None)
        >>> change(one, other, (60_000, 60_000), None).area is None
        True
    """
    area = None
    if first.area and second.area and registration is not None:
        before = first.area * pixels[0] * registration.scale**2
        area = round(second.area * pixels[1] / before - 1, 4)
    return Change(area, colour_apart(first, second))
