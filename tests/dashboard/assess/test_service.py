import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import cv2
import pytest

import quality
from Dashboard.assess.assessment import at_card_prior
from Dashboard.assess.messages import CONSULT, NO_ADVICE, NO_APPOINTMENT, RETAKE
from Dashboard.assess.service import (
    MAX_LOADED_MODELS,
    ModelNotReady,
    Predictor,
    Service,
    UnknownModel,
)
from Dashboard.assess.worth import clearance
from Dashboard.config import Config
from models.inference.prediction import Opinion
from models.registry.taxonomy import HAM10000
from tests.dashboard.conftest import by_rule, picture, point

MakeService = Callable[..., Service]
Encode = Callable[..., bytes]


def test_a_good_image_is_classified(make_service: MakeService, encode: Encode) -> None:
    assessment = make_service().assess(encode("benign"))
    assert not assessment.rejected
    assert assessment.prediction is not None
    assert assessment.prediction.code == "nv"
    assert assessment.advice == assessment.message == NO_APPOINTMENT
    assert (assessment.model, assessment.version, assessment.gated) == ("plain", "0.1", True)
    assert assessment.in_distribution is None
    assert 0 < assessment.seconds < 30


def test_a_malignant_image_is_to_be_seen(make_service: MakeService, encode: Encode) -> None:
    assert make_service().assess(encode("malignant")).advice == CONSULT


@pytest.mark.parametrize(("kind", "failed"), [("blurred", "laplacian_variance"), ("pale", "gamma")])
def test_a_poor_image_is_not_classified(
    make_service: MakeService, encode: Encode, kind: str, failed: str
) -> None:
    service = make_service()
    assessment = service.assess(encode(kind))
    assert assessment.rejected
    assert assessment.advice == assessment.message == RETAKE
    assert (assessment.verdict, assessment.certainty) == ("retake", "clear")
    assert assessment.reasons == assessment.quality.reasons
    assert failed in assessment.quality.failed
    assert not service.ready()  # the model was not even loaded


def test_a_sharp_photograph_is_not_refused_for_its_size(make_service: MakeService) -> None:
    image = cv2.resize(picture("benign"), (3000, 2250), interpolation=cv2.INTER_CUBIC)
    assert make_service(gate="classic").assess_image(image).verdict == "retake"
    by_default = make_service().assess_image(image)
    assert by_default.verdict == "no_appointment"
    assert by_default.quality.laplacian_variance < 15


def test_classify_anyway(make_service: MakeService, encode: Encode) -> None:
    assessment = make_service().assess(encode("blurred"), gate=False)
    assert assessment.prediction is not None
    assert assessment.quality.verdict == "reject"
    assert not assessment.gated
    assert assessment.message == NO_ADVICE  # never that no appointment is needed
    assert (assessment.verdict, assessment.advice) == ("none", None)
    careful = make_service().assess(encode("blurred"), gate=False, model="careful")
    assert (careful.advice, careful.certainty) == (CONSULT, "uncertain")


def test_the_operating_point_decides_where_the_card_has_one(
    make_service: MakeService, encode: Encode
) -> None:
    # A benign picture has 0.09 of malignant probability; `careful` consults from 0.05.
    assert make_service().assess(encode("benign"), model="careful").advice == CONSULT
    argmax = make_service(advice="argmax")
    assert argmax.assess(encode("benign"), model="careful").advice == NO_APPOINTMENT


def test_prior_leaves_the_operating_point_alone(make_service: MakeService, encode: Encode) -> None:
    prior = MappingProxyType(
        {"akiec": 9, "bcc": 8, "bkl": 7, "df": 6, "mel": 5, "nv": 4, "vasc": 3}
    )
    plain = make_service()
    plain.warm_up()
    assessment = plain.assess(encode("benign"))
    assert assessment.prediction is not None
    shown = assessment.prediction.probabilities
    weighted = {code: shown[code] * prior[code] for code in shown}
    total = sum(weighted.values())
    reweighted = type(assessment.prediction)(
        **vars(assessment.prediction)
        | {"probabilities": {code: p / total for code, p in weighted.items()}, "p_malignant": 0.5}
    )
    card = plain.predictor("plain").card
    assert at_card_prior(reweighted, card, prior) == (pytest.approx(0.09), False)
    assert at_card_prior(reweighted, card, None) == (0.5, False)
    # A clinic that sees hardly any melanoma: shown it does not lead, by the card it does.
    assert at_card_prior(reweighted, card, prior | {"mel": 0.01})[1] is True


def test_what_leads_by_the_card_counts_beside_its_operating_point_alone(
    make_service: MakeService, encode: Encode
) -> None:
    # The double takes no heed of a prior: by the card, melanoma leads where it is said to be rare.
    prior = dict.fromkeys(HAM10000.codes, 1.0) | {"mel": 0.01}
    service = make_service(prior=prior, model="careful")
    assert service.assess(encode("benign")).leads is True
    assert service.assess(encode("benign"), model="plain").leads is False
    assert make_service(prior=prior, advice="argmax").assess(encode("benign")).leads is False


def test_unknown_model(make_service: MakeService, encode: Encode) -> None:
    expected = "model: there is no checkpoint 'x'; the checkpoints are: careful, plain"
    with pytest.raises(UnknownModel, match=expected):
        make_service().assess(encode("benign"), model="x")


