"""The gate's sentences: what was measured, what is needed, and what the photographer can do."""

from quality.resolution import WORKING_SIZE

DARK, BRIGHT = 120.0, 235.0
"""Brightness beyond which a pale picture is called too dark or too bright.

Of 5,000 pictures of HAM10000 one in a thousand lies below 120, one in twenty above 235.
"""


def blurred(sharpness: float, threshold: float) -> str:
    """Why a picture of this sharpness is rejected."""
    return (
        f"Sharpness {_below(sharpness, threshold, 1)}: hold the dermatoscope still and flat on the "
        "skin, let it focus before you press, and wipe the lens."
    )


def pale(contrast: float, threshold: float, brightness: float) -> str:
    """Why a picture of this contrast is rejected; `brightness` (0-255) tells which advice fits."""
    if brightness < DARK:
        advice = "the picture is dark, so switch the dermatoscope's light on or raise the exposure"
    elif brightness > BRIGHT:
        advice = "the picture is overexposed, so lower the exposure and avoid glare"
    else:
        advice = "wipe the lens, press out air bubbles and stray light, and expose for the lesion"
    return f"Contrast {_below(contrast, threshold, 2)}: {advice}."


def other_resolution(width: int, height: int, threshold: float, normalised: float | None) -> str:
    """That the sharpness threshold is not meant for a picture of this size.

    `normalised`: sharpness at the working size; None where the picture is smaller than that.
    """
    meant = f"{WORKING_SIZE[0]} x {WORKING_SIZE[1]}"
    known = (
        "a smaller picture does not tell its value at that size"
        if normalised is None
        else f"at that size this picture has {normalised:.1f}"
    )
    return (
        f"The sharpness threshold {threshold:g} is meant for pictures of about {meant} pixels and "
        f"does not carry over to {width} x {height}; {known}."
    )


def _below(value: float, threshold: float, decimals: int) -> str:
    """`7.3 is below 15`, with as many decimals as it takes to see the difference."""
    while float(f"{value:.{decimals}f}") >= threshold and decimals < 17:
        decimals += 1
    return f"{value:.{decimals}f} is below {threshold:g}"
