"""Words of a pathologist: understood as one diagnosis, or not at all."""

import pytest

from Dashboard.proven.histology import understood
from models.registry.taxonomy import HAM10000


@pytest.mark.parametrize("code", HAM10000.codes)
def test_codes_and_names_of_the_classes(code: str) -> None:
    for text in (code, code.upper(), HAM10000.name(code)):
        found = understood(text)
        assert found is not None
        assert (found.code, found.malignant) == (code, code in HAM10000.malignant)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Melanoma in situ", "mel"),
        ("Superficial spreading melanoma, Breslow 0,4 mm, pT1a", "mel"),
        ("malignant melanoma", "mel"),
        ("Lentigo maligna", "mel"),
        ("dysplastic naevus", "nv"),
        ("Compound nævus", "nv"),
        ("BCC, nodular", "bcc"),
        ("SCC", "akiec"),
        ("squamous-cell carcinoma", "akiec"),
        ("Bowen's disease", "akiec"),
        ("seborrhoeic keratosis (irritated)", "bkl"),
        ("Haemangioma", "vasc"),
    ],
)
def test_what_clinics_write(text: str, code: str) -> None:
    found = understood(text)
    assert found is not None
    assert found.code == code


@pytest.mark.parametrize(("text", "bad"), [("Merkel cell carcinoma", True), ("Scar", False)])
def test_diagnoses_of_no_class(text: str, bad: bool) -> None:
    found = understood(text)
    assert found is not None
    assert (found.code, found.malignant) == (None, bad)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "nodular", "benign", "no melanoma", "melanoma?", "melanoma or naevus",
        "naevus, melanoma not excluded", "suspected BCC", "carcinoma", "see report", "4", "\x7f",
        "melanoma in a naevus", "non-melanoma", "BCC and SCC",
    ],
)  # fmt: skip
def test_nothing_is_guessed(text: str) -> None:
    assert understood(text) is None