def test_a_default_model_that_is_not_there(make_service: MakeService, encode: Encode) -> None:
    service = make_service(model="gone")
    with pytest.raises(ModelNotReady, match="MODEL: there is no checkpoint 'gone'"):
        service.assess(encode("benign"))
    with pytest.raises(ModelNotReady):
        service.warm_up()


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"", quality.EmptyImageError), (b"text", quality.UnsupportedFormatError)],
)
def test_bad_images(make_service: MakeService, data: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        make_service().assess(data)


def test_limits_come_from_the_settings(make_service: MakeService, encode: Encode) -> None:
    with pytest.raises(quality.ImageTooLargeError):
        make_service(max_upload_mb=0.001).assess(encode("benign"))
    with pytest.raises(quality.ImageTooLargeError):
        make_service(max_megapixels=0.1).assess(encode("benign"))


def test_response_of_an_assessed_image(make_service: MakeService, encode: Encode) -> None:
    answer = make_service(prior=dict.fromkeys(HAM10000.codes, 1 / 7)).assess(encode("benign"))
    body = answer.to_response()
    assert list(body)[:9] == [
        "success",
        "prediction",
        "code",
        "probability",
        "probabilities",
        "p_malignant",
        "in_distribution",
        "advice",
        "message",
    ]
    assert body["prediction"] == "Melanocytic nevi"
    assert list(body["probabilities"]) == list(HAM10000.codes)
    assert body["p_malignant"] == pytest.approx(0.09)
    assert body["prior"]["nv"] == pytest.approx(1 / 7)


def test_the_response_has_what_each_member_says_alone(
    make_service: MakeService, encode: Encode
) -> None:
    answer = make_service().assess(encode("benign"))
    assert answer.prediction is not None
    assert answer.to_response()["evidence"]["opinions"] == []
    asked = replace(answer.prediction, opinions=(Opinion("one", "member", 0.25, False),))
    body = replace(answer, prediction=asked).to_response()
    assert body["evidence"]["opinions"] == [
        {"name": "one", "kind": "member", "p_malignant": 0.25, "malignant": False}
    ]


def test_response_of_a_rejected_image_says_nothing_of_classes(
    make_service: MakeService, encode: Encode
) -> None:
    body = make_service().assess(encode("pale")).to_response()
    assert body.keys() == {"success", "error", "quality"}
    assert body["quality"]["verdict"] == "reject"


def test_models_default_first(make_service: MakeService) -> None:
    service = make_service()
    service.warm_up()
    plain, careful = service.models()
    assert (plain.name, plain.default, plain.ready) == ("plain", True, True)
    assert (careful.name, careful.default, careful.ready) == ("careful", False, False)
    assert careful.to_dict()["operating_point"] == point(0.05)
    assert plain.operating_point is None
    argmax = make_service(advice="argmax").models()[1]
    assert (argmax.name, argmax.operating_point) == ("careful", None)


def test_the_operating_point_of_the_sensitivity(make_service: MakeService, encode: Encode) -> None:
    service = make_service(model="careful", sensitivity=0.98)
    assert "no operating point for a sensitivity of 98%" in service.models()[0].target_note
    service.warm_up()
    points = service.predictor("careful").card.operating_points
    assert service.assess(encode("benign")).threshold == 0.05
    points.append(point(0.02, 0.98))
    assert service.assess(encode("benign")).threshold == 0.02
    points.append(point(0.5, 0.90))
    lenient = make_service(
        model="careful", sensitivity=0.90, load=lambda _: service.predictor("careful")
    )
    cleared = lenient.assess(encode("benign"))
    assert (cleared.threshold, cleared.advice) == (0.5, NO_APPOINTMENT)
    assert cleared.clearance == clearance(point(0.5, 0.90))


def test_an_unreadable_card_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "card.json").write_text("{")
    (folder / "model.safetensors").write_bytes(b"")
    assert Service(Config(), root=tmp_path).models() == []
    assert "broken is not offered" in caplog.text


def test_a_model_is_loaded_once_for_many_threads(make_service: MakeService) -> None:
    loaded = []

    def slow(name: str) -> Predictor:
        loaded.append(name)
        time.sleep(0.05)
        return by_rule(name)

    service = make_service(load=slow)
    threads = [threading.Thread(target=service.warm_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == ["plain"]


def test_few_images_are_worked_on_at_once(make_service: MakeService, encode: Encode) -> None:
    service = make_service()
    service.warm_up(at_once=2)
    predictor = service.predictor("plain")
    original, now, most = predictor.predict, [0], [0]
    lock = threading.Lock()

    def slow(images: object, **_: bool) -> object:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return original(images)  # type: ignore[arg-type]

    predictor.predict = slow  # type: ignore[method-assign, assignment]
    data = encode("benign")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(service.assess, [data] * 16))
    assert {answer.message for answer in answers} == {NO_APPOINTMENT}
    assert most == [2]
    assert max(answer.seconds for answer in answers) < 10  # without the wait for its turn


def test_few_models_stay_loaded_and_the_default_among_them(make_service: MakeService) -> None:
    service = make_service(load=lambda _name: by_rule("plain"))
    service.warm_up()
    for name in "abcdef":
        service.predictor(name)
    assert service.loaded == ("plain", *"ef")
    assert len(service.loaded) == MAX_LOADED_MODELS


def test_models_that_nobody_asks_for_are_let_go_of(make_service: MakeService) -> None:
    service = make_service(load=by_rule, model="plain")
    service.warm_up()
    service.predictor("careful")
    service.release_unused(60)
    assert service.loaded == ("plain", "careful")
    service.release_unused(0)
    assert service.loaded == ("plain",)
    assert service.predictor("careful").card.name == "careful"


def test_background_warm_up(make_service: MakeService) -> None:
    service = make_service()
    assert service.start_warm_up() is None
    assert _wait(service.ready)
    assert service.start_warm_up() is None


def test_background_warm_up_says_why_it_failed(make_service: MakeService) -> None:
    service = make_service(model="gone")
    service.start_warm_up()
    assert _wait(lambda: "gone" in (service.start_warm_up() or ""))
    assert not service.ready()


def _wait(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()
