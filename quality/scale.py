"""The scale of a picture, as its file says."""

import io

from PIL import Image

MM_PER_INCH = 25.4
# A dermatoscope shows some 10 to 40 mm on 400 to 10,000 pixels. What lies outside (72 or 300 pixels
# per inch, say) is for a printer or a screen.
LEAST, MOST = 20.0, 1000.0


def pixels_per_mm(data: bytes) -> float | None:
    """Pixels of a millimetre, from the resolution that a file states; None where it makes no sense.

    Nothing is raised, whatever the bytes.

    Examples:
        >>> pixels_per_mm(b"no picture") is None
        True
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            across, down = (float(value) / MM_PER_INCH for value in image.info["dpi"])
    except Exception:  # readers of formats raise a dozen kinds, and the picture is one without
        return None
    even = abs(across - down) <= 0.01 * across
    return round(across, 2) if even and LEAST <= across <= MOST else None
