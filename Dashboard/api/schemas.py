"""The API's typed bodies and answers; `/openapi.json` is made of them."""

from typing import Any, Literal

from flask_openapi3.models.file import FileStorage
from flask_openapi3.models.media_type import MediaType
from flask_openapi3.models.request_body import RequestBody
from flask_openapi3.models.schema import Schema
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from Dashboard.assess import messages
from Dashboard.assess.worth import PREVALENCES, at_prevalence, clearance
from Dashboard.explain.schemas import ExplainOptions, ExplanationFacts

QUALITY_EXAMPLE: dict[str, JsonValue] = {
    "laplacian_variance": 84.2,
    "gamma": 0.31,
    "brightness": 187.5,
    "verdict": "accept",
    "reasons": [],
    "recommended_verdict": "accept",
}
REACHED = {
    "sensitivity": 0.951,
    "sensitivity_low": 0.926,
    "sensitivity_high": 0.972,
    "n_malignant": 391,
}
ANSWER_EXAMPLE: dict[str, JsonValue] = {
    "success": True,
    "prediction": "Melanocytic nevi",
    "code": "nv",
    "probability": 0.91,
    "probabilities": {
        "akiec": 0.01,
        "bcc": 0.01,
        "bkl": 0.03,
        "df": 0.01,
        "mel": 0.02,
        "nv": 0.91,
        "vasc": 0.01,
    },
    "p_malignant": 0.04,
    "in_distribution": True,
    "dermatoscopic": True,
    "advice": messages.NO_APPOINTMENT,
    "message": messages.NO_APPOINTMENT,
    "verdict": "no_appointment",
    "certainty": "clear",
    "reasons": [],
    "second_opinion": None,
    "clearance": clearance({"test": REACHED}),
    "at_prevalence": {
        f"{prevalence:g}": round(at_prevalence(0.04, 3 / 7, prevalence), 4)
        for prevalence in PREVALENCES
    },
    "rule": "No rule calls for a consultation",
    "evidence": {"p_malignant": 0.04, "malignant": False, "threshold": 0.12, "opinions": []},
    "gated": True,
    "quality": QUALITY_EXAMPLE,
    "model": "resnext50_32x4d",
    "version": "1",
    "prior": None,
    "seconds": 0.05,
    "explain": None,
    "explanation": None,
}
REJECTED_EXAMPLE: dict[str, JsonValue] = {
    "success": False,
    "error": messages.RETAKE,
    "quality": QUALITY_EXAMPLE
    | {
        "laplacian_variance": 4.1,
        "verdict": "reject",
        "recommended_verdict": "reject",
        "reasons": ["Sharpness 4.1 is below 15: hold the dermatoscope still and focus again."],
    },
}


class PredictOptions(ExplainOptions):
    """What a request may say beside its image."""

    explain: bool = Field(
        False,
        description="Explain the answer too: waits until the picture is drawn, up to minutes for "
        "some methods. Without it `precision`, `method` and `target` are checked, to no effect.",
    )


class PredictBody(PredictOptions):
    """A request in JSON."""

    image: str = Field(
        min_length=1,
        description="The image file (JPEG, PNG, WebP, TIFF or BMP) in base64, or a data URL of it.",
    )


class PredictForm(PredictOptions):
    """A request as a multipart form."""

    image: FileStorage = Field(description="The image file: JPEG, PNG, WebP, TIFF or BMP.")


class Quality(BaseModel):
    """What the quality gate measured, on the decoded 8-bit RGB image."""

    model_config = ConfigDict(extra="allow")

    laplacian_variance: float = Field(ge=0, description="Sharpness: higher is sharper.")
    gamma: float = Field(ge=0, le=1, description="Contrast: higher is more contrast.")
    brightness: float = Field(ge=0, le=255, description="Mean of the HSV value channel.")
    verdict: Literal["accept", "reject"]
    reasons: list[str] = Field(description="Why it was rejected and what to do, in sentences.")
    recommended_verdict: Literal["accept", "reject"] = Field(
        description="Verdict of GATE=recommended, whichever gate is set."
    )


class SecondOpinion(BaseModel):
    """What one member of an ensemble says alone, or another view of the picture."""

    name: str
    kind: Literal["member", "view"]
    p_malignant: float = Field(ge=0, le=1, description="At the model's own class frequencies.")
    malignant: bool = Field(description="Whether a malignant class is the most likely.")


class Evidence(BaseModel):
    """What decides between a consultation and none, by the model's own class frequencies."""

    p_malignant: float = Field(ge=0, le=1, description="`p_malignant` at those frequencies.")
    malignant: bool = Field(description="Whether a malignant class is the most likely.")
    threshold: float | None = Field(
        description="A consultation is advised from this `p_malignant` on; null: the most likely "
        "class alone decides."
    )
    opinions: list[SecondOpinion] = Field(
        [], description="Where several models, or views, were asked: what each says."
    )


