"""What a malignant probability means at a clinic's prevalence: the choice, and a card's sentence.

`assets/assess/prevalence.js` writes the sentence anew when somebody chooses.
"""

from collections.abc import Mapping

import dash_mantine_components as dmc
from dash import html

from Dashboard.assess.assessment import Assessment
from Dashboard.assess.worth import PREVALENCES, at_clinic
from models.registry.taxonomy import HAM10000

# What stands there before anybody chooses; a sentence names it with every figure.
USUAL = 0.10


def first_choice(prior: Mapping[str, float] | None) -> float:
    """The prevalence that the page starts from: the clinic's own where `PRIOR` tells it."""
    return sum(prior[code] for code in HAM10000.malignant) if prior else USUAL


def prevalence_choice(prior: Mapping[str, float] | None) -> dmc.Autocomplete:
    """A field to choose a prevalence in, or to write one's own; kept while the window is open."""
    own = {first_choice(prior)} if prior else set()
    return dmc.Autocomplete(
        id="prevalence",
        label="Malignant among the lesions you see, %",
        data=[_shown(value) for value in sorted(own.union(PREVALENCES))],
        value=_shown(first_choice(prior)),
        persistence=True,
        persistence_type="session",
        comboboxProps={"shadow": "md"},
    )


def prevalence_line(assessment: Assessment, p_malignant: float) -> html.P:
    """The sentence on a card, and what the page needs to write it for another prevalence."""
    share = assessment.malignant_share
    return html.P(
        at_clinic(p_malignant, share, first_choice(assessment.prior)),
        className="prevalence",
        **{"data-p": f"{p_malignant:.6f}", "data-share": f"{share:.6f}"},
    )


def _shown(share: float) -> str:
    return f"{100 * share:.3g}"
