"""Bytes to an 8-bit RGB array: the one way in for every picture."""

import io
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from quality.colour import to_srgb
from quality.deep import deep_colour, is_deep
from quality.errors import (
    CorruptImageError,
    EmptyImageError,
    ImageError,
    ImageTooLargeError,
    UnsupportedFormatError,
)
from quality.formats import (
    ACCEPTED,
    SanitisedImage,
    SeveralPicturesError,
    UnsupportedVariantError,
    describe,
    jpeg,
    sanitise,
    sniff,
)
from quality.formats.ifd import exif_orientation
from quality.limits import DEFAULT_LIMITS, Limits
from quality.orientation import upright
from quality.pixels import to_rgb

# The classes themselves instead of `PIL.Image.open`: that one tries formats beyond the accepted
# ones and warns about large pictures by a setting that the whole process shares.
_OPENERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}


NO_END = "The JPEG file lacks the mark of its end; all of its picture was there."
"""A note: cards that are pulled out too early leave such files."""


@dataclass(frozen=True)
class Decoded:
    """A picture, and what to bear in mind about it.

    `image`: uint8 (H, W, 3), sRGB, C-contiguous, writable.
    `notes`: sentences for people, about the file and not about what it shows: that its colour
    profile is damaged and was ignored, for instance. They hold no text of the file.
    """

    image: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """The picture alone of `decode_with_notes`, for those who show no notes.

    Examples:
        >>> file = io.BytesIO()
        >>> Image.new("RGBA", (4, 3), (200, 100, 50, 51)).save(file, "PNG")
        >>> image = decode(file.getvalue())
        >>> image.shape, image.dtype, image[0, 0].tolist()
        ((3, 4, 3), dtype('uint8'), [244, 224, 214])
    """
    return decode_with_notes(data, limits).image


