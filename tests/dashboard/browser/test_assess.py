"""The Assess page in a real browser: files in, the right card for each."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from Dashboard.assess import messages
from Dashboard.assess.advice import POOR
from Dashboard.assess.worth import at_clinic
from models.registry.taxonomy import HAM10000

HOSTILE_NAME = "<img src=x onerror=alert(1)>.png"


def test_each_kind_of_file_gets_its_card(visit, files) -> None:
    visit.open()
    visit.upload(
        files("benign"),
        files("malignant", HOSTILE_NAME),
        files("blurred"),
        files("pale"),
        files("text", "renamed.jpg", b"This is no picture.\n"),
        files("empty", "empty.png", b""),
    )

    benign = visit.card("benign.png")
    expect(benign.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)
    expect(benign.locator(".finding")).to_contain_text("Melanocytic nevi80.0%")
    expect(benign.locator(".meter-value")).to_have_text("9.0%")
    expect(benign.locator(".provenance")).to_have_text(
        re.compile(r"^plain · version 0\.1 · [\d.]+ m?s$")
    )
    expect(benign.get_by_role("img")).to_have_js_property("naturalWidth", 480)
    rows = benign.locator(".chart tr")
    expect(rows.locator("th > span:first-child")).to_have_text(
        sorted(HAM10000.names, key=lambda name: _rank(name)), use_inner_text=True
    )
    expect(rows.locator("td.chart-value").first).to_have_text("80.0%")
    expect(benign.locator(".gauge-foot")).to_have_text(
        ["at least 15: met", "at least 0.15: met", "for information"]
    )

    malignant = visit.card(HOSTILE_NAME)
    expect(malignant.locator(".banner")).to_have_text(messages.CONSULT)
    expect(malignant.locator(".finding")).to_contain_text("Melanoma45.0%")
    expect(malignant.locator("h3")).to_have_text(HOSTILE_NAME)
    assert visit.page.locator("h3 img").count() == 0

    for name, measure, other in (
        ("blurred.png", "too blurred", "at least 15: too low"),
        ("pale.png", "too little contrast", "at least 0.15: too low"),
    ):
        rejected = visit.card(name)
        expect(rejected.locator(".banner")).to_have_text(messages.RETAKE)
        expect(rejected.locator(".reasons-title")).to_contain_text(measure)
        expect(rejected.locator(".gauge-fail .gauge-foot")).to_have_text([other])
        expect(rejected.locator(".reasons li")).to_have_count(1)
        assert rejected.locator(".chart, .meter, .finding").count() == 0

    for name in ("renamed.jpg", "empty.png"):
        broken = visit.card(name)
        assert broken.get_attribute("data-outcome") == "error"
        assert len(broken.locator(".banner").text_content()) > 20
        assert broken.get_by_role("img").count() == 0

    icons = {
        visit.card(name).locator(".banner .icon").get_attribute("class")
        for name in ("benign.png", HOSTILE_NAME, "blurred.png", "empty.png")
    }
    assert len(icons) == 4


def _rank(name: str) -> tuple[float, int]:
    probabilities = (0.02, 0.02, 0.03, 0.01, 0.05, 0.80, 0.07)
    place = HAM10000.names.index(name)
    return -probabilities[place], place


def test_an_image_gate_overridden_is_marked(visit, files) -> None:
    page = visit.open()
    visit.upload(files("blurred"), files("benign"))
    card = visit.card("blurred.png")
    card.get_by_role("button", name="Classify anyway").click()
    expect(card.locator(".tag-warning")).to_have_text("Quality gate overridden")
    expect(card.locator(".banner")).to_have_text(messages.CONSULT)
    expect(card.locator(".caution")).to_have_text(f"Uncertain: {POOR}")
    expect(card.locator(".chart tr")).to_have_count(7)
    expect(card.locator(".gauge-fail")).to_have_count(1)
    page.get_by_role("button", name="Table").click()
    marks = page.locator("#table tr", has_text="blurred.png").locator(".caution")
    expect(marks).to_have_text(["uncertain", "quality gate overridden"])
    expect(page.locator("#table tbody .caution")).to_have_count(2)


def test_a_probability_at_the_clinics_prevalence_kept_for_the_session(visit, files) -> None:
    page = visit.open()
    visit.upload(files("benign"))
    line = visit.card("benign.png").locator(".prevalence")
    expect(line).to_have_text(at_clinic(0.09, 3 / 7, 0.10))
    field = page.get_by_role("textbox", name="Malignant among the lesions you see")
    field.fill("31")
    expect(line).to_have_text(at_clinic(0.09, 3 / 7, 0.31))
    field.fill("much")
    expect(page.get_by_text("A number above 0 and below 100")).to_be_visible()
    expect(line).to_have_text(at_clinic(0.09, 3 / 7, 0.31))
    field.fill("40")
    page.get_by_role("link", name="Models").click()
    page.get_by_role("link", name="Assess").click()
    expect(field).to_have_value("40")
    expect(line).to_have_text(at_clinic(0.09, 3 / 7, 0.40))
    visit.upload(files("malignant"))
    expect(visit.card("malignant.png").locator(".prevalence")).to_contain_text("Where 40% of")


def test_a_file_above_the_limit_is_not_sent(visit, files) -> None:
    visit.open()
    visit.upload(files("benign", "large.png", bytes(1_300_000)))
    expect(visit.card("large.png").locator(".banner")).to_have_text(
        "The file has 1.2 MB; at most 1 MB are accepted."
    )
    assert not any("/results?" in url for url in visit.requests)


def test_examples_are_labelled_as_synthetic(visit) -> None:
    page = visit.open()
    for name in ("Sharp", "Blurred", "Pale"):
        page.get_by_role("button", name=f"Try the synthetic picture: {name}").click()
    expect(page.locator(".card[data-state=done]")).to_have_count(3)
    expect(page.locator(".figure .tag")).to_have_text(["Synthetic picture"] * 3)
    expect(visit.card("synthetic-blurred.jpg").locator(".banner")).to_have_text(messages.RETAKE)
    expect(visit.card("synthetic-pale.jpg").locator(".banner")).to_have_text(messages.RETAKE)
    expect(visit.card("synthetic-sharp.jpg").locator(".chart")).to_be_visible()


def test_the_chosen_model_answers(visit, files) -> None:
    page = visit.open()
    page.get_by_role("textbox", name="Model").click()
    page.get_by_role("option", name="careful").click()
    visit.upload(files("benign"))
    card = visit.card("benign.png")
    expect(card.locator(".provenance")).to_contain_text("careful · version 0.1")
    expect(card.locator(".banner")).to_have_text(messages.CONSULT)
    expect(card.locator(".meter-foot")).to_contain_text("consultation advised from 5.0%")


def test_results_are_not_lost_without_a_word(visit, files) -> None:
    page = visit.open()
    visit.upload(files("benign"), files("pale"))
    clear = page.get_by_role("button", name="Clear all")
    clear.click()
    dialog = page.get_by_role("dialog", name="Remove all 2 results?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Enter")
    expect(clear).to_be_focused()
    expect(page.locator(".card")).to_have_count(2)

    with page.expect_event("dialog") as asked:
        page.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    expect(page.locator(".card")).to_have_count(2)

    with page.expect_popup() as opened:
        page.get_by_role("link", name="API (opens in a new tab)").click()
    # Closed while its scripts are under way, the tests' server would leave their files open.
    opened.value.wait_for_load_state("networkidle")
    assert opened.value.evaluate("window.opener") is None
    opened.value.close()
    expect(page.locator(".card")).to_have_count(2)

    # What is in a file, cannot be assessed or is drawn by the program is no loss.
    with page.expect_download():
        page.get_by_role("button", name="Download CSV").click()
    visit.upload(files("x", "x.jpg", b"x"))
    page.get_by_role("button", name="Try the synthetic picture: Pale").click()
    expect(page.locator(".card[data-state=done]")).to_have_count(4)
    asked_again = []
    page.on("dialog", lambda dialog: asked_again.append(dialog.type) or dialog.accept())
    page.reload()
    page.locator("h1").wait_for()
    expect(page.locator(".card")).to_have_count(0)
    visit.upload(files("x", "x.jpg", b"x"))
    clear.click()
    expect(page.locator("#results")).to_be_hidden()
    assert asked_again == []


def test_cards_stay_while_another_page_is_looked_at(visit, files) -> None:
    page = visit.open()
    visit.upload(files("benign"))
    visit.upload(files("malignant"))
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    expect(page.get_by_role("link", name="Models")).to_have_attribute("aria-current", "page")
    expect(page.locator(".model-card h2")).to_have_text(["plain", "careful"])
    page.get_by_role("link", name="Assess").click()
    expect(page.locator(".card h3")).to_have_text(["malignant.png", "benign.png"])
    visit.upload(files("pale"))  # and it still takes images
    visit.card("malignant.png").get_by_role("button", name="Remove").click()
    expect(page.locator(".card h3")).to_have_text(["pale.png", "benign.png"])
    page.get_by_role("button", name="Clear all").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator("#results")).to_be_hidden()


def test_a_server_that_is_gone_is_said_in_the_card(new_visit: Callable, files) -> None:
    visit = new_visit()
    page = visit.open()
    page.route("**/results?*", lambda route: route.abort("connectionrefused"))
    visit.upload(files("benign"))
    card = visit.card("benign.png")
    expect(card.locator(".banner")).to_have_text(
        "The server cannot be reached. Check the connection."
    )
    page.unroute("**/results?*")
    card.get_by_role("button", name="Try again").click()
    expect(card.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)


def drop(page: Page, *paths: Path, **items: str) -> None:
    """Drop real files and folders, or data by its type, on the heading of the page."""
    page.locator("input[type=file]").wait_for(state="attached")
    box = page.locator("h1").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    data = {
        "items": [{"mimeType": kind, "data": text} for kind, text in items.items()],
        "files": [str(path) for path in paths],
        "dragOperationsMask": 1,
    }
    marked = page.locator("#zone.is-dragging")
    x, y = box["x"] + 5, box["y"] + 5

    def send(kind: str) -> None:
        event = {"type": kind, "x": x, "y": y, "data": data}
        session.send("Input.dispatchDragEvent", event)

    for _ in range(50):  # until the page's script hears of it, as a hand that hovers
        send("dragEnter")
        send("dragOver")
        if marked.count():
            break
        page.wait_for_timeout(100)
    expect(marked).to_have_count(1)
    send("drop")
    expect(marked).to_have_count(0)
    session.detach()


def test_what_is_dropped_anywhere_on_the_page_is_taken_by_its_path(visit, tmp_path: Path) -> None:
    for patient in ("day/A", "day/B"):
        (tmp_path / patient).mkdir(parents=True)
        (tmp_path / patient / "IMG_1.jpg").write_text("no picture")
    page = visit.open()
    drop(page, tmp_path / "day" / "A", tmp_path / "day")
    names = ["A/IMG_1.jpg", "day/A/IMG_1.jpg", "day/B/IMG_1.jpg"]
    expect(page.locator(".card h3")).to_have_text(names)
    drop(page, tmp_path / "day" / "A")
    expect(visit.card("A (2)/IMG_1.jpg")).to_have_attribute("data-outcome", "error")
    drop(page, **{"text/uri-list": f"{visit.site}/docs", "text/html": "<img>"})
    expect(page.locator("#zone-note")).to_contain_text("save the picture and drop the file")
    expect(page.locator(".card")).to_have_count(4)
    expect(page.locator("[data-outcome=error]")).to_have_count(4)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    with download.value.path().open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["file"], row["folder"], row["verdict"]) for row in csv.DictReader(file)]
    files = [*names, "A (2)/IMG_1.jpg"]
    assert rows == [(name, name.rpartition("/")[0], "error") for name in files]


def test_an_upload_over_a_slow_line_shows_how_far_it_is(visit, files) -> None:
    page = visit.open()
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", line)
    upload = files("noise", "large.jpg", bytes(300_000))
    page.locator("input[type=file]").set_input_files(upload)
    state = visit.card("large.jpg").locator(".card-state")
    expect(state).to_have_text("Uploading…")
    bar = state.get_by_role("progressbar", name="Sent")
    page.wait_for_function("bar => bar.value > 0.1", arg=bar.element_handle())
    expect(visit.card("large.jpg")).to_have_attribute("data-outcome", "error")


def test_a_result_that_cannot_be_drawn_is_kept(new_visit: Callable, files) -> None:
    visit = new_visit()
    page = visit.open()

    def broken(route: Route) -> None:
        answer = route.fetch().json()
        answer["body"] = {"type": "P"}
        route.fulfill(json=answer)

    page.route("**/results?*", broken)
    visit.upload(files("benign"))
    card = visit.card("benign.png")
    expect(card.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)
    expect(card.locator(".hint")).to_contain_text("could not draw all of the result")
    expect(page.get_by_role("button", name="Download CSV")).to_be_enabled()
