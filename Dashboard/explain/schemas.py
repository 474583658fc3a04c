"""Typed bodies and answers of explanations; `/openapi.json` is made of them."""

from typing import TYPE_CHECKING, Literal

from flask_openapi3.models.file import FileStorage
from pydantic import BaseModel, ConfigDict, Field, RootModel

from interpretability.methods import METHODS

if TYPE_CHECKING:
    MethodName = str
else:
    MethodName = Literal[tuple(METHODS)]
DEFAULT_METHOD = "gradcam"


class ExplainOptions(BaseModel):
    """What a request for an explanation may say beside its image."""

    model_config = ConfigDict(extra="forbid")

    gate: bool = Field(
        True, description="Refuse an image whose quality is too poor; false takes it anyway."
    )
    precision: Literal["Low", "Medium", "High"] = Field(
        "Medium", description="Effort of the explanation, where its method has degrees of it."
    )
    method: MethodName | None = Field(
        None, description=f"Method of the explanation; {DEFAULT_METHOD} where none is named."
    )
    target: str | None = Field(
        None,
        max_length=64,
        description="Class to explain: its code, or `malignant`; the predicted one where none is "
        "named.",
    )
    model: str | None = Field(
        None, max_length=128, description="Name of a checkpoint from GET /models."
    )


class Watching(ExplainOptions):
    """What a request for an explanation alone may say beside its image."""

    watched: bool = Field(
        False,
        description="End it ten seconds after it was asked for the last time; otherwise it goes "
        "on for 15 minutes.",
    )


class ExplainBody(Watching):
    """A request for an explanation, in JSON."""

    image: str = Field(
        min_length=1,
        description="The image file (JPEG, PNG, WebP, TIFF or BMP) in base64, or a data URL of it.",
    )


class ExplainForm(Watching):
    """A request for an explanation, as a multipart form."""

    image: FileStorage = Field(description="The image file: JPEG, PNG, WebP, TIFF or BMP.")


class ExplainKept(Watching):
    """A request for an explanation of an assessment that is kept, in JSON.

    Without a model, that of the assessment is explained.
    """

    assessment: str = Field(
        min_length=1, max_length=64, description="Its `id`, from POST /assessments."
    )


class ExplanationQuery(BaseModel):
    """Whose explanations are listed."""

    model_config = ConfigDict(extra="forbid")

    assessment: str | None = Field(
        None, min_length=1, max_length=64, description="Those of this assessment."
    )


class ExplanationFacts(BaseModel):
    """What an explanation shows."""

    method: str
    precision: str
    model: str
    target: str = Field(description="Code of the class that is explained, or `malignant`.")
    probability: float = Field(
        ge=0, le=1, description="Of the target, at the class frequencies of the predictions."
    )
    seconds: float = Field(ge=0, description="Time that it took.")
    width: int = Field(ge=1, description="Of the picture and of map.npy, in pixels.")
    height: int = Field(ge=1)
    fails_randomisation: bool = Field(
        description="True: the method's map hardly changes when the weights are random, so it "
        "shows the picture's edges rather than the model's reasons."
    )


class Explanation(BaseModel):
    """How far an explanation is, and what came out."""

    success: Literal[True]
    key: str = Field(description="Address of the job, which its session alone can see.")
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    fraction: float = Field(ge=0, le=1, description="How much of it is done.")
    seconds_left: float | None = Field(ge=0, description="Estimate; null: it is through.")
    error: str | None = Field(description="Why it failed or that it was cancelled.")
    method: str
    precision: str
    model: str
    target: str | None = Field(description="As asked for; null: the predicted class.")
    facts: ExplanationFacts | None = Field(description="Once it is done.")
    title: str = Field(description="What its method is called.")
    words: str = Field(description="What it is of, for people.")
    status: str = Field(description="How far it is or why there is none, for people.")


class ExplanationMap(BaseModel):
    """A map in eight bits, at most 480 pixels wide and high, for drawing it."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    limit: float = Field(
        ge=0,
        description="Magnitude of the strongest colour, the same as in picture.png; values above "
        "it, of one pixel in two hundred, are cut to it.",
    )
    signed: bool = Field(
        description="Whether positive values speak for the target and negative ones against it; "
        "otherwise there are no negative ones, and the others say where it is sensitive."
    )
    values: str = Field(
        description="Base64 of signed bytes, row after row; 127 stands for `limit`."
    )
    heat: str = Field(description="The map in colours, a PNG file of this size as a data URL.")
    outlines: str = Field(description="Lines where it passes half of `limit`, in the same way.")


class MethodEntry(BaseModel):
    """A method of explaining."""

    name: str
    label: str
    paper: str
    text: str = Field(description="What it does and how to read its map.")
    signed: bool = Field(description="Whether its maps speak for and against.")
    has_precision: bool
    fails_randomisation: bool


class ExplainableModel(BaseModel):
    """A checkpoint as explanations see it."""

    name: str
    targets: list[str]
    names: dict[str, str] = Field(description="What the targets are called.")
    unsupported: dict[str, str] = Field(description="Methods that do not work with it, and why.")
    seconds: dict[str, dict[str, float]] = Field(
        description="Time to expect, for each method and precision: as measured here, before that "
        "as usual on two cores."
    )


class Scale(BaseModel):
    """The colours of maps and what their ends mean."""

    low: str
    high: str
    colours: str = Field(
        description="Base64 of red, green, blue and alpha for each value of a map's bytes, from "
        "-127 to 127."
    )


class Scales(BaseModel):
    """The two kinds of scales."""

    signed: Scale
    unsigned: Scale


class Capabilities(BaseModel):
    """What explanations there are."""

    methods: list[MethodEntry]
    precisions: list[str]
    default: str
    scales: Scales = Field(description="Of maps with and without a sign.")
    keep_seconds: int = Field(description="How long an image or a result is kept at most.")
    models: list[ExplainableModel]


class JobPath(BaseModel):
    """The address of an explanation."""

    key: str = Field(max_length=64, description="From the answer to POST /explanations.")


class ExplanationList(BaseModel):
    """The explanations of an assessment that wait, run or are done, the oldest first."""

    success: Literal[True]
    explanations: list[Explanation]


class CapabilitiesOrList(RootModel[Capabilities | ExplanationList]):
    """What explanations there are, or those of the assessment that was named."""
