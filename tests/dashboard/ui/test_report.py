"""The report: each case on its page; one that is not there costs the others nothing."""

from collections.abc import Callable, Iterator

import dash
import pytest

from Dashboard.assess import messages
from Dashboard.ui.report.view import MOST, report, report_of
from tests.dashboard.sending import as_form
from tests.dashboard.ui.test_case import CONSULTATION, EVIL, item
from tests.dashboard.ui.test_components import walk, words


@pytest.fixture(autouse=True)
def request_context(app: dash.Dash) -> Iterator[None]:
    with app.server.test_request_context():
        yield


def test_a_case_on_paper() -> None:
    made = item(EVIL, decision=CONSULTATION)
    made.note, made.clinician_verdict = f"Seen.\n{EVIL}", "no_appointment"
    found = report_of(made, "2026-11-27 09:30 UTC")
    text = words(found)
    for part in (
        messages.CONSULT, "Melanocytic nevi", "Malignant probability", "Sharpness", "plain",
        "version 0.1", "You decided otherwise: no appointment.", EVIL, "2026-11-27 09:30 UTC",
    ):  # fmt: skip
        assert part in text
    (picture,) = (part for part in walk(found) if type(part).__name__ == "Image")
    assert picture.src == f"/assessments/{made.key}/picture"


def test_some_cases_are_there_and_some_are_not(
    app: dash.Dash, encode: Callable[..., bytes]
) -> None:
    client = app.server.test_client()
    key = as_form(client, encode("pale"), "p.png", "/assessments").get_json()["id"]
    cookie = client.get_cookie("lesions_session")
    assert cookie is not None
    headers = {"Cookie": f"lesions_session={cookie.value}"}
    with app.server.app_context(), app.server.test_request_context(headers=headers):
        text = words(report(f"{key},nothing,{key}"))
    assert "2 cases" in text
    assert messages.RETAKE in text
    assert "nothing: there is no such assessment." in text


def test_how_many_cases() -> None:
    assert "No case was named" in words(report(""))
    many = words(report(",".join(f"k{number}" for number in range(MOST + 5))))
    assert f"{MOST} of {MOST + 5} cases" in many
