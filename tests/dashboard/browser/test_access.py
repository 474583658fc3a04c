"""Whether everybody can use the pages: by keyboard, on a phone, in the dark, by ear."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
import pytest
from playwright.sync_api import Page, expect

AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"
WIDTH = "document.documentElement.scrollWidth"
FOUND = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))}`);
}"""
# What stands for the parts of a page's address, and what a page is asked for beside its path.
PARTS = {"key": "{key}", "case": "{key}", "id": "{key}", "name": "L1"}
QUERIES = {"/compare": "?cases={key},{other}", "/report": "?cases={key},{other}"}


def test_files_are_chosen_by_keyboard(visit) -> None:
    # From the beginning: the browser is told without waiting, and one that is late shows its own.
    visit.page.on("filechooser", lambda _: None)
    page = visit.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    button = page.get_by_role("button", name="Choose files")
    expect(button).to_be_visible()
    for _ in range(20):
        if button.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    assert chooser.value.is_multiple()


def addresses() -> list[str]:
    """Of every page that is registered, and of the API's description."""
    found = ["/docs"]
    for page in dash.page_registry.values():
        path = page["path"]
        if page["path_template"]:
            # A page with a part that this test does not know of is a KeyError here.
            names = page["path_template"].replace("<", "{").replace(">", "}")
            path = names.format(**PARTS)
        found.append(path + QUERIES.get(path, ""))
    return found


def kept(page: Page, site: str, files: Callable[..., Any]) -> dict[str, str]:
    """The keys of two pictures of one lesion."""
    keys = []
    for kind in ("malignant", "benign"):
        answer = page.request.post(f"{site}/assessments", multipart={"image": files(kind)})
        keys.append(answer.json()["id"])
        words = {"lesion": {"name": "L1", "histology": "nv"}, "note": "Seen."}
        page.request.patch(f"{site}/assessments/{keys[-1]}", data=words)
    return {"key": keys[0], "other": keys[1]}


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm ci")
@pytest.mark.parametrize(("scheme", "width"), [("light", 820), ("dark", 390)])
def test_nothing_grave_on_any_page(
    new_visit: Callable, files: Callable[..., Any], scheme: str, width: int
) -> None:
    visit = new_visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = visit.page
    names = kept(page, visit.site, files)
    axe = AXE.read_text(encoding="utf-8")
    complaints = {}
    for address in addresses():
        visit.open(address.format(**names))
        if address == "/":
            page.get_by_text("malignant.png").first.click()
            page.locator("[data-case]").wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate(axe)
        found = page.evaluate(FOUND)
        if page.locator("h1").count() != 1:
            found.append("not one h1")
        if page.evaluate(WIDTH) != width:
            found.append("it scrolls sideways")
        if found:
            complaints[address] = found
    assert complaints == {}


def test_a_phone_shows_all_without_sideways_scrolling(new_visit: Callable, files) -> None:
    visit = new_visit(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page = visit.open()
    visit.upload(files("benign", f"{'a-very-long-file-name-' * 6}.png"), files("x", "x.jpg", b"x"))
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == 390
    assert page.locator(".ag-body-horizontal-scroll-viewport").is_hidden()
    note = page.get_by_role("complementary", name="What this is for")
    expect(note).to_have_text("Decision support for professionals, not a diagnosis.")
    page.get_by_text("Patient does not need another appointment").first.click()
    expect(page.locator("[data-case]")).to_be_visible()
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
    page.locator("#react-entry-point h1").wait_for()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


@pytest.mark.parametrize(("path", "width"), [("/", 390), ("/models", 1280), ("/report", 390)])
def test_the_frame_is_there_before_any_script(new_visit: Callable, path: str, width: int) -> None:
    visit = new_visit(viewport={"width": width, "height": 844}, color_scheme="dark")
    page = visit.page
    page.route("**/_dash-component-suites/**", lambda route: route.abort())
    page.goto(visit.site + path)
    if path != "/report":  # whose heading says what it has found
        expect(page.locator("h1:visible")).to_have_text("Worklist" if path == "/" else "Models")
    expect(page.get_by_text("Loading...")).to_be_hidden()
    assert page.evaluate(WIDTH) == width
    page.get_by_role("link", name="Quality").click()
    page.unroute_all()
    page.reload()
    expect(page.locator("#react-entry-point h1")).to_have_text("Image quality")
    expect(page.locator(".first-paint")).to_have_count(0)


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


@pytest.mark.parametrize("path", ["/", "/models"])
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
