"""Explanations for pages and API: what may be asked for, handing it to the jobs, the answer."""

import base64
import io
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import numpy as np

from Dashboard.assess.service import Service
from Dashboard.explain.jobs import KEEP_SECONDS
from Dashboard.explain.jobs.engine import Jobs, Unavailable
from Dashboard.explain.jobs.records import OPEN, Order, Record
from Dashboard.explain.maps import array_file, colour_table
from Dashboard.explain.requester import requester
from Dashboard.explain.schemas import DEFAULT_METHOD, ExplainOptions, PageOrder
from Dashboard.web.errors import InputError, describe
from interpretability.method import Method
from interpretability.methods import METHODS
from interpretability.rendering import overlay
from models.checkpoint.card import Card, load_card, member_folders
from models.registry.taxonomy import Taxonomy

MALIGNANT = "malignant"
PROGRAM = "program"
SCALES = {"signed": True, "unsigned": False}
PRECISIONS: tuple[str, ...] = get_args(ExplainOptions.model_fields["precision"].annotation)
# How long a request for an assessment waits for its explanation, and how many may do so in each
# server process: a waiting one holds a thread.
WAIT_SECONDS = 300.0
MOST_WAITING = 8


class TooSlow(RuntimeError):  # noqa: N818 (named like Unavailable)
    """An explanation that a request waits for was not done in time."""


class Explanations:
    """Explanations over one service's checkpoints, by one server's jobs."""

    def __init__(self, service: Service, jobs: Jobs) -> None:
        self.service, self.jobs = service, jobs
        self._waiting_slots = threading.BoundedSemaphore(MOST_WAITING)

    def order(self, options: ExplainOptions) -> tuple[Order, str]:
        """What a request asks for, and the version of its model.

        Raises:
            InputError: 400: no such target, or a method that does not work with the model.
            UnknownModel, ModelNotReady: as `Service.assess`.
        """
        name = self.service.known(options.model)
        card = load_card(self.service.root / name)
        accepted = targets(card.taxonomy)
        if options.target is not None and options.target not in accepted:
            raise InputError(
                f"target must be one of {', '.join(accepted)}, got {describe(options.target)}"
            )
        method = options.method or DEFAULT_METHOD
        refusal = refused(METHODS[method], card.backbone)
        if refusal is not None:
            raise InputError(f"method: {refusal}")
        config = self.service.config
        networks = networks_of(self.service.root / name, card)
        order = Order(
            model=name,
            method=method,
            precision=options.precision,
            target=options.target,
            root=str(self.service.root),
            max_bytes=config.limits.max_bytes,
            max_pixels=config.limits.max_pixels,
            usual_seconds=usual_seconds(METHODS[method], options.precision, *networks),
            prior=None if config.prior is None else dict(config.prior),
            tta=config.tta,
        )
        return order, f"{card.version} {card.weights_sha256}"

    def begin(self, order: PageOrder) -> str:
        """Key of the job that does what a page asks for; the page follows it by its ticket.

        Raises:
            InputError, UnknownModel, ModelNotReady: as `order`.
            UnknownJob, Unavailable: as the jobs.
        """
        key = order.key
        by = requester()
        if key:
            self.jobs.status(key)
        else:
            data = self.jobs.claim(order.picture)
            key = self.jobs.submit(data, *self.order(order.options), by)
        self.jobs.subscribe(key, str(order.ticket))
        return key

    def start(self, data: bytes, order: Order, version: str) -> str:
        """Key of a job for a program, which asks how far it is whenever it likes.

        So a page that follows the job too does not stop it; the program can.

        Raises:
            Unavailable: as the jobs.
        """
        key = self.jobs.submit(data, order, version, requester())
        self.jobs.subscribe(key, PROGRAM, KEEP_SECONDS)
        return key

    @contextmanager
    def waiting_slot(self) -> Iterator[None]:
        """A place among the requests that wait for an explanation.

        Raises:
            Unavailable: all are taken.
        """
        if not self._waiting_slots.acquire(blocking=False):
            raise Unavailable("too many requests wait for explanations; try again in a minute")
        try:
            yield
        finally:
            self._waiting_slots.release()

    def explained(self, data: bytes, order: Order, version: str) -> dict[str, Any]:
        """`explain` and `explanation` of the answer to `POST /predict`, once they are there.

        Raises:
            Unavailable: no worker, or it failed.
            TooSlow: not done in `WAIT_SECONDS`.
        """
        key = self.jobs.submit(data, order, version, requester())
        who = secrets.token_urlsafe(8)
        self.jobs.subscribe(key, who, WAIT_SECONDS)
        record = self.jobs.wait(key, WAIT_SECONDS)
        if record.state in OPEN:
            self.jobs.unsubscribe(key, who)
            raise TooSlow(f"the explanation was not done within {WAIT_SECONDS:.0f} seconds")
        if record.state != "done":
            raise Unavailable(str(record.error))
        picture = self.jobs.picture(key)
        return {
            "explain": base64.b64encode(picture).decode("ascii"),
            "explanation": facts(record),
        }

    def array(self, key: str) -> tuple[int, Iterator[bytes]]:
        """The map of a job that is done at its picture's size, as
        `Dashboard.explain.maps.array_file`.

        Raises:
            NotDone, UnknownJob, Unavailable: as the jobs.
        """
        values = np.load(io.BytesIO(self.jobs.array(key)))
        size = self.jobs.status(key).result or {}
        return array_file(values, size["height"], size["width"])

    def capabilities(self) -> dict[str, Any]:
        """What may be asked for, as `GET /explanations` answers."""
        infos = self.service.models()
        models = []
        for info in infos:
            card = load_card(self.service.root / info.name)
            taxonomy = card.taxonomy
            networks = networks_of(self.service.root / info.name, card)
            refusals = {m.name: refused(m, info.backbone) for m in METHODS.values()}
            models.append(
                {
                    "name": info.name,
                    "targets": targets(taxonomy),
                    "names": {code: taxonomy.name(code) for code in taxonomy.codes}
                    | {MALIGNANT: "All malignant classes"},
                    "unsupported": {name: why for name, why in refusals.items() if why},
                    "seconds": {
                        m.name: {one: usual_seconds(m, one, *networks) for one in PRECISIONS}
                        for m in METHODS.values()
                    },
                }
            )
        return {
            "methods": [_entry(method) for method in METHODS.values()],
            "precisions": list(PRECISIONS),
            "default": DEFAULT_METHOD,
            "scales": {name: _scale(signed) for name, signed in SCALES.items()},
            "keep_seconds": KEEP_SECONDS,
            "models": models,
        }


