"""A case in a real browser: the picture looked at closely, words that are kept, a phone, paper."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from Dashboard.assess import messages
from Dashboard.explain.maps import drawn_map
from tests.dashboard.browser.conftest import Visit

pytestmark = pytest.mark.browser
Encode = Callable[..., bytes]


@pytest.fixture
def opened(encode: Encode) -> Callable[..., Page]:
    """Opens the case of a picture that this visit hands in."""

    def make(visit: Visit, kind: str = "malignant") -> Page:
        file = {"name": "a/b.png", "mimeType": "image/png", "buffer": encode(kind)}
        kept = visit.page.request.post(f"{visit.site}/assessments", multipart={"image": file})
        page = visit.open(f"/cases/{kept.json()['id']}")
        page.locator(".viewer-layer[style]").first.wait_for()
        return page

    return make


def scale(page: Page) -> float:
    """How large the picture is shown; 1: all of it."""
    found: float = page.locator(".viewer-layer").first.evaluate(
        "layer => new DOMMatrix(getComputedStyle(layer).transform).a"
    )
    return found


def test_a_picture_looked_at_closely(visit: Visit, opened: Callable[..., Page]) -> None:
    page = opened(visit)
    expect(page.get_by_role("heading", level=1)).to_have_text("a/b.png")
    expect(page.locator(".banner")).to_have_text(messages.CONSULT)
    stage, heat = page.locator(".viewer-stage").first, page.locator(".viewer-map").first
    expect(heat).to_be_hidden()  # nothing over the lesion's colours until it is asked for
    stage.hover()
    page.mouse.wheel(0, -200)
    page.wait_for_function("document.querySelector('.viewer.is-close')")
    assert 1.5 < scale(page) < 1.8
    stage.focus()
    page.keyboard.press("+")
    assert scale(page) > 2
    page.keyboard.down("h")
    expect(heat).to_be_visible()
    expect(page.locator(".viewer-legend")).to_have_text("Red speaks for Melanoma, blue against it.")
    page.keyboard.up("h")
    expect(heat).to_be_hidden()
    page.keyboard.press("0")
    assert scale(page) == 1


def test_a_map_of_another_part_of_the_case_lies_beside_the_picture(
    visit: Visit, opened: Callable[..., Page]
) -> None:
    page = opened(visit)
    # One strong value at the left, none at the right.
    drawn = drawn_map(np.array([[1, 0]], np.float32), signed=True)
    given = json.dumps({"map": drawn, "label": "By hand"})
    page.locator(".viewer").evaluate(
        "(viewer, given) => viewer.dispatchEvent(new CustomEvent('lesions:map',"
        " {bubbles: true, detail: JSON.parse(given)}))",
        given,
    )
    expect(page.locator(".viewer-legend")).to_have_text("By hand")
    first, second = page.locator(".viewer-map").all()
    expect(first).to_be_hidden()
    expect(second).to_be_visible()
    expect(second).to_have_attribute("src", drawn["heat"])
    expect(second).to_have_js_property("naturalWidth", 2)
    page.get_by_role("button", name="Outlines").click()
    expect(second).to_have_attribute("src", drawn["outlines"])


def test_words_are_kept_and_told(visit: Visit, opened: Callable[..., Page]) -> None:
    page = opened(visit, "benign")
    page.get_by_text("Consultation", exact=True).click()
    expect(page.locator(".case-stand")).to_contain_text("You decided otherwise: consultation.")
    note = page.get_by_role("textbox", name="Note")
    note.fill("<b>Seen</b>")
    note.blur()
    expect(page.locator(".case-history li").first).to_contain_text("<b>Seen</b>")
    scale_field = page.get_by_role("textbox", name="Pixels per mm")
    scale_field.fill("60")
    scale_field.blur()
    expect(page.locator(".viewer-ruler")).to_have_text("2 mm")
    page.reload()
    expect(note).to_have_value("<b>Seen</b>")
    expect(page.locator(".case-history li")).to_have_count(3)
    page.get_by_role("button", name="Ask the other models").click()
    expect(page.get_by_text("1 of 2 models advises a consultation.")).to_be_visible()


def test_a_case_on_a_phone(new_visit: Callable[..., Visit], opened: Callable[..., Page]) -> None:
    size = {"width": 390, "height": 844}
    visit = new_visit(viewport=size, has_touch=True, is_mobile=True, color_scheme="dark")
    page = opened(visit, "pale")
    expect(page.locator(".banner")).to_have_text(messages.RETAKE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = page.locator(".viewer-stage").first.bounding_box()
    assert box is not None
    assert box["width"] > 300
    touch = page.context.new_cdp_session(page)
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def fingers(kind: str, apart: float) -> None:
        points: list[dict[str, Any]] = [
            {"x": middle[0] + side * apart, "y": middle[1], "id": number}
            for number, side in enumerate((-1, 1) if kind != "touchEnd" else ())
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 30)
    fingers("touchMove", 60)
    fingers("touchMove", 90)
    fingers("touchEnd", 90)
    assert 2 < scale(page) < 4
    page.get_by_role("button", name="Classify anyway").click()
    expect(page.get_by_text("was overridden")).to_be_visible()
    expect(page.locator(".banner")).to_have_text(messages.NO_ADVICE)


def test_a_report_on_paper(new_visit: Callable[..., Visit], opened: Callable[..., Page]) -> None:
    visit = new_visit(color_scheme="dark")
    page = opened(visit)
    page.get_by_role("link", name="Report").click()
    banner = page.locator(".report-case .banner")
    expect(banner).to_have_text(messages.CONSULT)
    page.emulate_media(media="print", color_scheme="dark")
    expect(banner).to_have_css("color", "rgb(0, 0, 0)")
    expect(banner).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator(".gauges").first).to_be_visible()
    head = page.locator(".print-head")
    expect(head).to_contain_text("Decision support for professionals, not a diagnosis.")
    expect(head).to_have_css("display", "table-header-group")  # repeated on every page
    ink = page.locator(".report-case h2").evaluate("node => getComputedStyle(node).color")
    assert ink == "rgb(18, 33, 31)"
    for control in (".header", ".footer", "button", ".report-head"):
        expect(page.locator(control).first).to_be_hidden()
