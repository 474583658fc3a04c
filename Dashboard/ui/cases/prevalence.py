"""What a malignant probability means at the prevalence that somebody writes."""

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, dcc, html

from Dashboard.assess.worth import at_clinic
from Dashboard.store.schema import Item

# One case is on a page at a time, so that one figure holds for all that are looked at.
FIELD, LINE, OF = "own-prevalence", "own-prevalence-line", "own-prevalence-of"


def own_prevalence(item: Item) -> html.Div:
    """A field for one's own share of malignant lesions, and what it makes of the probability.

    It begins with the share of `PRIOR` where there is one, and is kept while the window is open.
    """
    answer = item.answer
    p, share = answer["p_malignant"], answer["malignant_share"]
    percent = round(100 * share, 1) if answer["prior"] else None
    return html.Div(
        [
            dcc.Store(id=OF, data=[p, share]),
            dmc.NumberInput(
                id=FIELD,
                label="Your own share of malignant lesions",
                value=percent,
                min=0.1,
                max=99.9,
                decimalScale=1,
                suffix=" %",
                size="xs",
                hideControls=True,
                persistence=True,
                persistence_type="session",
            ),
            dmc.Text(say(percent, [p, share]), id=LINE, size="sm"),
        ]
    )


def install(app: dash.Dash) -> None:
    """Give `app` the callback of the field."""
    app.callback(Output(LINE, "children"), Input(FIELD, "value"), State(OF, "data"))(say)


def say(percent: Any, of: Any) -> str:
    """The sentence for a prevalence in percent; nothing without one.

    of: the malignant probability, and the share of malignant lesions that it is for.
    """
    numbers = [percent, *of] if isinstance(of, list) and len(of) == 2 else []
    if not numbers or not all(isinstance(one, int | float) for one in numbers):
        return ""
    own, p, share = numbers
    return at_clinic(p, share, own / 100) if 0.1 <= own <= 99.9 and 0 < share < 1 else ""
