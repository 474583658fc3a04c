"""What is wrong with a request, in one sentence that repeats no long value of it."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from Dashboard.web.errors import InputError, describe, kind_of

Model = TypeVar("Model", bound=BaseModel)


def require_once(fields: MultiDict[str, str]) -> None:
    """Refuse a field that came several times.

    Raises:
        InputError: 400.
    """
    for name, values in fields.lists():
        if len(values) > 1:
            raise InputError(f"{describe(name)} came {len(values)} times; send it once")


def validated(
    model: type[Model],
    body: bytes | dict[str, str],
    accepted: Mapping[str, str],
    known: Sequence[str],
) -> Model:
    """`body` as a `model`: JSON strictly typed, a form's texts converted.

    accepted, known: as of `sentence`.

    Raises:
        InputError: 400.
    """
    try:
        if isinstance(body, bytes):
            return model.model_validate_json(body, strict=True)
        return model.model_validate(body)
    except ValidationError as error:
        raise InputError(sentence(error, accepted, known)) from None


def sentence(error: ValidationError, accepted: Mapping[str, str], known: Sequence[str]) -> str:
    """The first thing that is wrong, in one sentence: the field, what came, what is accepted.

    accepted: what is, by the names of fields, or of a model and its field, in the order in which
        they are named.
    known: the fields that there are.
    """
    first = error.errors(include_url=False)[0]
    kind = first["type"]
    if kind == "json_invalid":
        return f"the body is not valid JSON: {first.get('ctx', {}).get('error', 'unreadable')}"
    if not first["loc"]:
        return f"the body must be a JSON object, got {describe(first['input'])}"
    field = ".".join(map(str, first["loc"]))
    if kind == "extra_forbidden":
        fields = ", ".join(name for name in accepted if name in known)
        return f"there is no field {describe(field)}; the fields are {fields}"
    field = re.sub(r"^ids\.\d+$", "ids", field)
    wanted = accepted.get(f"{error.title}.{field}") or accepted[field]
    if kind == "missing":
        return f"{field} is missing; it must be {wanted}"
    came = first["input"]
    shown = describe(came)
    if field == "image":
        shown = "an empty string" if came == "" else kind_of(came)
    return f"{field} must be {wanted}, got {shown}"
