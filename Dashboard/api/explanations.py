"""`/explanations`: explanations as jobs, for those that take longer than a request should."""

from collections.abc import Iterator
from typing import Any

import flask
from flask_openapi3.openapi import OpenAPI

import quality
from Dashboard.api import schemas
from Dashboard.api.inputs import read_explain
from Dashboard.assess import messages
from Dashboard.explain import schemas as forms
from Dashboard.explain.explanations import Explanations
from Dashboard.explain.jobs.errors import NotDone, UnknownJob
from Dashboard.store.sessions import Sessions, in_which
from Dashboard.web.sentences import require_once

PATH = "/explanations"
Reply = tuple[dict[str, Any], int]
FAILURES: dict[str | int, Any] = dict.fromkeys((401, 404, 503, 507), schemas.Failure)
# Of what there is once an explanation is done.
UNFINISHED: dict[str | int, Any] = {
    **FAILURES,
    409: {
        "description": "The explanation waits or runs: its results are not there yet.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
    },
}


def add_explanations(server: OpenAPI, explanations: Explanations) -> None:
    """Add the routes to `server`."""
    jobs, service = explanations.jobs, explanations.service
    owner = Sessions(jobs.store).owner

    @server.get(
        PATH,
        operation_id="capabilities",
        responses={200: forms.CapabilitiesOrList, 400: schemas.Failure, **FAILURES},
    )
    def capabilities(query: forms.ExplanationQuery) -> Reply:
        """What explanations there are: methods, the time each takes, classes, models.

        With `assessment`, its explanations that wait, run or are done.
        """
        require_once(flask.request.args)
        if query.assessment is None:
            return explanations.capabilities(), 200
        found = jobs.rows.of_item(jobs.store.get(owner(), query.assessment))
        listed = [explanations.progress(row) for row in found]
        return {"success": True, "explanations": listed}, 200

    @server.post(
        PATH,
        operation_id="explain",
        openapi_extensions={
            "requestBody": schemas.request_body(
                forms.ExplainBody, forms.ExplainForm, forms.ExplainKept
            )
        },
        responses={
            200: forms.Explanation,
            202: forms.Explanation,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            422: schemas.Rejected,
            **FAILURES,
        },
    )
    def explain() -> Reply:
        """Start explaining one image, or one assessment that is kept.

        An equal request of the same session finds the same job.
        """
        data, options = read_explain(flask.request)
        whose = owner()
        item, report = None, None
        if isinstance(options, forms.ExplainKept):
            item = jobs.store.get(whose, options.assessment)
            options.model = options.model or item.model
            if options.gate and item.quality == "reject":
                report = item.answer["quality"]
        order, version = explanations.order(options)
        if data is not None:
            with service.cpu_slot():
                image = service.decode(data).image
                found = quality.check(image, mode=service.config.gate) if options.gate else None
            if found is not None and found.verdict == "reject":
                report = found.to_dict()
        if report is not None:
            return {"success": False, "error": messages.RETAKE, "quality": report}, 422
        row = explanations.start(
            whose, order, version, data=data, item=item, watched=options.watched
        )
        return explanations.progress(row), 200 if row.state == "done" else 202

    @server.get(
        f"{PATH}/<key>",
        operation_id="explanation",
        responses={200: forms.Explanation, **FAILURES},
    )
    def explanation(path: forms.JobPath) -> Reply:
        """How far an explanation is."""
        return explanations.progress(jobs.status(owner(), path.key)), 200

    @server.delete(
        f"{PATH}/<key>",
        operation_id="cancel",
        responses={200: forms.Explanation, **FAILURES},
    )
    def cancel(path: forms.JobPath) -> Reply:
        """Cancel an explanation, or delete its results."""
        return explanations.progress(jobs.cancel(owner(), path.key)), 200

    @server.get(
        f"{PATH}/<key>/map",
        operation_id="explanationMap",
        responses={200: forms.ExplanationMap, **UNFINISHED},
    )
    def small_map(path: forms.JobPath) -> Reply:
        """The map of an explanation in eight bits, for drawing it."""
        return explanations.view(owner(), path.key), 200

    @server.get(
        f"{PATH}/<key>/picture.png",
        operation_id="explanationPicture",
        responses={200: schemas.file("image/png"), **UNFINISHED},
    )
    def picture(path: forms.JobPath) -> flask.Response:
        """The explanation drawn over the image, PNG, of at most four megapixels."""
        return private(explanations.picture(owner(), path.key), "image/png")

    @server.get(
        f"{PATH}/<key>/outlines.png",
        operation_id="explanationOutlines",
        responses={200: schemas.file("image/png"), **UNFINISHED},
    )
    def outlines(path: forms.JobPath) -> flask.Response:
        """The image with green outlines of what speaks for the class, red of what against it.

        PNG, of at most four megapixels.
        """
        return private(explanations.outlines(owner(), path.key), "image/png")

    @server.get(
        f"{PATH}/<key>/map.npy",
        operation_id="explanationArray",
        responses={200: schemas.file("application/octet-stream"), **UNFINISHED},
    )
    def array(path: forms.JobPath) -> flask.Response:
        """The map of an explanation: the image's height x width, float32, a NumPy file."""
        length, pieces = explanations.array(owner(), path.key)
        response = private(pieces, "application/octet-stream")
        response.content_length = length
        return response

    @server.errorhandler(UnknownJob)
    def unknown_job(error: UnknownJob) -> Reply:
        return {"success": False, "error": in_which(str(error))}, 404

    @server.errorhandler(NotDone)
    def not_done(error: NotDone) -> Reply:
        return {"success": False, "error": str(error)}, 409

    @server.after_request
    def keep_keys_out_of_the_log(response: flask.Response) -> flask.Response:
        # The server's log line takes the path from here; who knows a key can fetch the result.
        path = flask.request.path
        if path.startswith(f"{PATH}/"):
            flask.request.environ["PATH_INFO"] = f"{PATH}/*"
        return response


def private(data: bytes | Iterator[bytes], kind: str) -> flask.Response:
    """A file that no cache keeps."""
    response = flask.Response(data, mimetype=kind)
    response.headers["Cache-Control"] = "no-store"
    return response
