"""What the clinician says of a case: own verdict, note, flag, lesion, scale; and what was changed.

A field is saved when it is left, as the API saves it (`Dashboard.store.forms.Words`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from Dashboard.store.forms import LesionFields
from Dashboard.store.items import LESION_FIELDS
from Dashboard.store.schema import NOTE_CHARACTERS, Item, Lesion
from Dashboard.ui.elements.outcomes import OF_VERDICT

VERDICTS = ("consultation", "no_appointment", "retake")
SITES = (
    "abdomen", "acral", "back", "chest", "ear", "face", "foot", "genital", "hand",
    "lower extremity", "neck", "scalp", "trunk", "upper extremity",
)  # fmt: skip
LABELS = {
    "clinician_verdict": "Your verdict",
    "note": "Note",
    "flag": "Flag",
    "lesion": "Lesion",
    "pixels_per_mm": "Pixels per mm",
    "name": "Pseudonym",
    "body_site": "Body site",
    "age_band": "Age",
    "sex": "Sex",
    "histology": "Histology",
    "taken": "Taken",
}
NAMELESS = "Give the lesion a pseudonym first, never the patient's name."


def word_id(key: Any, name: Any) -> dict[str, Any]:
    """Of the field of that name in the case of that key."""
    return {"type": "case-word", "key": key, "name": name}


def part_id(key: Any, part: str) -> dict[str, Any]:
    """Of what a callback draws anew in the case of that key."""
    return {"type": f"case-{part}", "key": key}


def do_id(key: Any, do: Any) -> dict[str, Any]:
    """Of a button that changes the whole case: `anyway`, `delete` or `undo`."""
    return {"type": "case-do", "key": key, "do": do}


def words(item: Item) -> Component:
    """The clinician's own verdict, flag and note."""
    return html.Div(
        [
            dmc.Group(
                [
                    dmc.ChipGroup(
                        [_verdict(item, one) for one in VERDICTS],
                        id=word_id(item.key, "clinician_verdict"),
                        value=item.clinician_verdict,
                        deselectable=True,
                    ),
                    dmc.ChipGroup(
                        [dmc.Chip("Flag", value="flag", variant="outline", color="orange")],
                        id=word_id(item.key, "flag"),
                        multiple=True,
                        value=["flag"] if item.flag else [],
                    ),
                ],
                gap="xs",
            ),
            html.Div(stand(item), id=part_id(item.key, "stand")),
            dmc.Textarea(
                id=word_id(item.key, "note"),
                label=LABELS["note"],
                description="Saved when you leave the field. No names of patients.",
                value=item.note,
                autosize=True,
                minRows=2,
                debounce=True,
                attributes={"input": {"maxLength": NOTE_CHARACTERS}},
            ),
            html.Div(id=part_id(item.key, "saved"), role="status", className="case-saved hint"),
            # What it holds changes with the case: rooms above listen to it.
            dcc.Store(id=part_id(item.key, "changed")),
        ],
        className="stack",
    )


def lesion(item: Item, names: Sequence[str]) -> Component:
    """Which lesion it is of, and what is known of that.

    names: pseudonyms that were given before.
    """
    values = lesion_values(item.lesion)
    fields = LesionFields.model_fields
    bands = get_args(get_args(fields["age_band"].annotation)[0])
    sexes = get_args(get_args(fields["sex"].annotation)[0])

    def field(kind: Any, name: str, **settings: Any) -> Component:
        made: Component = kind(
            id=word_id(item.key, name), label=LABELS[name], value=values[name], **settings
        )
        return made

    return html.Div(
        [
            field(dmc.Autocomplete, "name", data=list(names), debounce=True),
            field(dmc.Autocomplete, "body_site", data=list(SITES), debounce=True),
            field(dmc.Select, "age_band", data=list(bands), clearable=True),
            field(dmc.Select, "sex", data=list(sexes), clearable=True),
            field(dmc.TextInput, "histology", debounce=True),
            dmc.DateTimePicker(
                id=word_id(item.key, "taken"),
                label=LABELS["taken"],
                value=item.taken and f"{item.taken:%Y-%m-%d %H:%M:%S}",
                valueFormat="D MMM YYYY, HH:mm",
                clearable=True,
            ),
            dmc.NumberInput(
                id=word_id(item.key, "pixels_per_mm"),
                label=LABELS["pixels_per_mm"],
                value="" if item.pixels_per_mm is None else item.pixels_per_mm,
                min=0,
                debounce=True,
                hideControls=True,
            ),
        ],
        className="columns",
        style={"--least": "140px"},
    )


