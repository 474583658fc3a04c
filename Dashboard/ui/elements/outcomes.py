"""The kinds of answer an image can get, and how each is told apart: word, icon, colour."""

from dataclasses import dataclass

from dash import html

from Dashboard.ui.elements.icons import icon


@dataclass(frozen=True)
class Outcome:
    """One kind of answer.

    key: names the colours in `assets/shell/tones.css` (`.tone-KEY`).
    icon: of `assets/shell/icons`; no two outcomes share one.
    label: what one image of this kind is called in the summary.
    """

    key: str
    icon: str
    label: str


CONSULT = Outcome("consult", "calendar", "Consultation")
CLEAR = Outcome("clear", "check", "No appointment")
RETAKE = Outcome("retake", "retake", "Retake")
NONE = Outcome("none", "info", "No advice")
OOD = Outcome("ood", "question", "Not dermatoscopic")
OF_VERDICT: dict[str, Outcome] = {
    "consultation": CONSULT,
    "no_appointment": CLEAR,
    "retake": RETAKE,
    "none": NONE,
}


def outcome(verdict: str, dermatoscopic: bool | None = None) -> Outcome:
    """The kind of answer that a verdict is.

    dermatoscopic: False: the image is clearly none.
    """
    return OOD if dermatoscopic is False else OF_VERDICT[verdict]


def banner(kind: Outcome, message: str) -> html.Div:
    """The message of an image, in the colour and with the icon of its kind."""
    return html.Div(
        [icon(kind.icon), html.P(message)],
        className=f"banner tone-{kind.key}",
    )
