"""Colour profiles for tests, made from the one of sRGB that LittleCMS makes."""

import struct

import numpy as np
from PIL import ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

# Columns: red, green, blue in XYZ under D50 (Display P3, from its primaries and white point).
P3_TO_XYZ = np.array([
    [0.51512, 0.29198, 0.15710],
    [0.24120, 0.69225, 0.06657],
    [-0.00105, 0.04189, 0.78407],
])  # fmt: skip
SRGB_TO_XYZ = np.array([
    [0.43607, 0.38515, 0.14307],
    [0.22249, 0.71687, 0.06061],
    [0.01392, 0.09708, 0.71410],
])  # fmt: skip


def tag(profile: bytes, name: bytes) -> tuple[int, int]:
    """Where a tag's values stand, and how many bytes they have."""
    table = profile[132:]
    for place in range(0, 12 * struct.unpack_from(">I", profile, 128)[0], 12):
        if table[place : place + 4] == name:
            start, size = struct.unpack_from(">II", table, place + 4)
            return int(start), int(size)
    raise KeyError(name)


def of_primaries(to_xyz: np.ndarray) -> bytes:
    """The curve of sRGB, and these primaries."""
    profile = bytearray(SRGB)
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), to_xyz.T, strict=True):
        struct.pack_into(
            ">3i", profile, tag(profile, name)[0] + 8, *np.round(column * 65536).astype(int)
        )
    return bytes(profile)


def of_space(space: bytes) -> bytes:
    """A profile that says it is for other samples, `GRAY` or `CMYK`."""
    return SRGB[:16] + space + SRGB[20:]


DISPLAY_P3 = of_primaries(P3_TO_XYZ)


def to_srgb(pixels: np.ndarray) -> np.ndarray:
    """Display P3 to sRGB by the formulas, unrounded (IEC 61966-2-1)."""
    encoded = pixels / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    matrix = np.linalg.inv(SRGB_TO_XYZ) @ P3_TO_XYZ
    light = np.clip(linear @ matrix.T, 0, 1)
    return 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
