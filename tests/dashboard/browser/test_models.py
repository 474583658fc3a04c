"""The Models page in a real browser: figures, sorting, the choice of the model."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from Dashboard.ui.models import shipped_comparison as comparison
from tests.dashboard.comparisons import write_comparison

AUDIT = (Path(__file__).parent / "audit.js").read_text(encoding="utf-8")
WIDTH = "document.documentElement.scrollWidth"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path)
    write_comparison(tmp_path)


def test_figures_follow_the_choice_and_tables_sort(shipped: None, visit) -> None:
    page = visit.open("/model-cards")
    expect(page.locator("#graph-roc .xtitle")).to_have_text("x of roc_malignant")
    expect(page.locator("#graph-cost .xtitle")).to_have_text("x of cost")
    page.get_by_role("textbox", name="Tell apart").click()
    page.get_by_role("option", name="Melanoma or not").click()
    expect(page.locator("#graph-pr .xtitle")).to_have_text("x of pr_mel")
    page.get_by_role("textbox", name="Model shown").click()
    page.get_by_role("option", name="elsewhere").click()
    expect(page.locator("#graph-confusion .xtitle")).to_have_text("x of confusion_1")

    table = page.get_by_role("region", name="Seven classes")
    first = table.locator("tbody th span:first-child").first
    table.get_by_role("button", name="Accuracy").click()
    expect(first).to_have_text("plain")
    table.get_by_role("button", name="Accuracy").click()
    expect(first).to_have_text("elsewhere")
    expect(table.locator("th[aria-sort]")).to_have_attribute("aria-sort", "ascending")


def test_the_model_in_use_is_marked_and_changed(shipped: None, visit, files) -> None:
    page = visit.open("/model-cards")
    table = page.get_by_role("region", name="Seven classes")
    expect(table.get_by_role("row", name="plain")).to_contain_text("In use")
    cards = page.locator(".model-card")
    expect(cards.nth(0).get_by_role("button")).to_have_text("In use")
    cards.nth(1).get_by_role("button", name="Use this model").click()
    expect(cards.nth(1).get_by_role("button")).to_have_text("In use")
    expect(cards.nth(0).get_by_role("button")).to_have_text("Use this model")
    expect(table.locator(".tag-used:visible")).to_have_count(0)
    expect(page.locator("#announcer")).to_have_text("careful is in use")

    page.get_by_role("link", name="Assess").click()
    expect(page.get_by_role("textbox", name="Model")).to_have_value("careful (0.1)")
    visit.upload(files("benign"))
    expect(visit.card("benign.png").locator(".provenance")).to_contain_text("careful")
    page.get_by_role("textbox", name="Model").click()
    page.get_by_role("option", name="plain (0.1)").click()
    page.get_by_role("link", name="Models").click()
    expect(page.locator(".model-card").nth(0).get_by_role("button")).to_have_text("In use")
    page.get_by_role("link", name="Assess").click()
    expect(page.get_by_role("textbox", name="Model")).to_have_value("plain (0.1)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(shipped: None, new_visit: Callable, scheme: str) -> None:
    visit = new_visit(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = visit.open("/model-cards")
    expect(page.locator("#graph-reliability .xtitle")).to_be_visible()
    assert page.evaluate(WIDTH) == 390
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate(AUDIT) == []
    ink = page.evaluate("getComputedStyle(document.body).color")
    expect(page.locator("#graph-roc .xtitle")).to_have_css("fill", ink)


def test_without_a_comparison_there_are_the_cards(
    visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path)
    page = visit.open("/model-cards")
    expect(page.locator(".model-card")).to_have_count(2)
    assert page.locator(".comparison").count() == 0
