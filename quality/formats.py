"""Which format some bytes are, told from the bytes themselves."""

ACCEPTED = "JPEG, PNG, WebP, TIFF or BMP"

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WebP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"BM", "BMP"),
)

_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypheix", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftyp", "a video or HEIF file"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (128, b"DICM", "a DICOM file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"PK\x03\x04", "a ZIP archive or office document"),
    (0, b"\x1f\x8b", "a gzip archive"),
)


def sniff(data: bytes) -> str | None:
    """Name of the accepted format that `data` begins as, or None where it is none of them."""
    for start, signature, name in _SIGNATURES:
        if data[start : start + len(signature)] == signature and (
            name != "WebP" or data[:4] == b"RIFF"
        ):
            return name
    return None


def describe(data: bytes) -> str:
    """What `data`, of no accepted format, seems to be; for the error sentence."""
    for start, signature, name in _OTHERS:
        if data[start : start + len(signature)] == signature:
            return name
    head = data[:512]
    try:
        text = head.decode("utf-8", errors="strict" if len(data) <= 512 else "ignore")
    except UnicodeDecodeError:
        return "of an unknown kind"
    if text and all(c.isprintable() or c in "\t\r\n\ufeff" for c in text):
        return "a text file"
    return "of an unknown kind"
