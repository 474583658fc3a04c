"""The frame of the results: progress, counts that filter, cards or table, download.

What is in it changes with every image; `cards.js` and `table.js` of `assets/assess` do that.
"""

import json

from dash import html

from Dashboard.assess.rows import COLUMNS
from Dashboard.ui.cases.outcomes import OUTCOMES, Outcome
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.explain.heat import heat_tools
from quality import Mode


def results(gate: Mode) -> html.Section:
    """Hidden until there is an image; `gate` says which sharpness the table shows."""
    judged = "laplacian_variance" if gate == "classic" else "laplacian_variance_normalised"
    return html.Section(
        [
            html.Div([html.H2("Results", id="results-title"), _tools()], className="results-head"),
            _progress(),
            html.Div(
                [_filter("all", "All"), *(_outcome_filter(outcome) for outcome in OUTCOMES)],
                className="filters",
                role="group",
                **{"aria-label": "Show only"},
            ),
            heat_tools("Each picture on its own scale"),
            html.Div(
                id="table",
                className="table-holder",
                hidden=True,
                tabIndex=0,
                role="region",
                **{"aria-label": "Table of results"},
            ),
            html.Div(id="cards", className="cards"),
        ],
        id="results",
        className="results",
        hidden=True,
        **{
            "aria-labelledby": "results-title",
            "data-columns": json.dumps(COLUMNS),
            "data-sharpness": judged,
        },
    )


def _tools() -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    _tool("cards", "Cards", "show-cards", pressed=True),
                    _tool("table", "Table", "show-table", pressed=False),
                ],
                className="switch",
                role="group",
                **{"aria-label": "View"},
            ),
            _tool("download", "Download CSV", "download"),
            _tool("close", "Clear all", "clear"),
        ],
        className="tools",
    )


def _tool(symbol: str, text: str, action: str, pressed: bool | None = None) -> html.Button:
    state = {} if pressed is None else {"aria-pressed": "true" if pressed else "false"}
    return html.Button(
        [icon(symbol), html.Span(text)],
        type="button",
        className="tool",
        **{"data-action": action, **state},
    )


def _progress() -> html.Div:
    return html.Div(
        [
            html.Label("", htmlFor="progress-bar", id="progress-text", className="progress-text"),
            html.Progress(id="progress-bar", value="0", max="1", className="progress-bar"),
            html.Button("Stop", type="button", className="button", **{"data-action": "stop"}),
        ],
        id="progress",
        className="progress",
        hidden=True,
    )


def _outcome_filter(outcome: Outcome) -> html.Button:
    return _filter(outcome.key, outcome.label, outcome.icon)


def _filter(key: str, label: str, symbol: str | None = None) -> html.Button:
    words = [html.Span(label), html.Span("0", className="count")]
    return html.Button(
        [icon(symbol), *words] if symbol else words,
        type="button",
        className=f"filter tone-{key}",
        **{"data-filter": key, "aria-pressed": "true" if key == "all" else "false"},
    )
