"""What is printed of cases: data in, components out."""

from datetime import UTC, datetime

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.schema import Item
from Dashboard.ui.cases import answer
from Dashboard.ui.cases.panel import find
from Dashboard.ui.cases.viewer import picture_address
from Dashboard.ui.cases.words import LABELS, lesion_values, stand

MOST = 100


def report(cases: str) -> html.Div:
    """The page: the cases of these keys; one that is not there costs the others nothing.

    cases: keys, with commas between them.
    """
    keys = [key for key in dict.fromkeys(str(cases).split(",")) if key]
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    said = "No case was named: /report?cases= takes the ids of cases, with commas between them."
    if keys:
        said = f"{min(len(keys), MOST):,} of {len(keys):,} cases, {now}."
        if len(keys) <= MOST:
            said = f"{len(keys):,} case{'s' if len(keys) > 1 else ''}, {now}."
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Report"),
                    html.P(said, className="lead"),
                    html.Div(dmc.Button("Print", variant="default", **{"data-print": ""})),
                ],
                className="page-head report-head",
            ),
            *(_reported(key, now) for key in keys[:MOST]),
        ],
        className="report stack",
    )


def _reported(key: str, now: str) -> Component:
    try:
        return report_of(find(key), now)
    except (UnknownItem, StoreUnavailable, StoreFull) as error:
        shown = key if len(key) <= 24 else f"{key[:24]}…"
        return html.Article(html.P(f"{shown}: {error}."), className="report-case framed stack")


def report_of(item: Item, now: str) -> html.Article:
    """One case for paper.

    now: when the report was made.
    """
    known = lesion_values(item.lesion)
    facts = {
        "File": item.file or "without a name",
        "Assessed": answer.provenance(item),
        "Report": now,
        **{f"Lesion: {LABELS[name].lower()}": value for name, value in known.items() if value},
    }
    return html.Article(
        [
            html.H2(item.file or "Picture without a name"),
            answer.verdict(item),
            html.Div(
                [
                    dmc.Image(
                        src=picture_address(item),
                        alt=f"The picture {item.file or 'that was handed in'}",
                        fit="contain",
                        mah="110mm",
                        style={"objectPosition": "left top"},
                    ),
                    html.Div(answer.finding(item), className="stack"),
                ],
                className="columns",
            ),
            answer.quality(item),
            _said(item),
            html.Dl(
                [part for name, value in facts.items() for part in (html.Dt(name), html.Dd(value))],
                className="report-facts hint",
            ),
        ],
        className="report-case framed stack",
    )


def _said(item: Item) -> html.Div:
    """The clinician's verdict and note; or room to write them down."""
    note = item.note or "No note."
    return html.Div(
        [
            html.H3("The clinician's judgement"),
            stand(item) or html.P("None yet."),
            html.P(note, style={"whiteSpace": "pre-wrap"}),
        ]
    )
