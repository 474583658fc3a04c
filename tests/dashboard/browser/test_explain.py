"""Explanations in a case, in a real browser: asked for, shown, found again, taken away."""

import base64
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from interpretability.methods import METHODS
from tests.dashboard.browser.conftest import Visit

pytestmark = pytest.mark.browser
# The double takes its time by precision, so a method that has degrees of it is asked for.
GRADED = next(one for one in METHODS.values() if one.has_precision)
KEEP = """async (image) => (await (await fetch("/assessments", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ image }),
})).json()).id"""


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("textbox", name=label, exact=True).click()
    page.get_by_role("option", name=re.compile(f"^{option}")).click()


def test_an_explanation_with_another_one_waiting(
    visit: Visit, encode: Callable[..., bytes]
) -> None:
    page = visit.open()
    key = page.evaluate(KEEP, base64.b64encode(encode("benign")).decode())
    visit.open(f"/cases/{key}")
    section = page.locator("[data-explain]")
    expect(section.get_by_text(METHODS["gradcam"].text[:40])).to_be_visible()
    choose(page, "Method", GRADED.label)
    expect(section.get_by_text(GRADED.text[:40])).to_be_visible()
    choose(page, "Precision", "High")
    section.get_by_role("button", name="Explain", exact=True).click()
    slow = section.locator(".explained").first
    expect(slow.locator("progress")).to_be_visible()
    expect(slow).to_contain_text("left")
    choose(page, "Precision", "Low")
    choose(page, "Method", METHODS["gradcam"].label)
    expect(section.get_by_role("textbox", name="Precision", exact=True)).to_be_disabled()
    section.get_by_role("button", name="Explain", exact=True).click()
    quick = section.locator(".explained").nth(1)
    expect(quick).to_contain_text("Melanocytic nevi 50.0%")
    expect(slow.locator("progress")).to_be_visible()  # while the other one goes on

    quick.get_by_role("button", name="Show").click()
    expect(page.locator(".viewer-map").nth(1)).to_have_js_property("naturalWidth", 480)
    expect(page.locator(".viewer-legend")).to_contain_text(METHODS["gradcam"].label)
    with page.expect_download() as download:
        quick.get_by_role("link", name="Array").click()
    assert download.value.suggested_filename.endswith("-gradcam-map.npy")

    page.reload()
    expect(section.locator(".explained")).to_have_count(2)
    quick = section.locator(".explained", has_text="50.0%")
    slow = section.locator(".explained", has=page.locator("progress"))
    slow.get_by_role("button", name="Cancel").click()
    quick.get_by_role("button", name="Remove").click()
    expect(section.locator(".explained")).to_have_count(0)
    page.reload()
    expect(section.get_by_role("button", name="Explain", exact=True)).to_be_visible()
    expect(section.locator(".explained")).to_have_count(0)
    expect(section.get_by_role("alert")).to_have_count(0)
