"""What happens in a case: saved words, other models, classified anyway, deleted. No browser."""

import json
from collections.abc import Callable
from typing import Any

import dash
import pytest
from flask.testing import FlaskClient

from Dashboard.assess import messages
from Dashboard.store.schema import NOTE_CHARACTERS
from Dashboard.ui.cases.panel import case_panel
from Dashboard.ui.cases.words import NAMELESS
from Dashboard.web.frontend import CALLBACKS
from tests.dashboard.sending import as_form, refused
from tests.dashboard.ui.test_components import words

Encode = Callable[..., bytes]
NAMES = (
    "clinician_verdict", "flag", "note", "name", "body_site", "age_band", "sex", "histology",
    "taken", "pixels_per_mm",
)  # fmt: skip
EMPTY: dict[str, Any] = dict.fromkeys(NAMES, "") | {"flag": [], "clinician_verdict": None}
EVIL = "<script>alert(1)</script>"


class Case:
    """One case in a browser."""

    def __init__(self, client: FlaskClient, key: str) -> None:
        self.client, self.key = client, key
        self.values = dict(EMPTY)

    def call(self, output: str, inputs: list[Any], state: list[Any], *changed: Any) -> Any:
        callbacks = self.client.get("/_dash-dependencies").get_json()
        (found,) = (one for one in callbacks if output in one["output"])
        body = {
            "output": found["output"],
            "outputs": self._outputs(found["output"]),
            "inputs": inputs,
            "state": state,
            "changedPropIds": [
                json.dumps(one, sort_keys=True, separators=(",", ":"))
                + f".{self._of(inputs)['property']}"
                for one in changed
            ],
        }
        return self.client.post(CALLBACKS, json=body)

    @staticmethod
    def _of(inputs: list[Any]) -> dict[str, Any]:
        first = inputs[0]
        return dict(first[0] if isinstance(first, list) else first)

    def _outputs(self, output: str) -> Any:
        found: list[Any] = []
        for part in output.strip(".").split("..."):
            identity, name = part.rsplit(".", 1)
            of = json.loads(identity) | {"key": self.key}
            if of.get("name") == ["ALL"]:
                found.append([{"id": of | {"name": one}, "property": name} for one in NAMES])
            else:
                found.append({"id": of, "property": name})
        return found if output.startswith("..") else found[0]

    def leave(self, name: str, value: Any) -> dict[str, Any]:
        """Fill a field and leave it; what the page is told."""
        return self.leave_at_once({name: value})

    def leave_at_once(self, values: dict[str, Any]) -> dict[str, Any]:
        """Leave several fields in so short a time that the page asks once."""
        self.values |= values
        inputs = [
            {"id": {"type": "case-word", "key": self.key, "name": one}, "property": "value",
             "value": self.values[one]}
            for one in NAMES
        ]  # fmt: skip
        changed = [{"type": "case-word", "key": self.key, "name": name} for name in values]
        response = self.call('"type":"case-word"', [inputs], [], *changed)
        assert response.status_code == 200, response.text
        parts = response.get_json()["response"]
        return {json.loads(name)["type"]: said for name, said in parts.items()}

    def press(self, do: str, order: Any = 1) -> str:
        identity = {"type": "case-do", "key": self.key, "do": do}
        clicked = [{"id": identity, "property": "n_clicks", "value": 1}]
        state = [
            {"id": {"type": "case-order", "key": self.key}, "property": "data", "value": order}
        ]
        response = self.call('"type":"case-body"', [clicked], state, identity)
        assert response.status_code == 200, response.text
        return str(response.text)

    def kept(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/assessments/{self.key}").get_json()
        return found


@pytest.fixture
def keep(app: dash.Dash, encode: Encode) -> Callable[[str], Case]:
    client = app.server.test_client()

    def make(kind: str) -> Case:
        return Case(client, as_form(client, encode(kind), "a.png", "/assessments").get_json()["id"])

    return make


def test_a_field_is_saved_when_it_is_left(keep: Callable[[str], Case]) -> None:
    case = keep("benign")
    said = case.leave("note", EVIL)
    assert said["case-saved"]["children"] == "Saved."
    assert EVIL in json.dumps(said["case-history"])
    assert case.leave("clinician_verdict", "consultation")["case-saved"]["children"] == "Saved."
    assert "otherwise" in json.dumps(case.leave("flag", ["flag"])["case-stand"])
    assert case.leave("pixels_per_mm", 30)["case-scale"] == {"data-scale": "0.05000000"}
    kept = case.kept()
    assert (kept["note"], kept["clinician_verdict"], kept["flag"]) == (EVIL, "consultation", True)
    assert [one["field"] for one in kept["history"]] == [
        "note", "clinician_verdict", "flag", "pixels_per_mm",
    ]  # fmt: skip
    case.leave("clinician_verdict", None)
    assert case.kept()["clinician_verdict"] is None
    case.leave("taken", "2026-03-01 10:30:00")
    assert case.kept()["taken"] == "2026-03-01T10:30:00"
    case.leave("taken", None)
    assert case.kept()["taken"] is None


def test_of_fields_left_at_once_none_is_lost(keep: Callable[[str], Case]) -> None:
    case = keep("benign")
    said = case.leave_at_once({"note": "seen", "clinician_verdict": "consultation"})
    assert said["case-saved"]["children"] == "Saved."
    kept = case.kept()
    assert (kept["note"], kept["clinician_verdict"]) == ("seen", "consultation")
    said = case.leave_at_once({"body_site": "back", "flag": ["flag"]})
    assert said["case-saved"]["children"] == f"Not saved: {NAMELESS}"
    assert "Flag set" in json.dumps(said["case-history"])
    assert case.kept()["flag"] is True
    said = case.leave_at_once({"sex": "female", "body_site": "back"})
    assert said["case-saved"]["children"] == f"Not saved: {NAMELESS}"  # once
    said = case.leave_at_once({"name": "x" * 5000, "note": "seen again"})
    assert said["case-saved"]["data-failed"] == ""
    assert "case-word" not in said  # what was refused stays in its field
    assert case.kept()["note"] == "seen again"
    case.leave_at_once({"sex": "female", "name": "L7"})
    assert case.kept()["lesion"]["sex"] == "female"


def test_a_lesion_needs_a_name_and_brings_what_is_known_of_it(keep: Callable[[str], Case]) -> None:
    case, other = keep("benign"), keep("malignant")
    assert NAMELESS in case.leave("body_site", "back")["case-saved"]["children"]
    case.leave("name", "L-7")  # what was filled in before goes with it
    case.leave("histology", "nevus")
    assert case.kept()["lesion"] == {
        "name": "L-7", "body_site": "back", "age_band": None, "sex": None, "histology": "nevus",
    }  # fmt: skip
    assert "nevus" in json.dumps(other.leave("name", "L-7"))
    other.values["body_site"] = "back"
    other.leave("name", "")
    assert other.kept()["lesion"] is None
    assert case.kept()["lesion"]["name"] == "L-7"


@pytest.mark.parametrize(
    ("name", "value"),
    [("note", "x" * (NOTE_CHARACTERS + 1)), ("note", 5), ("clinician_verdict", "none"),
     ("clinician_verdict", {}), ("pixels_per_mm", -1), ("pixels_per_mm", "far"), ("note", "\0")],
)  # fmt: skip
def test_what_cannot_be_saved_is_a_sentence(
    keep: Callable[[str], Case], name: str, value: Any
) -> None:
    case = keep("benign")
    said = case.leave(name, value)
    assert said["case-saved"]["children"].startswith(f"Not saved: {name} must be ")
    assert case.kept()["history"] == []


def test_a_strangers_case_stays_as_it_is(keep: Callable[[str], Case], client: FlaskClient) -> None:
    case = keep("pale")
    stranger = Case(client, case.key)
    assert "no such assessment" in stranger.leave("note", "x")["case-saved"]["children"]
    for do in ("delete", "undo", "anyway"):
        assert "no such assessment" in stranger.press(do)
    assert case.kept()["note"] == ""


def test_a_rejected_picture_is_classified_anyway(keep: Callable[[str], Case]) -> None:
    case = keep("pale")
    drawn = case.press("anyway")
    assert "was overridden" in drawn
    assert messages.NO_ADVICE in drawn
    assert case.kept()["verdict"] == "retake"  # the first answer stays


def test_deleted_and_brought_back(keep: Callable[[str], Case]) -> None:
    case = keep("benign")
    assert "Undo" in case.press("delete")
    refused(case.client.get(f"/assessments/{case.key}"), 404)
    assert messages.NO_APPOINTMENT in case.press("undo", order=["x"])
    assert case.kept()["verdict"] == "no_appointment"


def test_other_models_are_asked(keep: Callable[[str], Case]) -> None:
    case = keep("benign")
    identity = {"type": "case-ask", "key": case.key}
    clicked = [{"id": identity, "property": "n_clicks", "value": 1}]
    response = case.call('"type":"case-opinions"', clicked, [], identity)
    # `careful` advises from 0.05 on.
    assert "1 of 2 models advises a consultation." in response.text
    assert messages.CONSULT in response.text


def test_the_page_knows_the_way_along_the_list(keep: Callable[[str], Case]) -> None:
    benign, malignant = keep("benign"), keep("malignant")
    pages = benign.client.get("/_dash-dependencies").get_json()
    (callback,) = (one for one in pages if "_pages_content" in one["output"])

    def drawn(key: str, search: str = "") -> str:
        values = {"pathname": f"/cases/{key}", "search": search}
        outputs = [one.rsplit(".", 1) for one in callback["output"].strip(".").split("...")]
        body = {
            "output": callback["output"],
            "outputs": [{"id": name, "property": what} for name, what in outputs],
            "inputs": [{**one, "value": values[one["property"]]} for one in callback["inputs"]],
            "changedPropIds": ["_pages_location.pathname"],
        }
        return str(benign.client.post(CALLBACKS, json=body).text)

    assert "1 of 2" in drawn(malignant.key)
    assert benign.key in drawn(malignant.key)
    narrowed = drawn(benign.key, "?verdict=no_appointment")
    assert "1 of 1" in narrowed
    assert malignant.key not in narrowed
    assert "2 of 2" in drawn(benign.key, "?verdict=plum&x=y")


def test_whose_a_case_is(client: FlaskClient, encode: Encode) -> None:
    key = as_form(client, encode("malignant"), "a.png", "/assessments").get_json()["id"]
    assert client.get(f"/cases/{key}").status_code == 200
    stranger = client.application.test_client()
    for path in (f"/cases/{key}", "/cases/none", "/cases/%00", "/cases/a/b", f"/cases/{'k' * 99}"):
        assert stranger.get(path).status_code == 404, path
    with client.application.test_request_context():
        assert "There is no such assessment." in words(case_panel(key))
