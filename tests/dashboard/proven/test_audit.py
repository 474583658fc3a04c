"""The own record: verdicts held against histology, a lesion once."""

from dataclasses import replace
from pathlib import Path

import pytest

from Dashboard.config import Config
from Dashboard.proven.audit import Proven, audit, proven_lesions
from Dashboard.proven.histology import understood
from Dashboard.store.store import Store
from tests.dashboard.conftest import Assessed


def lesion(
    histology: str,
    verdict: str,
    code: str | None = "nv",
    clinician: str | None = None,
    model: str = "m",
) -> Proven:
    name, verdicts = f"{histology} {verdict}", {(model, "1"): verdict} if code else {}
    return Proven(name, histology, understood(histology), verdict, code, clinician, verdicts)


def test_shares_are_of_lesions_with_an_answer() -> None:
    found = audit(
        [
            lesion("melanoma", "consultation", "mel", "consultation"),
            lesion("BCC", "consultation", "mel", "no_appointment"),
            lesion("SCC", "no_appointment", "bkl"),
            lesion("mel", "retake", None),
            lesion("naevus", "no_appointment", clinician="no_appointment"),
            lesion("scar", "consultation", clinician="retake"),
            lesion("nv", "none"),
            lesion("see report", "consultation"),
        ]
    )
    program, own = found.program, found.clinician
    assert (program.sensitivity.found, program.sensitivity.n) == (2, 3)
    assert (program.specificity.found, program.specificity.n) == (1, 2)
    assert (program.unanswered, program.unanswered_malignant) == (2, 1)
    assert program.sensitivity.low == pytest.approx(0.094, abs=5e-4)
    assert (own.sensitivity.found, own.sensitivity.n) == (1, 2)
    assert (own.specificity.found, own.specificity.n, own.unanswered) == (1, 1, 1)
    same = found.program_on_same
    assert (same.sensitivity.found, same.sensitivity.n) == (2, 2)
    assert (same.specificity.found, same.specificity.n, same.unanswered) == (1, 2, 0)
    assert found.lesions == 8
    assert [one.histology for one in found.not_understood] == ["see report"]
    assert found.confusion == {
        "Actinic keratoses and intraepithelial carcinoma / Bowen's disease": {"bkl": 1},
        "Basal cell carcinoma": {"mel": 1},
        "Melanoma": {"mel": 1},
        "Melanocytic nevi": {"nv": 2},
        "Other, benign": {"nv": 1},
    }
    assert {judge: n for judge, (n, _) in found.models.items()} == {("m", "1"): 6}
    assert "3 malignant lesions say little: chance alone allows for anything from 9% to 99%." in (
        found.cautions
    )


def test_many_lesions_need_no_caution_and_nothing_is_said_of_none() -> None:
    many = [lesion("mel", "consultation", "mel")] * 40 + [lesion("nv", "no_appointment")] * 40
    said = audit(many).cautions
    assert not any("chance alone" in sentence for sentence in said)
    assert audit([]).cautions == [
        "No lesion has a histology yet: write it in the case, beside the lesion."
    ]
    only = audit([lesion("mel", "consultation")]).cautions
    assert only[:2] == [
        "1 malignant lesion says little: chance alone allows for anything from 2% to 100%.",
        "No benign lesion with a histology was judged yet.",
    ]


def test_a_lesion_has_the_most_urgent_verdict_of_its_pictures(
    tmp_path: Path, assessed: Assessed
) -> None:
    store = Store(Config(data_dir=tmp_path))
    named = {"name": "L1", "histology": "Melanoma"}
    for kind, verdict in (("benign", "no_appointment"), ("malignant", None), ("pale", "retake")):
        key = store.keep("me", *assessed[kind]).key
        store.change("me", key, {"lesion": named, "clinician_verdict": verdict})
    other = store.keep("me", *assessed["benign"]).key
    store.change("me", other, {"lesion": {"name": "L2"}})  # without histology
    yours = store.keep("you", *assessed["benign"]).key
    store.change("you", yours, {"lesion": {"name": "L3", "histology": "nv"}})
    (found,) = proven_lesions(store, "me")
    assert (found.name, found.verdict, found.code) == ("L1", "consultation", "mel")
    assert found.clinician == "retake"
    assert found.verdicts == {("plain", "0.1"): "consultation"}
    store.close()


def test_each_version_has_figures_of_its_own(tmp_path: Path, assessed: Assessed) -> None:
    store = Store(Config(data_dir=tmp_path))
    data, malignant = assessed["malignant"]
    other = replace(assessed["benign"][1], model="plain", version="0.2")
    for name, kept in (("L1", (malignant, other)), ("L2", (other,))):
        for assessment in kept:
            key = store.keep("me", data, assessment).key
            store.change("me", key, {"lesion": {"name": name, "histology": "melanoma"}})
    found = audit(proven_lesions(store, "me"))
    assert [(judge, n) for judge, (n, _) in found.models.items()] == [
        (("plain", "0.2"), 2),
        (("plain", "0.1"), 1),
    ]
    shares = {v: own.sensitivity for (_, v), (_, own) in found.models.items()}
    assert [(shares[v].found, shares[v].n) for v in ("0.1", "0.2")] == [(1, 1), (0, 2)]
    assert any("Several models or versions" in sentence for sentence in found.cautions)
    (one,) = proven_lesions(store, "me", "plain", "0.1")
    assert (one.name, one.verdict) == ("L1", "consultation")
    only = audit(proven_lesions(store, "me", version="0.2"))
    assert (only.program.sensitivity.found, only.program.sensitivity.n) == (0, 2)
    assert proven_lesions(store, "me", "other") == []
    store.close()
