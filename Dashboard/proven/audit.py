"""The clinic's own record: what was advised, held against what the pathologist found.

A lesion counts once, with the most urgent verdict of its pictures. A malignant lesion is found by
a consultation, a benign one cleared by no appointment; a lesion with neither, for its pictures were
to be retaken or got no advice, is in none of the two shares and is stated.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from Dashboard.proven.histology import Diagnosis, understood
from Dashboard.proven.intervals import Share, share
from Dashboard.store.items import URGENCY
from Dashboard.store.schema import Item, Lesion
from Dashboard.store.store import Store
from models.registry.taxonomy import HAM10000

FEWEST = 30
OTHER = {True: "Other, malignant", False: "Other, benign"}
BIAS = (
    "Only lesions that were biopsied or excised have a histology. Those that were cleared and "
    "never looked at again are not among them, so the true sensitivity may be lower, and the true "
    "specificity higher."
)
MALIGNANT = (
    "Malignant are melanoma, basal cell carcinoma, actinic keratoses with intraepithelial and "
    "squamous cell carcinoma, and what the words of the histology say is another cancer."
)


@dataclass(frozen=True)
class Proven:
    """A lesion with a histology.

    diagnosis: None: the words are not understood.
    verdict: the most urgent of its pictures; code: the most likely class of the picture that has it
        with the highest malignant probability, None where none was classified.
    clinician: the most urgent of the clinician's own verdicts; None: there is none.
    models: name and version of what judged its pictures.
    """

    name: str
    histology: str
    diagnosis: Diagnosis | None
    verdict: str
    code: str | None
    clinician: str | None
    models: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Judged:
    """One judge's verdicts on lesions whose diagnosis is known.

    sensitivity: malignant lesions that got a consultation; specificity: benign ones that got no
        appointment. unanswered: lesions with neither verdict, and of them the malignant ones.
    """

    sensitivity: Share
    specificity: Share
    unanswered: int
    unanswered_malignant: int

    @property
    def n(self) -> int:
        """Lesions with an answer."""
        return self.sensitivity.n + self.specificity.n

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "sensitivity": self.sensitivity._asdict() | {"value": self.sensitivity.value},
            "specificity": self.specificity._asdict() | {"value": self.specificity.value},
            "unanswered": self.unanswered,
            "unanswered_malignant": self.unanswered_malignant,
        }


@dataclass(frozen=True)
class Audit:
    """The record of an owner.

    lesions: all with a histology; not_understood: those whose words are not.
    program_on_same: the program on the lesions that the clinician judged, too: to be held against
        the clinician.
    confusion: by the diagnosis, lesions by the class that was the most likely.
    models: name, version and the number of lesions, the most frequent first.
    """

    lesions: int
    program: Judged
    clinician: Judged
    program_on_same: Judged
    confusion: Mapping[str, Mapping[str, int]]
    not_understood: Sequence[Proven]
    models: Sequence[tuple[str, str, int]]

    @property
    def cautions(self) -> list[str]:
        """What to know before believing the figures, in sentences."""
        if not self.lesions:
            return ["No lesion has a histology yet: write it in the case, beside the lesion."]
        said = [
            _few(share, what)
            for share, what in (
                (self.program.sensitivity, "malignant"),
                (self.program.specificity, "benign"),
            )
        ]
        if len(self.models) > 1:
            said.append("Several models or versions judged these lesions; the figures mix them.")
        return [*filter(None, said), BIAS, MALIGNANT]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "lesions": self.lesions,
            "program": self.program.to_dict(),
            "clinician": self.clinician.to_dict(),
            "program_on_same": self.program_on_same.to_dict(),
            "confusion": [
                {"diagnosis": name, "predicted": dict(row)} for name, row in self.confusion.items()
            ],
            "not_understood": [
                {"lesion": one.name, "histology": one.histology} for one in self.not_understood
            ],
            "models": [{"model": m, "version": v, "lesions": n} for m, v, n in self.models],
            "cautions": self.cautions,
        }


def proven_lesions(store: Store, owner: str) -> list[Proven]:
    """The lesions of an owner that have a histology, by name.

    Raises:
        StoreUnavailable, StoreFull.
    """
    found = (
        select(
            Lesion.name, Lesion.histology, Item.verdict, Item.code, Item.risk,
            Item.clinician_verdict, Item.model, Item.version,
        )
        .join(Item, Item.lesion_id == Lesion.id)
        .where(Item.owner == owner, *store.in_force(), Lesion.histology.is_not(None))
        .order_by(Lesion.name, Item.risk.desc())
    )  # fmt: skip
    pictures = defaultdict(list)
    with store.place.database.reading() as session:
        for row in session.execute(found):
            pictures[row.name, row.histology].append(row)
    return [
        Proven(
            name=name,
            histology=histology,
            diagnosis=understood(histology),
            verdict=rows[0].verdict,  # the risk sorts by urgency first
            code=next((row.code for row in rows if row.code), None),
            clinician=max(
                (row.clinician_verdict for row in rows if row.clinician_verdict),
                key=URGENCY.index,
                default=None,
            ),
            models=frozenset((row.model, row.version) for row in rows if row.code),
        )
        for (name, histology), rows in pictures.items()
    ]


def audit(lesions: Sequence[Proven]) -> Audit:
    """What was advised for lesions, held against their histology."""
    known = [(one, one.diagnosis) for one in lesions if one.diagnosis is not None]
    judged = [(one.verdict, diagnosis.malignant) for one, diagnosis in known]
    both = [(one, diagnosis.malignant) for one, diagnosis in known if one.clinician]
    confusion: dict[str, Counter[str]] = {}
    order = {name: place for place, name in enumerate((*HAM10000.names, *OTHER.values()))}
    for one, diagnosis in known:
        if one.code is not None:
            name = diagnosis.name if diagnosis.code else OTHER[diagnosis.malignant]
            confusion.setdefault(name, Counter())[one.code] += 1
    models = Counter(model for one, _ in known for model in one.models)
    return Audit(
        lesions=len(lesions),
        program=_judged(judged),
        clinician=_judged([(one.clinician, malignant) for one, malignant in both]),
        program_on_same=_judged([(one.verdict, malignant) for one, malignant in both]),
        confusion={name: confusion[name] for name in sorted(confusion, key=order.__getitem__)},
        not_understood=[one for one in lesions if one.diagnosis is None],
        models=[(*model, n) for model, n in models.most_common()],
    )


def _judged(verdicts: Sequence[tuple[str | None, bool]]) -> Judged:
    """Of verdicts and whether the lesion is malignant."""
    count = Counter(verdicts)
    found, cleared = ("consultation", "no_appointment")
    answered = [(verdict, bad) for verdict, bad in verdicts if verdict in (found, cleared)]
    malignant = sum(bad for _, bad in answered)
    rest = [bad for verdict, bad in verdicts if verdict not in (found, cleared)]
    return Judged(
        sensitivity=share(count[found, True], malignant),
        specificity=share(count[cleared, False], len(answered) - malignant),
        unanswered=len(rest),
        unanswered_malignant=sum(rest),
    )


def _few(found: Share, what: str) -> str:
    if found.n >= FEWEST:
        return ""
    lesions = "lesion says" if found.n == 1 else "lesions say"
    if found.low is None or found.high is None:
        return f"No {what} lesion with a histology was judged yet."
    return (
        f"{found.n} {what} {lesions} little: chance alone allows for anything from "
        f"{found.low:.0%} to {found.high:.0%}."
    )
