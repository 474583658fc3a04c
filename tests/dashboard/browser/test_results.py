"""Many results: counted, filtered, as a table and as a CSV file."""

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from Dashboard.assess import messages
from Dashboard.assess.rows import COLUMNS

HOSTILE_NAME = "<img src=x onerror=alert(1)>.png"


def saved(page: Page, tmp_path: Path) -> tuple[str, list[dict[str, str]]]:
    """The name and the rows of the CSV file that the page hands out."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    download.value.save_as(tmp_path / "results.csv")
    lines = (tmp_path / "results.csv").read_text(encoding="utf-8-sig").splitlines()
    return download.value.suggested_filename, list(csv.DictReader(lines))


def test_many_images_are_summed_up_filtered_and_sorted(visit, files) -> None:
    page: Page = visit.open()
    visit.upload(
        *(files("benign", f"b{i}.png") for i in range(4)),
        *(files("malignant", f"m{i}.png") for i in range(3)),
        files("pale", "p.png"),
    )
    assert page.locator(".card h3").all_text_contents() == [
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
    text = (tmp_path / "results.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert "base64" not in text
    benign, pale, broken = rows
    assert benign["file"] == "'=benign.png"  # else a spreadsheet takes it for a formula
    assert (benign["message"], benign["code"]) == (messages.NO_APPOINTMENT, "nv")
    assert float(benign["nv"]) == 0.8
    assert float(benign["p_malignant"]) == 0.09
    assert pale["file"] == 'a "pale", one.png'
    assert (pale["verdict"], pale["code"], pale["p_malignant"]) == ("retake", "", "")
    assert (pale["quality"], broken["verdict"]) == ("reject", "error")
    assert broken["error"]


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

    def ood(route: Route) -> None:  # the double takes every picture for one of skin
        answer = route.fetch().json()
        answer["row"].update(outcome="ood", message=messages.NOT_DERMATOSCOPIC)
        route.fulfill(json=answer)

    page.route("**/results?*", ood)
    visit.upload(files("malignant", "tree.png"))
    page.unroute("**/results?*")
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
    page.route("**/results?*", lambda route: held.append(route))
    names = [f"{i}.png" for i in range(4)]
    page.locator("input[type=file]").set_input_files([files("benign", name) for name in names])
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".card[data-state=stopped]")).to_have_count(3)
    for route in held:
        route.continue_()
    page.unroute("**/results?*")
    expect(page.locator(".card[data-state=done]")).to_have_count(1)
    expect(page.get_by_role("button", name="Not assessed 3")).to_be_visible()
    _, rows = saved(page, tmp_path)
    assert [(row["file"], row["verdict"]) for row in rows] == [
        (names[0], "no_appointment"),
        *((name, "error") for name in names[1:]),
    ]
    assert rows[3]["error"] == "It was not assessed: somebody pressed Stop before its turn."
    visit.card("3.png").get_by_role("button", name="Assess this image").click()
    expect(visit.card("3.png").locator(".banner")).to_have_text(messages.NO_APPOINTMENT)
