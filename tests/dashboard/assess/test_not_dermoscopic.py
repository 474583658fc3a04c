"""A picture unlike those that the model learnt from, or clearly no dermatoscopic image of skin."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from Dashboard import __main__ as command
from Dashboard import client as sender
from Dashboard.app import create_app
from Dashboard.assess.advice import UNLIKE
from Dashboard.assess.batch import assess_files
from Dashboard.assess.messages import (
    CONSULT,
    NO_ADVICE,
    NO_APPOINTMENT,
    NOT_DERMATOSCOPIC,
    RETAKE,
)
from Dashboard.assess.service import Service
from Dashboard.store.items import new_item
from Dashboard.ui.cases import answer
from models.checkpoint.card import Card
from models.inference.classifier import Prediction
from tests.dashboard.conftest import by_rule

Encode = Callable[..., bytes]


class Doubting:
    """Another predictor, for which every image is unlike those it learnt from.

    far: for which none is a dermatoscopic image.
    """

    def __init__(self, inner: object, far: bool = True) -> None:
        self.inner, self.far = inner, far
        self.card: Card = inner.card  # type: ignore[attr-defined]

    def predict(
        self, images: Sequence[NDArray[np.uint8]], *, maps: bool = False
    ) -> list[Prediction]:
        found = self.inner.predict(images)  # type: ignore[attr-defined]
        doubts = {"in_distribution": False, "dermatoscopic": not self.far, "ood_score": 7.5}
        return [replace(one, **doubts) for one in found]


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    made = make_service(
        max_upload_mb=1, max_megapixels=2, load=lambda name: Doubting(by_rule(name))
    )
    made.warm_up()
    return made


@pytest.mark.parametrize(("kind", "verdict"), [("benign", "none"), ("malignant", "consultation")])
def test_an_unlike_image_can_call_for_a_consultation_and_never_clears(
    make_service: Callable[..., Service], encode: Encode, kind: str, verdict: str
) -> None:
    service = make_service(load=lambda name: Doubting(by_rule(name), far=False))
    assessment = service.assess(encode(kind))
    assert (assessment.verdict, assessment.certainty) == (verdict, "uncertain")
    assert assessment.reasons == (UNLIKE,)
    assert assessment.message == (CONSULT if verdict == "consultation" else NO_ADVICE)
    shown = str(answer.verdict(new_item(assessment, "a.png")))
    assert ("tone-none" in shown) is (verdict == "none")
    assert assessment.message in shown
    assert UNLIKE in shown
    assert (answer.WITHOUT_ADVICE in shown) is (verdict == "none")
    assert NO_APPOINTMENT not in shown


@pytest.mark.parametrize("kind", ["benign", "malignant"])
def test_no_advice(service: Service, encode: Encode, kind: str) -> None:
    assessment = service.assess(encode(kind))
    assert assessment.in_distribution is False
    assert assessment.advice is None
    assert assessment.message == NOT_DERMATOSCOPIC
    assert "tone-ood" in str(answer.verdict(new_item(assessment, "a.png")))


def test_a_poor_picture_is_to_be_retaken_first(service: Service, encode: Encode) -> None:
    assessment = service.assess(encode("blurred"))
    assert (assessment.message, assessment.in_distribution) == (RETAKE, None)
    overridden = service.assess(encode("blurred"), gate=False)
    assert (overridden.message, overridden.in_distribution) == (NOT_DERMATOSCOPIC, False)


def test_the_api_says_so(service: Service, encode: Encode) -> None:
    client = create_app(service.config, service).server.test_client()
    data = {"image": (io.BytesIO(encode("malignant")), "a.png")}
    answer = client.post("/predict", data=data)
    body = answer.get_json()
    assert (answer.status_code, body["success"]) == (200, True)
    assert (body["in_distribution"], body["advice"]) == (False, None)
    assert body["message"] == NOT_DERMATOSCOPIC
    assert body["code"] == "mel"
    file, drawn = Path("a.png"), Path("out/a-gradcam.png")
    line = sender.line(file, sender.Reply(200, body))
    assert line == f"a.png: {NOT_DERMATOSCOPIC}. {UNLIKE}"  # no class, no probability
    explained = sender.line(file, sender.Reply(200, body), drawn)
    assert explained == f"a.png: {NOT_DERMATOSCOPIC}, explained in {drawn}. {UNLIKE}"


def test_the_batch_command_says_so(service: Service, encode: Encode, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(encode("malignant"))
    (row,) = assess_files(service, [file], jobs=1)
    assert (row["message"], row["in_distribution"]) == (NOT_DERMATOSCOPIC, False)
    assert (row["code"], row["probability"]) == ("mel", 0.45)  # a table keeps them


def test_a_line_of_the_batch_command_names_no_class(
    service: Service, encode: Encode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "Service", lambda _config: service)
    file = tmp_path / "a.png"
    file.write_bytes(encode("malignant"))
    result = CliRunner().invoke(command.app, ["assess", str(file)])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{file}: {NOT_DERMATOSCOPIC}")
    assert "Melanoma" not in result.stdout


def test_the_card_says_so(service: Service, encode: Encode) -> None:
    assessment = service.assess(encode("malignant"))
    shown = str(answer.verdict(new_item(assessment, "a.png")))
    assert NOT_DERMATOSCOPIC in shown
    assert not any(message in shown for message in (RETAKE, CONSULT, NO_APPOINTMENT))
