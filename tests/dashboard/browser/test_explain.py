"""Heatmaps and the panel that explains, in a real browser."""

import io
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from Dashboard.ui.explain.panel import SLOTS
from interpretability.methods import METHODS
from interpretability.rendering.overlay import ENDS
from tests.dashboard.browser.test_access import AUDIT

# Red, green, blue and alpha at a place of a canvas, given as shares of its width and height; read
# from a copy, since Chromium remarks on canvases that are read more than once.
PIXEL = """(canvas, [x, y]) => {
    const copy = document.createElement("canvas");
    Object.assign(copy, { width: canvas.width, height: canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const [left, top] = [Math.floor(x * copy.width), Math.floor(y * copy.height)];
    return [...context.getImageData(left, top, 1, 1).data];
}"""


def fresh(upload: dict) -> dict:
    """The picture as a file that no test sent before: the server knows what it explained."""
    return {**upload, "buffer": upload["buffer"] + secrets.token_bytes(8)}


def panel(card: Locator) -> Locator:
    """The opened panel of a card."""
    details = card.locator("details.explain")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    expect(details.locator(".explain-form")).to_be_visible()
    return details


def ask(details: Locator, precision: str, method: str = "gradcam", target: str = "") -> Locator:
    """Ask for an explanation and give its figure."""
    before = details.locator(".explained").count()
    details.get_by_label("Method").select_option(method)
    if METHODS[method].has_precision:
        details.get_by_label("Precision").select_option(precision)
    details.get_by_label("Class").select_option(target)
    details.get_by_role("button", name="Explain", exact=True).click()
    expect(details.locator(".explained")).to_have_count(before + 1)
    return details.locator(".explained").nth(before)


# The double takes its time by precision, so a method that has degrees of it is asked for.
GRADED = next(name for name, method in METHODS.items() if method.has_precision)


def test_a_heatmap_lies_over_every_classified_picture(visit, files) -> None:
    page = visit.open()
    visit.upload(files("malignant"), files("pale"))
    canvas = visit.card("malignant.png").locator("canvas.heat")
    expect(canvas).to_be_visible()
    assert canvas.evaluate(PIXEL, [0.05, 0.05])[3] > 100  # the double's map speaks here
    assert canvas.evaluate(PIXEL, [0.95, 0.5])[3] == 0
    red, _, blue, _ = canvas.evaluate(PIXEL, [0.05, 0.05])
    assert red > blue
    red, _, blue, alpha = canvas.evaluate(PIXEL, [0.05, 0.95])  # and here against
    assert blue > red
    assert alpha > 50
    box, picture = (
        canvas.bounding_box(),
        canvas.locator("xpath=..").get_by_role("img").bounding_box(),
    )
    assert box == picture
    assert visit.card("pale.png").locator("canvas.heat").count() == 0

    slider = page.get_by_label("Opacity")
    slider.fill("20")
    expect(canvas).to_have_css("opacity", "0.2")
    switch = page.get_by_role("button", name="Heatmap")
    switch.click()
    expect(canvas).to_be_hidden()
    expect(switch).to_have_attribute("aria-pressed", "false")
    slider.fill("60")  # who moves it wants to see it
    expect(canvas).to_be_visible()


def test_explanations_side_by_side_and_their_files(visit, files, tmp_path: Path) -> None:
    page: Page = visit.open()
    visit.upload(fresh(files("benign")))
    card = visit.card("benign.png")
    details = panel(card)
    first = ask(details, "Low", target="mel")
    expect(first.locator("canvas.heat")).to_be_visible()
    expect(first.locator(".explained-words")).to_have_text(
        re.compile(r"^Melanoma 50\.0% · [\d.]+ s$")  # Grad-CAM has no degrees of precision
    )
    second = ask(details, "Low", "saliency", "malignant")
    expect(second.locator("canvas.heat")).to_be_visible()
    expect(second.locator(".explained-words")).to_contain_text("All malignant classes")
    for figure, method in ((first, "gradcam"), (second, "saliency")):
        ends = ENDS[METHODS[method].signed]
        expect(figure.locator(".explained-scale span")).to_have_text(list(ends))
    tops = [figure.bounding_box()["y"] for figure in (first, second)]
    assert tops[0] == tops[1]

    again = details.get_by_role("button", name="Explain", exact=True)
    again.click()  # the same once more is the same figure
    expect(again).to_be_enabled()
    expect(details.locator(".explained")).to_have_count(2)

    with page.expect_download() as download:
        first.get_by_role("button", name="Array").click()
    assert download.value.suggested_filename == "benign-grad-cam-mel.npy"
    download.value.save_as(tmp_path / "array")
    array = np.load(io.BytesIO((tmp_path / "array").read_bytes()))
    assert (array.shape, array.dtype) == ((450, 600), np.float32)
    with page.expect_download() as download:
        first.get_by_role("button", name="Picture").click()
    download.value.save_as(tmp_path / "picture.png")
    assert cv2.imread(str(tmp_path / "picture.png")).shape == (450, 600, 3)

    outlines = first.get_by_role("button", name="Outlines")
    outlines.click()
    drawn = first.get_by_role("img", name="Outlines of the most important regions")
    expect(drawn).to_be_visible()
    expect(drawn).to_have_js_property("naturalWidth", 600)
    assert drawn.bounding_box() == first.get_by_role("img").first.bounding_box()
    expect(first.locator("canvas.heat")).to_be_hidden()
    expect(first.locator(".explained-legend")).to_contain_text("Green surrounds what speaks for")
    with page.expect_download() as download:
        first.get_by_role("button", name="Picture").click()
    assert download.value.suggested_filename == "benign-grad-cam-mel-outlines.png"
    outlines.click()
    expect(first.locator("canvas.heat")).to_be_visible()
    expect(first.locator(".explained-legend")).to_have_count(0)
    second.get_by_role("button", name="Outlines").click()
    expect(second.locator(".explained-legend")).to_contain_text("where the model is most sensitive")
    expect(second.locator(".explained-scale")).to_be_hidden()
    first.get_by_role("button", name="Remove").click()
    expect(details.locator(".explained")).to_have_count(1)