class Answer(BaseModel):
    """An assessed image."""

    model_config = ConfigDict(json_schema_extra={"example": ANSWER_EXAMPLE})

    success: Literal[True]
    prediction: str = Field(description="Full name of the most probable class.")
    code: str = Field(description="Its code: akiec, bcc, bkl, df, mel, nv or vasc.")
    probability: float = Field(ge=0, le=1)
    probabilities: dict[str, float] = Field(description="Of each of the seven classes.")
    p_malignant: float = Field(ge=0, le=1, description="Sum over akiec, bcc and mel.")
    in_distribution: bool | None = Field(
        description="Whether the image is like those that the model learnt from; null: the model "
        "cannot tell. Where it is not, no lesion is cleared."
    )
    dermatoscopic: bool | None = Field(
        description="False: clearly no dermatoscopic image of skin; null: the model cannot tell."
    )
    advice: str | None = Field(description="What to do; null where no advice fits.")
    message: str = Field(description="The sentence to show.")
    verdict: Literal["consultation", "no_appointment", "none"] = Field(
        description="The advice in a word. An image whose gate was overridden, or that is unlike "
        "those that the model learnt from, never gets `no_appointment`."
    )
    certainty: Literal["clear", "uncertain"] = Field(
        description="`uncertain` where one of `reasons` says why."
    )
    reasons: list[str] = Field(description="Why the answer is uncertain, in sentences.")
    second_opinion: str | None = Field(
        description="How many of the models, or of the views, that were computed advise a "
        "consultation; null: there was but one."
    )
    clearance: str | None = Field(
        description="Of `no_appointment`: how many of 100 malignant lesions of the test set got "
        "this answer, and what to tell the patient, in sentences; null: another answer."
    )
    at_prevalence: dict[str, float] = Field(
        description="`p_malignant` where that share of the lesions seen is malignant."
    )
    rule: str = Field(description="Which of the rules of advice decided, in words.")
    evidence: Evidence = Field(description="What these rules looked at beside the flags above.")
    gated: bool = Field(description="False where the quality gate was switched off.")
    quality: Quality
    model: str
    version: str
    prior: dict[str, float] | None = Field(
        description="Class frequencies the probabilities stand for; null: evenly frequent."
    )
    seconds: float = Field(ge=0, description="Time that the assessment took.")
    explain: str | None = Field(
        None, description="Where asked for: the explanation drawn over the image, PNG in base64."
    )
    explanation: ExplanationFacts | None = Field(
        None, description="Where asked for: what `explain` shows."
    )


class Rejected(BaseModel):
    """An image that has to be taken again. It was not classified."""

    model_config = ConfigDict(json_schema_extra={"example": REJECTED_EXAMPLE})

    success: Literal[False]
    error: str
    quality: Quality


class Failure(BaseModel):
    """A request that cannot be answered."""

    success: Literal[False]
    error: str = Field(description="One sentence: what came and what is accepted.")


class Health(BaseModel):
    """The process is up."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether the default model is loaded."""

    ready: bool
    model: str
    error: str | None = Field(None, description="Why it is not ready.")


class ModelEntry(BaseModel):
    """A checkpoint."""

    model_config = ConfigDict(extra="allow")

    name: str
    version: str
    backbone: str
    default: bool
    ready: bool


class Models(BaseModel):
    """The checkpoints that a request may name."""

    default: str
    models: list[ModelEntry]


def _schema(model: type[BaseModel]) -> Schema:
    return Schema(**model.model_json_schema())


def json_body(json: type[BaseModel]) -> RequestBody:
    """A body in JSON."""
    return RequestBody(content={"application/json": MediaType(schema=_schema(json))}, required=True)


def file(media_type: str) -> dict[str, Any]:
    """An answer that is a file."""
    schema = {"type": "string", "format": "binary"}
    return {"description": "A file", "content": {media_type: {"schema": schema}}}


def request_body(
    json: type[BaseModel], form: type[BaseModel], other: type[BaseModel] | None = None
) -> RequestBody:
    """A body that comes in either of two media types.

    other: what JSON may hold instead.
    """
    schema = _schema(json)
    if other is not None:
        schema = Schema(anyOf=[schema, _schema(other)])
    media: dict[str, Any] = {
        "application/json": MediaType(schema=schema),
        "multipart/form-data": MediaType(schema=_schema(form)),
    }
    return RequestBody(content=media, required=True)
