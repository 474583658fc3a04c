"""Similar proven cases as they are shown: data in, components out."""

from collections.abc import Sequence

import dash
import dash_mantine_components as dmc
from dash import dcc
from dash.development.base_component import Component

from Dashboard.proven.agreement import agreement
from Dashboard.proven.similar import HARDLY, Neighbour, Similar
from Dashboard.ui.elements.icons import icon

COLUMNS = {"base": 2, "400px": 3, "620px": 4, "860px": 5}
FAR = "None of them is much like it, so they say little."
MALIGNANT, BENIGN, UNKNOWN = "var(--malignant)", "var(--benign)", "var(--control-line)"


def similar_cases(found: Similar) -> list[Component]:
    """Pictures, diagnoses, how these are distributed, and what that is worth."""
    notice = [dmc.Alert(found.notice, color="yellow", icon=icon("warning"))] if found.notice else []
    if not found.neighbours:
        return [*notice, *([dmc.Text(found.reason, size="sm")] if found.reason else [])]
    return [
        *notice,
        dmc.Text(headline(found), fw=600),
        *([dmc.Text(FAR, size="sm")] if found.neighbours[0].alike == HARDLY else []),
        distribution(found),
        dmc.SimpleGrid(
            [picture(one) for one in found.neighbours],
            cols=COLUMNS,
            type="container",
            spacing="sm",
            verticalSpacing="md",
        ),
        dmc.Text(compared(found), className="hint"),
        dmc.Text(agreement(found), size="sm"),
    ]


def headline(found: Similar) -> str:
    """How the neighbours are distributed, in a sentence.

    The most frequent diagnosis first; where two are as frequent, both.
    """
    (name, n), *others = found.counts
    total = len(found.neighbours)
    if total == 1:
        return f"The proven lesion most like it is: {name}."
    if not others:
        return f"All {total} proven lesions most like it have one diagnosis: {name}."
    equal = "; ".join([name, *(other for other, count in others if count == n)])
    if equal != name:
        return f"Of the {total} proven lesions most like it, {n} each are: {equal}."
    return f"{n} of the {total} proven lesions most like it have one diagnosis: {name}."


def compared(found: Similar) -> str:
    """Among what was looked, in a sentence."""
    own = f"{found.own:,} of yours with a histology" if found.own else ""
    indexed = f"{found.indexed:,} of the prepared data set" if found.indexed else ""
    return (
        f"Nearest first, among {' and '.join(filter(None, [own, indexed]))}; a lesion counts once."
    )


def distribution(found: Similar) -> dmc.Stack:
    """A bar for each diagnosis, the malignant ones in another colour."""
    kinds = {one.diagnosis: one.malignant for one in found.neighbours}
    total = len(found.neighbours)
    rows = [
        dmc.Stack(
            [
                dmc.Group(
                    [
                        dmc.Text(name, size="sm", lh=1.3),
                        dmc.Text(f"{n}\u00a0of\u00a0{total}", size="sm"),
                    ],
                    justify="space-between",
                    wrap="nowrap",
                ),
                dmc.Progress(
                    value=100 * n / total,
                    color=_colour(kinds[name]),
                    size="sm",
                    **{"aria-label": name},
                ),
            ],
            gap=2,
        )
        for name, n in found.counts
    ]
    return dmc.Stack(rows, gap="xs", maw=520)


def picture(one: Neighbour) -> dmc.Stack:
    """A neighbour: its picture, what it was, how that was proven, how like it is."""
    said: Sequence[str] = [text for text in (_how(one), one.alike) if text]
    shown = dmc.AspectRatio(
        dmc.Image(
            src=dash.get_relative_path(_address(one)),
            alt=f"Proven lesion {one.name}: {one.diagnosis}",
            radius="sm",
            fit="cover",
        ),
        ratio=4 / 3,
    )
    return dmc.Stack(
        [
            shown if one.key is None else dcc.Link(shown, href=_case(one.key)),
            dmc.Text(
                one.diagnosis,
                size="sm",
                fw=600,
                lh=1.3,
                c=MALIGNANT if one.malignant else None,
            ),
            dmc.Text("; ".join(said), className="hint", lh=1.3),
        ],
        gap=4,
    )


def _how(one: Neighbour) -> str:
    whose = "yours" if one.key is not None else "prepared data set"
    return f"{one.proven}, {whose}" if one.proven else whose


def _address(one: Neighbour) -> str:
    if one.key is None:
        return f"/index/{one.row}/thumbnail"
    return f"/assessments/{one.key}/thumbnail"


def _case(key: str) -> str:
    return str(dash.get_relative_path(f"/cases/{key}"))


def _colour(malignant: bool | None) -> str:
    return {True: MALIGNANT, False: BENIGN, None: UNKNOWN}[malignant]
