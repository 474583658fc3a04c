"""The JSON API, on the same server as the pages and over the same service."""

import logging
import re
from typing import Any

import flask
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from werkzeug.exceptions import (
    ClientDisconnected,
    HTTPException,
    MethodNotAllowed,
    NotFound,
)

import quality
from Dashboard.api import schemas
from Dashboard.api.assessing import assess
from Dashboard.api.assessments import add_assessments
from Dashboard.api.case_files import add_case_files
from Dashboard.api.explanations import add_explanations
from Dashboard.api.inputs import UploadRequest, read_predict
from Dashboard.api.lesions import add_lesions
from Dashboard.api.proven import add_proven
from Dashboard.api.sentences import invalid
from Dashboard.assess.service import ModelNotReady, Service, UnknownModel
from Dashboard.config import Config
from Dashboard.explain.explanations import Explanations, TooSlow
from Dashboard.explain.jobs.engine import Jobs
from Dashboard.explain.jobs.errors import Unavailable
from Dashboard.proven.similar import SimilarCases
from Dashboard.store.sessions import COOKIE, HEADER, Sessions
from Dashboard.store.store import Store
from Dashboard.web.errors import InputError
from models.errors import CheckpointError

VERSION = "1.0"
READ = ("GET", "HEAD", "OPTIONS")
# The paths of the API and what each takes. A page answers GET at any other path.
METHODS: dict[str, tuple[str, ...]] = {
    "/predict": ("POST", "OPTIONS"),
    "/assessments": ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"),
    "/explanations": ("GET", "HEAD", "POST", "OPTIONS"),
    "/index": READ,
    "/audit": READ,
    "/export": READ,
    "/lesions": READ,
    "/health": READ,
    "/ready": READ,
    "/models": READ,
    "/openapi.json": READ,
    "/docs": READ,
}
# The same of paths that hold a key: what may follow it.
OF_KEY: dict[str, dict[str, tuple[str, ...]]] = {
    "/assessments": {
        "": ("GET", "HEAD", "PATCH", "DELETE", "OPTIONS"),
        "/picture": READ,
        "/thumbnail": READ,
        "/again": ("POST", "OPTIONS"),
        "/map": READ,
        "/view.jpg": READ,
        "/similar": READ,
    },
    "/index": {"/thumbnail": READ},
    "/explanations": {
        "": ("GET", "HEAD", "DELETE", "OPTIONS"),
        "/map": READ,
        "/map.npy": READ,
        "/picture.png": READ,
        "/outlines.png": READ,
    },
}
# Werkzeug reads a form in blocks of 64 kB and holds this limit against what it has at hand, of a
# file's data too: a few blocks must fit.
FORM_FIELD_BYTES = 256 * 1024
FORM_PARTS = 32

logger = logging.getLogger(__name__)
Reply = tuple[dict[str, Any], int]


def create_server(
    config: Config, service: Service, jobs: Jobs | None = None, store: Store | None = None
) -> OpenAPI:
    """A Flask server with the API; pages can be added to it.

    jobs, store: None: made from `config`.
    """
    store = store or (jobs.store if jobs else Store(config))
    jobs = jobs or Jobs(config, store)
    explanations = Explanations(service, jobs)
    similar = SimilarCases(service, store)
    server = OpenAPI(
        "Dashboard",
        info=Info(
            title="Skin lesion dashboard",
            version=VERSION,
            description="Quality gate and classification of dermatoscopic images: decision "
            "support for professionals, not a diagnosis. What is kept is for the session that sent "
            f"it: the cookie {COOKIE} of the first answer, or its value in the header {HEADER}.",
        ),
        doc_ui=False,
        validation_error_status=400,
        validation_error_model=schemas.Failure,
        validation_error_callback=invalid,
        security_schemes={},
        static_folder=None,
    )
    server.request_class = UploadRequest
    server.json.sort_keys = False  # type: ignore[attr-defined]
    server.config.update(
        MAX_CONTENT_LENGTH=config.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=FORM_FIELD_BYTES,
        MAX_FORM_PARTS=FORM_PARTS,
    )
    server.extensions["config"] = config
    server.extensions["service"] = service
    server.extensions["jobs"] = jobs
    server.extensions["explanations"] = explanations
    server.extensions["store"] = store
    server.extensions["similar"] = similar
    server.before_request(_only_known_methods)
    _handle_errors(server, config)
    _add_routes(server, service, explanations)
    add_assessments(server, store, explanations)
    add_case_files(server, store, service)
    add_proven(server, store, similar)
    add_explanations(server, explanations)
    add_lesions(server, store, service)
    # flask-openapi3 promises a validation error of every operation, also of those without input.
    for item in server.api_doc["paths"].values():
        for operation in item.values():
            asks = any(
                one["in"] == "query" or "pattern" in one["schema"]
                for one in operation.get("parameters", ())
            )
            if "requestBody" not in operation and not asks:
                operation["responses"].pop("400", None)
    # Nor does it know that an answer may come in either of two media types.
    listed = server.api_doc["paths"]["/assessments"]["get"]["responses"]["200"]["content"]
    listed["text/csv"] = {"schema": {"type": "string"}}
    shown = server.api_doc["paths"]["/models"]["get"]["responses"]["200"]["content"]
    shown["text/html"] = {"schema": {"type": "string"}}
    del server.api_doc["components"]["securitySchemes"]  # there are none
    return server


