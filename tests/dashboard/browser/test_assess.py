"""The Assess page in a real browser: files in, the right card for each."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from Dashboard import messages
from Dashboard.components.rows import COLUMNS
from models.taxonomy import HAM10000

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
        assert len(broken.locator(".banner").inner_text()) > 20
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


def test_an_image_classified_anyway_is_marked(visit, files) -> None:
    visit.open()
    visit.upload(files("blurred"))
    card = visit.card("blurred.png")
    card.get_by_role("button", name="Classify anyway").click()
    expect(card.locator(".tag-warning")).to_have_text("Classified anyway")
    expect(card.locator(".forced")).to_have_text("Classified although the image should be retaken.")
    expect(card.locator(".chart tr")).to_have_count(7)
    expect(card.locator(".gauge-fail")).to_have_count(1)


def test_a_file_above_the_limit_is_not_sent(visit, files) -> None:
    visit.open()
    visit.upload(files("benign", "large.png", bytes(1_300_000)))
    expect(visit.card("large.png").locator(".banner")).to_have_text(
        "The file has 1.2 MB; at most 1 MB are accepted."
    )
    assert not any("/cards?" in url for url in visit.requests)


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
    expect(card.locator(".meter-foot")).to_have_text("consultation advised from 5.0%")


def test_many_images_are_summed_up_filtered_and_sorted(visit, files) -> None:
    page: Page = visit.open()
    visit.upload(
        *(files("benign", f"b{i}.png") for i in range(4)),
        *(files("malignant", f"m{i}.png") for i in range(3)),
        files("pale", "p.png"),
    )
    assert page.locator(".card h3").all_inner_texts() == [
        *(f"b{i}.png" for i in range(4)),
        *(f"m{i}.png" for i in range(3)),
        "p.png",
    ]
    shown = page.locator(".filter:visible").all_inner_texts()
    assert [" ".join(text.split()) for text in shown] == [
        "All 8",
        "Consultation 3",
        "No appointment 4",
        "Retake 1",
    ]
    expect(page.locator("#announcer")).to_have_text(
        "8 images. Consultation: 3, No appointment: 4, Retake: 1."
    )
    page.get_by_role("button", name="Consultation 3").click()
    expect(page.locator(".card:visible")).to_have_count(3)
    page.get_by_role("button", name="All 8").click()

    page.get_by_role("button", name="Table").click()
    page.get_by_role("button", name="Malignant").click()
    column = page.locator("tbody tr td:nth-child(5)").all_inner_texts()
    assert column == ["75.0%"] * 3 + ["9.0%"] * 4 + ["–"]
    header = page.get_by_role("columnheader", name="Malignant")
    assert header.get_attribute("aria-sort") == "descending"
    page.get_by_role("button", name="m1.png").click()
    expect(visit.card("m1.png")).to_be_focused()


def test_the_csv_holds_the_results_and_no_images(visit, files, tmp_path: Path) -> None:
    page = visit.open()
    visit.upload(
        files("benign", "=benign.png"), files("pale", 'a "pale", one.png'), files("x", "x", b"x")
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    assert re.fullmatch(
        r"skin-lesion-results-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename
    )
    download.value.save_as(tmp_path / "results.csv")
    text = (tmp_path / "results.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == ["file", *COLUMNS]
    assert "base64" not in text
    benign, pale, broken = rows
    assert benign["file"] == "'=benign.png"  # else a spreadsheet takes it for a formula
    assert (benign["message"], benign["code"]) == (messages.NO_APPOINTMENT, "nv")
    assert float(benign["nv"]) == 0.8
    assert float(benign["p_malignant"]) == 0.09
    assert pale["file"] == 'a "pale", one.png'
    assert (pale["verdict"], pale["code"], pale["p_malignant"]) == ("reject", "", "")
    assert broken["error"]


def saved(page: Page, tmp_path: Path) -> tuple[str, list[dict[str, str]]]:
    """The name and the rows of the CSV file that the page hands out."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "results.csv")
    lines = (tmp_path / "results.csv").read_text(encoding="utf-8").splitlines()
    return download.value.suggested_filename, list(csv.DictReader(lines))


