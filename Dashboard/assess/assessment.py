"""What comes out of the dashboard's service: an assessed image, and the models to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.checkpoint.card import Card
from models.inference.classifier import Prediction
from quality import QualityReport


@dataclass(frozen=True)
class ModelInfo:
    """A checkpoint as the model choice shows it.

    ready: compiled in this process already; any other is compiled at its first use.
    description, licence, operating_point: as on its card.
    operating_curve, metrics, limits: as in its evaluation.
    """

    name: str
    version: str
    backbone: str
    default: bool
    ready: bool
    description: str
    licence: str
    operating_point: Mapping[str, Any] | None
    metrics: Sequence[Mapping[str, Any]]
    limits: Sequence[str]
    operating_curve: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "version": self.version,
            "backbone": self.backbone,
            "default": self.default,
            "ready": self.ready,
            "description": self.description,
            "licence": self.licence,
            "operating_point": dict(self.operating_point) if self.operating_point else None,
            "operating_curve": dict(self.operating_curve) if self.operating_curve else None,
            "metrics": [dict(metric) for metric in self.metrics],
            "limits": list(self.limits),
        }


@dataclass(frozen=True)
class Assessment:
    """What came out for one image.

    prediction: None where the gate rejected the image.
    advice: None where the gate rejected it or it is not a dermatoscopic image.
    message: the one sentence to show.
    gated: whether the gate was enforced; False for "classify anyway".
    in_distribution: None where the model has no out-of-distribution score.
    prior: class frequencies that the probabilities stand for; None: evenly frequent.
    threshold: malignant probability, at the card's class frequencies, from which the advice is a
        consultation; None where the predicted class decides.
    seconds: time from the bytes to here.
    p_malignant_at_card: the malignant probability at the card's class frequencies, for which its
        thresholds hold; None where the image was rejected.
    """

    quality: QualityReport
    prediction: Prediction | None
    advice: str | None
    message: str
    gated: bool
    in_distribution: bool | None
    model: str
    version: str
    prior: Mapping[str, float] | None
    seconds: float
    threshold: float | None = None
    p_malignant_at_card: float | None = None

    @property
    def rejected(self) -> bool:
        """Whether the image has to be taken again; it was not classified then."""
        return self.prediction is None

    def to_response(self) -> dict[str, Any]:
        """The API's JSON: of a rejected image nothing about classes."""
        if self.prediction is None:
            return {"success": False, "error": self.message, "quality": self.quality.to_dict()}
        return {
            "success": True,
            "prediction": self.prediction.name,
            "code": self.prediction.code,
            "probability": self.prediction.probability,
            "probabilities": dict(self.prediction.probabilities),
            "p_malignant": self.prediction.p_malignant,
            "in_distribution": self.in_distribution,
            "advice": self.advice,
            "message": self.message,
            "gated": self.gated,
            "quality": self.quality.to_dict(),
            "model": self.model,
            "version": self.version,
            "prior": dict(self.prior) if self.prior else None,
            "seconds": round(self.seconds, 4),
        }


def malignant_at_card_prior(
    prediction: Prediction, card: Card, prior: Mapping[str, float] | None
) -> float:
    """The malignant probability, in [0, 1], at the class frequencies of the model's card.

    An operating point was chosen there. Judging by this value keeps its sensitivity and
    specificity whatever `prior` the shown probabilities were re-weighted to.
    """
    if prior is None:
        return prediction.p_malignant
    weights = {
        code: p * card.prior.get(code, 1.0) / prior[code]
        for code, p in prediction.probabilities.items()
    }
    return sum(weights[code] for code in card.taxonomy.malignant) / sum(weights.values())
