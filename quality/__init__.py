"""The way in: decoding pictures, measuring sharpness, contrast and brightness, and the gate."""

from quality.contrast import gamma
from quality.decoding import Decoded, decode, decode_with_notes
from quality.errors import (
    CorruptImageError,
    EmptyImageError,
    ImageError,
    ImageTooLargeError,
    UnsupportedFormatError,
)
from quality.exposure import brightness
from quality.files import IMAGE_SUFFIXES, find_images, find_others, left_out, read, read_with_notes
from quality.gate import (
    GATES,
    RECOMMENDED_THRESHOLDS,
    Mode,
    QualityReport,
    Thresholds,
    Verdict,
    check,
)
from quality.limits import Limits
from quality.sharpness import laplacian_variance, laplacian_variance_normalised

__all__ = [
    "GATES",
    "IMAGE_SUFFIXES",
    "RECOMMENDED_THRESHOLDS",
    "CorruptImageError",
    "Decoded",
    "EmptyImageError",
    "ImageError",
    "ImageTooLargeError",
    "Limits",
    "Mode",
    "QualityReport",
    "Thresholds",
    "UnsupportedFormatError",
    "Verdict",
    "brightness",
    "check",
    "decode",
    "decode_with_notes",
    "find_images",
    "find_others",
    "gamma",
    "laplacian_variance",
    "laplacian_variance_normalised",
    "left_out",
    "read",
    "read_with_notes",
]
