"""Explanations for pages and API: what may be asked for, handing it to the jobs, the answer."""

import base64
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import flask
import numpy as np
from numpy.typing import NDArray

from Dashboard.assess.service import Service
from Dashboard.explain.answers import facts, progress
from Dashboard.explain.jobs.computing import MAX_PIXELS
from Dashboard.explain.jobs.engine import PROGRAM_SECONDS, WATCHED_SECONDS, Jobs
from Dashboard.explain.jobs.errors import Unavailable
from Dashboard.explain.jobs.order import Order
from Dashboard.explain.maps import OPACITY, array_file, colour_table, drawn_map
from Dashboard.explain.schemas import DEFAULT_METHOD, ExplainOptions
from Dashboard.store.explanation_rows import KEEP, OPEN
from Dashboard.store.schema import Explanation, Item
from Dashboard.web.errors import InputError, describe
from interpretability.attribution.task import at_most
from interpretability.method import Method
from interpretability.methods import METHODS
from interpretability.rendering import overlay
from models.checkpoint.card import load_card, member_folders
from models.registry.taxonomy import Taxonomy

MALIGNANT = "malignant"
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
        order = Order(
            model=name,
            method=method,
            precision=options.precision,
            target=options.target,
            root=str(self.service.root),
            max_bytes=config.limits.max_bytes,
            max_pixels=config.limits.max_pixels,
            prior=None if config.prior is None else dict(config.prior),
            tta=config.tta,
        )
        return order, f"{card.version} {card.weights_sha256}"

    def start(
        self,
        owner: str,
        order: Order,
        version: str,
        *,
        data: bytes | None = None,
        item: Item | None = None,
        watched: bool = False,
    ) -> Explanation:
        """A job that explains a picture's file or a kept assessment, for one who then asks for it.

        watched: whether it ends soon after nobody asks for it any more.

        Raises:
            Unavailable, StoreUnavailable, StoreFull: as the jobs.
        """
        key = self.jobs.submit(
            owner,
            order,
            version,
            self.estimate(order),
            usual=self.usual(order),
            data=data,
            item=item,
            address=self._address(),
            patience=WATCHED_SECONDS if watched else PROGRAM_SECONDS,
        )
        return self.jobs.status(owner, key)

    def progress(self, row: Explanation) -> dict[str, Any]:
        """How far a job is, as the API answers."""
        ahead = self.jobs.rows.ahead(row) if row.state == "queued" else 0.0
        return progress(row, ahead, self._names(row.model))

    def _names(self, model: str) -> dict[str, str]:
        """What a model's targets are called; nothing where it is gone."""
        if model not in {info.name for info in self.service.models()}:
            return {}
        return target_names(load_card(self.service.root / model).taxonomy)

    def estimate(self, order: Order) -> float:
        """Seconds that a map is expected to take: as measured here, before that what is usual."""
        measured = self.jobs.rows.measured()
        return measured.get((order.model, order.method, order.precision)) or self.usual(order)

    def usual(self, order: Order) -> float:
        """Seconds that a map usually takes on two cores."""
        networks = networks_of(Path(order.root) / order.model)
        return usual_seconds(METHODS[order.method], order.precision, *networks)

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

    def explained(
        self, owner: str, data: bytes, order: Order, version: str
    ) -> tuple[dict[str, Any], str]:
        """`explain` and `explanation` of the answer to `POST /predict`, and the key of their job.

        Raises:
            Unavailable: no worker, or it failed.
            TooSlow: not done in `WAIT_SECONDS`.
            StoreUnavailable, StoreFull.
        """
        key = self.jobs.submit(
            owner,
            order,
            version,
            self.estimate(order),
            usual=self.usual(order),
            data=data,
            address=self._address(),
            patience=WATCHED_SECONDS,
            alone=True,
        )
        row = self.jobs.wait(owner, key, WAIT_SECONDS)
        if row.state != "done":
            self.jobs.cancel(owner, key)
        if row.state in OPEN:
            raise TooSlow(f"the explanation was not done within {WAIT_SECONDS:.0f} seconds")
        if row.state != "done":
            raise Unavailable(str(row.error))
        drawn = self.picture(owner, key)
        return {"explain": base64.b64encode(drawn).decode("ascii"), "explanation": facts(row)}, key

    def adopt(self, owner: str, key: str, item: Item) -> None:
        """Let an explanation go with an assessment that has been kept since it was made.

        Raises:
            StoreUnavailable.
        """
        row = self.jobs.status(owner, key)
        kept = self.jobs.store.retention
        expires = None if kept is None else item.created + kept
        request = Order(**row.order).request(item.key, row.version)
        self.jobs.rows.adopt(key, item, request, expires)

    def picture(self, owner: str, key: str) -> bytes:
        """The drawn explanation of a job that is done, PNG of at most `MAX_PIXELS`.

        Raises:
            NotDone, UnknownJob, StoreUnavailable, StoreFull: as the jobs.
        """
        image, values, row = self._results(owner, key)
        with self.service.cpu_slot():
            limit, signed = overlay.scale_of(values), METHODS[row.method].signed
            return overlay.png(overlay.heatmap(image, values, OPACITY, limit, signed))

    def outlines(self, owner: str, key: str) -> bytes:
        """The picture with outlines of its most important regions, PNG; as `picture`."""
        image, values, _ = self._results(owner, key)
        with self.service.cpu_slot():
            return overlay.png(overlay.contours(image, values))

    def view(self, owner: str, key: str) -> dict[str, Any]:
        """Its map as `Dashboard.explain.maps.drawn_map` writes it; as `picture`."""
        row = self.jobs.done(owner, key)
        values = self.jobs.map(row)
        # One scale, whether the browser draws the map or this does.
        limit = overlay.scale_of(values)
        return drawn_map(values, limit, signed=METHODS[row.method].signed)

    def array(self, owner: str, key: str) -> tuple[int, Iterator[bytes]]:
        """Its map at the picture's size, as `Dashboard.explain.maps.array_file`; as `picture`."""
        row = self.jobs.done(owner, key)
        return array_file(self.jobs.map(row), row.result["height"], row.result["width"])

    def _address(self) -> str:
        """Hash of where the current request comes from, which cannot be turned back."""
        sent_from, key = flask.request.remote_addr or "", self.jobs.store.place.secret
        return hashlib.blake2b(sent_from.encode(), digest_size=8, key=key[:64]).hexdigest()

    def _results(
        self, owner: str, key: str
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], Explanation]:
        row = self.jobs.done(owner, key)
        values, data = self.jobs.map(row), self.jobs.picture(row)
        with self.service.cpu_slot():
            return at_most(self.service.decode(data).image, MAX_PIXELS), values, row

    def capabilities(self) -> dict[str, Any]:
        """What may be asked for, as `GET /explanations` answers."""
        infos = self.service.models()
        measured = self.jobs.rows.measured()
        models = [self._offer(info.name, info.backbone, measured) for info in infos]
        return {
            "methods": [_entry(method) for method in METHODS.values()],
            "precisions": list(PRECISIONS),
            "default": DEFAULT_METHOD,
            "scales": {name: _scale(signed) for name, signed in SCALES.items()},
            "keep_seconds": KEEP.seconds,
            "models": models,
        }

    def offer(self, model: str) -> dict[str, Any] | None:
        """What may be asked for of one model; None where there is none of this name any more."""
        known = {info.name: info.backbone for info in self.service.models()}
        if model not in known:
            return None
        return self._offer(model, known[model], self.jobs.rows.measured())

    def _offer(self, name: str, backbone: str, measured: Mapping[Any, float]) -> dict[str, Any]:
        taxonomy = load_card(self.service.root / name).taxonomy
        networks = networks_of(self.service.root / name)
        refusals = {m.name: refused(m, backbone) for m in METHODS.values()}
        return {
            "name": name,
            "targets": targets(taxonomy),
            "names": target_names(taxonomy),
            "unsupported": {name: why for name, why in refusals.items() if why},
            "seconds": {
                m.name: {
                    one: measured.get((name, m.name, one)) or usual_seconds(m, one, *networks)
                    for one in PRECISIONS
                }
                for m in METHODS.values()
            },
        }


def networks_of(folder: Path) -> tuple[int, list[str]]:
    """Input size and backbones of a checkpoint, an ensemble's members' included."""
    card = load_card(folder)
    members = [load_card(one).backbone for one in member_folders(folder, card)]
    return card.preprocessing.input_size, members or [card.backbone]


def usual_seconds(method: Method, precision: str, size: int, backbones: Sequence[str]) -> float:
    """What a map usually takes on two cores with a checkpoint of these networks."""
    return sum(method.expected_seconds(precision, one, size) for one in backbones)


def target_names(taxonomy: Taxonomy) -> dict[str, str]:
    """What its targets are called."""
    names = {code: taxonomy.name(code) for code in taxonomy.codes}
    return names | {MALIGNANT: "All malignant classes"}


def targets(taxonomy: Taxonomy) -> list[str]:
    """What an explanation may be about."""
    return [*taxonomy.codes, MALIGNANT]


def refused(method: Method, backbone: str) -> str | None:
    """Why a method does not work with a checkpoint's backbone; None where it does."""
    try:
        return method.supported(backbone)
    except ValueError:  # a checkpoint that is no single network
        return f"{method.name} does not work with a checkpoint of kind {backbone!r}"


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
