"""What the list is narrowed to and sorted by: controls, and the address that says the same."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, get_args
from urllib.parse import parse_qsl, urlencode

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component
from pydantic import TypeAdapter

from Dashboard.assess import messages
from Dashboard.store.filters import Filters, Order
from Dashboard.store.forms import Moment, Name
from Dashboard.ui.elements.icons import icon
from models.registry.taxonomy import HAM10000

VERDICTS = (
    {"value": "consultation", "label": messages.CONSULT},
    {"value": "retake", "label": messages.RETAKE},
    {"value": "no_appointment", "label": messages.NO_APPOINTMENT},
    {"value": "none", "label": "No advice"},
)
CLASSES = tuple(
    {"value": code, "label": name}
    for code, name in zip(HAM10000.codes, HAM10000.names, strict=True)
)
OWN = (
    {"value": "open", "label": "Not given yet"},
    {"value": "consultation", "label": "Consultation"},
    {"value": "retake", "label": "Retake"},
    {"value": "no_appointment", "label": "No appointment"},
)
ORDERS = (
    {"value": "urgent", "label": "Most urgent first"},
    {"value": "newest", "label": "Newest first"},
    {"value": "file", "label": "File name"},
    {"value": "verdict", "label": "Verdict"},
    {"value": "code", "label": "Most likely class"},
    {"value": "p_malignant", "label": "Malignant probability"},
    {"value": "certainty", "label": "Certainty"},
    {"value": "quality", "label": "Quality"},
    {"value": "model", "label": "Model"},
)
# Of the filters those with a control, in the order of the callback's values.
NAMES = (
    "text", "verdict", "code", "certainty", "quality", "model", "clinician_verdict", "lesion",
    "flag", "since", "until", "p_malignant",
)  # fmt: skip
# What holds the value of those that are no menu.
PROPERTY = {"flag": "checked"}
WHOLE = [0, 100]
# On a phone a field has a line of its own.
FIELD = {"flex": {"base": "1 1 100%", "xs": "1 1 200px"}, "maw": {"base": "none", "xs": 340}}


class Asked(NamedTuple):
    """Which assessments a list has, and in which order."""

    filters: Filters
    sort: Order
    descending: bool | None


def _share(text: str) -> float:
    found = float(text)
    if not 0 <= found <= 1:
        raise ValueError
    return found


def _one_of(*values: str) -> Callable[[str], str]:
    return {value: value for value in values}.__getitem__


AS_NAME, AS_MOMENT = TypeAdapter(Name).validate_python, TypeAdapter(Moment).validate_python
# How each part of an address is read; ValueError or KeyError: it makes no sense.
READ: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("text", "code", "lesion", "model", "batch"), AS_NAME),
    **dict.fromkeys(("since", "until"), AS_MOMENT),
    **dict.fromkeys(("p_malignant_min", "p_malignant_max"), _share),
    **dict.fromkeys(("flag", "descending"), {"true": True, "false": False}.__getitem__),
    "verdict": _one_of(*(one["value"] for one in VERDICTS)),
    "clinician_verdict": _one_of(*(one["value"] for one in OWN)),
    "certainty": _one_of("clear", "uncertain"),
    "quality": _one_of("accept", "reject"),
    "sort": _one_of(*get_args(Order)),
}


def identity(name: str) -> str:
    """The id of a filter's control."""
    return f"where-{name.replace('_', '-')}"


def read(query: Mapping[str, Any]) -> dict[str, str]:
    """Of an address what makes sense, each name for itself; the rest is passed over."""
    good = {}
    for name, value in query.items():
        if name in READ:
            with suppress(ValueError, KeyError):
                READ[name](str(value))
                good[name] = str(value)
    return good


def asked(search: str) -> Asked:
    """What an address asks for; the most urgent first where it says nothing."""
    found = {name: READ[name](value) for name, value in read(dict(parse(search))).items()}
    sort, descending = found.pop("sort", "urgent"), found.pop("descending", None)
    return Asked(Filters(**found), sort, descending)


def parse(search: str) -> list[tuple[str, str]]:
    """The names and values of an address."""
    return parse_qsl(search.lstrip("?"))


def address(query: Mapping[str, str]) -> str:
    """The part of an address behind its path; empty where nothing is said."""
    said = {name: value for name, value in query.items() if (name, value) != ("sort", "urgent")}
    return f"?{urlencode(said)}" if said else ""


def table(search: str) -> str:
    """The same as `GET /assessments` is asked for all of it as a table."""
    return f"?{urlencode({'sort': 'urgent', **dict(parse(search)), 'format': 'csv'})}"


