"""Names of files, for people: any terminal shows them, and none deceives."""

import unicodedata
from pathlib import Path

# They turn the direction of text: a name that holds one reads as another.
TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(name: str | Path) -> str:
    r"""A file's name on one line: escapes for bytes that are no UTF-8 and for what is no letter.

    So no name forges a line, moves the cursor or reads backwards.

    Examples:
        >>> printable("a\nb\x1b[2J \u202egpj.é"), printable("caf\udce9.png")
        ('a\\nb\\x1b[2J \\u202egpj.é', 'caf\\xe9.png')
    """
    text = str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in ("Cc", "Zl", "Zp") or letter in TURNING
        else letter
        for letter in text
    )