def lesion_values(known: Lesion | None) -> dict[str, str]:
    """What stands in the fields of a lesion."""
    return {name: getattr(known, name, None) or "" for name in LESION_FIELDS}


def stand(item: Item) -> Component | None:
    """How the clinician's verdict stands to the program's; None where there is none."""
    own = item.clinician_verdict
    if own is None:
        return None
    said = OF_VERDICT[own].label
    if own == item.verdict:
        sentence = f"You agree: {said.lower()}."
    elif item.verdict in VERDICTS:
        advised = OF_VERDICT[item.verdict].label
        sentence = (
            f"You decided otherwise: {said.lower()}. The program's answer was: {advised.lower()}."
        )
    else:
        sentence = f"You decided: {said.lower()}. The program gave no advice."
    return html.P(html.Strong(sentence), className="case-stand")


def history(item: Item) -> Component:
    """What was changed, the latest first."""
    if not item.changes:
        return html.P("Nothing was changed since it was assessed.", className="hint")
    return html.Ol(
        [
            html.Li(
                [
                    html.Time(
                        f"{one.created:%Y-%m-%d %H:%M} UTC", dateTime=one.created.isoformat()
                    ),
                    html.Span(_changed(one.field, one.old, one.new)),
                ]
            )
            for one in reversed(item.changes)
        ],
        className="case-history stack plain",
    )


def fields_of(name: str, values: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    """What to change after a field was left, for `Words`.

    name: of the field; values: what stands in all of them.
    new: the case had no lesion before; naming one then says the rest of it, too.

    Raises:
        ValueError: it cannot be saved; a sentence.
    """
    value = values[name]
    if name == "flag":
        return {"flag": "flag" in (value or [])}
    if name == "note":
        return {"note": value or ""}
    if name == "taken":
        return {name: str(value).replace(" ", "T") if value else None}
    if name not in LESION_FIELDS:
        return {name: None if value in ("", None) else value}
    pseudonym = str(values["name"] or "").strip()
    if name == "name":
        rest = {one: values[one] for one in LESION_FIELDS if new and values.get(one)}
        return {"lesion": {**rest, "name": pseudonym} if pseudonym else None}
    if not pseudonym:
        raise ValueError(NAMELESS)
    return {"lesion": {"name": pseudonym, name: value or None}}


def _verdict(item: Item, verdict: str) -> Component:
    agrees = " (agree)" if verdict == item.verdict else ""
    chip: Component = dmc.Chip(
        f"{OF_VERDICT[verdict].label}{agrees}", value=verdict, variant="outline"
    )
    return chip


def _changed(field: str, old: Any, new: Any) -> str:
    if field == "flag":
        return "Flag set" if new else "Flag removed"
    if isinstance(old, dict) and isinstance(new, dict) and old["name"] == new["name"]:
        parts = (_changed(name, old.get(name), new[name]) for name in new)
        return f"Lesion {new['name']}, {', '.join(filter(None, parts))}"
    if old == new:
        return ""
    return f"{LABELS.get(field, field)}: {_said(old)} → {_said(new)}"


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name"))
    if value in (None, ""):
        return "none"
    verdict = OF_VERDICT.get(value) if isinstance(value, str) else None
    return (
        verdict.label.lower() if verdict else f"“{value}”" if isinstance(value, str) else str(value)
    )
