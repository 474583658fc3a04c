"""Dash's background callbacks as jobs of `Dashboard.explain.jobs`, and the one that explains a
result.

Dash brings two managers. One forks the web process for every job, which with its threads and
OpenVINO's can deadlock; the other hands all that a callback was given to Celery's broker and keeps
what it returned under a key that can be worked out. Here the callback starts a job, or finds an
equal one, and Dash asks the jobs how far it is: one queue for pages and API, with its limits.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import dash
import flask
from dash import ClientsideFunction, Input, Output
from dash.background_callback.managers import BaseBackgroundCallbackManager
from pydantic import ValidationError

from Dashboard.assess.service import ModelNotReady, UnknownModel
from Dashboard.config import Config
from Dashboard.explain.explanations import Explanations, progress
from Dashboard.explain.jobs.engine import Jobs, Unavailable, UnknownJob
from Dashboard.explain.jobs.records import CANCELLED, OPEN
from Dashboard.explain.requester import requester
from Dashboard.explain.schemas import PageOrder
from Dashboard.ui.explain.panel import SLOTS, slot
from Dashboard.web.errors import InputError

PICTURES = "/pictures"
LEFT = "/left"
TICKET = re.compile(r"\d{1,16}")
INTERVAL_MS = 250
JOB = re.compile(r"(\d+)([.!])(.*)", re.DOTALL)
REFUSALS = (InputError, UnknownModel, ModelNotReady, UnknownJob, Unavailable)


class JobsManager(BaseBackgroundCallbackManager):
    """Runs background callbacks that return a job: `TICKET.KEY`, or `TICKET!` and a sentence.

    A callback is called at once, in the web process, and gets no `set_progress`: the worker
    reports. Progress and result are what `Dashboard.explain.explanations.progress` says of the
    job, or `error`, with the ticket that the page gave. Who asks for progress follows the job.
    """

    def __init__(self, jobs: Jobs) -> None:
        super().__init__(cache_by=None)
        self.jobs = jobs

    def make_job_fn(self, fn: Callable[..., str], progress: bool, key: str | None = None) -> Any:
        """The callback as it is."""
        return fn

    def build_cache_key(
        self, fn: Callable[..., str], args: Any, cache_args_to_ignore: Any, triggered: Any
    ) -> str:
        """The job: equal requests are one."""
        return fn(**args) if isinstance(args, Mapping) else fn(*args)

    def call_job_fn(self, key: str, job_fn: Any, args: Any, context: Any) -> str:
        """The same: it was started when its key was made."""
        return key

    def get_progress(self, key: str) -> list[dict[str, Any]]:
        """How far the job is."""
        return [self._answer(key)]

    def get_result(self, key: str, job: str) -> Any:
        """What came out, once the job is through."""
        answer = self._answer(key)
        return self.UNDEFINED if answer.get("state") in OPEN else answer

    def job_running(self, job: str) -> bool:
        """Whether the job waits or runs."""
        return self._answer(job).get("state") in OPEN

    def terminate_job(self, job: str) -> None:
        """Follow a job no longer; where the user wants it and nobody else follows it, stop it.

        Dash also ends the job of a slot that takes another order. The page gives such a slot up
        after it heard nothing for a while, and follows its job elsewhere: that one goes on.
        """
        ticket, _, key = job.partition(".")
        with suppress(UnknownJob, Unavailable):
            self.jobs.unsubscribe(key, ticket, stop="cancelJob" in flask.request.args)

    def get_updated_props(self, key: str) -> dict[str, Any]:
        """None: jobs set no properties of the page."""
        return {}

    def _answer(self, job: str) -> dict[str, Any]:
        found = JOB.fullmatch(job)
        assert found is not None  # Dash gives back what it signed
        ticket, mark, rest = found.groups()
        if mark == "!":
            return {"ticket": int(ticket), "error": rest}
        try:
            record = self.jobs.poll(rest, ticket)
            if record is None:  # Dash is to ask no longer
                return {"ticket": int(ticket), "error": CANCELLED}
            return {"ticket": int(ticket), **progress(rest, record)}
        except (UnknownJob, Unavailable) as error:
            return {"ticket": int(ticket), "error": str(error)}


def signing_secret(config: Config) -> bytes:
    """What Dash signs the handles of background callbacks with; equal in all server processes.

    On several machines it must be equal, too, so there it comes from what they share. Who knows
    it gains nothing without the random key of a job, which is in the handle.
    """
    if config.redis_url is None:
        return secrets.token_bytes(32)
    return hmac.digest(config.redis_url.encode(), b"background callbacks", hashlib.sha256)


def install(app: dash.Dash, explanations: Explanations) -> None:
    """Give `app` the callbacks of the Explain panel, and the addresses it sends other things to."""
    service, jobs = explanations.service, explanations.jobs

    def explain(order: object) -> str:
        try:
            asked = PageOrder.model_validate(order)
        except ValidationError:
            return "0!this is for the dashboard's own pages"
        try:
            return f"{asked.ticket}.{explanations.begin(asked)}"
        except REFUSALS as error:
            return f"{asked.ticket}!{error}"

    # Dash runs no callback while one of its inputs is the output of another that runs: what came
    # out of a slot is heard apart from the others, and progress apart from that.
    states = []
    for place in range(SLOTS):
        order, state, answer, cancel, heard = slot(place)
        app.callback(
            Output(answer, "data"),
            Input(order, "data"),
            background=True,
            interval=INTERVAL_MS,
            progress=[Output(state, "data")],
            cancel=[Input(cancel, "data")],
            prevent_initial_call=True,
        )(explain)
        app.clientside_callback(
            ClientsideFunction("lesions", "explained"),
            Output(heard, "data"),
            Input(answer, "data"),
            prevent_initial_call=True,
        )
        states.append(Input(state, "data"))
    app.clientside_callback(
        ClientsideFunction("lesions", "explaining"),
        Output("explain-slots", "data-heard"),
        *states,
        prevent_initial_call=True,
    )

    def stage() -> dict[str, str]:
        """Hold the body of the request, an image file, for the order that follows."""
        data = flask.request.get_data(cache=False)
        with service.cpu_slot():
            service.decode(data)
        return {"picture": jobs.stage(data, requester())}

    def left() -> tuple[str, int]:
        """Follow the jobs in the request's body, `TICKET.KEY` a line, no longer: a page was left.

        They go on, for whoever comes back to them.
        """
        for line in flask.request.get_data(as_text=True).splitlines()[:SLOTS]:
            ticket, _, key = line.partition(".")
            with suppress(UnknownJob, Unavailable):
                if TICKET.fullmatch(ticket):
                    jobs.unsubscribe(key, ticket, stop=False)
        return "", 204

    app.server.add_url_rule(PICTURES, "pictures", stage, methods=["POST"])
    app.server.add_url_rule(LEFT, "left", left, methods=["POST"])
