"""The API against its own description: generated requests, right and wrong."""

import base64
from collections.abc import Callable

import dash
import jsonschema_rs
import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from Dashboard.api.schemas import ANSWER_EXAMPLE, REJECTED_EXAMPLE, Answer, Rejected

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
READS = [
    *(("GET", path) for path in ("/health", "/ready", "/models", "/explanations")),
    *(("GET", path) for path in ("/index", "/audit")),
]
# What stands after a question mark may be right or wrong.
ASKS = [
    ("GET", "/assessments"),
    ("DELETE", "/assessments"),
    ("GET", "/export"),
    ("GET", "/lesions"),
]
ONE = "/assessments/{id}"
JOB = "/explanations/{key}"
OF_KEY = [
    *(
        ("GET", f"{JOB}{rest}")
        for rest in ("", "/map", "/map.npy", "/picture.png", "/outlines.png")
    ),
    ("DELETE", JOB),
    ("GET", ONE),
    ("GET", f"{ONE}/picture"),
    ("GET", f"{ONE}/thumbnail"),
    ("GET", f"{ONE}/map"),
    ("GET", f"{ONE}/view.jpg"),
    ("GET", f"{ONE}/similar"),
    ("GET", "/index/{row}/thumbnail"),
    ("GET", "/lesions/{name}"),
    ("GET", "/lesions/{name}/registered/{id}/onto/{onto}.jpg"),
    ("DELETE", ONE),
    # The library finds no way to be wrong about it; test_worklist.py has some.
    ("PATCH", "/assessments"),
]
pytestmark = pytest.mark.slow
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
WRITES = {
    ("POST", "/predict"): 150,
    ("POST", "/explanations"): 60,
    ("POST", "/assessments"): 30,
    ("PATCH", ONE): 30,
    ("POST", f"{ONE}/again"): 10,
}
EXAMPLES = WRITES | dict.fromkeys(ASKS, 20)
CASES = [
    *((*write, mode) for write in [*WRITES, *ASKS] for mode in MODES),
    # Nothing can be wrong in the first; any key of the second is an unknown one.
    *((*read, GenerationMode.POSITIVE) for read in [*READS, *OF_KEY]),
]


@pytest.fixture(scope="module")
def description(app: dash.Dash) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", app.server)


@pytest.mark.parametrize(("method", "path", "mode"), CASES)
def test_answers_are_as_described(
    description: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    operation = description[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES.get((method, path), 10),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def answers_as_described(case: Case) -> None:
        # In a form every value is text: `method=false`, wrong as a type, arrives as a name.
        form = case.media_type == "multipart/form-data"
        skipped = [negative_data_rejection] if form else []
        case.call_and_validate(checks=CHECKS, excluded_checks=skipped)

    answers_as_described()


def test_every_operation_is_tried(description: schemathesis.BaseSchema) -> None:
    found = {(op.ok().method.upper(), op.ok().path) for op in description.get_all_operations()}
    assert found == {*WRITES, *READS, *ASKS, *OF_KEY}


@pytest.mark.parametrize(("kind", "status"), [("benign", 200), ("pale", 422)])
def test_answers_to_real_images_are_as_described(
    description: schemathesis.BaseSchema,
    client: FlaskClient,
    encode: Callable[..., bytes],
    kind: str,
    status: int,
) -> None:
    text = base64.b64encode(encode(kind)).decode()
    response = client.post("/predict", json={"image": text})
    assert response.status_code == status
    spec = description.raw_schema
    schema = {"$ref": f"#/components/schemas/{'Answer' if status == 200 else 'Rejected'}"}
    validator = jsonschema_rs.Draft202012Validator(schema | {"components": spec["components"]})
    assert [error.message for error in validator.iter_errors(response.get_json())] == []


@pytest.mark.parametrize(
    ("model", "example"), [(Answer, ANSWER_EXAMPLE), (Rejected, REJECTED_EXAMPLE)]
)
def test_examples_are_as_described(model: type[BaseModel], example: dict[str, object]) -> None:
    assert model.model_validate(example).model_dump() == example
