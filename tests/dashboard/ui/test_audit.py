"""The own record's page: figures with intervals, what to know, what is not understood."""

import pytest
from flask.testing import FlaskClient

from Dashboard.proven.audit import audit
from Dashboard.proven.intervals import share
from Dashboard.ui.audit.view import interval_text, own_record
from tests.dashboard.drawing import content
from tests.dashboard.proven.test_audit import lesion
from tests.dashboard.ui.test_components import walk, words

pytestmark = pytest.mark.usefixtures("app")


def test_figures_stand_with_their_intervals_and_numbers() -> None:
    shown = own_record(
        audit(
            [
                *[lesion("melanoma", "consultation", "mel", "consultation")] * 18,
                *[lesion("melanoma", "no_appointment", "nv")] * 2,
                lesion("Merkel cell carcinoma", "retake", None),
                lesion("see <report>", "consultation"),
            ]
        )
    )
    said = words(shown)
    assert "90% (68% to 99%), 18 of 20" in said
    assert "100% (81% to 100%), 18 of 18" in said
    assert "1, 1 of them malignant" in said
    assert "none yet" in said
    assert "see <report>" in said
    assert "20 malignant lesions say little" in said
    links = [part.href for part in walk(shown) if hasattr(part, "href")]
    assert links == ["/export", "/export?all=true"]


def test_figures_of_two_versions_are_no_one_figure() -> None:
    both = [lesion("melanoma", "consultation", "mel"), lesion("nv", "consultation", model="other")]
    shown = own_record(audit(both))
    said = words(shown)
    assert "m, version 1 100% (2% to 100%), 1 of 1" in said
    assert "other, version 1 none yet 0% (0% to 98%), 0 of 1" in said
    assert "Confusion" not in str(shown)
    links = [part.href for part in walk(shown) if type(part).__name__ == "Link"]
    assert links == ["/audit?model=m&version=1", "/audit?model=other&version=1"]


def test_the_record_of_one_version(client: FlaskClient) -> None:
    shown = content(client, "/audit", "?model=plain&version=0.1")
    assert "Only pictures that plain version 0.1 judged." in shown
    assert '"href": "/audit"' in shown
    assert "Only pictures" not in content(client, "/audit")
    assert client.get("/audit?model=plain&version=0.1").get_json()["lesions"] == 0
    assert client.get("/audit?modle=plain").status_code == 400


def test_without_a_histology_there_is_a_sentence_and_no_empty_table() -> None:
    shown = own_record(audit([]))
    assert "No lesion has a histology yet" in words(shown)
    assert not [part for part in walk(shown) if type(part).__name__ == "Table"]
    assert interval_text(share(0, 0)) == "none yet"


def test_a_browser_gets_the_page_and_a_program_the_record(client: FlaskClient) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = client.get("/audit", headers=browser)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert page.headers["Set-Cookie"].startswith("lesions_session=")
    for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        record = client.get("/audit", headers=accept)
        assert record.mimetype == "application/json"
        assert "Accept" in record.headers["Vary"]
