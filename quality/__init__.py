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
from quality.files import read, read_bytes, read_with_notes, why_unread
from quality.gate import (
    DEFAULT_GATE,
    GATES,
    RECOMMENDED_THRESHOLDS,
    Mode,
    QualityReport,
    Thresholds,
    Verdict,
    check,
)
from quality.inputs import IMAGE_SUFFIXES, Inputs, find_inputs
from quality.limits import Limits
from quality.sharpness import laplacian_variance, laplacian_variance_normalised
from quality.taken import taken

__all__ = [
    "DEFAULT_GATE",
    "GATES",
    "IMAGE_SUFFIXES",
    "RECOMMENDED_THRESHOLDS",
    "CorruptImageError",
    "Decoded",
    "EmptyImageError",
    "ImageError",
    "ImageTooLargeError",
    "Inputs",
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
    "find_inputs",
    "gamma",
    "laplacian_variance",
    "laplacian_variance_normalised",
    "read",
    "read_bytes",
    "read_with_notes",
    "taken",
    "why_unread",
]
