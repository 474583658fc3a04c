"""Explanations that several follow, and what the page shows of them beside what it saves."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from Dashboard.explain.maps import OPACITY
from interpretability.methods import METHODS
from tests.dashboard.browser.test_explain import GRADED, ask, fresh, panel

# All pixels of a canvas, red, green, blue and alpha; from a copy, as in PIXEL.
PIXELS = """canvas => {
    const copy = document.createElement("canvas");
    Object.assign(copy, { width: canvas.width, height: canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    return [...context.getImageData(0, 0, copy.width, copy.height).data];
}"""
STATE = "key => fetch(`/explanations/${key}`).then((r) => r.json()).then((a) => a.state)"


def becomes(page: Page, key: str | None, state: str) -> None:
    for _ in range(100):
        if page.evaluate(STATE, key) == state:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it never was {state}")


def under_way(figure: Locator) -> str | None:
    expect(figure.locator(".progress-text")).to_have_text(re.compile(r"^[1-9]\d*% · .* left$"))
    return figure.get_attribute("data-key")


def test_cancel_and_remove_leave_others_theirs(new_visit: Callable[..., Any], files: Any) -> None:
    upload = fresh(files("benign"))
    one, other = new_visit(), new_visit()
    for visit in (one, other):
        visit.open()
    one.upload(upload)
    ours = panel(one.card("benign.png"))
    finished = ask(ours, "Low", GRADED, "bkl")
    expect(finished.locator("canvas.heat")).to_be_visible()
    running = ask(ours, "High", GRADED, "bkl")
    key = under_way(running)

    # Another browser with the same picture sees nothing of it, and stops its own alone.
    other.upload(upload)
    theirs = panel(other.card("benign.png"))
    expect(theirs.locator(".explained")).to_have_count(0)
    ask(theirs, "High", GRADED, "bkl")
    theirs.get_by_role("button", name="Cancel").click()
    expect(theirs.locator(".explained")).to_have_count(0)
    one.page.wait_for_timeout(1000)
    expect(running.locator("progress")).to_be_visible()
    assert one.page.evaluate(STATE, key) == "running"
    running.get_by_role("button", name="Cancel").click()
    becomes(one.page, key, "cancelled")

    shown = ask(theirs, "Low", GRADED, "bkl")
    expect(shown.locator("canvas.heat")).to_be_visible()
    shown.get_by_role("button", name="Remove").click()
    expect(theirs.locator(".explained")).to_have_count(0)
    expect(finished.locator("canvas.heat")).to_be_visible()
    finished.get_by_role("button", name="Outlines").click()
    drawn = finished.get_by_role("img", name="Outlines of the most important regions")
    expect(drawn).to_have_js_property("naturalWidth", 600)
    assert one.console == other.console == []


def test_cancel_on_one_of_two_cards_of_a_picture(visit: Any, files: Any) -> None:
    page = visit.open()
    upload = fresh(files("malignant", "one.png"))
    visit.upload(upload)
    first = ask(panel(visit.card("one.png")), "High", GRADED, "vasc")
    key = under_way(first)
    visit.upload({**upload, "name": "two.png"})
    details = visit.card("two.png").locator("details.explain")
    second = details.locator(".explained")
    under_way(second)
    # Asked for once more it is the same, and counts as one.
    details.get_by_label("Method").select_option(GRADED)
    details.get_by_label("Precision").select_option("High")
    details.get_by_label("Class").select_option("vasc")
    details.get_by_role("button", name="Explain", exact=True).click()
    page.wait_for_timeout(1500)
    expect(second).to_have_count(1)
    second.get_by_role("button", name="Cancel").click()
    expect(second).to_have_count(0)
    page.wait_for_timeout(1000)
    assert page.evaluate(STATE, key) == "running"
    expect(first.locator("progress")).to_be_visible()
    first.get_by_role("button", name="Cancel").click()
    becomes(page, key, "cancelled")


@pytest.mark.parametrize("method", ["gradcam", "saliency"])
def test_the_page_shows_what_it_saves(visit: Any, files: Any, tmp_path: Path, method: str) -> None:
    page = visit.open()
    upload = fresh(files("malignant"))
    visit.upload(upload)
    figure = ask(panel(visit.card("malignant.png")), "Low", method)
    canvas = figure.locator("canvas.heat")
    expect(canvas).to_be_visible()
    height, width = (canvas.evaluate(f"canvas => canvas.{side}") for side in ("height", "width"))
    colours = np.array(canvas.evaluate(PIXELS), float).reshape(height, width, 4)
    with page.expect_download() as download:
        figure.get_by_role("button", name="Picture").click()
    download.value.save_as(tmp_path / "picture.png")
    saved = cv2.imread(str(tmp_path / "picture.png"))[..., ::-1]
    sent = cv2.imdecode(np.frombuffer(upload["buffer"], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    saved, sent = (
        cv2.resize(one.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA)
        for one in (saved, sent)
    )
    alpha = OPACITY * colours[..., 3:] / 255
    shown = sent * (1 - alpha) + colours[..., :3] * alpha
    # Averaged before it is coloured, and after; the map has edges at every tenth pixel.
    assert np.abs(shown - saved).mean() < 6
    assert np.abs(sent.astype(float) - saved).mean() > 20


def test_precision_is_in_caption_and_file_name(visit: Any, files: Any) -> None:
    page = visit.open()
    visit.upload(fresh(files("benign")))
    details = panel(visit.card("benign.png"))
    name = METHODS[GRADED].label.lower().replace(" ", "-")
    for precision in ("Low", "Medium"):
        figure = ask(details, precision, GRADED, "mel")
        expect(figure.locator(".explained-words")).to_have_text(
            re.compile(rf"^Melanoma 50\.0% · {precision} · [\d.]+ s$")
        )
        with page.expect_download() as download:
            figure.get_by_role("button", name="Array").click()
        assert download.value.suggested_filename == f"benign-{name}-mel-{precision.lower()}.npy"