def networks_of(folder: Path, card: Card) -> tuple[int, list[str]]:
    """Input size and backbones of a checkpoint, an ensemble's members' included."""
    members = [load_card(one).backbone for one in member_folders(folder, card)]
    return card.preprocessing.input_size, members or [card.backbone]


def usual_seconds(method: Method, precision: str, size: int, backbones: Sequence[str]) -> float:
    """What a map usually takes on two cores with a checkpoint of these networks."""
    return sum(method.expected_seconds(precision, one, size) for one in backbones)


def targets(taxonomy: Taxonomy) -> list[str]:
    """What an explanation may be about."""
    return [*taxonomy.codes, MALIGNANT]


def refused(method: Method, backbone: str) -> str | None:
    """Why a method does not work with a checkpoint's backbone; None where it does."""
    try:
        return method.supported(backbone)
    except ValueError:  # a checkpoint that is no single network
        return f"{method.name} does not work with a checkpoint of kind {backbone!r}"


def facts(record: Record) -> dict[str, Any]:
    """What is known of an explanation that is done."""
    order = record.order
    return {
        "method": order.method,
        "precision": order.precision,
        "model": order.model,
        **(record.result or {}),
        "fails_randomisation": METHODS[order.method].fails_randomisation,
    }


def progress(key: str, record: Record) -> dict[str, Any]:
    """How far a job is, as the API answers."""
    order = record.order
    return {
        "success": True,
        "key": key,
        "state": record.state,
        "fraction": record.fraction,
        "seconds_left": seconds_left(record),
        "error": record.error,
        "method": order.method,
        "precision": order.precision,
        "model": order.model,
        "target": order.target,
        "facts": facts(record) if record.state == "done" else None,
    }


def seconds_left(record: Record) -> float | None:
    """Estimate of the time to go: from the pace so far, before that from what is usual."""
    if record.state not in OPEN:
        return None
    if record.fraction >= 0.05:
        return round(record.elapsed * (1 - record.fraction) / record.fraction, 1)
    return round(max(record.order.usual_seconds - record.elapsed, 0.0), 1)


def _entry(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "label": method.label,
        "paper": method.paper,
        "text": method.text,
        "signed": method.signed,
        "has_precision": method.has_precision,
        "fails_randomisation": method.fails_randomisation,
    }


def _scale(signed: bool) -> dict[str, Any]:
    low, high = overlay.ENDS[signed]
    return {"low": low, "high": high, "colours": colour_table(signed)}
