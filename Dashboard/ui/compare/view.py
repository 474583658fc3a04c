"""The Compare page's table: kept assessments in, components out."""

from collections.abc import Sequence
from urllib.parse import quote

import dash
import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelInfo
from Dashboard.ui.compare.judged import judged
from Dashboard.ui.compare.rows import MARKED, NOTHING, OTHER, ROWS, Case, Cell, Row
from Dashboard.ui.compare.threshold import expectations, rule_sentence, starting_point
from Dashboard.ui.elements.icons import icon

MOST = 8
PATH = "/compare"
SLIDER, RESET, KEYS = "compare-threshold", "compare-reset", "compare-keys"
VERDICT, MESSAGE, RULE, WORDS = (
    "compare-verdict",
    "compare-message",
    "compare-rule",
    "compare-words",
)
SMALL = {"fontSize": "var(--text-s)", "fontWeight": 400}
FRAME = {"aspectRatio": "4 / 3", "background": "var(--sunken)"}
MARKS = [{"value": percent, "label": f"{percent}%"} for percent in (0, 25, 50, 75, 100)]


def comparison(cases: Sequence[Case], infos: Sequence[ModelInfo]) -> list[Component]:
    """The threshold, and a table with a column for each picture.

    infos: the models that assessed them and that are still there, each once.
    """
    verdict, message, rule = verdict_rows(cases, None)
    body = [
        _row("Picture", [_td("Picture", _picture(case)) for case in cases]),
        html.Tr(verdict, id=VERDICT),
        html.Tr(message, id=MESSAGE),
        html.Tr(rule, id=RULE),
        *(_row(row.name, _cells(row, cases)) for row in ROWS if _said(row, cases)),
    ]
    head = html.Tr(
        [
            html.Th("", scope="col"),
            *(_head(case, place, cases) for place, case in enumerate(cases)),
        ]
    )
    table = html.Table(
        [
            html.Caption(dmc.VisuallyHidden("The pictures side by side"), style={"padding": 0}),
            html.Thead(head),
            html.Tbody(body),
        ],
        className="table compare-table",
    )
    return [
        _threshold(infos),
        dmc.Text(MARKED, size="sm", c="dimmed"),
        html.Div(
            table,
            className="scroll-box framed",
            tabIndex=0,
            role="region",
            **{"aria-label": "Comparison"},
        ),
        dcc.Store(id=KEYS, data=[case["id"] for case in cases]),
    ]


def verdict_rows(cases: Sequence[Case | None], tried: float | None) -> list[list[Component]]:
    """The cells of verdict, message and rule, row by row.

    cases: None for a picture that is not kept any more.
    tried: as of `judged`.
    """
    found = [None if case is None else judged(case, tried) for case in cases]
    verdicts: list[Component] = [html.Th("Verdict", scope="row")]
    told: list[Component] = [html.Th("Message", scope="row")]
    rules: list[Component] = [html.Th("Rule", scope="row")]
    first = found[0].outcome if found and found[0] else None
    for case, one in zip(cases, found, strict=True):
        if case is None or one is None:
            verdicts.append(_td("Verdict", "No longer kept"))
            told.append(_td("Message", NOTHING))
            rules.append(_td("Rule", NOTHING))
            continue
        label = html.Span(
            [icon(one.outcome.icon), html.Strong(one.outcome.label)],
            className=f"compare-verdict toned tone-{one.outcome.key}",
        )
        differs = first is not None and one.outcome is not first
        verdicts.append(_td("Verdict", label, *_mark(OTHER if differs else "")))
        before = f"As assessed: {case['message']}." if one.changed else ""
        told.append(_td("Message", one.message, *([_small(before)] if before else [])))
        rules.append(_td("Rule", one.rule))
    return [verdicts, told, rules]


def threshold_words(infos: Sequence[ModelInfo], tried: float | None) -> list[Component]:
    """By which threshold the verdicts are given, and what to expect of it."""
    lines = [rule_sentence(infos, tried), *expectations(infos, tried)]
    return [dmc.Text(line, size="sm", fw=600 if not n else None) for n, line in enumerate(lines)]


