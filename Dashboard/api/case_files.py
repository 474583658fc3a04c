"""What the picture viewer asks for: the map behind an answer, and a picture that browsers show."""

from typing import Any

import cv2
import flask
import numpy as np
from flask_openapi3.openapi import OpenAPI

from Dashboard.api import schemas
from Dashboard.api.assessment_schemas import ActivationMap, AssessmentPath, MapQuery, ViewQuery
from Dashboard.api.assessments import FAILURES_OF_ONE, PATH, Reply
from Dashboard.assess.activation import unpacked
from Dashboard.assess.service import Service
from Dashboard.explain.maps import colour_table, drawn_map
from Dashboard.store.sessions import Sessions
from Dashboard.store.store import Store
from Dashboard.web.sentences import require_once
from models.registry.taxonomy import HAM10000

# Longest side of the map that is sent; the browser stretches it over the picture.
DRAWN_SIDE = 192
JPEG_QUALITY = 92


def add_case_files(server: OpenAPI, store: Store, service: Service) -> None:
    """Add the routes to `server`."""
    owner = Sessions(store).owner

    @server.get(
        f"{PATH}/<id>/map",
        operation_id="assessmentMap",
        responses={200: ActivationMap, 400: schemas.Failure, **FAILURES_OF_ONE},
    )
    def assessment_map(path: AssessmentPath, query: MapQuery) -> Reply:
        """The class activation map of a class: what spoke for it, and what against it."""
        require_once(flask.request.args)
        answer = store.get(owner(), path.id).answer
        kept = answer.get("activation")
        drawn, label = None, "This model has no heat map of its own."
        if kept is not None:
            code = query.target or answer["code"]
            drawn = _drawn(kept, code, answer["quality"])
            label = f"Red speaks for {HAM10000.name(code)}, blue against it."
        colours = {"signed": colour_table(True), "unsigned": colour_table(False)}
        return {"success": True, "map": drawn, "label": label, "colours": colours}, 200

    @server.get(
        f"{PATH}/<id>/view.jpg",
        operation_id="assessmentView",
        responses={200: schemas.file("image/jpeg"), 400: schemas.Failure, **FAILURES_OF_ONE},
    )
    def assessment_view(path: AssessmentPath, query: ViewQuery) -> flask.Response:
        """The picture as a JPEG file of at most 4,096 pixels a side, which every browser shows."""
        require_once(flask.request.args)
        data, _ = store.picture(owner(), path.id)
        with service.cpu_slot():
            image = service.decode(data).image
            scale = query.max / max(image.shape)
            if scale < 1:
                shrunk = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                image = np.asarray(shrunk, np.uint8)
            quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            _, file = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)
        response = flask.Response(file.tobytes(), mimetype="image/jpeg")
        response.headers["Cache-Control"] = "no-store"
        return response


def _drawn(kept: dict[str, Any], code: str, measured: dict[str, Any]) -> dict[str, Any]:
    """A map in the picture's shape, values between its cells."""
    scale = DRAWN_SIDE / max(measured["width"], measured["height"])
    size = (max(1, round(measured["width"] * scale)), max(1, round(measured["height"] * scale)))
    values = cv2.resize(unpacked(kept, code), size, interpolation=cv2.INTER_LINEAR)
    return drawn_map(np.asarray(values, np.float32), signed=True)
