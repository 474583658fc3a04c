"""The verdicts on the Compare page: as they were given, or by a threshold that is tried out."""

from dataclasses import dataclass

from Dashboard.assess import messages
from Dashboard.assess.trial import rule_at
from Dashboard.ui.compare.rows import NOTHING, Case
from Dashboard.ui.elements.outcomes import OF_VERDICT, OOD, Outcome


@dataclass(frozen=True)
class Judged:
    """What is said of one picture.

    rule: which rule says so, in words.
    changed: whether it is another message than the one that was given.
    """

    outcome: Outcome
    message: str
    rule: str
    changed: bool = False


def judged(case: Case, tried: float | None = None) -> Judged:
    """The verdict on a picture.

    tried: malignant probability from which on a consultation is advised; None: as it was given.
    """
    rule = rule_at(case["answer"], tried)
    verdict, message = case["verdict"], case["message"]
    if rule is not None and tried is not None:
        verdict, message = rule.verdict, rule.message
    outcome = OOD if message == messages.NOT_DERMATOSCOPIC else OF_VERDICT[verdict]
    name = case["answer"].get("rule") if tried is None else None
    name = name or (rule.name if rule else NOTHING)
    return Judged(outcome, message, name, changed=message != case["message"])