def _threshold(infos: Sequence[ModelInfo]) -> dmc.Paper:
    slider = dmc.Slider(
        id=SLIDER,
        min=0,
        max=100,
        step=0.5,
        precision=1,
        value=round(100 * starting_point(infos), 1),
        marks=MARKS,
        updatemode="drag",
        thumbLabel="Threshold, percent",
        thumbSize=24,
        mt="xs",
        mb="lg",
    )
    reset = dmc.Button(
        "As assessed", id=RESET, variant="default", size="xs", leftSection=icon("repeat")
    )
    words = dmc.Stack(threshold_words(infos, None), id=WORDS, gap=4, **{"aria-live": "polite"})
    label = dmc.Text("Consultation from a malignant probability of", fw=600, size="sm")
    left = html.Div([dmc.Group([label, reset], justify="space-between"), slider])
    grid = dmc.SimpleGrid([left, words], cols={"base": 1, "sm": 2}, spacing="xl")
    return dmc.Paper(grid, p="md", withBorder=True)


def _head(case: Case, place: int, cases: Sequence[Case]) -> html.Th:
    keys = [one["id"] for one in cases]
    name = case["file"] or f"Picture {place + 1}"
    links: list[Component] = []
    if place:
        links.append(_link("Put first", [keys[place], *keys[:place], *keys[place + 1 :]], name))
    else:
        links.append(dmc.Badge("First", variant="light", size="sm"))
    if len(keys) > 1:
        links.append(_link("Take out", keys[:place] + keys[place + 1 :], name))
    to = dash.get_relative_path(f"/cases/{quote(case['id'])}")
    return html.Th(
        [dcc.Link(name, href=to), dmc.Group(links, gap="xs", mt=4)],
        scope="col",
    )


def _link(text: str, keys: Sequence[str], name: str) -> dcc.Link:
    where = f"{dash.get_relative_path(PATH)}?cases={','.join(map(quote, keys))}"
    hidden = dmc.VisuallyHidden(f" {name}")
    return dcc.Link([text, hidden], href=where, style=SMALL)


def _picture(case: Case) -> dmc.Image:
    address = dash.get_relative_path(f"/assessments/{quote(case['id'])}/view.jpg?max=480")
    alt = f"Picture {case['file']}".strip()
    return dmc.Image(src=address, alt=alt, fit="contain", radius="sm", style=FRAME)


def _said(row: Row, cases: Sequence[Case]) -> bool:
    """Whether there is anything in a row: what is of lesions and clinicians often is empty."""
    return any(row.of(case) not in (None, "") for case in cases)


def _cells(row: Row, cases: Sequence[Case]) -> list[html.Td]:
    return [_cell(row.name, cell) for cell in row.cells(cases)]


def _cell(name: str, cell: Cell) -> html.Td:
    parts: list[Component | str] = [cell.text]
    if cell.share is not None:
        bar = dmc.Progress(
            value=100 * cell.share, color="red" if cell.malignant else "petrol", size="xs", mt=3
        )
        parts.append(html.Div(bar, **{"aria-hidden": "true"}))
    mark = _mark(cell.differs)
    return _td(name, *parts, *mark, marked=bool(mark))


def _td(name: str, *parts: Component | str, marked: bool = False) -> html.Td:
    """A cell that bears its row's name: where the page is narrow, the style writes it there."""
    kind = "compare-differs" if marked else None
    return html.Td(list(parts), className=kind, **{"data-name": name})


def _mark(differs: str) -> list[Component]:
    if not differs:
        return []
    hidden = dmc.VisuallyHidden(" (differs from the first picture)")
    return [dmc.Text([differs, hidden], c="var(--accent)", size="sm", fw=650)]


def _row(name: str, cells: Sequence[html.Td]) -> html.Tr:
    return html.Tr([html.Th(name, scope="row"), *cells])


def _small(text: str) -> dmc.Text:
    return dmc.Text(text, size="xs", c="dimmed", mt=4)
