"""What the other models say of a kept picture, on request."""

from collections.abc import Sequence
from dataclasses import dataclass

from dash import html
from dash.development.base_component import Component

from Dashboard.assess.service import ModelNotReady, Service
from Dashboard.store.schema import Item
from Dashboard.ui.elements.icons import icon
from Dashboard.ui.elements.outcomes import outcome
from Dashboard.ui.elements.text import percent
from models.errors import CheckpointError
from models.registry.names import title


@dataclass(frozen=True)
class ModelOpinion:
    """One model's answer.

    verdict: None where it gave none; `error` says why.
    """

    model: str
    verdict: str | None
    message: str = ""
    p_malignant: float | None = None
    dermatoscopic: bool | None = None
    error: str = ""


def ask_others(service: Service, item: Item, data: bytes) -> list[ModelOpinion]:
    """The kept answer, and what every other model of this server says of the picture.

    data: its file.
    """
    answer = item.answer
    kept = ModelOpinion(
        title(item.model),
        item.verdict,
        item.message,
        answer["p_malignant"],
        answer["dermatoscopic"],
    )
    found = [kept]
    for info in service.models():
        if info.name == item.model:
            continue
        try:
            other = service.assess(data, model=info.name, gate=answer["gated"])
        except (ModelNotReady, CheckpointError) as error:
            found.append(ModelOpinion(info.title, None, error=str(error)))
            continue
        prediction = other.prediction
        found.append(
            ModelOpinion(
                info.title,
                other.verdict,
                other.message,
                prediction and prediction.p_malignant,
                prediction and prediction.dermatoscopic,
            )
        )
    return found


def opinions(found: Sequence[ModelOpinion]) -> Component:
    """How many advise a consultation, and each one's answer."""
    answered = [one for one in found if one.verdict is not None]
    if len(found) == 1:
        return html.P("This server has no other model.", className="hint")
    votes = sum(one.verdict == "consultation" for one in answered)
    verb = "advises" if votes == 1 else "advise"
    return html.Div(
        [
            html.P(f"{votes} of {len(answered)} models {verb} a consultation."),
            html.Table(
                html.Tbody([_row(one) for one in found]), className="case-opinions small-table"
            ),
        ],
        className="stack",
    )


def _row(one: ModelOpinion) -> html.Tr:
    if one.verdict is None:
        said = [html.Td(one.error, colSpan=2)]
    else:
        kind = outcome(one.verdict, one.dermatoscopic)
        p = "–" if one.p_malignant is None else percent(one.p_malignant)
        mark = [icon(kind.icon), html.Span(one.message)]
        said = [
            html.Td(html.Span(mark, className=f"toned tone-{kind.key}")),
            html.Td(p, title="Malignant probability"),
        ]
    return html.Tr([html.Th(one.model, scope="row"), *said])
