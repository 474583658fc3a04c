"""Typed questions and answers about what is known by histology; `/openapi.json` is made of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from Dashboard.proven.similar import NEAREST
from Dashboard.store.forms import Name

MOST_NEAREST = 50


class Nearest(BaseModel):
    """How many similar cases are asked for."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(NEAREST, ge=1, le=MOST_NEAREST, description="How many lesions at most.")


class Exported(BaseModel):
    """What of what is kept is to be exported."""

    model_config = ConfigDict(extra="forbid")

    all: bool = Field(False, description="Also pictures without a histology, their `dx` empty.")


class Audited(BaseModel):
    """Whose verdicts are held against histology."""

    model_config = ConfigDict(extra="forbid")

    model: Name | None = Field(None, description="Of this model alone.")
    version: Name | None = Field(None, description="Of this version alone.")


class IndexPath(BaseModel):
    """The address of a picture in the index."""

    row: str = Field(max_length=9, description="`row` of a neighbour.")


class SimilarCase(BaseModel):
    """A proven lesion, by its picture that is nearest."""

    source: Literal["own", "index"] = Field(description="Yours, or of the operator's data set.")
    id: str | None = Field(description="Of an assessment of yours; null: of the index.")
    row: int | None = Field(description="For GET /index/ROW/thumbnail; null: an assessment.")
    name: str = Field(description="Of the lesion.")
    diagnosis: str
    code: str | None = Field(description="Of the class; null: none of them, or not understood.")
    malignant: bool | None = Field(description="null: the histology is not understood.")
    proven: str = Field(description="How, in words; empty: that is not known.")
    similarity: float = Field(description="Cosine of the angle between the two, at most 1.")
    alike: str = Field(description="The same in words.")


class Share(BaseModel):
    """A diagnosis among the neighbours."""

    diagnosis: str
    n: int


class SimilarAnswer(BaseModel):
    """The proven cases that look most like a picture."""

    success: Literal[True]
    model: str = Field(description="Whose features they are compared by; empty: none were.")
    version: str
    neighbours: list[SimilarCase] = Field(description="The nearest first.")
    distribution: list[Share]
    agreement: str = Field(description="How often such neighbours share the diagnosis: measured.")
    own: int = Field(ge=0, description="Proven lesions of yours that were looked through.")
    indexed: int = Field(ge=0, description="Of the operator's data set.")
    pending: int = Field(ge=0, description="Not looked at yet; above 0: ask again.")
    reason: str = Field(description="Why there are none; else empty.")
    notice: str = Field(description="What is wrong with the operator's index; else empty.")


class IndexAnswer(BaseModel):
    """The operator's index of proven cases."""

    success: Literal[True]
    model: str | None
    version: str | None
    pictures: int
    lesions: int
    notice: str = Field(description="Why it cannot be used; else empty.")


class Interval(BaseModel):
    """A share of lesions with its exact 95 % interval."""

    found: int
    n: int
    value: float | None
    low: float | None
    high: float | None


class JudgedAnswer(BaseModel):
    """One judge's verdicts on lesions whose diagnosis is known."""

    sensitivity: Interval = Field(description="Of malignant lesions, those sent to consultation.")
    specificity: Interval = Field(description="Of benign lesions, those without an appointment.")
    unanswered: int = Field(description="Lesions with neither verdict, in none of the shares.")
    unanswered_malignant: int


class ConfusionRow(BaseModel):
    """Lesions of one diagnosis by the code of the class that was the most likely."""

    diagnosis: str
    predicted: dict[str, int]


class NotUnderstood(BaseModel):
    """A lesion whose histology is none of the words that are known."""

    lesion: str
    histology: str


class JudgedBy(BaseModel):
    """A model that judged pictures of these lesions, and how well."""

    model: str
    version: str
    lesions: int
    program: JudgedAnswer = Field(description="By the pictures that it judged alone.")


class AuditAnswer(BaseModel):
    """Your own record: verdicts held against histology, a lesion once."""

    success: Literal[True]
    lesions: int = Field(description="With a histology.")
    program: JudgedAnswer
    clinician: JudgedAnswer
    program_on_same: JudgedAnswer = Field(
        description="The program on the lesions that the clinician judged, too."
    )
    confusion: list[ConfusionRow]
    not_understood: list[NotUnderstood]
    models: list[JudgedBy]
    cautions: list[str] = Field(description="What to know before believing the figures.")