def decode_with_notes(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Decoded:
    """Decode one picture to 8-bit sRGB, with notes about the file.

    The format is told from the content. EXIF orientation is applied, transparency is laid over
    white, 16-bit samples are scaled to 8, palettes, grey and CMYK become RGB, and the colours of an
    embedded RGB profile become sRGB. Gamma chunks are ignored. Where nothing is said, numbers are
    taken as sRGB, which is what dermatoscope cameras write.

    Raises EmptyImageError for no bytes, ImageTooLargeError beyond `limits`,
    UnsupportedFormatError for other formats, variants that cannot be judged (floating-point
    samples) and files with several pictures, CorruptImageError for damaged or incomplete files;
    nothing else, whatever the bytes. Nothing is written to disk. Threads may share it.

    Examples:
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (4, 3)).save(file, "PNG", icc_profile=b"no profile")
        >>> decode_with_notes(file.getvalue()).notes
        ("The file's colour profile is damaged and was ignored; the colours were taken as sRGB.",)
        >>> decode_with_notes(b"not a picture")
        Traceback (most recent call last):
        quality.errors.UnsupportedFormatError: The file is a text file; JPEG, PNG, WebP, TIFF or \
BMP is accepted.
    """
    if not data:
        raise EmptyImageError(f"The file is empty (0 bytes); a {ACCEPTED} picture is accepted.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(too_many_bytes(len(data), limits))
    kind = sniff(data)
    if kind is None:
        raise UnsupportedFormatError(f"The file is {describe(data)}; {ACCEPTED} is accepted.")
    try:
        return _decode(kind, data, limits)
    except ImageError:
        raise
    except SeveralPicturesError:
        raise UnsupportedFormatError(
            f"The {kind} file holds several pictures (an animation or pages); "
            "a file with one picture is accepted."
        ) from None
    except UnsupportedVariantError as variant:
        raise UnsupportedFormatError(
            f"The {kind} file has {variant}; an ordinary {ACCEPTED} file of 8 or 16 bits per "
            "sample, as cameras write, is accepted."
        ) from None
    except Image.DecompressionBombError:
        # Of a WebP file, whose canvas Pillow would make on opening it, before its size is known.
        raise ImageTooLargeError(
            f"The {kind} picture has more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} "
            f"megapixels; at most {limits.max_pixels / 1e6:g} megapixels are accepted."
        ) from None
    except MemoryError:
        raise ImageTooLargeError(
            f"The {kind} picture needs more memory than there is; a smaller one is accepted."
        ) from None
    except Exception as error:
        # Decoders raise a dozen kinds for bytes that they did not expect.
        raise CorruptImageError(
            f"The {kind} file is damaged, incomplete or of an unusual variant and cannot be "
            f"decoded; a whole {ACCEPTED} file is accepted."
        ) from error


def too_many_bytes(count: int, limits: Limits) -> str:
    """The sentence for a file of `count` bytes where fewer are accepted."""
    return (
        f"The file has {count:,} bytes; "
        f"at most {limits.max_bytes:,} ({limits.max_bytes / 2**20:g} MiB) are accepted."
    )


def _decode(kind: str, data: bytes, limits: Limits) -> Decoded:
    image = sanitise(kind, data)
    if image.size:
        _require_size(image.size, limits)
        _require_cost(image, limits)
    if image.ended:
        return _draw(kind, image, limits)
    ended, otherwise = (_draw(kind, replace(image, data=d), limits) for d in jpeg.tails(image.data))
    if not np.array_equal(ended.image, otherwise.image):
        raise CorruptImageError(
            f"The {kind} file ends before its picture does; a whole {ACCEPTED} file is accepted."
        )
    return Decoded(ended.image, (*ended.notes, NO_END))


def _draw(kind: str, image: SanitisedImage, limits: Limits) -> Decoded:
    with _OPENERS[kind](io.BytesIO(image.data)) as im:
        _require_size(im.size, limits)
        if getattr(im, "n_frames", 1) > 1:
            raise SeveralPicturesError
        if is_deep(im):
            rgb = deep_colour(lambda: _OPENERS[kind](io.BytesIO(image.data)))
        else:
            im.load()
            rgb = to_rgb(im, image)
        orientation = image.orientation or exif_orientation(im.info.get("exif", b""))
        profile = image.profile if image.size else im.info.get("icc_profile")
        note = to_srgb(rgb, profile, coloured=im.mode != "CMYK")
    return Decoded(upright(rgb, orientation), (note,) if note else ())


def _require_size(size: tuple[int, int], limits: Limits) -> None:
    """Raise ImageTooLargeError for too many pixels, CorruptImageError for none."""
    width, height = size
    if width < 1 or height < 1:
        raise CorruptImageError(
            f"The picture is {width} x {height} pixels; at least one pixel is needed."
        )
    if max(size) > limits.max_side:
        raise ImageTooLargeError(
            f"The picture has {width} x {height} pixels; "
            f"at most {limits.max_side:,} on each side are accepted."
        )
    if width * height > limits.max_pixels:
        raise ImageTooLargeError(
            f"The picture has {width} x {height} pixels ({width * height / 1e6:.1f} megapixels); "
            f"at most {limits.max_pixels / 1e6:g} megapixels are accepted."
        )


def _require_cost(image: SanitisedImage, limits: Limits) -> None:
    """Raise ImageTooLargeError where a file costs more than its size in pixels tells."""
    if image.coded > limits.max_decoded_bytes:
        raise ImageTooLargeError(
            f"The picture unfolds to {image.coded / 1e6:,.0f} million bytes, by its samples and "
            f"tiles; at most {limits.max_decoded_bytes / 1e6:g} million are accepted."
        )
    if image.scanned > limits.max_scanned_samples:
        raise ImageTooLargeError(
            f"The picture's scans go through {image.scanned / 1e6:,.0f} million samples; "
            f"at most {limits.max_scanned_samples / 1e6:g} million are accepted."
        )
