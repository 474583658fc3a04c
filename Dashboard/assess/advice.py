"""The rules that pick what a user acts on, as a table: page, API and commands have no others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from Dashboard.assess import messages
from Dashboard.config import AdviceRule
from models.checkpoint.card import Card
from models.inference.classifier import Opinion

Verdict = Literal["retake", "consultation", "no_appointment", "none"]
Certainty = Literal["clear", "uncertain"]

POOR = "The image failed the quality check, so what the model computed is less reliable."
UNLIKE = (
    "The image is unlike those that the model learnt from, so what the model computed is less "
    "reliable."
)
KINDS = {"member": ("model", ""), "view": ("view", " of the image, turned and mirrored,")}


@dataclass(frozen=True)
class Evidence:
    """What the rules look at.

    rejected: whether the quality gate rejects the image.
    gate: whether its verdict holds; False where somebody overrode it.
    p_malignant: malignant probability in [0, 1], for the class frequencies on the model's card,
        which its threshold was chosen for.
    malignant: whether a malignant class is the most likely. Nobody is sent home with "most likely
        melanoma" on the screen, whatever the threshold.
    threshold: malignant probability from which on a consultation is advised; None: the most likely
        class alone decides.
    in_distribution, dermatoscopic, opinions: as of `models.inference.classifier.Prediction`.
    """

    rejected: bool = False
    gate: bool = True
    p_malignant: float = 0.0
    malignant: bool = False
    threshold: float | None = None
    in_distribution: bool | None = None
    dermatoscopic: bool | None = None
    opinions: Sequence[Opinion] = ()

    def reaches(self, p_malignant: float) -> bool:
        """Whether a malignant probability calls for a consultation."""
        return self.threshold is not None and p_malignant >= self.threshold

    def agrees(self, opinion: Opinion) -> bool:
        """Whether a second opinion advises a consultation."""
        return opinion.malignant or self.reaches(opinion.p_malignant)


@dataclass(frozen=True)
class Rule:
    """One line of the table: the verdict and the message where `holds`, unless one before did.

    name: what holds, for people.
    """

    name: str
    holds: Callable[[Evidence], bool]
    verdict: Verdict
    message: str


# The first that holds decides. An image whose gate was overridden, and one unlike those that the
# model learnt from, can still call for a consultation; they never clear a lesion.
RULES: tuple[Rule, ...] = (
    Rule(
        "The quality gate rejects the image",
        lambda e: e.rejected and e.gate,
        "retake",
        messages.RETAKE,
    ),
    Rule(
        "It is no dermatoscopic image of skin",
        lambda e: e.dermatoscopic is False,
        "none",
        messages.NOT_DERMATOSCOPIC,
    ),
    Rule(
        "The malignant probability reaches the threshold",
        lambda e: e.reaches(e.p_malignant),
        "consultation",
        messages.CONSULT,
    ),
    Rule(
        "A malignant class is the most likely",
        lambda e: e.malignant,
        "consultation",
        messages.CONSULT,
    ),
    Rule(
        "The image is poor, or unlike those that the model learnt from: it rules nothing out",
        lambda e: e.rejected or e.in_distribution is False,
        "none",
        messages.NO_ADVICE,
    ),
    Rule(
        "No rule calls for a consultation",
        lambda _: True,
        "no_appointment",
        messages.NO_APPOINTMENT,
    ),
)


@dataclass(frozen=True)
class Advice:
    """What comes of the rules.

    message: the one sentence to show.
    certainty: `uncertain` where one of `reasons` says why; of an image to retake nothing is said.
    second_opinion: how many of the models, or views, that were computed advise a consultation;
        None where there was but one, and where none does beside an image that rules nothing out.
    otherwise: what would be said if no consultation were advised, for pages that let somebody try
        another threshold.
    rule: the name of the rule that decided.
    """

    verdict: Verdict
    message: str
    certainty: Certainty = "clear"
    reasons: tuple[str, ...] = ()
    second_opinion: str | None = None
    otherwise: "Advice | None" = None
    rule: str = ""

    @property
    def text(self) -> str | None:
        """The message where it is one of the three; None where no advice is given."""
        return None if self.verdict == "none" else self.message


def deciding(evidence: Evidence) -> Rule:
    """The rule that decides.

    >>> deciding(Evidence(p_malignant=0.4, threshold=0.3)).name
    'The malignant probability reaches the threshold'
    """
    return next(rule for rule in RULES if rule.holds(evidence))


def advise(evidence: Evidence) -> Advice:
    """The advice on an image.

    >>> advise(Evidence(p_malignant=0.4, threshold=0.3)).verdict
    'consultation'
    >>> advise(Evidence(rejected=True, gate=False, p_malignant=0.2, threshold=0.3)).verdict
    'none'
    """
    holding = [rule for rule in RULES if rule.holds(evidence)]
    rule = holding[0]
    if rule.verdict == "retake":
        return Advice(rule.verdict, rule.message, rule=rule.name)
    counts = _counts(evidence)
    consults = evidence.malignant or evidence.reaches(evidence.p_malignant)
    differ = any(evidence.agrees(opinion) != consults for opinion in evidence.opinions)
    doubts = {
        POOR: evidence.rejected,
        UNLIKE: evidence.in_distribution is False,
        counts: differ,
    }
    if rule.verdict == "none" and not differ:
        counts = ""
    reasons = tuple(sentence for sentence, holds in doubts.items() if holds)
    return Advice(
        rule.verdict,
        rule.message,
        "uncertain" if reasons else "clear",
        reasons,
        counts or None,
        next(Advice(one.verdict, one.message) for one in holding if one.verdict != "consultation"),
        rule.name,
    )


def _counts(evidence: Evidence) -> str:
    """`2 of 3 models advise a consultation.`, a sentence for each kind of opinion."""
    sentences = []
    for kind, (name, which) in KINDS.items():
        votes = [evidence.agrees(one) for one in evidence.opinions if one.kind == kind]
        if votes:
            plural = "s" if len(votes) > 1 else ""
            verb = "advise" if plural and sum(votes) != 1 else "advises"
            counted = f"{sum(votes)} of {len(votes)} {name}{plural}"
            sentences.append(f"{counted}{which} {verb} a consultation.")
    return " ".join(sentences)


def point_in_use(rule: AdviceRule, card: Card, sensitivity: float) -> Mapping[str, Any] | None:
    """The operating point of a card that the advice follows; None: the most likely class decides.

    sensitivity: its target. A card without a point for it gives its most sensitive one:
        `Dashboard.assess.worth.target_note` says so.
    """
    if rule == "argmax" or not card.operating_points:
        return None
    return card.point(sensitivity) or max(
        card.operating_points, key=lambda point: float(point["target_sensitivity"])
    )
