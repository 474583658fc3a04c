"""Typed bodies and answers of `/assessments`; `/openapi.json` is made of them."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from Dashboard.api.schemas import Answer, PredictBody, PredictForm, PredictOptions, Rejected
from Dashboard.store.forms import Name, Verdict, Words
from models.registry.taxonomy import HAM10000

if TYPE_CHECKING:
    Code = str
else:
    Code = Literal[HAM10000.codes]


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


class Selection(BaseModel):
    """Which assessments to delete: all of them where nothing is said."""

    model_config = ConfigDict(extra="forbid")

    lesion: Name | None = Field(None, description="Only those of this lesion, and the lesion.")


class ManyChanged(BaseModel):
    """How many were changed."""

    success: Literal[True]
    changed: int = Field(ge=0)
    unknown: list[str] = Field(description="The ids of which there is no assessment.")


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
