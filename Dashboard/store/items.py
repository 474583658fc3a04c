"""Kept assessments: from an answer to a row, and from a row to JSON."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from Dashboard.assess.assessment import Assessment
from Dashboard.assess.rows import COLUMNS, Row, assessment_row
from Dashboard.store.schema import FILE_CHARACTERS, Item, Lesion, Vector
from models.inference.classifier import Prediction

# Of the verdicts, the least urgent first: a picture to retake may show anything.
URGENCY = ("no_appointment", "none", "retake", "consultation")
LESION_FIELDS = ("name", "body_site", "age_band", "sex", "histology")
OWN_COLUMNS = ("clinician_verdict", "note", "flag", "taken")
TABLE_COLUMNS = (*COLUMNS, "id", "created", "lesion", *OWN_COLUMNS)
SUMMARY_FIELDS = (
    "file",
    "verdict",
    "message",
    "code",
    "prediction",
    "probability",
    "p_malignant",
    "certainty",
    "quality",
    "model",
    "version",
)


def new_item(assessment: Assessment, file: str) -> Item:
    """A row for what came out for a picture of this name."""
    prediction = assessment.prediction
    file = file[-FILE_CHARACTERS:]  # the end of a path says more than its beginning
    return Item(
        file=file,
        file_folded=file.casefold()[-FILE_CHARACTERS:],
        risk=risk(assessment.verdict, prediction.p_malignant if prediction else 0.0),
        verdict=assessment.verdict,
        message=assessment.message,
        code=prediction and prediction.code,
        prediction=prediction and prediction.name,
        probability=prediction and prediction.probability,
        p_malignant=prediction and prediction.p_malignant,
        certainty=assessment.certainty,
        quality=assessment.quality.verdict,
        model=assessment.model,
        version=assessment.version,
        lesion=None,
        note="",
        flag=False,
        answer=assessment.to_kept(),
        row=assessment_row(assessment, file),
        vector=prediction and new_vector(prediction),
    )


def new_vector(prediction: Prediction) -> Vector | None:
    """A row to find similar pictures by; None where the model hands out no features."""
    if prediction.vector is None:
        return None
    data = prediction.vector.tobytes()
    return Vector(model=prediction.model, version=prediction.version, data=data)


def risk(verdict: str, p_malignant: float) -> float:
    """What is sorted by, the most urgent first: by verdict, then by malignant probability.

    In millionths, so that it is the same number in the address of a list's part.

    >>> risk("consultation", 0.1) > risk("retake", 0.0) > risk("none", 0.9)
    True
    """
    return round(2 * URGENCY.index(verdict) + round(p_malignant, 6), 6)


def own_words(item: Item) -> dict[str, Any]:
    """What a clinician says of it: the fields that may be changed."""
    lesion = item.lesion
    return {
        "clinician_verdict": item.clinician_verdict,
        "note": item.note,
        "flag": item.flag,
        "pixels_per_mm": item.pixels_per_mm,
        "taken": item.taken and item.taken.isoformat(),
        "lesion": lesion and {name: getattr(lesion, name) for name in LESION_FIELDS},
    }


def summary(item: Item) -> dict[str, Any]:
    """An assessment as a list shows it."""
    answered = {name: getattr(item, name) for name in SUMMARY_FIELDS}
    return {"id": item.key, "created": item.created.isoformat()} | answered | own_words(item)


def table_row(item: Item) -> Row:
    """An assessment as a line of a CSV file."""
    words = own_words(item)
    lesion = words["lesion"] or {}
    own = {"id": item.key, "created": item.created.isoformat(), "lesion": lesion.get("name")}
    return item.row | own | {name: words[name] for name in OWN_COLUMNS}


def answer_of(item: Item) -> dict[str, Any]:
    """What is answered for an assessment that is kept, and where it is."""
    kept = {"id": item.key, "created": item.created.isoformat(), "file": item.file}
    return item.answer | kept


def case(item: Item) -> dict[str, Any]:
    """All of an assessment, its history included."""
    history = [
        {"created": c.created.isoformat(), "field": c.field, "old": c.old, "new": c.new}
        for c in item.changes
    ]
    picture = {"media_type": item.picture.media_type, "bytes": item.picture.size}
    return summary(item) | {"answer": item.answer, "picture": picture, "history": history}


def lesion_of(session: Session, owner: str, fields: Mapping[str, Any]) -> Lesion:
    """The lesion of this name, made where there is none, with its other fields as given."""
    named = (Lesion.owner == owner, Lesion.name == fields["name"])
    lesion = session.scalar(select(Lesion).where(*named))
    if lesion is None:
        lesion = Lesion(owner=owner, name=fields["name"])
        session.add(lesion)
    for name, value in fields.items():
        setattr(lesion, name, value)
    return lesion
