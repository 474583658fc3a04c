"""The panel of a result in which its explanations are asked for and shown.

What is in it the browser draws when it is opened: `assets/explain/explain.js`.
"""

from collections.abc import Sequence

from dash import dcc, html

from Dashboard.ui.elements.icons import icon


def explain_panel(model: str, known: Sequence[str]) -> html.Details:
    """Closed, unless there is something to show.

    model: the checkpoint whose result is explained.
    known: keys of the explanations of this picture that are done or on their way.
    """
    return html.Details(
        [
            html.Summary(
                [icon("heat"), html.Span("Explain this result")], className="explain-head"
            ),
            html.Div(className="explain-body"),
        ],
        className="explain",
        open=bool(known),
        **{"data-model": model, "data-known": " ".join(known)},
    )


# How many explanations a page follows at once; further ones wait in the browser.
SLOTS = 6


def slot(place: int) -> tuple[str, ...]:
    """Ids of the stores of one explanation under way: order, state, answer, cancel, heard."""
    return tuple(
        f"explain-{name}-{place}" for name in ("order", "state", "answer", "cancel", "heard")
    )


def slots() -> html.Div:
    """Where `assets/explain/jobs.js` and Dash's background callbacks meet, on every page."""
    return html.Div(
        [dcc.Store(id=name) for place in range(SLOTS) for name in slot(place)],
        id="explain-slots",
        hidden=True,
        **{"data-count": SLOTS},
    )
