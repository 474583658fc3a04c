"""Requests that cannot be answered: one error, one sentence, and how it names values."""

import json
from typing import Any

SHOWN_CHARACTERS = 40


class InputError(ValueError):
    """A request that is not as the API's description says; `status` is the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def describe(value: Any) -> str:
    """A value in a few characters: short ones as they are, others by their kind."""
    if isinstance(value, str):
        short = value[:SHOWN_CHARACTERS]
        return repr(short) if len(short) == len(value) else f"{short!r}..."
    if value is None or isinstance(value, bool | int | float):
        text = json.dumps(value)
        return text if len(text) <= SHOWN_CHARACTERS else "a long number"
    return kind_of(value)


def kind_of(value: Any) -> str:
    """What a value of JSON is, in the words of JSON."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds: dict[type, str] = {str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")
