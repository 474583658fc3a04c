"""What is wrong with a request, in one sentence that repeats no long value of it."""

import re
from collections.abc import Sequence
from typing import NoReturn, get_args

from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from Dashboard.api.assessment_schemas import (
    MOST_CHANGED,
    MOST_LISTED,
    LesionFields,
    Listing,
    MapQuery,
    Selection,
    ViewQuery,
    Words,
)
from Dashboard.api.lesion_schemas import Drawn, LesionListing
from Dashboard.api.proven_schemas import MOST_NEAREST, Exported, Nearest
from Dashboard.explain.schemas import ExplainKept, ExplainOptions, ExplanationQuery
from Dashboard.store.filters import Order
from Dashboard.store.schema import NOTE_CHARACTERS
from Dashboard.web.errors import InputError, describe, kind_of
from interpretability.methods import METHODS
from models.registry.taxonomy import HAM10000

ACCEPTED = {
    "image": "the image file in base64, or a data URL of it",
    "gate": "true or false",
    "explain": "true or false",
    "precision": "one of Low, Medium, High",
    "method": f"one of {', '.join(METHODS)}",
    "target": "the code of a class, or malignant",
    "MapQuery.target": f"one of {', '.join(HAM10000.codes)}",
    "model": "the name of a checkpoint from GET /models, at most 128 characters",
    "file": "the file's name",
    "verdict": "one of retake, consultation, no_appointment, none",
    "code": "the code of a class",
    "since": "a date or a time such as 2026-11-27 or 2026-11-27T09:30Z",
    "until": "a date or a time such as 2026-11-27 or 2026-11-27T09:30Z",
    "text": "a part of a file's name, at most 64 characters",
    "format": "json or csv",
    "certainty": "clear or uncertain",
    "quality": "accept or reject",
    "p_malignant_min": "a number from 0 to 1",
    "p_malignant_max": "a number from 0 to 1",
    "batch": "a name of what is handed in together, at most 64 characters in one line",
    "upload": "a name of this upload, at most 64 characters in one line",
    "sort": f"one of {', '.join(get_args(Order))}",
    "descending": "true or false",
    "start": "a whole number from 0 on",
    "after": "the `next` of the answer before",
    "limit": f"a whole number from 1 to {MOST_LISTED}",
    "clinician_verdict": "one of retake, consultation, no_appointment, or null",
    "Listing.clinician_verdict": "one of retake, consultation, no_appointment, open",
    "Again.model": "the name of a checkpoint from GET /models, at most 128 characters",
    "ids": f"a list of 1 to {MOST_CHANGED:,} ids of assessments",
    "removed": "true or false",
    "note": f"a text of at most {NOTE_CHARACTERS} characters",
    "flag": "true or false",
    "pixels_per_mm": "a number above 0 and at most 10,000, or null",
    "taken": "a date or a time such as 2026-11-27 or 2026-11-27T09:30+01:00, or null",
    "name": "the name of a lesion, at most 64 characters in one line",
    "onto": "that of an assessment",
    "outline": "true or false",
    "lesion": "the name of a lesion, at most 64 characters in one line",
    "Words.lesion": "an object with the name of a lesion, or null",
    "ManyWords.lesion": "an object with the name of a lesion, or null",
    "lesion.name": "at most 64 characters in one line",
    "lesion.body_site": "at most 64 characters in one line, or null",
    "lesion.age_band": "one of 0-9, 10-19 and so on to 70-79, 80+, or null",
    "lesion.sex": "one of female, male, other, or null",
    "lesion.histology": "at most 64 characters in one line, or null",
    "id": "that of an assessment",
    "k": f"a whole number from 1 to {MOST_NEAREST}",
    "all": "true or false",
    "row": "that of a picture in the index",
    "key": "that of an explanation",
    "max": "a whole number from 64 to 4096",
    "watched": "true or false",
    "assessment": "the id of an assessment",
}
# The fields of what stands after a question mark, by the names of their models.
IN_ADDRESSES: dict[str, list[str]] = {
    model.__name__: list(model.model_fields)
    for model in (
        Listing,
        Selection,
        MapQuery,
        Drawn,
        ViewQuery,
        LesionListing,
        ExplanationQuery,
        Nearest,
        Exported,
    )
}


def invalid(error: ValidationError) -> NoReturn:
    """Refuse what came in an address, in a sentence.

    Raises:
        InputError: 400.
    """
    raise InputError(sentence(error, IN_ADDRESSES.get(error.title, ()))) from None


def fields_of(model: type[BaseModel]) -> list[str]:
    """What a request may hold: the image, too, where there is one, and `lesion.name` within one."""
    sends = issubclass(model, ExplainOptions) and not issubclass(model, ExplainKept)
    image = ["image"] if sends else []
    inside = (
        [f"lesion.{name}" for name in LesionFields.model_fields] if issubclass(model, Words) else []
    )
    return [*image, *model.model_fields, *inside]


def require_once(fields: MultiDict[str, str]) -> None:
    """Refuse a field that came several times.

    Raises:
        InputError: 400.
    """
    for name, values in fields.lists():
        if len(values) > 1:
            raise InputError(f"{describe(name)} came {len(values)} times; send it once")


def sentence(error: ValidationError, known: Sequence[str]) -> str:
    """The first thing that is wrong, in one sentence: the field, what came, what is accepted.

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
        fields = ", ".join(name for name in ACCEPTED if name in known)
        return f"there is no field {describe(field)}; the fields are {fields}"
    field = re.sub(r"^ids\.\d+$", "ids", field)
    accepted = ACCEPTED.get(f"{error.title}.{field}") or ACCEPTED[field]
    if kind == "missing":
        return f"{field} is missing; it must be {accepted}"
    came = first["input"]
    shown = describe(came)
    if field == "image":
        shown = "an empty string" if came == "" else kind_of(came)
    return f"{field} must be {accepted}, got {shown}"
