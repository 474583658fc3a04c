"""Similar proven cases in a case: words, counts, pictures; filled after the case is there."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from Dashboard.proven.similar import Neighbour, Similar
from Dashboard.ui.similar import section
from Dashboard.ui.similar.view import compared, headline, similar_cases
from tests.dashboard.sending import as_form
from tests.dashboard.ui.test_case import item
from tests.dashboard.ui.test_components import walk, words

# Links are made by the app.
pytestmark = pytest.mark.usefixtures("app")


def neighbour(diagnosis: str, **values: Any) -> Neighbour:
    own = {
        "key": None, "row": 7, "name": "L1", "code": "nv", "malignant": False,
        "proven": "follow-up", "similarity": 0.9, "alike": "very like it",
    }  # fmt: skip
    return Neighbour(**{"diagnosis": diagnosis, **own, **values})


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["Nevi"], "The proven lesion most like it is: Nevi."),
        (["Nevi"] * 3, "All 3 proven lesions most like it have one diagnosis: Nevi."),
        (["A", "B", "B"], "2 of the 3 proven lesions most like it have one diagnosis: B."),
        (["A", "B", "B", "A", "C"], "Of the 5 proven lesions most like it, 2 each are: A; B."),
    ],
)
def test_how_the_neighbours_are_distributed(names: list[str], sentence: str) -> None:
    assert headline(Similar([neighbour(name) for name in names])) == sentence


def test_what_a_neighbour_shows() -> None:
    own = neighbour("Melanoma", key="abc", row=None, proven="histology", malignant=True)
    found = Similar([own, neighbour("Melanocytic nevi")], "m", "1", own=1, indexed=55)
    parts = similar_cases(found)
    said = " ".join(words(part) for part in parts)
    assert "histology, yours; very like it" in said
    assert "follow-up, prepared data set; very like it" in said
    assert "Looking alike proves nothing" in said
    assert compared(found) == (
        "Nearest first, among 1 of yours with a histology and 55 of the prepared data set; "
        "a lesion counts once."
    )
    sources = [c.src for part in parts for c in walk(part) if hasattr(c, "src")]
    assert sources == ["/assessments/abc/thumbnail", "/index/7/thumbnail"]
    links = [c.href for part in parts for c in walk(part) if hasattr(c, "href")]
    assert links == ["/cases/abc"]


@pytest.mark.parametrize(
    ("alike", "said"), [("hardly like it", True), ("like it", False), ("", False)]
)
def test_neighbours_that_are_far_are_said_to_be(alike: str, said: bool) -> None:
    shown = " ".join(map(words, similar_cases(Similar([neighbour("Nevi", alike=alike)]))))
    assert ("None of them is much like it" in shown) == said


def test_why_there_are_none_and_what_is_wrong_with_the_index() -> None:
    said = [words(part) for part in similar_cases(Similar(reason="None.", notice="Made anew."))]
    assert said == ["Made anew.", "None."]


def test_only_pictures_that_were_judged_have_the_section() -> None:
    assert section.similar_section(item()) is not None
    rejected = item()
    rejected.code = None
    assert section.similar_section(rejected) is None


def test_it_is_filled_when_the_page_asks(client: FlaskClient, encode: Callable[..., bytes]) -> None:
    keys = []
    for kind in ("malignant", "benign"):
        kept = as_form(client, encode(kind), "a.png", "/assessments").get_json()
        lesion = {"name": kind, "histology": "Melanoma"}
        client.patch(f"/assessments/{kept['id']}", json={"lesion": lesion})
        keys.append(kept["id"])
    body = filled(client, keys[0])
    assert "The proven lesion most like it is: Melanoma." in str(body["similar-found"])
    assert body["again"] is True
    assert "There is no such assessment." in str(filled(client, "x" * 22)["similar-found"])


def filled(client: FlaskClient, key: str) -> dict[str, Any]:
    found, again = ({"type": kind, "key": key} for kind in (section.FOUND, section.AGAIN))
    texts = [f'{{"key":"{key}","type":"{kind}"}}' for kind in (section.FOUND, section.AGAIN)]
    response = client.post(
        "/_dash-update-component",
        json={
            "output": '..{"key":["MATCH"],"type":"similar-found"}.children...'
            '{"key":["MATCH"],"type":"similar-again"}.disabled..',
            "outputs": [
                {"id": found, "property": "children"},
                {"id": again, "property": "disabled"},
            ],
            "inputs": [
                {"id": found, "property": "id", "value": found},
                {"id": again, "property": "n_intervals"},
            ],
            "changedPropIds": [f"{texts[0]}.id"],
        },
    )
    assert response.status_code == 200, response.data
    answer = response.get_json()["response"]
    first, second = answer.values()
    return {"similar-found": first["children"], "again": second["disabled"]}
