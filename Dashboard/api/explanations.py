"""`/explanations`: explanations as jobs, for those that take longer than a request should."""

from typing import Any

import flask
from flask_openapi3.openapi import OpenAPI

import quality
from Dashboard.api import schemas
from Dashboard.api.inputs import read_explain
from Dashboard.assess import messages
from Dashboard.explain import schemas as forms
from Dashboard.explain.explanations import Explanations, progress
from Dashboard.explain.jobs.engine import NotDone, UnknownJob

PATH = "/explanations"
Reply = tuple[dict[str, Any], int]
FAILURES: dict[str | int, Any] = {404: schemas.Failure, 503: schemas.Failure}
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

    @server.get(PATH, operation_id="capabilities", responses={200: forms.Capabilities})
    def capabilities() -> Reply:
        """What explanations there are: methods, the time each takes, classes, models."""
        return explanations.capabilities(), 200

    @server.post(
        PATH,
        operation_id="explain",
        openapi_extensions={
            "requestBody": schemas.request_body(forms.ExplainBody, forms.ExplainForm)
        },
        responses={
            200: forms.Explanation,
            202: forms.Explanation,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            422: schemas.Rejected,
            503: schemas.Failure,
        },
    )
    def explain() -> Reply:
        """Start explaining one image; an equal request of the same browser finds the same job."""
        data, options = read_explain(flask.request)
        order, version = explanations.order(options)
        with service.cpu_slot():
            image = service.decode(data).image
            report = quality.check(image, mode=service.config.gate) if options.gate else None
        if report is not None and report.verdict == "reject":
            rejected = {"success": False, "error": messages.RETAKE, "quality": report.to_dict()}
            return rejected, 422
        key = explanations.start(data, order, version)
        record = jobs.status(key)
        return progress(key, record), 200 if record.state == "done" else 202

    @server.get(
        f"{PATH}/<key>",
        operation_id="explanation",
        responses={200: forms.Explanation, **FAILURES},
    )
    def explanation(path: forms.JobPath) -> Reply:
        """How far an explanation is."""
        return progress(path.key, jobs.status(path.key)), 200

    @server.delete(
        f"{PATH}/<key>",
        operation_id="cancel",
        responses={200: forms.Explanation, **FAILURES},
    )
    def cancel(path: forms.JobPath) -> Reply:
        """Cancel an explanation, or delete its results."""
        return progress(path.key, jobs.cancel(path.key)), 200

    @server.get(
        f"{PATH}/<key>/map",
        operation_id="explanationMap",
        responses={200: forms.ExplanationMap, **UNFINISHED},
    )
    def small_map(path: forms.JobPath) -> Reply:
        """The map of an explanation in eight bits, for drawing it."""
        return jobs.view(path.key), 200

    @server.get(
        f"{PATH}/<key>/picture.png",
        operation_id="explanationPicture",
        responses={200: schemas.file("image/png"), **UNFINISHED},
    )
    def picture(path: forms.JobPath) -> flask.Response:
        """The explanation drawn over the image, PNG, of at most four megapixels."""
        return flask.Response(jobs.picture(path.key), mimetype="image/png")

    @server.get(
        f"{PATH}/<key>/outlines.png",
        operation_id="explanationOutlines",
        responses={200: schemas.file("image/png"), **UNFINISHED},
    )
    def outlines(path: forms.JobPath) -> flask.Response:
        """The image with green outlines of what speaks for the class, red of what against it.

        PNG, of at most four megapixels.
        """
        return flask.Response(jobs.outlines(path.key), mimetype="image/png")

    @server.get(
        f"{PATH}/<key>/map.npy",
        operation_id="explanationArray",
        responses={200: schemas.file("application/octet-stream"), **UNFINISHED},
    )
    def array(path: forms.JobPath) -> flask.Response:
        """The map of an explanation: the image's height x width, float32, a NumPy file."""
        length, pieces = explanations.array(path.key)
        response = flask.Response(pieces, mimetype="application/octet-stream")
        response.content_length = length
        return response

    @server.errorhandler(UnknownJob)
    def unknown_job(error: UnknownJob) -> Reply:
        return {"success": False, "error": str(error)}, 404

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
