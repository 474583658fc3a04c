"""Typed bodies and answers of `/assessments`; `/openapi.json` is made of them."""

import dataclasses
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, WithJsonSchema

from Dashboard.api.schemas import Answer, PredictBody, PredictForm, PredictOptions, Rejected
from Dashboard.store.filters import Filters, Order
from Dashboard.store.schema import NAME_CHARACTERS, NOTE_CHARACTERS
from models.registry.taxonomy import HAM10000

if TYPE_CHECKING:
    Code = str
else:
    Code = Literal[HAM10000.codes]
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


class KeepOptions(PredictOptions):
    """What a request to assess and keep may say beside its image."""

    file: str | None = Field(
        None, description="The file's name, or its path in a folder; in a form the upload's own."
    )

    batch: Name | None = Field(None, description="Names what is handed in together.")
    upload: Name | None = Field(
        None,
        description="The sender's own name of this upload: sent again, it is answered by what is "
        "kept of it already.",
    )


class KeepBody(KeepOptions, PredictBody):
    """A request to assess and keep, in JSON."""


class KeepForm(KeepOptions, PredictForm):
    """The same as a multipart form."""


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


class Selection(BaseModel):
    """Which assessments to delete: all of them where nothing is said."""

    model_config = ConfigDict(extra="forbid")

    lesion: Name | None = Field(None, description="Only those of this lesion, and the lesion.")


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


class ManyChanged(BaseModel):
    """How many were changed."""

    success: Literal[True]
    changed: int = Field(ge=0)
    unknown: list[str] = Field(description="The ids of which there is no assessment.")


class Again(BaseModel):
    """How a kept picture is assessed once more."""

    model_config = ConfigDict(extra="forbid")

    gate: bool = Field(True, description="`false`: in spite of its quality.")
    model: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        None, description="Another checkpoint, by its name."
    )


class Kept(BaseModel):
    """Where a result is kept."""

    id: str
    created: str = Field(description="When, ISO 8601, UTC.")
    file: str


class Activation(BaseModel):
    """The model's class activation maps, on the grid of its last layer."""

    codes: list[str] = Field(description="Of the classes, a map each.")
    shape: list[int] = Field(description="Maps, rows and columns.")
    limit: float = Field(ge=0, description="What 127 stands for.")
    values: str = Field(description="Base64 of signed bytes, map after map, row after row.")
    backbone: str = Field(description="The network, which says where its cells lie.")
    upright: dict[str, bool] = Field(description="How the image was turned to be classified.")


class EntryFailure(BaseModel):
    """A file that could not be assessed."""

    success: Literal[False]
    file: str
    error: str


class ViewQuery(BaseModel):
    """How large a picture is wanted."""

    model_config = ConfigDict(extra="forbid")

    max: int = Field(4096, ge=64, le=4096, description="Longest side at most, in pixels.")


class MapQuery(BaseModel):
    """Which class's map is meant."""

    model_config = ConfigDict(extra="forbid")

    target: Code | None = Field(None, description="The code of a class; the predicted one if none.")


class ActivationMap(BaseModel):
    """The map behind an answer, and the colours that maps are drawn in."""

    success: bool
    map: dict[str, Any] | None = Field(
        description="As GET /explanations/KEY/map answers; null: the model has none."
    )
    label: str = Field(description="What it shows, in a sentence.")
    colours: dict[str, str] = Field(
        description="`signed` and `unsigned`: base64 of red, green, blue and alpha for each value "
        "of a map's bytes, from -127 to 127."
    )


class KeptAnswer(Answer, Kept):
    """An assessed image that is kept."""

    malignant_share: float = Field(
        description="The share of malignant lesions that `p_malignant` holds for."
    )
    activation: Activation | None = Field(
        description="What it is drawn from why the model answered so; GET /assessments/ID/map is "
        "one of these maps in place. null: the model has none."
    )


class KeptRejected(Rejected, Kept):
    """An image that has to be taken again, and is kept as such."""


class KeptArchive(BaseModel):
    """What came of the files of a zip archive, in their order."""

    success: Literal[True]
    entries: list[KeptAnswer | KeptRejected | EntryFailure]
    left_out: list[str] = Field(description="What is hidden or of the system.")


class KeptReply(RootModel[KeptAnswer | KeptArchive]):
    """For an image, or for a zip archive of images."""


class Summary(Words, Kept):
    """An assessment as lists show it; of a rejected image nothing about classes."""

    verdict: Verdict
    message: str
    code: str | None
    prediction: str | None
    probability: float | None
    p_malignant: float | None
    certainty: str | None
    quality: Literal["accept", "reject"]
    model: str
    version: str


class Assessments(BaseModel):
    """A part of a list, the newest first."""

    success: Literal[True]
    assessments: list[Summary]
    total: int = Field(ge=0, description="Of the whole list.")
    next: str | None = Field(
        description="`after` for the next part; null: this is the last, or is counted by `start`."
    )
    durable: bool = Field(description="Whether they outlive the server.")
    retention_hours: float | None = Field(
        description="How long they are kept at most; null: until they are deleted."
    )


class PictureFacts(BaseModel):
    """The file of a picture."""

    media_type: str
    bytes: int = Field(ge=0)


class Changed(BaseModel):
    """One field that a clinician changed."""

    created: str
    field: str
    old: Any
    new: Any


class Case(Summary):
    """All of an assessment."""

    success: Literal[True]
    answer: dict[str, Any] = Field(description="As POST /assessments answered.")
    picture: PictureFacts
    history: list[Changed]


class Deletion(BaseModel):
    """What was deleted."""

    success: Literal[True]
    deleted: int = Field(ge=0, description="Assessments, and with them their pictures.")


class AssessmentPath(BaseModel):
    """The address of an assessment."""

    id: str = Field(max_length=64, description="From the answer to POST /assessments.")
