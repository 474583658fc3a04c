"""`/lesions`: each lesion as one, and over time; for whoever handed its pictures in."""

from typing import Any

import flask
from flask_openapi3.openapi import OpenAPI

from Dashboard.api import lesion_schemas as forms
from Dashboard.api import schemas
from Dashboard.assess.service import Service
from Dashboard.store.errors import UnknownItem
from Dashboard.store.items import summary
from Dashboard.store.lesions import date_of, lesion_page, lesion_series
from Dashboard.store.measuring import MOST_MEASURED, Measurements, measured
from Dashboard.store.schema import Item
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import UNKNOWN, Store
from Dashboard.web.errors import InputError
from Dashboard.web.sentences import require_once

PATH = "/lesions"
Reply = tuple[dict[str, Any], int]
FAILURES: dict[str | int, Any] = {
    400: schemas.Failure,
    401: schemas.Failure,
    503: schemas.Failure,
}
FAILURES_OF_ONE: dict[str | int, Any] = {**FAILURES, 404: schemas.Failure}


def add_lesions(server: OpenAPI, store: Store, service: Service) -> None:
    """Add the routes to `server`."""
    sessions = Sessions(store)

    @server.get(PATH, operation_id="lesions", responses={200: forms.Lesions, **FAILURES})
    def lesions(query: forms.LesionListing) -> Reply:
        """The lesions that assessments were assigned to, the most urgent first."""
        require_once(flask.request.args)
        page = lesion_page(store, sessions.owner(), after=query.after, limit=query.limit)
        listed = [series.to_dict() for series in page.lesions]
        return {"success": True, "lesions": listed, "total": page.total, "next": page.next}, 200

    @server.get(
        f"{PATH}/<path:name>",
        operation_id="lesion",
        responses={200: forms.LesionReply, **FAILURES_OF_ONE},
    )
    def lesion(path: forms.LesionPath) -> Reply:
        """A lesion over time: its pictures, what was measured of them, and what changed.

        Measured when it is asked for, once, and approximately.
        """
        whose = sessions.owner()
        series = lesion_series(store, whose, path.name)
        measurements = Measurements(store, service, whose)
        latest = series.items[-MOST_MEASURED:]
        found = {item.id: measured(item, measurements.of(item)) for item in latest}
        pictures = [
            summary(item)
            | {
                "date": date_of(item),
                "date_is": "taken" if item.taken else "kept",
                "measurement": found.get(item.id),
            }
            for item in series.items
        ]
        changes = measurements.changes(latest)
        own = {"assessments": pictures, "changes": changes}
        return {"success": True} | series.to_dict() | own, 200

    @server.get(
        f"{PATH}/<path:name>/registered/<id>/onto/<onto>.jpg",
        operation_id="registeredPicture",
        responses={200: schemas.file("image/jpeg"), **FAILURES_OF_ONE, 409: schemas.Failure},
    )
    def registered(path: forms.LaidPath, query: forms.Drawn) -> flask.Response:
        """One picture of a lesion as it lies on another one; on itself: as it is, no larger."""
        require_once(flask.request.args)
        whose = sessions.owner()
        there = {item.key: item for item in lesion_series(store, whose, path.name).items}
        first, second = (_known(there, key) for key in (path.id, path.onto))
        measurements = Measurements(store, service, whose)
        data = measurements.warped(first, second, outline=query.outline)
        if isinstance(data, str):
            raise InputError(data, 409)
        response = flask.Response(data, mimetype="image/jpeg")
        response.headers["Cache-Control"] = "no-store"
        return response


def _known(there: dict[str, Item], key: str) -> Item:
    if key not in there:
        raise UnknownItem(UNKNOWN)
    return there[key]
