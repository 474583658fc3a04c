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

# Name and version of a model.
Judge = tuple[str, str]
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
    verdicts: by what classified its pictures, the most urgent verdict of each; none where all are
        to be retaken.
    """

    name: str
    histology: str
    diagnosis: Diagnosis | None
    verdict: str
    code: str | None
    clinician: str | None
    verdicts: Mapping[Judge, str]


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
    models: what judged pictures of these lesions, the most frequent first: how many lesions, and
        its verdicts alone. Figures of two versions are not one figure.
    unclassified: lesions whose pictures no model judged, for all are to be retaken.
    """

    lesions: int
    program: Judged
    clinician: Judged
    program_on_same: Judged
    confusion: Mapping[str, Mapping[str, int]]
    not_understood: Sequence[Proven]
    models: Mapping[Judge, tuple[int, Judged]]
    unclassified: Judged

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
            said.append(
                "Several models or versions judged these lesions, each with figures of its own; "
                "those of all together mix them."
            )
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
            "models": [
                {"model": model, "version": version, "lesions": n, "program": own.to_dict()}
                for (model, version), (n, own) in self.models.items()
            ],
            "cautions": self.cautions,
        }


def proven_lesions(
    store: Store, owner: str, model: str | None = None, version: str | None = None
) -> list[Proven]:
    """The lesions of an owner that have a histology, by name.

    model, version: those alone that have pictures judged by it, as if there were no others.

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
    if model is not None:
        found = found.where(Item.model == model)
    if version is not None:
        found = found.where(Item.version == version)
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
            verdicts={(row.model, row.version): row.verdict for row in reversed(rows) if row.code},
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
    by_judge = defaultdict(list)
    for one, diagnosis in known:
        for judge, verdict in one.verdicts.items():
            by_judge[judge].append((verdict, diagnosis.malignant))
    return Audit(
        lesions=len(lesions),
        program=_judged(judged),
        clinician=_judged([(one.clinician, malignant) for one, malignant in both]),
        program_on_same=_judged([(one.verdict, malignant) for one, malignant in both]),
        confusion={name: confusion[name] for name in sorted(confusion, key=order.__getitem__)},
        not_understood=[one for one in lesions if one.diagnosis is None],
        models={
            judge: (len(verdicts), _judged(verdicts))
            for judge, verdicts in sorted(by_judge.items(), key=lambda one: (-len(one[1]), one[0]))
        },
        unclassified=_judged([(o.verdict, d.malignant) for o, d in known if not o.verdicts]),
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