def query_of(values: Sequence[Any], batch: str | None = None) -> dict[str, str]:
    """The filters that the controls show, `values` in the order of `NAMES`."""
    found = dict(zip(NAMES, values, strict=True))
    low, high = found.pop("p_malignant") or WHOLE
    if found.pop("flag"):
        found["flag"] = "true"
    if low > WHOLE[0]:
        found["p_malignant_min"] = f"{low / 100:g}"
    if high < WHOLE[1]:
        found["p_malignant_max"] = f"{high / 100:g}"
    found["batch"] = batch
    return read({name: value for name, value in found.items() if value})


def controls(query: Mapping[str, str], models: Sequence[Mapping[str, str]]) -> html.Div:
    """The controls, as an address sets them; most of them behind a button."""
    shown = set(query) - {"text", "verdict", "sort", "descending", "batch"}
    return html.Div(
        [
            dmc.TextInput(
                id=identity("text"),
                value=query.get("text", ""),
                placeholder="Part of a file name",
                leftSection=icon("search"),
                debounce=300,
                **FIELD,
                **{"aria-label": "Part of a file name"},
            ),
            _choice("verdict", "Verdict", VERDICTS, query, labelled=False),
            dmc.Select(
                id="where-sort",
                data=list(ORDERS),
                value=query.get("sort", "urgent"),
                allowDeselect=False,
                hiddenFrom="lg",
                **FIELD,
                **{"aria-label": "Sorted by"},
            ),
            dmc.Popover(
                [
                    dmc.PopoverTarget(
                        dmc.Button(
                            ["More filters", _count(len(shown))],
                            variant="default",
                            leftSection=icon("filter"),
                        )
                    ),
                    dmc.PopoverDropdown(_more(query, models)),
                ],
                width=320,
                position="bottom-start",
                shadow="md",
                trapFocus=True,
                keepMounted=True,
            ),
            dmc.Button("Clear filters", id="where-clear", variant="subtle", disabled=not query),
        ],
        className="along",
        role="search",
        **{"aria-label": "Which pictures the list shows"},
    )


def _count(number: int) -> dmc.Badge:
    """How many filters are set that the controls in view do not show."""
    shown = None if number else "none"
    return dmc.Badge(f"{number}", id="where-count", circle=True, ml="xs", display=shown)


def _more(query: Mapping[str, str], models: Sequence[Mapping[str, str]]) -> dmc.Stack:
    share = [
        round(100 * float(query.get(f"p_malignant_{end}", whole / 100)))
        for end, whole in zip(("min", "max"), WHOLE, strict=True)
    ]
    sure = ({"value": "clear", "label": "Clear"}, {"value": "uncertain", "label": "Uncertain"})
    good = (
        {"value": "accept", "label": "Good enough"},
        {"value": "reject", "label": "To be taken again"},
    )
    dates: list[Component] = [
        dmc.DateInput(
            id=identity(name), label=label, value=query.get(name, "")[:10] or None, clearable=True
        )
        for name, label in (("since", "From"), ("until", "Before"))
    ]
    return dmc.Stack(
        [
            _choice("code", "Most likely class", CLASSES, query),
            dmc.Stack(
                [
                    dmc.Text("Malignant probability, in percent", size="sm", fw=500),
                    dmc.RangeSlider(
                        id=identity("p_malignant"),
                        value=share,
                        minRange=0,
                        thumbFromLabel="At least",
                        thumbToLabel="At most",
                        mb="xs",
                    ),
                ],
                gap="xs",
            ),
            _choice("certainty", "Certainty", sure, query),
            _choice("quality", "Quality", good, query),
            _choice("clinician_verdict", "Your own verdict", OWN, query),
            _choice("model", "Model", models, query),
            dmc.TextInput(
                id=identity("lesion"),
                label="Lesion",
                value=query.get("lesion", ""),
                placeholder="Its pseudonym",
                debounce=300,
            ),
            dmc.Group(dates, grow=True),
            dmc.Switch(
                id=identity("flag"), label="Flagged alone", checked=query.get("flag") == "true"
            ),
        ],
        gap="sm",
    )


def _choice(
    name: str,
    label: str,
    data: Sequence[Mapping[str, str]],
    query: Mapping[str, str],
    *,
    labelled: bool = True,
) -> dmc.Select:
    words: dict[str, Any] = (
        {"label": label, "placeholder": "All"}
        if labelled
        else {"placeholder": f"{label}: all", "aria-label": label, **FIELD}
    )
    return dmc.Select(
        id=identity(name),
        data=list(data),
        value=query.get(name),
        clearable=True,
        comboboxProps={"withinPortal": not labelled, "shadow": "md"},
        **words,
    )
