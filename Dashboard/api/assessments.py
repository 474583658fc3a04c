"""`/assessments`: results that are kept, each for whoever handed the picture in."""

from typing import Any

import flask
from flask_openapi3.openapi import OpenAPI

from Dashboard.api import assessment_schemas as forms
from Dashboard.api import schemas
from Dashboard.api.assessing import assess
from Dashboard.api.inputs import read_keep, read_words
from Dashboard.api.sentences import require_once
from Dashboard.explain.explanations import Explanations
from Dashboard.explain.jobs.forgetting import forget
from Dashboard.explain.requester import requesters
from Dashboard.store.deletion import Deleted
from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.filters import Filters
from Dashboard.store.items import TABLE_COLUMNS, case, summary, table_row
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from quality.output import csv_lines

PATH = "/assessments"
Reply = tuple[dict[str, Any], int]
FAILURES: dict[str | int, Any] = {401: schemas.Failure, 503: schemas.Failure}
FAILURES_OF_ONE: dict[str | int, Any] = {**FAILURES, 404: schemas.Failure}


def add_assessments(server: OpenAPI, store: Store, explanations: Explanations) -> None:
    """Add the routes to `server`."""
    sessions = Sessions(store)
    sessions.hand_out(server)
    owner = sessions.owner

    @server.post(
        PATH,
        operation_id="keepAssessment",
        openapi_extensions={"requestBody": schemas.request_body(forms.KeepBody, forms.KeepForm)},
        responses={
            200: forms.KeptAnswer,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            422: forms.KeptRejected,
            504: schemas.Failure,
            507: schemas.Failure,
            **FAILURES,
        },
    )
    def keep_assessment() -> Reply:
        """Assess one image as POST /predict does, and keep the picture and the result."""
        whose = owner()
        data, options, file = read_keep(flask.request)
        store.require_room(len(data))
        assessment, explained = assess(explanations, data, options, maps=True)
        item = store.keep(whose, data, assessment, file)
        kept = {"id": item.key, "created": item.created.isoformat(), "file": item.file}
        return item.answer | explained | kept, 422 if assessment.rejected else 200

    @server.get(
        PATH,
        operation_id="assessments",
        responses={200: forms.Assessments, 400: schemas.Failure, **FAILURES},
    )
    def assessments(query: forms.Listing) -> Reply | flask.Response:
        """What is kept, the newest first or the most urgent: in parts, or all as a table (CSV)."""
        require_once(flask.request.args)
        filters = Filters(**query.model_dump(exclude={"sort", "after", "limit", "format"}))
        if query.format == "csv":
            rows = map(table_row, store.all(owner(), filters, query.sort))
            lines = csv_lines(TABLE_COLUMNS, rows)
            response = flask.Response(lines, mimetype="text/csv")
            response.headers["Content-Disposition"] = "attachment; filename=assessments.csv"
            return response
        page = store.page(owner(), filters, sort=query.sort, after=query.after, limit=query.limit)
        return {
            "success": True,
            "assessments": [summary(item) for item in page.items],
            "total": page.total,
            "next": page.next,
            "durable": store.config.durable,
            "retention_hours": store.retention and store.retention.total_seconds() / 3600,
        }, 200

    @server.delete(
        PATH,
        operation_id="deleteAssessments",
        responses={200: forms.Deletion, 400: schemas.Failure, **FAILURES},
    )
    def delete_assessments(query: forms.Selection) -> Reply:
        """Delete all that is kept, or all of one lesion, for good."""
        require_once(flask.request.args)
        return gone(store.delete_all(owner(), query.lesion))

    @server.get(
        f"{PATH}/<id>",
        operation_id="assessment",
        responses={200: forms.Case, **FAILURES_OF_ONE},
    )
    def assessment(path: forms.AssessmentPath) -> Reply:
        """All of one assessment: answer, lesion, what a clinician said, and its history."""
        return {"success": True} | case(store.get(owner(), path.id)), 200

    @server.patch(
        f"{PATH}/<id>",
        operation_id="changeAssessment",
        openapi_extensions={"requestBody": schemas.json_body(forms.Words)},
        responses={
            200: forms.Case,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            507: schemas.Failure,
            **FAILURES_OF_ONE,
        },
    )
    def change_assessment(path: forms.AssessmentPath) -> Reply:
        """Set the clinician's verdict, note, flag or lesion; what is left out stays."""
        fields = read_words(flask.request)
        return {"success": True} | case(store.change(owner(), path.id, fields)), 200

    @server.delete(
        f"{PATH}/<id>",
        operation_id="deleteAssessment",
        responses={200: forms.Deletion, **FAILURES_OF_ONE},
    )
    def delete_assessment(path: forms.AssessmentPath) -> Reply:
        """Delete one assessment for good, with its picture where no other one has it."""
        return gone(store.delete(owner(), path.id))

    @server.get(
        f"{PATH}/<id>/picture",
        operation_id="assessmentPicture",
        responses={200: schemas.file("image/*"), **FAILURES_OF_ONE},
    )
    def assessment_picture(path: forms.AssessmentPath) -> flask.Response:
        """The picture's file as it was handed in."""
        data, media_type = store.picture(owner(), path.id)
        response = flask.Response(data, mimetype=media_type)
        response.headers["Cache-Control"] = "no-store"
        return response

    def gone(deleted: Deleted) -> Reply:
        for sha256 in deleted.pictures:
            forget(explanations.jobs, sha256, requesters())
        return {"success": True, "deleted": deleted.count}, 200

    @server.errorhandler(UnknownItem)
    def unknown(error: UnknownItem) -> Reply:
        return {"success": False, "error": str(error)}, 404

    @server.errorhandler(StoreUnavailable)
    def unavailable(error: StoreUnavailable) -> Reply:
        return {"success": False, "error": str(error)}, 503

    @server.errorhandler(StoreFull)
    def full(error: StoreFull) -> Reply:
        return {"success": False, "error": str(error)}, 507
