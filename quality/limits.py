"""How large a picture may be, and how intricate its file, before it is refused."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Limits:
    """Upper limits of one picture; all are checked before any pixel is decoded.

    `max_bytes`: size of the encoded file (default 15 MiB).
    `max_pixels`: width times height as the file's header states them (default 50 megapixels).
    Beyond 89 megapixels Pillow warns about TIFF files.
    `max_side`: width or height (default 30,000 pixels): libraries keep something for each row.

    Raises ValueError for a limit below 1.

    Examples:
        >>> Limits(max_pixels=12_000_000).max_decoded_bytes
        48000000
    """

    max_bytes: int = 15 * 2**20
    max_pixels: int = 50_000_000
    max_side: int = 30_000

    @property
    def max_decoded_bytes(self) -> int:
        """Most bytes that the file's samples may unfold to: four for each pixel."""
        return 4 * self.max_pixels

    @property
    def max_scanned_samples(self) -> int:
        """Most samples over all scans of a progressive JPEG file.

        A pass costs a nanosecond for each sample and may take only some bytes of the file.
        Encoders make ten scans: seven passes over each pixel, 14 where colour is not subsampled.
        """
        return 15 * self.max_pixels

    def __post_init__(self) -> None:
        """Refuse limits that no picture can meet."""
        for name, value in asdict(self).items():
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")


DEFAULT_LIMITS = Limits()

MAX_PARTS = 65_536
"""Most segments (JPEG), chunks (PNG), strips or tiles (TIFF) of one file.

A file of 15 MB made of empty parts holds a million of them, seconds of work for every reader that
steps through. Photographs hold some dozens to a few thousand.
"""

MAX_SCANS = 100
"""Most scans of a JPEG file, however small the picture; each has a cost of its own."""

MAX_RUN_LENGTH_PIXELS = 2**22
"""Most pixels of a run-length coded BMP file: Pillow decodes those in Python, pixel by pixel."""

MAX_PROFILE_BYTES = 4 * 2**20
"""Most bytes of a colour profile, inflated; those of cameras have 500 to 600, of scanners 1 MB."""
