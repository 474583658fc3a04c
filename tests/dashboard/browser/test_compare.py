"""The Compare page in a real browser: columns, one scale, a threshold that moves."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from Dashboard.app import create_app
from Dashboard.assess import messages
from Dashboard.assess.advice import POOR
from Dashboard.assess.messages import NO_ADVICE
from Dashboard.assess.worth import expectation
from tests.dashboard.browser.conftest import serving
from tests.dashboard.browser.test_access import AUDIT
from tests.dashboard.browser.test_explain import PIXEL
from tests.dashboard.conftest import point


def columns(visit, *names: str):  # type: ignore[no-untyped-def]
    """Wait until the page shows columns of these names, in this order."""
    expect(visit.page.locator(".compare-column h3")).to_have_text(list(names))
    return [visit.page.locator(".compare-column").nth(i) for i in range(len(names))]


def choose(visit, *uploads) -> None:  # type: ignore[no-untyped-def]
    visit.page.locator("input[type=file]").set_input_files(list(uploads))


def test_pictures_from_both_pages_side_by_side(visit, files) -> None:
    page = visit.open()
    visit.upload(files("malignant"))
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare pictures")
    expect(page.get_by_role("button", name="malignant.png")).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator(".compare-column")).to_have_count(0)  # one alone is no comparison
    choose(visit, files("benign"), files("pale"))
    benign, pale, malignant = columns(visit, "benign.png", "pale.png", "malignant.png")
    expect(benign.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)
    expect(malignant.locator(".banner")).to_have_text(messages.CONSULT)
    expect(pale.locator(".banner")).to_have_text(messages.RETAKE)
    expect(benign.locator(".chart tr")).to_have_count(7)
    expect(pale.locator(".chart, .meter, canvas")).to_have_count(0)
    expect(pale.locator(".gauge-fail")).to_have_count(1)

    page.get_by_role("button", name="pale.png").click()
    columns(visit, "benign.png", "malignant.png")
    choose(visit, *(files("benign", f"{i}.png") for i in range(5)))
    columns(visit, *(f"{i}.png" for i in range(4)), "benign.png", "malignant.png")
    expect(page.get_by_role("button", name="pale.png")).to_be_disabled()  # six is the most
    expect(page.get_by_role("button", name="4.png")).to_be_disabled()

    page.get_by_role("link", name="Assess").click()
    expect(page.locator(".card")).to_have_count(8)


def test_heatmaps_share_one_scale(visit, files) -> None:
    page = visit.open("/compare")
    choose(visit, files("benign"), files("malignant"))
    benign, malignant = columns(visit, "benign.png", "malignant.png")
    # The double's maps: nv reaches 6, mel 5; the stronger one has the strongest colour.
    strong = benign.locator("canvas").evaluate(PIXEL, [0.05, 0.05])
    weaker = malignant.locator("canvas").evaluate(PIXEL, [0.05, 0.05])
    assert weaker != strong
    page.get_by_label("Heatmap of").select_option("bcc")
    same = [c.locator("canvas").evaluate(PIXEL, [0.05, 0.05]) for c in (benign, malignant)]
    assert same == [strong, strong]


def test_the_threshold_moves_verdicts_and_expectations(visit, files) -> None:
    page = visit.open()
    page.get_by_role("textbox", name="Model").click()
    page.get_by_role("option", name="careful").click()
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare pictures")
    choose(visit, files("benign"), files("malignant"))
    benign, malignant = columns(visit, "benign.png", "malignant.png")
    slider = page.get_by_label("Consultation from")
    expected = page.locator("#compare-expected")
    expect(expected).to_have_text(expectation(point(0.05)))  # as on the card, word for word
    expect(benign.locator(".banner")).to_have_text(messages.CONSULT)  # 9% is above 5%
    slider.fill("750")
    expect(expected).to_have_text(
        "Expected: sensitivity 65.0%, specificity 85.0% (test split, n = 100)"
    )
    expect(benign.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)
    # The most likely class is a malignant one: that calls for a consultation by itself.
    slider.fill("990")
    expect(malignant.locator(".banner")).to_have_text(messages.CONSULT)
    assert malignant.locator(".gauge-tick").first.evaluate("tick => tick.style.left") == "99%"
    page.get_by_role("button", name="As assessed").click()
    expect(page.locator("#compare-threshold-value")).to_have_text("5.0%")


def test_a_card_without_a_curve_is_said(visit, files) -> None:
    page = visit.open("/compare")
    choose(visit, files("benign"), files("malignant"))
    benign, _ = columns(visit, "benign.png", "malignant.png")
    expect(page.locator("#compare-expected")).to_have_text(
        "The card of plain does not say what to expect of other thresholds."
    )
    page.get_by_label("Consultation from").fill("50")
    expect(benign.locator(".banner")).to_have_text(messages.CONSULT)


def test_every_picture_keeps_the_advice_of_its_own_model(visit, files) -> None:
    page = visit.open()
    visit.upload(files("benign", "plain.png"))
    page.get_by_role("textbox", name="Model").click()
    page.get_by_role("option", name="careful").click()
    visit.upload(files("benign", "careful.png"))
    page.get_by_role("link", name="Compare").click()
    careful, plain = columns(visit, "careful.png", "plain.png")
    rule = page.locator("#compare-rule")

    def as_assessed() -> None:
        expect(careful.locator(".banner")).to_have_text(messages.CONSULT)  # 9% is above its 5%
        assert careful.locator(".meter .gauge-tick").evaluate("tick => tick.style.left") == "5%"
        expect(plain.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)
        expect(plain.locator(".meter .gauge-tick")).to_have_count(0)
        expect(page.locator("#compare-threshold-value")).to_have_text("5.0% or none")
        expect(rule).to_have_text(
            "As assessed, each picture by its own model: "
            "careful from 5.0%, plain by the most likely class."
        )

    as_assessed()
    slider = page.get_by_label("Consultation from")
    slider.fill("80")
    for column in (careful, plain):
        expect(column.locator(".banner")).to_have_text(messages.CONSULT)
    expect(rule).to_contain_text("8.0% for all pictures, whichever model assessed them")
    expect(plain.locator(".compare-before")).to_have_text(
        f"As assessed: {messages.NO_APPOINTMENT}."
    )
    slider.fill("500")
    expect(careful.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)
    expect(careful.locator(".compare-before")).to_have_text(f"As assessed: {messages.CONSULT}.")
    expect(plain.locator(".compare-before")).to_have_count(0)
    page.get_by_role("button", name="As assessed").click()
    as_assessed()

    slider.fill("500")  # and nobody finds the trial of an earlier visit to the page
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    page.get_by_role("link", name="Compare").click()
    careful, plain = columns(visit, "careful.png", "plain.png")
    as_assessed()


def test_a_server_that_advises_by_the_class_does_so_here(
    make_service: Callable, new_visit: Callable, files
) -> None:
    service = make_service(model="careful", advice="argmax")
    service.warm_up()
    with serving(create_app(service.config, service)) as site:
        visit = new_visit()
        visit.site = site
        page = visit.open("/compare")
        choose(visit, files("benign"), files("malignant"))
        benign, malignant = columns(visit, "benign.png", "malignant.png")
        expect(benign.locator(".banner")).to_have_text(messages.NO_APPOINTMENT)  # not by its 5%
        expect(malignant.locator(".banner")).to_have_text(messages.CONSULT)
        expect(page.locator(".meter .gauge-tick")).to_have_count(0)
        expect(page.locator("#compare-threshold-value")).to_have_text("none")
        expect(page.locator("#compare-rule")).to_have_text(
            "As assessed: this server advises by the most likely class."
        )
        page.get_by_label("Consultation from").fill("50")
        expect(benign.locator(".banner")).to_have_text(messages.CONSULT)
        page.close()


def test_marks_of_a_picture_are_shown_here_too(visit, files, encode) -> None:
    page = visit.open()
    visit.upload(files("blurred", data=encode("blurred")))
    visit.card("blurred.png").get_by_role("button", name="Classify anyway").click()
    expect(page.locator(".tag-warning")).to_be_visible()
    page.get_by_role("button", name="Try the synthetic picture: Sharp").click()
    expect(page.locator(".card[data-state=done]")).to_have_count(2)
    page.get_by_role("link", name="Compare").click()
    drawn, overridden = columns(visit, "synthetic-sharp.jpg", "blurred.png")
    expect(drawn.locator(".tag")).to_have_text(["Synthetic picture"])
    expect(drawn.locator(".caution")).to_have_count(0)
    expect(overridden.locator(".tag")).to_have_text(["Quality gate overridden"])
    expect(overridden.locator(".caution")).to_have_text([f"Uncertain: {POOR}"])
    expect(overridden.locator(".banner")).to_have_text(NO_ADVICE)
    # What a probability means is said of it here too, but of none that rules nothing out.
    expect(drawn.locator(".prevalence")).to_contain_text("Where 10% of the lesions seen")
    expect(overridden.locator(".prevalence")).to_have_count(0)
    for threshold in ("10", "990"):  # none that somebody tries out clears it
        page.get_by_label("Consultation from").fill(threshold)
        expect(overridden.locator(".caution")).to_have_text([f"Uncertain: {POOR}"])
        expect(overridden.locator(".banner")).not_to_have_text(messages.NO_APPOINTMENT)
    expect(overridden.locator(".banner")).to_have_text(NO_ADVICE)


def test_files_that_fail_and_files_under_way_are_told_of(visit, files) -> None:
    page = visit.open("/compare")
    failed = page.locator(".compare-failed .banner")
    choose(
        visit,
        files("text", "renamed.jpg", b"This is no picture.\n"),
        files("benign", "large.png", bytes(1_300_000)),
    )
    expect(failed).to_have_count(2)
    expect(failed.nth(0)).to_contain_text("renamed.jpg: The file is a text file")
    expect(failed.nth(1)).to_contain_text(
        "large.png: The file has 1.2 MB; at most 1 MB are accepted."
    )
    page.get_by_role("button", name="Dismiss the note on renamed.jpg").click()
    page.get_by_role("button", name="Dismiss the note on large.png").click()
    expect(failed).to_have_count(0)
    expect(page.locator("input[type=file]")).to_be_focused()

    busy = page.locator("#compare-busy")
    expect(busy).to_be_hidden()
    held: list[Route] = []
    page.route("**/results?*", lambda route: held.append(route))
    with page.expect_request("**/results?*"):
        choose(visit, files("benign"))
    expect(busy).to_have_text("Assessing benign.png…")
    held[0].fulfill(status=503, json={"error": "Not now."})
    page.unroute("**/results?*")
    expect(busy).to_be_hidden()
    expect(failed).to_contain_text("benign.png: Not now.")
    failed.get_by_role("button", name="Try again").click()
    expect(page.locator(".compare-chip")).to_have_text(["benign.png"])
    expect(failed).to_have_count(0)
    visit.console.clear()  # of the 503
    page.get_by_role("link", name="Assess").click()
    expect(page.locator(".card")).to_have_count(3)


@pytest.mark.parametrize(("scheme", "width"), [("light", 320), ("light", 390), ("dark", 1440)])
def test_the_page_is_accessible_at_any_width(
    new_visit: Callable, files, scheme: str, width: int
) -> None:
    visit = new_visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = visit.open("/compare")
    assert page.evaluate(AUDIT) == []
    choose(visit, files("benign"), files("malignant"), files("pale"), files("x", "x.jpg", b"x"))
    columns(visit, "benign.png", "malignant.png", "pale.png")
    expect(page.locator(".compare-failed .banner")).to_be_visible()
    assert page.evaluate(AUDIT) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert visit.console == []
