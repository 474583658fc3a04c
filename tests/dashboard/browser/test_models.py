"""The Models page in a real browser: little before the first figure, figures as they are seen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from Dashboard.ui.models import shipped_comparison as comparison
from tests.dashboard.comparisons import write_comparison

WIDTH = "document.documentElement.scrollWidth"
MOST_BYTES = 700_000


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "FOLDER", tmp_path)
    write_comparison(tmp_path)


def test_figures_are_fetched_when_they_are_seen_and_follow_the_choice(
    shipped: None, new_visit: Callable
) -> None:
    visit = new_visit(viewport={"width": 390, "height": 500}, color_scheme="dark")
    page = visit.page
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: dict[str, int] = {}
    network.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    visit.open("/models")
    page.locator("#experiments").wait_for(state="attached")
    assert sum(sizes.values()) < MOST_BYTES
    assert not any("plotly" in url for url in visit.requests)

    page.locator("#models-curves").scroll_into_view_if_needed()
    expect(page.locator("#models-curves .xtitle").first).to_have_text("x of roc_malignant")
    ink = page.evaluate("getComputedStyle(document.body).color")
    expect(page.locator("#models-curves .xtitle").first).to_have_css("fill", ink)
    page.get_by_role("textbox", name="Tell apart").click()
    page.get_by_role("option", name="Melanoma or not").click()
    expect(page.locator("#models-curves .xtitle").last).to_have_text("x of pr_mel")
    assert page.evaluate(WIDTH) == 390

    page.get_by_role("button", name="Use this model").click()
    expect(page.locator("#model-careful").locator("..")).to_contain_text("In use")
    expect(page.get_by_role("button", name="Use this model: plain")).to_be_visible()
    page.goto(f"{visit.site}/")
    expect(page.get_by_role("textbox", name="Assessed by")).to_have_value("careful, version 0.1")
    assert visit.console == []
