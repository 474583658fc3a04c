"""Bytes to an 8-bit RGB array: the one way in for every picture."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from quality.errors import (
    CorruptImageError,
    EmptyImageError,
    ImageError,
    ImageTooLargeError,
    UnsupportedFormatError,
)
from quality.formats import ACCEPTED, describe, sniff
from quality.limits import Limits

_OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}


def decode(data: bytes, limits: Limits = Limits()) -> NDArray[np.uint8]:  # noqa: B008
    """Decode one picture to RGB: uint8 (H, W, 3), C-contiguous, orientation applied.

    Raises a subclass of ImageError for anything that is not one usable picture.
    """
    if not data:
        raise EmptyImageError(f"The file is empty (0 bytes); a {ACCEPTED} picture is accepted.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(
            f"The file has {len(data)} bytes; at most {limits.max_bytes} are accepted."
        )
    kind = sniff(data)
    if kind is None:
        raise UnsupportedFormatError(
            f"The file is {describe(data)}, not a picture that can be read; "
            f"{ACCEPTED} is accepted."
        )
    try:
        return _decode(kind, data, limits)
    except ImageError:
        raise
    except Exception as error:
        raise CorruptImageError(
            f"The {kind} picture is damaged or incomplete and cannot be decoded; "
            f"a whole {ACCEPTED} file is accepted."
        ) from error


def _decode(kind: str, data: bytes, limits: Limits) -> NDArray[np.uint8]:
    with _OPENERS[kind](io.BytesIO(data)) as im:
        width, height = im.size
        if width * height > limits.max_pixels:
            raise ImageTooLargeError(
                f"The picture has {width} x {height} pixels; "
                f"at most {limits.max_pixels} pixels are accepted."
            )
        if getattr(im, "n_frames", 1) > 1:
            raise UnsupportedFormatError(
                f"The {kind} file holds several pictures (animated or multi-page); "
                "a file with one picture is accepted."
            )
        im.load()
        flat = ImageOps.exif_transpose(im)
        return np.ascontiguousarray(_to_rgb(flat), dtype=np.uint8)


def _to_rgb(im: Image.Image) -> NDArray[np.uint8]:
    if im.mode.startswith("I;16") or im.mode == "I":
        values = np.asarray(im).astype(np.uint32)
        grey = ((values + 128) // 257).clip(0, 255).astype(np.uint8)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    if im.has_transparency_data:
        rgba = im.convert("RGBA")
        white = Image.new("RGB", im.size, (255, 255, 255))
        white.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
        return np.asarray(white)
    return np.asarray(im.convert("RGB"))
