"""Whether everybody can use the pages: by keyboard, on a phone, in the dark, by ear."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
PAGES = ("/", "/compare", "/models", "/audit")


def test_everything_is_reached_and_worked_by_keyboard(visit, files) -> None:
    page = visit.open()
    # Asked for early: the browser takes a moment to hand file choosers over.
    page.on("filechooser", lambda _: None)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    field = page.locator("input[type=file]")
    for _ in range(8):
        if field.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(field).to_be_focused()
    outline = page.locator("#zone").evaluate("zone => getComputedStyle(zone).outlineStyle")
    assert outline == "solid"

    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    assert chooser.value.is_multiple()
    chooser.value.set_files([files("blurred")])
    card = visit.card("blurred.png")
    expect(page.locator("#announcer")).to_have_text("blurred.png: Please retake your image")

    card.get_by_role("button", name="Classify anyway").focus()
    page.keyboard.press("Enter")
    expect(card.locator(".tag-warning")).to_be_visible()
    expect(card).to_be_focused()
    card.get_by_role("button", name="Remove").focus()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_labels_and_contrast(new_visit: Callable, files, scheme: str) -> None:
    visit = new_visit(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page = visit.open()
    visit.upload(
        files("benign"), files("malignant"), files("blurred"), files("x", "x.jpg", b"x" * 30)
    )
    visit.card("blurred.png").get_by_role("button", name="Classify anyway").click()
    expect(page.locator(".tag-warning")).to_be_visible()
    visit.upload(files("pale"))
    assert page.evaluate(AUDIT) == []
    page.get_by_role("button", name="Table").click()
    assert page.evaluate(AUDIT) == []
    visit.open("/models")
    assert page.evaluate(AUDIT) == []


def test_a_phone_shows_all_without_sideways_scrolling(new_visit: Callable, files) -> None:
    visit = new_visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = visit.open()
    visit.upload(
        files("benign", f"{'a-very-long-file-name-' * 6}.png"),
        files("pale"),
        files("x", "x.jpg", b"x"),
    )
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == 390
    page.get_by_role("button", name="Table").click()
    assert page.evaluate(width) == 390
    note = page.get_by_role("complementary", name="What this is for")
    expect(note).to_have_text("Decision support for professionals, not a diagnosis.")
    visit.open("/models")
    assert page.evaluate(width) == 390


def test_the_colour_scheme_is_kept(new_visit: Callable) -> None:
    visit = new_visit(color_scheme="light")
    page = visit.open()
    root = page.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch between light and dark colours").click()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    page.locator("h1").wait_for()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_nothing_moves_where_motion_is_unwanted(new_visit: Callable) -> None:
    visit = new_visit(reduced_motion="reduce")
    page = visit.open()
    moving = page.evaluate(
        """() => [...document.querySelectorAll("#content *")].filter((node) => {
            const style = getComputedStyle(node);
            return parseFloat(style.transitionDuration) > 0 || style.animationName !== "none";
        }).length"""
    )
    assert moving == 0


@pytest.mark.parametrize("path", PAGES)
def test_the_note_stays_in_view(visit, path: str) -> None:
    page = visit.open(path)
    page.set_viewport_size({"width": 800, "height": 420})
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("complementary", name="What this is for")).to_be_in_viewport()


@pytest.mark.parametrize("lack", ["script", "style sheets made by script"])
def test_a_browser_that_cannot_draw_the_page_says_what_can(new_visit: Callable, lack: str) -> None:
    visit = new_visit(java_script_enabled=lack != "script")
    visit.page.add_init_script("delete Document.prototype.adoptedStyleSheets")
    visit.page.goto(visit.site)
    expect(visit.page.get_by_text("This page needs JavaScript and one of these")).to_be_visible()
    expect(visit.page.locator("#react-entry-point")).to_be_hidden()