def test_a_filter_hides_nothing_that_somebody_waits_for(visit, files, tmp_path: Path) -> None:
    page = visit.open()
    visit.upload(files("benign"), files("blurred"), files("pale"))
    page.get_by_role("button", name="Retake 2").click()
    expect(page.locator(".card:visible h3")).to_have_text(["blurred.png", "pale.png"])

    card = visit.card("blurred.png")
    card.get_by_role("button", name="Classify anyway").click()
    expect(card.locator(".tag-warning")).to_be_visible()
    expect(card).to_be_focused()

    expect(page.get_by_role("button", name="Download CSV")).to_have_text(
        "Download CSV: Retake only"
    )
    name, rows = saved(page, tmp_path)
    assert re.fullmatch(r"skin-lesion-results-retake-only-\d{4}-\d\d-\d\d\.csv", name)
    assert [row["file"] for row in rows] == ["pale.png"]

    visit.upload(files("malignant"))
    expect(page.locator(".card:visible")).to_have_count(4)
    expect(page.get_by_role("button", name="All 4")).to_have_attribute("aria-pressed", "true")
    name, rows = saved(page, tmp_path)
    assert name.startswith("skin-lesion-results-2")
    assert len(rows) == 4


def test_the_table_follows_the_cards_and_the_csv_the_uploads(visit, files, tmp_path: Path) -> None:
    page = visit.open()
    visit.upload(files("benign", "a.png"), files("benign", "b.png"))
    visit.upload(files("benign", "c.png"))
    expect(page.locator(".card h3")).to_have_text(["c.png", "a.png", "b.png"])
    page.get_by_role("button", name="Table").click()
    expect(page.locator("#table tbody th")).to_have_text(["c.png", "a.png", "b.png"])
    _, rows = saved(page, tmp_path)
    assert [row["file"] for row in rows] == ["a.png", "b.png", "c.png"]


def test_the_table_folds_away_what_was_computed_of_no_skin(visit, files, tmp_path: Path) -> None:
    page = visit.open()

    def foreign(route: Route) -> None:  # the double takes every picture for one of skin
        answer = route.fetch().json()
        answer["row"].update(outcome="foreign", message=messages.NOT_DERMATOSCOPIC)
        route.fulfill(json=answer)

    page.route("**/cards?*", foreign)
    visit.upload(files("malignant", "tree.png"))
    page.unroute("**/cards?*")
    visit.upload(files("benign"))
    page.get_by_role("button", name="Table").click()
    page.get_by_role("button", name="Malignant").click()  # what has no number comes last
    expect(page.locator("#table tbody th")).to_have_text(["benign.png", "tree.png"])
    cells = page.locator("#table tbody tr", has_text="tree.png").locator("td").all_inner_texts()
    assert cells[0].strip() == messages.NOT_DERMATOSCOPIC
    assert cells[1:4] == ["–", "–", "–"]
    _, rows = saved(page, tmp_path)
    assert (rows[0]["file"], rows[0]["code"], rows[0]["p_malignant"]) == ("tree.png", "mel", "0.75")


def test_what_was_stopped_is_in_the_csv(visit, files, tmp_path: Path) -> None:
    page = visit.open()
    held: list[Route] = []
    page.route("**/cards?*", lambda route: held.append(route))
    names = [f"{i}.png" for i in range(4)]
    page.locator("input[type=file]").set_input_files([files("benign", name) for name in names])
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".card[data-state=stopped]")).to_have_count(2)
    for route in held:
        route.continue_()
    page.unroute("**/cards?*")
    expect(page.locator(".card[data-state=done]")).to_have_count(2)
    expect(page.get_by_role("button", name="Not assessed 2")).to_be_visible()
    _, rows = saved(page, tmp_path)
    assert [(row["file"], row["outcome"]) for row in rows] == [
        *((name, "clear") for name in names[:2]),
        *((name, "error") for name in names[2:]),
    ]
    assert rows[3]["error"] == "It was not assessed: somebody pressed Stop before its turn."
    visit.card("3.png").get_by_role("button", name="Assess this image").click()
    expect(visit.card("3.png").locator(".banner")).to_have_text(messages.NO_APPOINTMENT)


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
    page.route("**/cards?*", lambda route: route.abort("connectionrefused"))
    visit.upload(files("benign"))
    card = visit.card("benign.png")
    expect(card.locator(".banner")).to_have_text(
        "The server cannot be reached. Check the connection."
    )
    page.unroute("**/cards?*")
    card.get_by_role("button", name="Try again").click()
    expect(card.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)


def test_dropped_files_are_taken_anywhere_on_the_page(visit) -> None:
    page = visit.open()
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["no picture"], "dropped.jpg", {type: "image/jpeg"}));
            const options = {dataTransfer: transfer, bubbles: true, cancelable: true};
            const over = new DragEvent("dragover", options);
            document.querySelector("h1").dispatchEvent(over);
            if (!over.defaultPrevented) throw new Error("the browser would open the file");
            document.querySelector("h1").dispatchEvent(new DragEvent("drop", options));
        }"""
    )
    expect(visit.card("dropped.jpg")).to_have_attribute("data-outcome", "error")
