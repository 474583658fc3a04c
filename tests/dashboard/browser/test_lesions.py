"""A lesion over time in a real browser: from the list, in turns and side by side, on a phone."""

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.dashboard.browser.conftest import Visit
from tests.quality.lesion.drawn import View, drawn

pytestmark = pytest.mark.browser


def test_a_lesion_over_time(new_visit: Callable[..., Visit]) -> None:
    visit = new_visit(viewport={"width": 390, "height": 800})
    for image in (drawn(), drawn(0.144, View(12, 1.1, (10, -8)))):
        data = io.BytesIO()
        Image.fromarray(image).save(data, "PNG")
        file = {"name": "a.png", "mimeType": "image/png", "buffer": data.getvalue()}
        form = {"image": file, "gate": "false"}
        kept = visit.page.request.post(f"{visit.site}/assessments", multipart=form).json()
        visit.page.request.patch(
            f"{visit.site}/assessments/{kept['id']}", data={"lesion": {"name": "a/b 1"}}
        )
    page = visit.open("/lesions")
    page.get_by_role("link", name="a/b 1").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lesion a/b 1")
    pictures = page.locator(".lesion-pictures img")
    expect(pictures).to_have_count(2)
    first, second = pictures.all()
    for picture in (first, second):
        expect(picture).to_have_js_property("complete", True)
        expect(picture).to_have_js_property("naturalWidth", 480)
    expect(page.locator(".lesion-differences")).to_contain_text("larger")
    expect(page.locator(".lesion-charts [role=img]")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") == 390

    page.get_by_role("button", name="Blink").click()
    expect(first).not_to_be_visible()
    expect(first).to_be_visible()
    page.get_by_role("button", name="Blink").click()
    page.keyboard.down("b")
    expect(second).not_to_be_visible()
    page.keyboard.up("b")
    expect(second).to_be_visible()
    assert visit.console == []
