"""What comes out of the dashboard's service: an assessed image, and the models to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from Dashboard.assess.activation import packed
from Dashboard.assess.advice import Advice, Certainty, Verdict
from Dashboard.assess.worth import PREVALENCES, at_prevalence
from models.checkpoint.card import Card
from models.inference.classifier import Prediction
from models.registry.names import title
from quality import QualityReport


@dataclass(frozen=True)
class ModelInfo:
    """A checkpoint as the model choice shows it.

    ready: compiled in this process already; any other is compiled at its first use.
    description, licence: as on its card.
    operating_point: the one on its card that this server advises by; None: it advises by the most
        likely class.
    target_note: what to know where that point is not all that `SENSITIVITY` asks for, else empty.
    operating_points: all on its card; `metrics` are of the first.
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
    operating_points: Sequence[Mapping[str, Any]] = ()
    target_note: str = ""

    @property
    def title(self) -> str:
        """What it is called where people read it."""
        return title(self.name, self.backbone)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "title": self.title,
            "version": self.version,
            "backbone": self.backbone,
            "default": self.default,
            "ready": self.ready,
            "description": self.description,
            "licence": self.licence,
            "operating_point": dict(self.operating_point) if self.operating_point else None,
            "operating_points": [dict(point) for point in self.operating_points],
            "target_note": self.target_note,
            "operating_curve": dict(self.operating_curve) if self.operating_curve else None,
            "metrics": [dict(metric) for metric in self.metrics],
            "limits": list(self.limits),
        }


@dataclass(frozen=True)
class Assessment:
    """What came out for one image.

    prediction: None where the gate rejected the image.
    decision: what to do, how certain that is, and why.
    gated: whether the gate was enforced; False for "classify anyway".
    prior: class frequencies that the probabilities stand for; None: evenly frequent.
    malignant_share: the malignant ones among them, in (0, 1).
    threshold: malignant probability, at the card's class frequencies, from which the advice is a
        consultation; None where the predicted class decides.
    seconds: time from the bytes to here.
    p_malignant_at_card: the malignant probability at the card's class frequencies, for which its
        thresholds hold; None where the image was rejected.
    leads: whether a malignant class is the most likely, as it is shown or, where there is a
        threshold, at those frequencies.
    clearance: where no appointment is needed, how often that is wrong and what to tell the
        patient, in sentences; else None.
    thumbnail: the picture made small, a JPEG file, where that was asked for.
    """

    quality: QualityReport
    prediction: Prediction | None
    decision: Advice
    gated: bool
    model: str
    version: str
    prior: Mapping[str, float] | None
    seconds: float
    threshold: float | None = None
    p_malignant_at_card: float | None = None
    leads: bool = False
    clearance: str | None = None
    malignant_share: float = 0.5
    thumbnail: bytes | None = None

    @property
    def rejected(self) -> bool:
        """Whether the image has to be taken again; it was not classified then."""
        return self.prediction is None

    @property
    def overridden(self) -> bool:
        """Whether the image was classified although the gate rejects it."""
        return not self.gated and self.quality.verdict == "reject"

    @property
    def message(self) -> str:
        """The one sentence to show."""
        return self.decision.message

    @property
    def advice(self) -> str | None:
        """One of the three messages; None where none of them fits."""
        return self.decision.text

    @property
    def verdict(self) -> Verdict:
        """The advice in a word."""
        return self.decision.verdict

    @property
    def certainty(self) -> Certainty:
        """Whether one of `reasons` says why the answer is in doubt."""
        return self.decision.certainty

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the image has to be taken again, or why the answer is uncertain, in sentences."""
        return self.quality.reasons if self.rejected else self.decision.reasons

    @property
    def in_distribution(self) -> bool | None:
        """Whether the image is like those the model learnt from; None: that is not known."""
        return None if self.prediction is None else self.prediction.in_distribution

    def p_malignant_at(self, prevalence: float) -> float | None:
        """The malignant probability where that share of a clinic's lesions is malignant."""
        if self.prediction is None:
            return None
        return at_prevalence(self.prediction.p_malignant, self.malignant_share, prevalence)

    def to_response(self) -> dict[str, Any]:
        """The API's JSON: of a rejected image nothing about classes."""
        prediction = self.prediction
        if prediction is None:
            return {"success": False, "error": self.message, "quality": self.quality.to_dict()}
        return {
            "success": True,
            "prediction": prediction.name,
            "code": prediction.code,
            "probability": prediction.probability,
            "probabilities": dict(prediction.probabilities),
            "p_malignant": prediction.p_malignant,
            "in_distribution": self.in_distribution,
            "advice": self.advice,
            "message": self.message,
            "verdict": self.verdict,
            "certainty": self.certainty,
            "reasons": list(self.reasons),
            "second_opinion": self.decision.second_opinion,
            "clearance": self.clearance,
            "dermatoscopic": prediction.dermatoscopic,
            "at_prevalence": {
                f"{prevalence:g}": self.p_malignant_at(prevalence) for prevalence in PREVALENCES
            },
            "rule": self.decision.rule,
            "evidence": {
                "p_malignant": self.p_malignant_at_card,
                "malignant": self.leads,
                "threshold": self.threshold,
                "opinions": [asdict(one) for one in prediction.opinions],
            },
            "gated": self.gated,
            "quality": self.quality.to_dict(),
            "model": self.model,
            "version": self.version,
            "prior": dict(self.prior) if self.prior else None,
            "seconds": round(self.seconds, 4),
        }

    def to_kept(self) -> dict[str, Any]:
        """`to_response` with what the answer is drawn from later on, without the picture."""
        answer = self.to_response()
        if self.prediction is not None:
            answer["malignant_share"] = self.malignant_share
            answer["activation"] = packed(self.prediction)
        return answer


def at_card_prior(
    prediction: Prediction, card: Card, prior: Mapping[str, float] | None
) -> tuple[float, bool]:
    """The malignant probability, in [0, 1], and whether a malignant class leads, by the card.

    Both are for the class frequencies on the model's card. An operating point was chosen there:
    judging by them keeps its sensitivity and specificity whatever `prior` the shown probabilities
    were re-weighted to.
    """
    if prior is None:
        return prediction.p_malignant, prediction.malignant
    weights = {
        code: p * card.prior.get(code, 1.0) / prior[code]
        for code, p in prediction.probabilities.items()
    }
    p_malignant = sum(weights[code] for code in card.taxonomy.malignant) / sum(weights.values())
    return p_malignant, max(weights, key=weights.__getitem__) in card.taxonomy.malignant
