"""Lesions on the page: one address for browsers and programs, what is drawn, what is said."""

import io
import json
from typing import Any

import dash
import pytest
from flask.testing import FlaskClient
from PIL import Image

from Dashboard.ui.lesions import words
from Dashboard.ui.lesions.charts import charts
from tests.dashboard.sending import as_form
from tests.dashboard.ui.test_components import walk
from tests.quality.lesion.drawn import View, drawn

NAME, ADDRESS = "a/b 1", "/lesions/a%2Fb%201"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PAGE = "_pages_content.children", "_pages_store.data"


@pytest.fixture(scope="module")
def visitor(app: dash.Dash) -> FlaskClient:
    """One with two pictures of a lesion."""
    client = app.server.test_client()
    for image in (drawn(), drawn(0.144, View(12, 1.1, (10, -8)))):
        data = io.BytesIO()
        Image.fromarray(image).save(data, "PNG")
        sent = as_form(client, data.getvalue(), "a.png", "/assessments", gate="false")
        client.patch(f"/assessments/{sent.get_json()['id']}", json={"lesion": {"name": NAME}})
    return client


def shown(client: FlaskClient, address: str) -> str:
    """What the page draws at an address, as text."""
    search = address.partition("?")[2]
    body = {
        "output": f"..{'...'.join(PAGE)}..",
        "outputs": [dict(zip(("id", "property"), one.split("."), strict=True)) for one in PAGE],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": address.partition("?")[0]},
            {"id": "_pages_location", "property": "search", "value": search and f"?{search}"},
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }
    answer = client.post("/_dash-update-component", json=body)
    assert answer.status_code == 200, answer.data
    return json.dumps(answer.get_json()["response"]["_pages_content"]["children"])


def test_browsers_get_the_page_and_programs_the_answer(visitor: FlaskClient) -> None:
    for path in ("/lesions", ADDRESS):
        page, answer = visitor.get(path, headers=HTML), visitor.get(path)
        assert (page.status_code, page.mimetype) == (200, "text/html")
        assert (answer.status_code, answer.mimetype) == (200, "application/json")
        assert "Accept" in page.headers["Vary"]
        assert "Accept" in answer.headers["Vary"]
    assert visitor.get("/lesions/none", headers=HTML).status_code == 404
    key = visitor.get(ADDRESS).get_json()["latest"]
    picture = visitor.get(f"{ADDRESS}/registered/{key}/onto/{key}.jpg", headers=HTML)
    assert picture.mimetype == "image/jpeg"


def test_the_pages_are_drawn(visitor: FlaskClient) -> None:
    text = shown(visitor, "/lesions")
    assert NAME in text
    assert ADDRESS in text
    assert "2 pictures" in text
    text = shown(visitor, ADDRESS)
    assert f"Lesion {NAME}" in text
    assert "Please schedule patient for a consultation" in text
    assert "There is no such lesion." in shown(visitor, "/lesions/none")
    assert "`next` of an answer" in shown(visitor, "/lesions?after=x")


def test_a_case_says_where_it_stands_in_its_lesion(visitor: FlaskClient) -> None:
    latest = visitor.get(ADDRESS).get_json()["latest"]
    text = shown(visitor, f"/cases/{latest}")
    assert "Picture 2 of 2" in text
    assert ADDRESS in text


def change(**values: Any) -> dict[str, Any]:
    whole = {"registered": True, "reason": None, "by": "skin", "points": 30, "scale": 1.1}
    return {**whole, "degrees": -4.0, "area": 0.2, "colour": 1.5, **values}


def test_what_is_said_of_a_change() -> None:
    assert words.area_words(change()) == "20% larger"
    assert words.area_words(change(area=-0.1)) == "10% smaller"
    assert words.area_words(change(area=None, reason="Why.")) == "Why."
    assert "no outline" in words.area_words(change(area=None))
    assert "no outline" in words.colour_words(change(colour=None))
    assert words.registration_words(change()) == (
        "Laid onto each other by 30 points, scaled by 1.10, turned by 4°."
    )
    assert "look unchanged" in words.registration_words(change(by="all"))
    assert words.registration_words(change(registered=False)) == ""
    assert words.retake_words(95) == (
        "More than 95 of 100 retakes of an unchanged lesion differ by less."
    )
    assert words.retake_words(None) == ""


def test_charts_are_read_out_and_leave_gaps() -> None:
    points = [
        {"date": "2026-01-01", "area": 1.0, "colour": 0.0, "p_malignant": 0.1},
        {"date": "2026-02-01", "area": None, "colour": None, "p_malignant": 0.3},
    ]
    labels = [getattr(part, "aria-label", "") for part in walk(charts(points))]
    assert any("2026-01-01 100%; 2026-02-01 unknown" in label for label in labels)
    assert any("2026-01-01 10%; 2026-02-01 30%" in label for label in labels)
