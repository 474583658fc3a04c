"""The page of the faithfulness scores: what it holds, and that texts stay texts."""

from html.parser import HTMLParser

import pytest

from interpretability.faithfulness.report import MEASURES, agreement, as_html, summarise
from interpretability.methods import METHODS

HOSTILE = "<b>\"' & </td><script>"
MEASURED = ("deletion", "infidelity")


class Cells(HTMLParser):
    """Texts of table cells in order, and every tag."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.inside = tag in ("td", "th")
        if self.inside:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


@pytest.fixture
def page() -> str:
    rows = [
        {"method": method} | dict.fromkeys(MEASURES, "") | dict.fromkeys(MEASURED, str(value))
        for method, value in (("gradcam", 0.5), ("lime", 0.25))
    ]
    pairs = [
        {"first": "gradcam", "second": "gradcam", "correlation": "1"},
        {"first": "gradcam", "second": "lime", "correlation": "-0.25"},
    ]
    return as_html(summarise(rows), agreement(pairs), HOSTILE, HOSTILE, [(HOSTILE, b"png")])


def test_scores_and_agreement_stand_in_the_tables(page: str) -> None:
    found = Cells()
    found.feed(page)
    first, second = METHODS["gradcam"].label, METHODS["lime"].label
    assert found.cells == [
        "method", *MEASURED,
        first, *["0.500 (0.500 to 0.500)"] * 2,
        second, *["0.250 (0.250 to 0.250)"] * 2,
        "", first, second,
        first, "1.00", "-0.25",
        second, "-0.25", "–",
    ]  # fmt: skip
    assert "rgba(178,84,30,0.60)" in page
    assert "rgba(178,84,30,0.00)" in page


def test_texts_are_not_read_as_tags(page: str) -> None:
    found = Cells()
    found.feed(page)
    assert "script" not in found.tags
    assert found.tags.count("b") == len(MEASURED)
    assert found.tags.count("img") == 1
    assert "data:image/png;base64,cG5n" in page
