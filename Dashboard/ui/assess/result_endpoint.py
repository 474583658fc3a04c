"""`POST /results`: one image in, its result as the page draws it out.

The page calls it, not other programs: those have `POST /predict`. A file is sent as it is, so a
browser streams it from disk and never holds many of them in memory, and its name is not sent.
Whatever is wrong with a file is an answer of its own (200, an error result): the request was fine.
"""

import dataclasses
import json
import time

import flask
from plotly.utils import PlotlyJSONEncoder
from werkzeug.exceptions import NotFound

import quality
from Dashboard.assess.rows import assessment_row, error_row
from Dashboard.assess.service import Assessment, Service
from Dashboard.assess.thumbnails import thumbnail
from Dashboard.ui.assess.examples import EXAMPLES, example_file
from Dashboard.ui.cases.outcomes import ERROR, outcome_of
from Dashboard.ui.cases.result import ResultView, error_body, result_body
from Dashboard.ui.elements.text import percent
from Dashboard.web.errors import InputError
from models.registry.taxonomy import HAM10000

PATH = "/results"
FLAGS = {"0": False, "1": True}


def add_result_endpoint(server: flask.Flask) -> None:
    """Add the routes to `server`."""
    server.add_url_rule(PATH, "results", assess_upload, methods=["POST"])
    server.add_url_rule("/examples/<name>.jpg", "example", example_picture)


def assess_upload() -> flask.Response:
    """Assess the body of the request; `gate`, `model` and `example` come in the query.

    Answers `{"body": component, "row": {...}, "spoken": sentence}`.

    Raises:
        InputError, UnknownModel, ModelNotReady: as the API answers them.
    """
    start = time.perf_counter()
    service: Service = flask.current_app.extensions["service"]
    query = flask.request.args
    gate = FLAGS.get(query.get("gate", "1"))
    if gate is None:
        raise InputError(f"gate must be 0 or 1, got {query['gate'][:20]!r}")
    example = query.get("example")
    data = _file(example)
    try:
        with service.cpu_slot():
            decoded = service.decode(data)
            assessment = service.assess_image(
                decoded.image,
                model=query.get("model") or None,
                gate=gate,
                maps=True,
                notes=decoded.notes,
            )
    except quality.ImageError as error:
        sentence = str(error)
        row = error_row(sentence) | {"outcome": ERROR.key}
        return _answer(error_body(sentence), row, sentence)
    # Decoding counts too: it is part of what the user waits for.
    assessment = dataclasses.replace(assessment, seconds=time.perf_counter() - start)
    view = ResultView(
        assessment=assessment,
        thumbnail=thumbnail(decoded.image),
        taxonomy=HAM10000,
        synthetic=example is not None,
    )
    row = assessment_row(assessment) | {"outcome": outcome_of(assessment).key}
    return _answer(result_body(view), row, _spoken(assessment))


def example_picture(name: str) -> flask.Response:
    """The file of a drawn example, for the page to send it back where it asks for more."""
    if name not in [known.name for known in EXAMPLES]:
        raise NotFound
    return flask.Response(example_file(name), mimetype="image/jpeg")


def _file(example: str | None) -> bytes:
    if example is None:
        return flask.request.get_data(cache=False)
    names = [known.name for known in EXAMPLES]
    if example not in names:
        raise InputError(f"example must be one of {', '.join(names)}, got {example[:20]!r}")
    return example_file(example)


def _spoken(assessment: Assessment) -> str:
    """The result in one breath, for a screen reader."""
    prediction = assessment.prediction
    if prediction is None or assessment.verdict == "none":
        return assessment.message
    found = f"{assessment.message}. {prediction.name}, {percent(prediction.probability)}"
    doubts = " ".join(assessment.reasons)
    return f"{found}. Uncertain: {doubts}" if doubts else found


def _answer(body: object, row: dict[str, object], spoken: str) -> flask.Response:
    text = json.dumps({"body": body, "row": row, "spoken": spoken}, cls=PlotlyJSONEncoder)
    return flask.Response(text, mimetype="application/json")
