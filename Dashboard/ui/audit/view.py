"""The own record as it is shown: data in, components out."""

from collections.abc import Container, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import dash
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.proven.audit import Audit, Judged
from Dashboard.proven.intervals import Share
from Dashboard.ui.elements.icons import icon
from models.registry.names import title
from models.registry.taxonomy import HAM10000

UNANSWERED = "Without an answer"


def own_record(found: Audit, narrowed: str = "") -> dmc.Stack:
    """Shares with intervals, what to know about them, the confusion table, the export.

    narrowed: the model and version whose record it is alone; empty: of all.
    """
    one = len(found.models) <= 1
    parts: list[Component | None] = [
        only(narrowed) if narrowed else None,
        judged_table(found) if found.lesions else None,
        cautions(found.cautions),
        confusion_table(found.confusion) if found.confusion and one else None,
        not_understood(found) if found.not_understood else None,
        export_links(),
    ]
    return dmc.Stack([part for part in parts if part is not None], gap="xl")


def only(narrowed: str) -> dmc.Group:
    """Of which model and version the record is, and the way back to all."""
    back = dcc.Link("All models and versions", href=dash.get_relative_path("/audit"))
    return dmc.Group([dmc.Text(f"Only pictures that {narrowed} judged.", fw=600), back])


def judged_table(found: Audit) -> html.Section:
    """A row for each version that judged pictures, and one for the clinician."""
    head = ["", "Malignant lesions found", "Benign lesions cleared", UNANSWERED]
    rows = [
        [_judge(*judge, several=len(found.models) > 1), *_shares(own)]
        for judge, (_, own) in found.models.items()
    ]
    if found.unclassified.unanswered:
        rows.append([_row_head("No model: to be retaken"), *_shares(found.unclassified)])
    rows.append([_row_head("The clinician"), *_shares(found.clinician)])
    if found.clinician.n and len(found.models) == 1 and found.program_on_same != found.program:
        same = _row_head("The program, on the clinician's lesions")
        rows.append([same, *_shares(found.program_on_same)])
    n = "1 lesion" if found.lesions == 1 else f"{found.lesions:,} lesions"
    return _section(
        f"Sensitivity and specificity, {n} with a histology",
        dmc.Text(
            "Found: a consultation was advised (sensitivity). Cleared: no appointment "
            "(specificity). The intervals are exact, 95 %.",
            className="hint",
        ),
        _table(head, rows, "Sensitivity and specificity"),
    )


def cautions(sentences: Sequence[str]) -> dmc.Alert:
    """What to know before believing the figures."""
    shown = [dmc.Text(sentence, size="sm") for sentence in sentences]
    return dmc.Alert(dmc.Stack(shown, gap="xs"), color="gray", icon=icon("info"))


def confusion_table(confusion: Mapping[str, Mapping[str, int]]) -> html.Section:
    """Lesions by diagnosis and by the class that was the most likely."""
    there = {code for row in confusion.values() for code in row}
    codes = [code for code in HAM10000.codes if code in there]
    codes += sorted(there - set(codes))
    rows = [
        [
            _row_head(name),
            *(html.Td(row.get(code, 0) or "·", className="number") for code in codes),
            html.Td(sum(row.values()), className="number"),
        ]
        for name, row in confusion.items()
    ]
    head = ["Histology", *(html.Abbr(code, title=_name(code)) for code in codes), "Lesions"]
    return _section(
        "Histology and the most likely class",
        _table(head, rows, "Confusion table", numbers=range(1, len(head))),
    )


def not_understood(found: Audit) -> html.Section:
    """Lesions whose histology is none of the words that are known; they are counted nowhere."""
    rows = [[_row_head(one.name), html.Td(one.histology)] for one in found.not_understood]
    return _section(
        "Histology that is not understood",
        dmc.Text(
            "These lesions are in none of the figures. A code (mel, nv, bcc, akiec, bkl, df, "
            "vasc), the name of a class or a plain diagnosis such as SCC is understood.",
            className="hint",
        ),
        _table(["Lesion", "Histology"], rows, "Histology that is not understood"),
    )


def export_links() -> html.Section:
    """What is kept, to take along."""
    return _section(
        "Export for retraining",
        dmc.Text(
            "A zip archive of pictures and a table, without file names or notes, which python -m "
            "retraining prepare reads once it is unpacked.",
            className="hint",
        ),
        dmc.SimpleGrid(
            [
                _download("Export what is proven", "Histology of one of the classes", "/export"),
                _download("Export everything", "Also to be labelled yet", "/export?all=true"),
            ],
            cols={"base": 1, "xs": 2},
            maw=620,
        ),
    )


def interval_text(share: Share) -> str:
    """A share with its interval and its numbers.

    >>> interval_text(Share(18, 20, 0.683, 0.988))
    '90% (68% to 99%), 18 of 20'
    """
    if share.value is None or share.low is None or share.high is None:
        return "none yet"
    interval = f"{share.low:.0%} to {share.high:.0%}"
    return f"{share.value:.0%} ({interval}), {share.found:,} of {share.n:,}"


def _shares(judged: Judged) -> list[Component]:
    left = f"{judged.unanswered:,}"
    if judged.unanswered_malignant:
        left += f", {judged.unanswered_malignant:,} of them malignant"
    return [
        html.Td(interval_text(judged.sensitivity)),
        html.Td(interval_text(judged.specificity)),
        html.Td(left),
    ]


def _name(code: str) -> str:
    return HAM10000.name(code) if code in HAM10000.codes else code


def _judge(model: str, version: str, *, several: bool) -> html.Th:
    """Which version a row is of; of several, the way to its own record."""
    text = f"{title(model)}, version {version}"
    query = urlencode({"model": model, "version": version})
    link = dcc.Link(text, href=dash.get_relative_path(f"/audit?{query}"))
    return _row_head(link if several else text)


def _row_head(text: str | Component) -> html.Th:
    return html.Th(text, scope="row")


def _table(
    head: Sequence[Any],
    rows: Sequence[Sequence[Component]],
    name: str,
    *,
    numbers: Container[int] = (),
) -> html.Div:
    """A table that scrolls within itself; numbers: the places of columns that hold numbers."""
    kinds = ["number" if place in numbers else "" for place in range(len(head))]
    names = [
        html.Th(one, scope="col", className=kind) for one, kind in zip(head, kinds, strict=True)
    ]
    table = html.Table(
        [html.Thead(html.Tr(names)), html.Tbody([html.Tr(row) for row in rows])], className="table"
    )
    return html.Div(
        table, className="scroll-box framed", tabIndex=0, role="region", **{"aria-label": name}
    )


def _section(name: str, *parts: Component) -> html.Section:
    return html.Section(dmc.Stack([dmc.Title(name, order=2, size="h4"), *parts], gap="sm"))


def _download(label: str, what: str, path: str) -> dmc.NavLink:
    return dmc.NavLink(
        label=label,
        description=what,
        leftSection=icon("download"),
        href=dash.get_relative_path(path),
        refresh=True,  # a file, not a page of Dash
        active=True,
        variant="light",
    )
