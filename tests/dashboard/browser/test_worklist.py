"""The worklist in a browser: rows, what waits over a reload, keys, address, deletion."""

import re
import threading
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

ROW = ".ag-row[row-id]"


@pytest.fixture
def mine(new_visit: Callable):
    """A browser of its own, so that its list is empty."""
    return new_visit(viewport={"width": 1280, "height": 900})


def names(page: Page) -> list[str]:
    return page.locator(f'{ROW} [col-id="file"] .lines-top').all_text_contents()


def test_pictures_become_rows_and_what_fails_says_why(mine, files) -> None:
    page = mine.open()
    expect(page.locator("#count")).to_have_text("Nothing is kept yet.")
    mine.upload(files("benign"), files("malignant"), files("x", "x.jpg", b"no picture"))
    expect(page.locator("#count")).to_have_text("2 pictures")
    assert names(page) == ["malignant.png", "benign.png"]  # the most urgent first
    row = page.locator(ROW).first
    expect(row).to_contain_text("Please schedule patient for a consultation")
    expect(row.locator("img")).to_have_js_property("naturalWidth", 144)
    font = "node => getComputedStyle(node).fontFamily"
    ours = page.locator("body").evaluate(font)
    assert [node.evaluate(font) for node in (row, page.locator(".ag-header"))] == [ours, ours]
    expect(page.locator("#batch-failed")).to_have_text("1 could not be assessed")
    expect(page.locator("#batch-list")).to_contain_text("x.jpg")
    assert [one for one in mine.console if "(UNSUPPORTED MEDIA TYPE)" not in one] == []
    fetched = [url.split("?")[0] for url in mine.requests if "/assets/" in url]
    assert len(fetched) == len(set(fetched))


def test_the_grid_comes_with_the_list_and_once(mine, files) -> None:
    page = mine.open("/models")
    assert page.evaluate("typeof window.dash_ag_grid") == "undefined"
    for _ in range(2):
        page.get_by_role("link", name="Worklist").click()
        expect(page.locator("#count")).to_have_text("Nothing is kept yet.")
        page.get_by_role("link", name="Models").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    grid = [url for url in mine.requests if "dash_ag_grid" in url]
    assert len(grid) == len(set(grid)) == 2
    assert mine.console == []


def test_one_picture_opens_its_case_and_keys_say_what_one_thinks(mine, files) -> None:
    page = mine.open()
    mine.upload(files("benign"))
    expect(page.locator("#case-panel [data-case]")).to_contain_text("benign.png")
    mine.upload(files("malignant"))
    case = page.locator("#case-panel [data-case]")
    expect(case).to_contain_text("malignant.png")
    expect(page.locator(ROW)).to_have_count(2)
    for key, shown in (("j", "malignant.png"), ("j", "benign.png"), ("k", "malignant.png")):
        page.keyboard.press(key)
        expect(case).to_contain_text(shown)
    page.keyboard.press("a")
    expect(page.locator(ROW).first).to_contain_text("you: consultation")
    page.keyboard.press("o")
    page.keyboard.press("ArrowRight")
    expect(page.locator(ROW).first).to_contain_text("you: no appointment")


def test_a_verdict_said_at_once_is_kept_and_of_the_case_that_is_shown(mine, files) -> None:
    """Said in the moment in which the page draws the case, and while it fetches another one."""
    page = mine.open()
    for kind in ("benign", "malignant"):
        mine.upload(files(kind))
        expect(page.locator("#case-panel [data-case]")).to_contain_text(f"{kind}.png")
    expect(page.locator(ROW)).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#case-panel [data-case]")).to_contain_text("benign.png")
    page.evaluate(
        """() => new MutationObserver((_, self) => {
            if (document.querySelector("#case-panel").textContent.includes("malignant.png")) {
                self.disconnect();
                document.getElementById("agree").click();
            }
        }).observe(document.body, { childList: true, subtree: true })"""
    )
    page.keyboard.press("k")
    expect(page.locator(ROW).first).to_contain_text("you: consultation")
    fetched: list[Route] = []

    def hold(route: Route) -> None:
        of_a_case = '"output":"..case-panel.children' in (route.request.post_data or "")
        fetched.append(route) if of_a_case else route.continue_()

    page.route("**/_dash-update-component*", hold)
    page.keyboard.press("j")
    while not fetched:
        page.wait_for_timeout(20)
    page.keyboard.press("a")
    expect(page.locator("#done-text")).to_have_text("Your verdict is kept: consultation.")
    fetched[0].continue_()
    page.unroute("**/_dash-update-component*")
    expect(page.locator("#case-panel [data-case]")).to_contain_text("benign.png")
    expect(page.locator(ROW).last).not_to_contain_text("you:")


def test_a_reload_in_the_middle_goes_on(mine, files) -> None:
    page = mine.open()
    gone = threading.Event()

    def answer(route: Route) -> None:
        if not gone.is_set() and b"b.png" in (route.request.post_data_buffer or b""):
            return  # never: the page is left while it waits
        route.continue_()

    page.route("**/assessments", answer)
    three = [files("benign", name) for name in ("a.png", "b.png", "c.png")]
    page.locator("#file-field").set_input_files(three)
    expect(page.locator("#count")).to_have_text("2 pictures")
    gone.set()
    page.reload()
    expect(page.locator("#count")).to_have_text("3 pictures")
    held = """async () => {
        const open = indexedDB.open("lesions");
        await new Promise((resolve) => (open.onsuccess = resolve));
        const all = open.result.transaction("waiting").objectStore("waiting").getAll();
        await new Promise((resolve) => (all.onsuccess = resolve));
        return all.result.length;
    }"""
    page.wait_for_function(f"async () => !(await ({held})())")


def test_a_filter_is_in_the_address_and_survives_a_reload(mine, files) -> None:
    page = mine.open()
    mine.upload(files("benign"), files("malignant"))
    page.get_by_role("textbox", name="Part of a file name").fill("mal")
    expect(page.locator("#count")).to_have_text("1 picture that the filters let through")
    expect(page).to_have_url(re.compile(r"/\?text=mal$"))
    page.reload()
    expect(page.locator("#count")).to_have_text("1 picture that the filters let through")
    assert names(page) == ["malignant.png"]
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator("#count")).to_have_text("2 pictures")


def test_what_is_deleted_comes_back(mine, files) -> None:
    page = mine.open()
    mine.upload(files("benign"), files("malignant"))
    page.locator(f"{ROW} input[type=checkbox]").first.check()
    expect(page.locator("#selected-count")).to_have_text("1 selected")
    page.locator("#delete").click()
    expect(page.locator("#count")).to_have_text("1 picture")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#count")).to_have_text("2 pictures")
    page.get_by_role("button", name="Delete all of mine").click()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.locator("#count")).to_have_text("Nothing is kept yet.")
