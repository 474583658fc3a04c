"""How large a picture may be before it is refused."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Upper limits of one picture; both are checked before any pixel is decoded.

    `max_bytes`: size of the encoded file (default 15 MiB).
    `max_pixels`: width times height as the file's header states them (default 50 megapixels).
    Beyond 89 megapixels Pillow warns about TIFF files.
    """

    max_bytes: int = 15 * 2**20
    max_pixels: int = 50_000_000

    def __post_init__(self) -> None:
        """Refuse limits that no picture can meet."""
        for name, value in (("max_bytes", self.max_bytes), ("max_pixels", self.max_pixels)):
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")


DEFAULT_LIMITS = Limits()
