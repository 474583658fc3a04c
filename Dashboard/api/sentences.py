"""What the fields of requests accept, as a refusal says it."""

from typing import NoReturn, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from Dashboard.api.assessment_schemas import MapQuery, Selection, ViewQuery
from Dashboard.api.lesion_schemas import Drawn, LesionListing
from Dashboard.api.proven_schemas import MOST_NEAREST, Exported, Nearest
from Dashboard.explain.schemas import ExplainKept, ExplainOptions, ExplanationQuery
from Dashboard.store import forms
from Dashboard.store.filters import Order
from Dashboard.store.forms import MOST_CHANGED, MOST_LISTED, Listing
from Dashboard.web import sentences
from Dashboard.web.errors import InputError
from interpretability.methods import METHODS
from models.registry.taxonomy import HAM10000

Model = TypeVar("Model", bound=BaseModel)
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
    "Listing.lesion": "the name of a lesion, at most 64 characters in one line",
    "Listing.clinician_verdict": "one of retake, consultation, no_appointment, open",
    "Again.model": "the name of a checkpoint from GET /models, at most 128 characters",
    "ids": f"a list of 1 to {MOST_CHANGED:,} ids of assessments",
    "removed": "true or false",
    **forms.ACCEPTED,
    "name": "the name of a lesion, at most 64 characters in one line",
    "onto": "that of an assessment",
    "outline": "true or false",
    "Selection.lesion": "the name of a lesion, at most 64 characters in one line",
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
    known = IN_ADDRESSES.get(error.title, ())
    raise InputError(sentences.sentence(error, ACCEPTED, known)) from None


def validated(model: type[Model], body: bytes | dict[str, str]) -> Model:
    """`body` as a `model`: JSON strictly typed, a form's texts converted.

    Raises:
        InputError: 400.
    """
    # A form's image stands beside its model.
    sends = issubclass(model, ExplainOptions) and not issubclass(model, ExplainKept)
    known = [*(["image"] if sends else []), *forms.fields_of(model)]
    return sentences.validated(model, body, ACCEPTED, known)
