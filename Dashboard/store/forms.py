"""What may be said of what is kept, and which of it is meant: for the pages and for the API."""

import dataclasses
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from Dashboard.store.filters import Filters, Order
from Dashboard.store.schema import NAME_CHARACTERS, NOTE_CHARACTERS
from Dashboard.web.sentences import validated

Verdict = Literal["retake", "consultation", "no_appointment", "none"]
MOMENT = r"^(19|20|21)\d\d-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?$"
OFFSET = re.compile(r"(Z|[+-]\d\d:\d\d)$")
MOST_LISTED = 500
MOST_CHANGED = 5000
FILTERS = tuple(field.name for field in dataclasses.fields(Filters))
# Databases take no NUL, and a name is one line.
Name = Annotated[
    str, Field(min_length=1, max_length=NAME_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Note = Annotated[str, Field(max_length=NOTE_CHARACTERS, pattern=r"^[^\x00]*$")]
# What each field of `Words` accepts, as a refusal says it.
ACCEPTED = {
    "clinician_verdict": "one of retake, consultation, no_appointment, or null",
    "note": f"a text of at most {NOTE_CHARACTERS} characters",
    "flag": "true or false",
    "pixels_per_mm": "a number above 0 and at most 10,000, or null",
    "taken": "a date or a time such as 2026-11-27 or 2026-11-27T09:30+01:00, or null",
    "lesion": "an object with the name of a lesion, or null",
    "lesion.name": "at most 64 characters in one line",
    "lesion.body_site": "at most 64 characters in one line, or null",
    "lesion.age_band": "one of 0-9, 10-19 and so on to 70-79, 80+, or null",
    "lesion.sex": "one of female, male, other, or null",
    "lesion.histology": "at most 64 characters in one line, or null",
}


def _moment(text: object) -> datetime:
    if not isinstance(text, str) or not re.match(MOMENT, text):
        raise ValueError("not a date")
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "pattern": MOMENT})
]


def _taken(text: object) -> datetime | None:
    if text is None:
        return None
    moment = _moment(text)
    return moment if OFFSET.search(str(text)) else moment.replace(tzinfo=None)


Taken = Annotated[
    datetime | None,
    BeforeValidator(_taken),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": MOMENT}, {"type": "null"}]}),
]


class Listing(BaseModel):
    """Which assessments are meant, and how many of them."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict | None = Field(None, description="Those of this verdict.")
    code: Name | None = Field(None, description="Those of this predicted class, by its code.")
    lesion: Name | None = Field(None, description="Those of this lesion.")
    since: Moment | None = Field(None, description="From this date or time on, UTC unless said.")
    until: Moment | None = Field(None, description="Before this date or time.")
    text: Name | None = Field(None, description="Part of the file's name, in any case.")
    certainty: Literal["clear", "uncertain"] | None = Field(None, description="As answered.")
    quality: Literal["accept", "reject"] | None = Field(None, description="The gate's verdict.")
    model: Name | None = Field(None, description="Those of this model.")
    flag: bool | None = Field(None, description="With the clinician's flag, or without.")
    clinician_verdict: Literal["retake", "consultation", "no_appointment", "open"] | None = Field(
        None, description="The clinician's own; `open`: none was given yet."
    )
    p_malignant_min: float | None = Field(None, ge=0, le=1, description="At least so probable.")
    p_malignant_max: float | None = Field(None, ge=0, le=1, description="At most so probable.")
    batch: Name | None = Field(None, description="Handed in together under this name.")
    sort: Order = Field(
        "newest", description="`urgent`: by verdict, then by malignant probability."
    )
    descending: bool | None = Field(
        None, description="Left out: the newest, most urgent, most probable first, texts from A."
    )
    start: int | None = Field(
        None, ge=0, le=10**9, description="Number of the first one, from 0; instead of `after`."
    )
    after: str | None = Field(
        None, max_length=64, description="`next` of the answer before, to go on from there."
    )
    format: Literal["json", "csv"] = Field(
        "json", description="`csv`: the whole list as a table, whatever `limit` and `after` say."
    )
    limit: int = Field(100, ge=1, le=MOST_LISTED, description="How many at most.")

    def filters(self) -> Filters:
        """What the list is narrowed to."""
        return Filters(**{name: getattr(self, name) for name in FILTERS if hasattr(self, name)})


class LesionFields(BaseModel):
    """A lesion, by a pseudonym: never the patient's name."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    body_site: Name | None = None
    age_band: (
        Literal["0-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80+"] | None
    ) = None
    sex: Literal["female", "male", "other"] | None = None
    histology: Name | None = Field(None, description="What the pathologist found.")


class Words(BaseModel):
    """What a clinician says of an assessment."""

    model_config = ConfigDict(extra="forbid")

    clinician_verdict: Literal["retake", "consultation", "no_appointment"] | None = None
    note: Note = ""
    flag: bool = False
    pixels_per_mm: float | None = Field(
        None, gt=0, le=10_000, description="The picture's scale, at first as its file says."
    )
    taken: Taken = Field(
        None,
        description="When the picture was taken, ISO 8601, with its offset from UTC where that is "
        "known; at first as the file says.",
    )
    lesion: LesionFields | None = Field(
        None, description="Found by its name or made; fields that are left out stay as they are."
    )


class ManyWords(Words):
    """What a clinician says of several, and whether they leave the lists."""

    ids: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=MOST_CHANGED)
    removed: bool | None = Field(
        None,
        description="`true`: out of the lists, and deleted half a minute later; `false`: back.",
    )


class Again(BaseModel):
    """How a kept picture is assessed once more."""

    model_config = ConfigDict(extra="forbid")

    gate: bool = Field(True, description="`false`: in spite of its quality.")
    model: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        None, description="Another checkpoint, by its name."
    )


def fields_of(model: type[BaseModel]) -> list[str]:
    """The fields of a form, `lesion.name` within one among them."""
    inside = LesionFields.model_fields if issubclass(model, Words) else ()
    return [*model.model_fields, *(f"lesion.{name}" for name in inside)]


def said(body: bytes) -> dict[str, Any]:
    """The fields that `Words` in JSON set, and no others.

    Raises:
        InputError: 400.
    """
    words = validated(Words, body, ACCEPTED, fields_of(Words))
    return words.model_dump(exclude_unset=True)
