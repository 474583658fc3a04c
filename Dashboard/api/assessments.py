"""`/assessments`: results that are kept, each for whoever handed the picture in."""

from typing import Any, cast, get_args

import flask
from flask_openapi3.openapi import OpenAPI

from Dashboard.api import assessment_schemas as forms
from Dashboard.api import schemas
from Dashboard.api.archives import Archive, is_archive
from Dashboard.api.inputs import read_again, read_keep, read_many_words, read_words
from Dashboard.api.keeping import keep_archive, keep_picture
from Dashboard.assess.thumbnails import shrunk_jpeg
from Dashboard.explain.explanations import Explanations
from Dashboard.store.again import assess_again
from Dashboard.store.deletion import Deleted
from Dashboard.store.errors import StoreFull, StoreUnavailable, UnknownItem
from Dashboard.store.filters import Filters, Sort
from Dashboard.store.forms import Again, Listing, ManyWords, Words
from Dashboard.store.items import TABLE_COLUMNS, case, summary, table_row
from Dashboard.store.listing import kept_thumbnail, span, whole
from Dashboard.store.sessions import Sessions, in_which
from Dashboard.store.store import Page, Store
from Dashboard.web.errors import InputError
from Dashboard.web.sentences import require_once
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
            200: forms.KeptReply,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            422: forms.KeptRejected,
            504: schemas.Failure,
            507: schemas.Failure,
            **FAILURES,
        },
    )
    def keep_assessment() -> Reply | flask.Response:
        """Assess one image as POST /predict does, and keep the picture and the result.

        A zip archive of images is taken apart: each file has its own answer.
        """
        whose = owner()
        if flask.request.mimetype == "multipart/form-data":
            flask.request.max_content_length = store.config.max_archive_bytes
        data, options, file = read_keep(flask.request)
        if is_archive(data):
            archive = Archive(data, file or "archive.zip", store.config.limits.max_bytes)
            return keep_archive(store, explanations, whose, archive, options)
        return keep_picture(store, explanations, whose, data, options, file)

    @server.get(
        PATH,
        operation_id="assessments",
        responses={200: forms.Assessments, 400: schemas.Failure, **FAILURES},
    )
    def assessments(query: Listing) -> Reply | flask.Response:
        """What is kept, the newest first or the most urgent: in parts, or all as a table (CSV)."""
        require_once(flask.request.args)
        filters = query.filters()
        if query.format == "csv":
            items = whole(store, owner(), filters, query.sort, query.descending)
            lines = csv_lines(TABLE_COLUMNS, map(table_row, items))
            response = flask.Response(lines, mimetype="text/csv")
            response.headers["Content-Disposition"] = "attachment; filename=assessments.csv"
            return response
        if query.start is None and query.descending is None and query.sort in get_args(Sort):
            sort = cast(Sort, query.sort)
            page = store.page(owner(), filters, sort=sort, after=query.after, limit=query.limit)
        else:
            page = numbered(query, filters)
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
        openapi_extensions={"requestBody": schemas.json_body(Words)},
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

    @server.patch(
        PATH,
        operation_id="changeAssessments",
        openapi_extensions={"requestBody": schemas.json_body(ManyWords)},
        responses={
            200: forms.ManyChanged,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            507: schemas.Failure,
            **FAILURES,
        },
    )
    def change_assessments() -> Reply:
        """Set the same for several; or take them out of the lists, and put them back.

        What was taken out is deleted for good half a minute later.
        """
        fields = read_many_words(flask.request)
        ids, removed = fields.pop("ids"), fields.pop("removed", None)
        there = store.change_many(owner(), ids, fields, removed=removed)
        unknown = [one for one in ids if one not in set(there)]
        return {"success": True, "changed": len(there), "unknown": unknown}, 200

    @server.post(
        f"{PATH}/<id>/again",
        operation_id="assessAgain",
        openapi_extensions={"requestBody": schemas.json_body(Again)},
        responses={
            200: forms.KeptAnswer,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            422: forms.KeptRejected,
            507: schemas.Failure,
            **FAILURES_OF_ONE,
        },
    )
    def again(path: forms.AssessmentPath) -> Reply:
        """Assess a kept picture once more: by another model, or in spite of its quality.

        The result is another assessment of the same file and lesion; the first one stays.
        """
        options = read_again(flask.request)
        return assess_again(store, explanations.service, owner(), path.id, options)

    @server.get(
        f"{PATH}/<id>/thumbnail",
        operation_id="assessmentThumbnail",
        responses={200: schemas.file("image/jpeg"), **FAILURES_OF_ONE},
    )
    def assessment_thumbnail(path: forms.AssessmentPath) -> flask.Response:
        """The picture made small, a JPEG file."""
        data = kept_thumbnail(store, owner(), path.id)
        if data is None:  # kept by an earlier version of this program, or not there
            service = explanations.service
            with service.cpu_slot():
                data = shrunk_jpeg(service.decode(store.picture(owner(), path.id)[0]).image)
        response = flask.Response(data, mimetype="image/jpeg")
        response.headers["Cache-Control"] = "no-store"
        return response

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

    def numbered(query: Listing, filters: Filters) -> Page:
        """A stretch of a list by its numbers."""
        if query.after is not None:
            raise InputError("after goes with sort newest or urgent alone; count on with start")
        start = query.start or 0
        items, total = span(
            store, owner(), filters, query.sort, query.descending, start, start + query.limit
        )
        return Page(items, total, None)

    def gone(deleted: Deleted) -> Reply:
        return {"success": True, "deleted": deleted.count}, 200

    @server.errorhandler(UnknownItem)
    def unknown(error: UnknownItem) -> Reply:
        return {"success": False, "error": in_which(str(error))}, 404

    @server.errorhandler(StoreUnavailable)
    def unavailable(error: StoreUnavailable) -> Reply:
        return {"success": False, "error": str(error)}, 503

    @server.errorhandler(StoreFull)
    def full(error: StoreFull) -> Reply:
        return {"success": False, "error": str(error)}, 507
