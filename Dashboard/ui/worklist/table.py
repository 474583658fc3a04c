"""The list: its columns, and an assessment as a row of texts that the server has made."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash
import dash_ag_grid as dag
from dash import html

from Dashboard.assess import messages
from Dashboard.store.items import summary
from Dashboard.store.listing import LesionVerdict
from Dashboard.store.schema import Item
from Dashboard.ui.elements.outcomes import outcome
from Dashboard.ui.elements.text import percent

GRID = "list"
ROW_HEIGHT = 64
# The rows of a request, and how many requests' rows the browser holds: what is beyond, it forgets.
BLOCK, BLOCKS = 60, 10
OWN = {"retake": "retake", "consultation": "consultation", "no_appointment": "no appointment"}
NOTE_LETTERS = 60
Cell = dict[str, Any]
# Columns by the order of the store that their heads ask for; `assets/worklist/worklist.mjs` shows
# as many as have room.
COLUMNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("picture", "", {"width": 76, "minWidth": 76, "maxWidth": 76, "sortable": False}),
    ("file", "File", {"flex": 3, "minWidth": 140}),
    ("verdict", "Verdict", {"flex": 5, "minWidth": 220}),
    ("code", "Most likely", {"flex": 3, "minWidth": 140}),
    ("p_malignant", "Malignant", {"width": 104, "minWidth": 96, "maxWidth": 120}),
    ("newest", "Date, model", {"flex": 3, "minWidth": 130}),
    ("short", "", {"flex": 1, "initialHide": True, "sortable": False}),
)


def columns(sort: str, descending: bool | None) -> list[dict[str, Any]]:
    """Definitions of the columns, that of `sort` marked."""
    way = {True: "desc", False: "asc", None: "desc" if sort in ("newest", "p_malignant") else "asc"}
    shown = [
        {
            "field": name,
            "headerName": head,
            "cellRenderer": "Lines",
            "sort": way[descending] if name == sort else None,
        }
        | more
        for name, head, more in COLUMNS
    ]
    # What the list is narrowed to goes to the server as the filter of a column that nobody sees.
    hidden = {"field": "where", "filter": "agTextColumnFilter", "hide": True, "sortable": False}
    return [*shown, hidden]


def where_model(search: str) -> dict[str, Any]:
    """The filter that carries an address to the server."""
    if not search:
        return {}
    return {"where": {"filterType": "text", "type": "contains", "filter": search}}


def stand_in() -> html.Div:
    """Where the list will be: it hears what the list is told before it is there."""
    return html.Div(id=GRID, style=size(1))


def grid(search: str, sort: str, descending: bool | None) -> dag.AgGrid:
    """The list; its rows come as they come into view."""
    return dag.AgGrid(
        id=GRID,
        className="list",
        rowModelType="infinite",
        columnDefs=columns(sort, descending),
        defaultColDef={
            "resizable": True,
            "sortable": True,
            "suppressHeaderMenuButton": True,
            "sortingOrder": ["desc", "asc", None],
        },
        filterModel=where_model(search),
        getRowId="params.data.id",
        style=size(1),
        dashGridOptions={
            "rowHeight": ROW_HEIGHT,
            "cacheBlockSize": BLOCK,
            "maxBlocksInCache": BLOCKS,
            "rowSelection": {
                "mode": "multiRow",
                "checkboxes": True,
                "headerCheckbox": False,
                "enableClickSelection": False,
            },
            "selectionColumnDef": {"width": 44, "minWidth": 44, "maxWidth": 44},
            "suppressMovableColumns": True,
            "suppressMultiSort": True,
            "suppressCellFocus": False,
            "animateRows": False,
            "alwaysShowVerticalScroll": False,
            "suppressColumnVirtualisation": True,
        },
    )


def size(total: int) -> dict[str, str]:
    """As high as so many rows, but no higher than a screen has room for."""
    return {"width": "100%", "height": f"min({max(total, 1) * ROW_HEIGHT + 44}px, 74vh)"}


def row(item: Item, lesions: Mapping[int | None, LesionVerdict], models: Mapping[str, str]) -> Cell:
    """An assessment as the list shows it: for each column lines, and what tints them."""
    said = summary(item)
    kind = outcome(item.verdict, False if item.message == messages.NOT_DERMATOSCOPIC else None)
    folder, _, file = said["file"].rpartition("/")
    # What the model computed of a picture that is none of skin means nothing.
    known = item.prediction is not None and item.message != messages.NOT_DERMATOSCOPIC
    share = percent(item.p_malignant) if known and item.p_malignant is not None else "–"
    doubts = _doubts(item, kind.key == "retake")
    remarks = _remarks(item, folder, lesions)
    tone = {"tone": kind.key, "icon": kind.icon}
    picture = dash.get_relative_path(f"/assessments/{item.key}/thumbnail")
    top = file or "Picture without a name"
    return {
        "id": item.key,
        "picture": {"src": picture},
        "file": {"top": top, "below": " · ".join(remarks), "flag": item.flag},
        "verdict": {"top": item.message, "below": " · ".join(doubts)} | tone,
        "code": {
            "top": item.prediction if known else "–",
            "below": percent(item.probability) if known and item.probability is not None else "",
        },
        "p_malignant": {"top": share},
        "newest": {"time": said["created"], "below": models.get(item.model, item.model)},
        "short": {
            "src": picture,
            "top": item.message,
            "below": " · ".join([*([f"malignant {share}"] if known else []), top]),
            "flag": item.flag,
        }
        | tone,
    }


def _doubts(item: Item, rejected: bool) -> Sequence[str]:
    """Of the certainty and the quality what there is to say, and the clinician's own verdict."""
    found = [] if rejected else [f"{item.certainty or 'clear'}".capitalize()]
    if item.quality == "reject":
        found.append("Not good enough" if rejected else "quality gate overridden")
    if item.clinician_verdict:
        found.append(f"you: {OWN[item.clinician_verdict]}")
    return found


def _remarks(item: Item, folder: str, lesions: Mapping[int | None, LesionVerdict]) -> Sequence[str]:
    """Folder, lesion and note."""
    found = [folder] if folder else []
    if item.lesion is not None:
        of_all = lesions.get(item.lesion_id)
        known = f" ({OWN.get(of_all.verdict, 'no advice')})" if of_all and of_all.count > 1 else ""
        found.append(f"lesion {item.lesion.name}{known}")
    if item.note:
        note = " ".join(item.note.split())
        found.append(f"{note[:NOTE_LETTERS]}…" if len(note) > NOTE_LETTERS else note)
    return found
