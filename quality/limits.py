"""How large a picture may be, and how intricate its file, before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper limits of one picture; both are checked before any pixel is decoded.

    `max_bytes`: size of the encoded file (default 15 MiB).
    `max_pixels`: width times height as the file's header states them (default 50 megapixels).
    Beyond 89 megapixels Pillow warns about TIFF files.

    Raises ValueError for a limit below 1.

    Examples:
        >>> Limits(max_pixels=12_000_000)
        Limits(max_bytes=15728640, max_pixels=12000000)
    """

    max_bytes: int = 15 * 2**20
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        """Refuse limits that no picture can meet."""
        for name, value in (("max_bytes", self.max_bytes), ("max_pixels", self.max_pixels)):
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")


DEFAULT_LIMITS = Limits()

MAX_PARTS = 65_536
"""Most segments (JPEG), chunks (PNG), strips or tiles (TIFF) of one file.

A file of 15 MB made of empty parts holds a million of them, seconds of work for every reader that
steps through. Photographs hold some dozens to a few thousand.
"""

MAX_SCANS = 100
"""Most scans of a progressive JPEG file; encoders make about ten.

Each scan costs a pass over the whole picture and may take only some bytes: without a limit, a
small file keeps a processor busy for minutes.
"""

MAX_TILE_PIXELS = 2**26
"""Most pixels of one TIFF tile: libtiff takes memory for a whole one, however small the picture."""

MAX_RUN_LENGTH_PIXELS = 2**22
"""Most pixels of a run-length coded BMP file: Pillow decodes those in Python, pixel by pixel."""

MAX_PROFILE_BYTES = 4 * 2**20
"""Most bytes of a colour profile, inflated; those of cameras have 500 to 600, of scanners 1 MB."""
