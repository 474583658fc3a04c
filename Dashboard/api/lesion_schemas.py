"""Typed answers of `/lesions`; `/openapi.json` is made of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from Dashboard.api.assessment_schemas import Summary
from Dashboard.store.forms import MOST_LISTED, LesionFields, Name, Verdict

Below = Field(
    description="How many of 100 retakes of unchanged lesions differ by less (HAM10000, "
    "reports/retakes); null where that is not known."
)


class LesionListing(BaseModel):
    """Which part of the list of lesions."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(
        None, max_length=80, description="`next` of the answer before, to go on from there."
    )
    limit: int = Field(100, ge=1, le=MOST_LISTED, description="How many at most.")


class LesionSummary(LesionFields):
    """A lesion, by the most urgent of its pictures' verdicts."""

    count: int = Field(ge=1, description="Of its assessments.")
    first: str = Field(description="When its first picture was taken, else kept.")
    last: str
    latest: str = Field(description="The assessment of its last picture.")
    verdict: Verdict = Field(description="The most urgent of all its pictures.")
    message: str
    verdict_of: str = Field(description="The assessment that it is of.")
    clinician_verdict: Literal["retake", "consultation", "no_appointment"] | None = Field(
        None, description="The latest that a clinician gave."
    )
    clinician_verdict_of: str | None


class Lesions(BaseModel):
    """A part of the list, the most urgent first."""

    success: Literal[True]
    lesions: list[LesionSummary]
    total: int = Field(ge=0)
    next: str | None = Field(description="`after` for the next part; null: this is the last.")


class LesionMeasurement(BaseModel):
    """What was measured of a lesion in one picture, approximately; null where it cannot be."""

    reason: str | None = Field(description="Why nothing was measured.")
    outline: list[tuple[float, float]] = Field(description="x and y, shares of width and height.")
    area: float | None = Field(description="Share of the picture.")
    area_mm2: float | None = Field(description="Where the picture's scale is known.")
    colour: tuple[float, float, float] | None = Field(description="Mean CIELAB of the lesion.")
    skin: tuple[float, float, float] | None = Field(description="The same of the skin around it.")
    spread: float | None = Field(description="Standard deviation of the lesion's colours, CIELAB.")
    contrast: float | None = Field(description="Between lesion and skin, CIEDE2000.")


class SeriesItem(Summary):
    """One picture of a lesion."""

    date: str = Field(description="When it was taken, else when it was kept.")
    date_is: Literal["taken", "kept"]
    measurement: LesionMeasurement | None = Field(
        description="null: only the latest pictures of a lesion are measured."
    )


class LesionChange(BaseModel):
    """What differs between a picture and the next one, in the frame of the later one."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str
    registered: bool
    reason: str | None = Field(description="Why the pictures could not be laid onto each other.")
    by: Literal["skin", "all"] | None = Field(
        description="`skin`: the skin around decided how; `all`: the lesion did, too, and one that "
        "grew alike in all directions would look as it was."
    )
    points: int | None = Field(description="Found in both.")
    correlation: float | None
    scale: float | None
    degrees: float | None
    area: float | None = Field(description="0.2: a fifth larger, at one scale.")
    area_retakes_below: float | None = Below
    colour: float | None = Field(description="CIEDE2000 between the means, in one light.")
    colour_retakes_below: float | None = Below
    p_malignant: float | None = Field(description="Later less earlier; null: of two models.")
    p_malignant_retakes_below: float | None = Below


class LesionReply(LesionSummary):
    """A lesion over time."""

    success: Literal[True]
    assessments: list[SeriesItem] = Field(description="The first one first.")
    changes: list[LesionChange]


class LesionPath(BaseModel):
    """The address of a lesion; a slash in its name may stand as it is."""

    name: Name


class Drawn(BaseModel):
    """What is drawn over a picture."""

    model_config = ConfigDict(extra="forbid")

    outline: bool = Field(False, description="The outline that was found in it.")


class LaidPath(LesionPath):
    """The address of a picture that is laid onto another one of its lesion."""

    id: str = Field(max_length=64)
    onto: str = Field(max_length=64)