def test_progress_cancel_and_a_reload_in_the_middle(visit, files) -> None:
    page = visit.open()
    upload = fresh(files("malignant", "first.png"))
    visit.upload(upload)
    details = panel(visit.card("first.png"))
    finished = ask(details, "Low", GRADED, "bkl")
    expect(finished.locator("canvas.heat")).to_be_visible()
    running = ask(details, "High", GRADED, "bkl")
    expect(running.locator(".progress-text")).to_have_text(
        re.compile(r"^\d+% · about [\d.]+ s left$")
    )
    page.get_by_role("link", name="Models").click()
    page.get_by_role("link", name="Assess").click()
    expect(running.locator("progress")).to_be_visible()

    page.reload()
    page.locator("h1").wait_for()
    visit.upload({**upload, "name": "again.png"})
    details = visit.card("again.png").locator("details.explain")
    expect(details).to_have_attribute("open", "")
    expect(details.locator(".explained")).to_have_count(2)
    expect(details.locator(".explained canvas.heat")).to_have_count(1)  # what was finished is there
    running = details.locator(".explained").filter(has=page.locator("progress"))
    key = running.get_attribute("data-key")
    running.get_by_role("button", name="Cancel").click()
    expect(details.locator(".explained")).to_have_count(1)
    state = "key => fetch(`/explanations/${key}`).then((r) => r.json()).then((a) => a.state)"
    for _ in range(100):
        if page.evaluate(state, key) == "cancelled":
            break
        page.wait_for_timeout(50)
    assert page.evaluate(state, key) == "cancelled"


def test_more_at_once_than_the_page_follows(visit, files) -> None:
    visit.open()
    visit.upload(fresh(files("benign")))
    details = panel(visit.card("benign.png"))
    for method in [name for name, method in METHODS.items() if method.has_precision][:4]:
        for target in ("mel", "nv"):
            ask(details, "Medium", method, target)
    assert details.locator(".explained").count() == 8 > SLOTS
    expect(details.locator(".explained canvas.heat")).to_have_count(8)


def test_a_server_that_is_gone_in_the_middle(new_visit: Callable, files) -> None:
    visit = new_visit()
    page = visit.open()
    visit.upload(fresh(files("benign")))
    details = panel(visit.card("benign.png"))
    running = ask(details, "High", GRADED, "akiec")
    expect(running.locator(".progress-text")).to_have_text(re.compile("left$"))
    key = running.get_attribute("data-key")
    for path in ("**/_dash-update-component*", "**/explanations/*"):
        page.route(path, lambda route: route.abort("connectionrefused"))
    expect(running.locator(".explained-error")).to_have_text(
        "The server cannot be reached. Check the connection.", timeout=30_000
    )
    page.unroute_all()
    page.evaluate("key => fetch(`/explanations/${key}`, { method: 'DELETE' })", key)


def test_what_cannot_be_explained_is_said(new_visit: Callable, files) -> None:
    visit = new_visit()
    page = visit.open()
    visit.upload(fresh(files("benign")))
    details = panel(visit.card("benign.png"))
    failed = ask(details, "Low", "saliency", "df")
    expect(failed.locator(".explained-error")).to_have_text(
        "the explanation failed in the worker (RuntimeError)"
    )
    page.route("**/pictures", lambda route: route.abort("connectionrefused"))
    unsent = ask(details, "Low", "saliency", "nv")
    expect(unsent.locator(".explained-error")).to_have_text(
        "The server cannot be reached. Check the connection."
    )


def test_methods_that_fail_the_weights_test_say_so(visit, files) -> None:
    visit.open()
    visit.upload(fresh(files("benign")))
    details = panel(visit.card("benign.png"))
    for method in METHODS.values():
        option = details.locator(f"[id$=-method] option[value={method.name}]")
        marked = "fails the sanity check" in (option.inner_text() or "")
        assert marked is method.fails_randomisation
        details.get_by_label("Method").select_option(method.name)
        hint = details.locator(".explain-hint")
        expect(hint).to_contain_text(method.text)
        expect(hint).to_contain_text(re.compile(r"Takes about [\d.]+ s"))
        expect(hint.locator("strong")).to_have_count(int(method.fails_randomisation))


def test_an_example_is_explained(visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Try the synthetic picture: Sharp").click()
    card = visit.card("synthetic-sharp.jpg")
    expect(card).to_have_attribute("data-state", "done")
    expect(ask(panel(card), "Low").locator("canvas.heat")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_the_panel_is_accessible_at_any_width(
    new_visit: Callable, files, scheme: str, width: int
) -> None:
    visit = new_visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = visit.open()
    visit.upload(fresh(files("benign")))
    details = panel(visit.card("benign.png"))
    expect(ask(details, "Low").locator("canvas.heat")).to_be_visible()
    assert page.evaluate(AUDIT) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert visit.console == []
