"""What is known by histology: similar cases, the operator's index, your own record, an export."""

from typing import Any

import flask
from flask_openapi3.openapi import OpenAPI

import quality
from Dashboard.api import proven_schemas as forms
from Dashboard.api import schemas
from Dashboard.api.assessment_schemas import AssessmentPath
from Dashboard.assess.thumbnails import shrunk_jpeg
from Dashboard.proven.agreement import agreement
from Dashboard.proven.audit import audit, proven_lesions
from Dashboard.proven.export import export
from Dashboard.proven.similar import SimilarCases
from Dashboard.store.errors import UnknownItem
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.web.sentences import require_once

Reply = tuple[dict[str, Any], int]
FAILURES: dict[str | int, Any] = {401: schemas.Failure, 503: schemas.Failure}
FAILURES_OF_ONE: dict[str | int, Any] = {**FAILURES, 404: schemas.Failure}


def add_proven(server: OpenAPI, store: Store, similar: SimilarCases) -> None:
    """Add the routes to `server`."""
    owner = Sessions(store).owner

    @server.get(
        "/assessments/<id>/similar",
        operation_id="similarCases",
        responses={
            200: forms.SimilarAnswer,
            400: schemas.Failure,
            507: schemas.Failure,
            **FAILURES_OF_ONE,
        },
    )
    def similar_cases(path: AssessmentPath, query: forms.Nearest) -> Reply:
        """The proven lesions that look most like an assessment's picture."""
        require_once(flask.request.args)
        found = similar.find(owner(), path.id, query.k)
        return {"success": True, "agreement": agreement(found)} | found.to_dict(), 200

    @server.get("/index", operation_id="index", responses={200: forms.IndexAnswer})
    def index() -> Reply:
        """The operator's index of proven cases."""
        there = similar.index
        return {
            "success": True,
            "model": there and there.model,
            "version": there and there.version,
            "pictures": len(there) if there else 0,
            "lesions": there.count if there else 0,
            "notice": similar.notice,
        }, 200

    @server.get(
        "/index/<row>/thumbnail",
        operation_id="indexThumbnail",
        responses={200: schemas.file("image/jpeg"), 404: schemas.Failure},
    )
    def index_thumbnail(path: forms.IndexPath) -> flask.Response:
        """A picture of the index, made small."""
        there = similar.index
        if there is None or not path.row.isdecimal() or int(path.row) >= len(there):
            raise UnknownItem("there is no such picture in the index")
        service = similar.service
        data = there.picture(int(path.row))
        if data is not None and not there.thumbnails:
            try:
                with service.cpu_slot():
                    data = shrunk_jpeg(service.decode(data).image)
            except quality.ImageError:
                data = None
        if data is None:
            raise UnknownItem("the picture is not where the data set was, or cannot be read")
        response = flask.Response(data, mimetype="image/jpeg")
        response.headers["Cache-Control"] = "no-store"
        return response

    @server.get(
        "/audit",
        operation_id="audit",
        responses={200: forms.AuditAnswer, 400: schemas.Failure, **FAILURES},
    )
    def own_record(query: forms.Audited) -> Reply:
        """Verdicts held against histology, a lesion once: your own sensitivity and specificity."""
        require_once(flask.request.args)
        lesions = proven_lesions(store, owner(), query.model, query.version)
        return {"success": True} | audit(lesions).to_dict(), 200

    @server.get(
        "/export",
        operation_id="export",
        responses={200: schemas.file("application/zip"), 400: schemas.Failure, **FAILURES},
    )
    def export_archive(query: forms.Exported) -> flask.Response:
        """Your pictures and what is known of them, as `python -m retraining prepare` reads it."""
        require_once(flask.request.args)
        parts = export(store, owner(), all_pictures=query.all)
        response = flask.Response(parts, mimetype="application/zip")
        response.headers["Content-Disposition"] = "attachment; filename=lesions.zip"
        response.headers["Cache-Control"] = "no-store"
        return response
