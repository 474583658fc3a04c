"""The Compare page in a real browser: the slider, and no page that scrolls sideways."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

WIDTH = "document.documentElement.scrollWidth"


@pytest.mark.parametrize("width", [1440, 390])
def test_eight_pictures_judged_by_a_slider(new_visit: Callable, files, width: int) -> None:
    visit = new_visit(viewport={"width": width, "height": 900})
    page = visit.open("/compare")
    keys = []
    for kind in ("malignant", "benign") * 4:
        answer = page.request.post(
            f"{visit.site}/assessments", multipart={"image": files(kind), "model": "careful"}
        )
        keys.append(answer.json()["id"])
    visit.open(f"/compare?cases={','.join(keys)}")
    verdicts = page.locator("#compare-verdict td")
    expect(verdicts).to_have_text(["Consultation"] * 8)
    assert page.evaluate(WIDTH) == width
    scrolled = page.get_by_role("region", name="Comparison")
    assert scrolled.evaluate("box => box.scrollWidth > box.clientWidth") == (width == 390)

    page.get_by_role("slider", name="Threshold, percent").focus()
    page.keyboard.press("End")
    expect(verdicts.nth(1)).to_contain_text("No appointment")
    expect(page.locator("#compare-rule td").first).to_contain_text("A malignant class is the most")
    page.get_by_role("button", name="As assessed").click()
    expect(verdicts).to_have_text(["Consultation"] * 8)
    page.get_by_role("link", name="Take out").first.click()
    expect(verdicts).to_have_count(7)
    assert visit.console == []