def failure(message: str, status: int) -> Reply:
    """The answer to a request that cannot be fulfilled."""
    return {"success": False, "error": message}, status


def allowed(path: str) -> tuple[str, ...] | None:
    """The methods that a path of the API takes; None where it is not one."""
    if path in METHODS:
        return METHODS[path]
    if path.startswith("/lesions/"):  # a name may hold slashes
        return READ
    found = re.fullmatch(r"(/[^/]+)/[^/]+(|/.*)", path)
    return OF_KEY.get(found[1], {}).get(found[2]) if found else None


def is_api(path: str) -> bool:
    """Whether a path belongs to the API rather than to the pages."""
    return path in METHODS or path.startswith(tuple(f"{known}/" for known in METHODS))


def _add_routes(server: OpenAPI, service: Service, explanations: Explanations) -> None:
    owner = Sessions(explanations.jobs.store).owner

    @server.post(
        "/predict",
        operation_id="predict",
        openapi_extensions={
            "requestBody": schemas.request_body(schemas.PredictBody, schemas.PredictForm)
        },
        responses={
            200: schemas.Answer,
            400: schemas.Failure,
            413: schemas.Failure,
            415: schemas.Failure,
            422: schemas.Rejected,
            503: schemas.Failure,
            504: schemas.Failure,
        },
    )
    def predict() -> Reply:
        """Assess one image: quality gate, classification, advice; explain it where asked to."""
        data, options = read_predict(flask.request)
        assessment, explained, key = assess(explanations, owner, data, options)
        if key is not None:  # nothing is kept
            explanations.jobs.cancel(owner(), key)
        return assessment.to_response() | explained, 422 if assessment.rejected else 200

    @server.get("/health", operation_id="health", responses={200: schemas.Health})
    def health() -> Reply:
        """Whether the process is up."""
        return {"status": "ok"}, 200

    @server.get(
        "/ready",
        operation_id="ready",
        responses={200: schemas.Readiness, 503: schemas.Readiness},
    )
    def ready() -> Reply:
        """Whether the default model is loaded; where nobody has, it starts loading."""
        error = service.start_warm_up()
        is_ready = service.ready()
        answer = {"ready": is_ready, "model": service.config.model}
        return (answer, 200) if is_ready else ({**answer, "error": error or "loading"}, 503)

    @server.get("/models", operation_id="models", responses={200: schemas.Models})
    def models() -> Reply:
        """The checkpoints that a request may name, and what their cards say; a browser's page."""
        entries = [info.to_dict() for info in service.models()]
        return {"default": service.config.model, "models": entries}, 200

    @server.get("/openapi.json", doc_ui=False)
    def openapi() -> Reply:
        """This API's description."""
        # Addresses are told from where this is: below a path where a proxy serves it there.
        return {**server.api_doc, "servers": [{"url": flask.request.script_root or "/"}]}, 200


def _only_known_methods() -> None:
    """Keep GET requests for the API's paths from falling through to the pages."""
    path = flask.request.path
    methods = allowed(path)
    if methods is not None:
        if flask.request.method not in methods:
            raise MethodNotAllowed(valid_methods=methods)
    elif is_api(path) and not (flask.request.endpoint or "").startswith("docs"):
        raise NotFound


def _handle_errors(server: OpenAPI, config: Config) -> None:
    limit = f"{config.max_upload_mb:g} MB"

    @server.errorhandler(InputError)
    def bad_input(error: InputError) -> Reply:
        return failure(str(error), error.status)

    @server.errorhandler(quality.ImageError)
    def bad_image(error: quality.ImageError) -> Reply:
        return failure(str(error), error.status)

    @server.errorhandler(RecursionError)
    def too_deep(_: RecursionError) -> Reply:
        return failure("the body is nested too deeply", 400)

    @server.errorhandler(UnknownModel)
    def unknown_model(error: UnknownModel) -> Reply:
        return failure(str(error), 400)

    @server.errorhandler(ModelNotReady)
    def not_ready(error: ModelNotReady) -> Reply:
        logger.error("model not ready: %s", error)
        return failure(str(error), 503)

    @server.errorhandler(CheckpointError)
    def unreadable_model(error: CheckpointError) -> Reply:
        logger.error("a checkpoint cannot be used: %s", error)
        return failure("a checkpoint cannot be read; the server's log says which and why", 503)

    @server.errorhandler(Unavailable)
    def no_explanation(error: Unavailable) -> Reply:
        return failure(str(error), 503)

    @server.errorhandler(TooSlow)
    def explanation_too_slow(error: TooSlow) -> Reply:
        return failure(str(error), 504)

    @server.errorhandler(ClientDisconnected)
    def not_whole(_: ClientDisconnected) -> Reply:
        return failure("the request's body did not arrive whole", 400)

    @server.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Any:
        request = flask.request
        if not is_api(request.path) and request.method in ("GET", "HEAD"):
            return error
        status = error.code or 500
        if status == 405:
            accepted = allowed(request.path) or tuple(getattr(error, "valid_methods", ()) or ())
            message = f"{request.method} is not accepted here; accepted: {', '.join(accepted)}"
        else:
            message = {
                404: "there is nothing at this path; GET /openapi.json lists what there is",
                413: f"the request is too large; an image may have at most {limit}",
                500: "the server failed to answer; its log says why",
            }.get(status, f"the request cannot be read: {error.name}")
        response = flask.make_response(failure(message, status))
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
        return response
