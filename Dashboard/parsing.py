"""From the text of a setting to its value, or to a sentence about what is wrong with it."""

import re
from datetime import timedelta

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def shorten(value: str) -> str:
    """A value as an error shows it."""
    return repr(value if len(value) <= 60 else value[:57] + "...")


def duration(name: str, value: str) -> timedelta | None:
    """A length of time such as 12h; None where nothing is said."""
    if not value:
        return None
    found = re.fullmatch(r"(\d{1,5})([mhd])", value)
    if not found or int(found[1]) == 0:
        raise ValueError(
            f"{name} is {shorten(value)}; it must be a whole number above 0 and its unit, "
            "m for minutes, h for hours or d for days: 30m, 12h, 90d"
        )
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def database_url(value: str, data_dir: str) -> str | None:
    """The address of a PostgreSQL, beside which there has to be a folder for files."""
    # The values of addresses are not repeated: such a one may hold a password.
    if value and not re.match(r"postgres(ql)?://\S+$", value):
        raise ValueError("DATABASE_URL must be an address such as postgresql://USER@HOST/NAME")
    if value and not data_dir:
        raise ValueError("DATABASE_URL needs DATA_DIR, the folder of the pictures' files")
    return value or None


def redis_url(value: str) -> str | None:
    """The address of a Redis."""
    if value and not re.match(r"rediss?://\S+$|unix://\S+$", value):
        # The value is not repeated: such an address may hold a password.
        raise ValueError("REDIS_URL must be an address such as redis://HOST:6379/0")
    return value or None
