"""A dashboard over checkpoints that answer by rule, and pictures to send to it. No torch."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import dash
import numpy as np
import pytest
from flask.testing import FlaskClient
from numpy.typing import NDArray

from Dashboard.app import create_app
from Dashboard.assess.assessment import Assessment
from Dashboard.assess.service import ModelInfo, Predictor, Service
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import Jobs
from models.checkpoint.card import CARD_FILE, ENSEMBLE, WEIGHTS_FILE, Card
from models.checkpoint.evaluation import EVALUATION_FILE
from models.inference.classifier import Prediction
from models.inference.vectors import SIZE, unit
from models.registry.preprocessing import Preprocessing
from models.registry.taxonomy import HAM10000

Assessed = dict[str, tuple[bytes, Assessment]]
EXPLAINER = "tests.dashboard.explaining:explain"
BENIGN = (0.02, 0.02, 0.03, 0.01, 0.05, 0.80, 0.07)
CURVE = {
    "split": "test",
    "n": 100,
    "threshold": [0.0, 0.5, 1.0],
    "sensitivity": [1.0, 0.9, 0.4],
    "specificity": [0.2, 0.7, 1.0],
}
MALIGNANT = (0.10, 0.20, 0.10, 0.05, 0.45, 0.05, 0.05)


class RulePredictor:
    """A classifier that finds a picture malignant where its red mean is above its blue mean."""

    def __init__(self, name: str, card: Card) -> None:
        self.name, self.card, self.calls = name, card, 0

    def predict(
        self, images: Sequence[NDArray[np.uint8]], *, maps: bool = False
    ) -> list[Prediction]:
        self.calls += len(images)
        return [self._predict(image, maps) for image in images]

    def _predict(self, image: NDArray[np.uint8], maps: bool) -> Prediction:
        row = MALIGNANT if image[..., 0].mean() > image[..., 2].mean() else BENIGN
        best = int(np.argmax(row))
        code = HAM10000.codes[best]
        return Prediction(
            code=code,
            name=HAM10000.names[best],
            probability=row[best],
            probabilities=dict(zip(HAM10000.codes, row, strict=True)),
            p_malignant=sum(row[i] for i in HAM10000.malignant_indices),
            malignant=code in HAM10000.malignant,
            model=self.name,
            version=self.card.version,
            backbone=ENSEMBLE,  # whose maps are drawn as they are
            cam=activation() if maps else None,
            vector=coarse_colours(image),
        )


def coarse_colours(image: NDArray[np.uint8]) -> NDArray[np.float16]:
    """A vector (SIZE,) that is alike for pictures whose colours are."""
    small = cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA).ravel()
    return unit(np.pad(np.sqrt(small), (0, SIZE - small.size)))


def activation() -> NDArray[np.float32]:
    """Maps (7, 4, 4): class i speaks with i + 1 at the top left, with -(i + 1) / 2 below it."""
    maps = np.zeros((7, 4, 4), np.float32)
    maps[:, 0, 0] = np.arange(1, 8)
    maps[:, 3, 0] = -np.arange(1, 8) / 2
    return maps


def point(threshold: float, target: float = 0.95, **values: Any) -> dict[str, Any]:
    """An operating point as a card has it, measured on test."""
    test = {
        "n": 2004, "n_malignant": 391, "n_histology": 659, "specificity_histology": 0.42,
        "sensitivity": 0.91, "sensitivity_low": 0.86, "sensitivity_high": 0.94,
        "specificity": 0.73, "specificity_low": 0.70, "specificity_high": 0.75,
    }  # fmt: skip
    return {"threshold": threshold, "target_sensitivity": target, "test": test, **values}


def card(name: str, threshold: float | None = None) -> Card:
    return Card(
        name=name,
        version="0.1",
        backbone="resnet18",
        taxonomy=HAM10000,
        preprocessing=Preprocessing(64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        licence="MIT",
        operating_points=[] if threshold is None else [point(threshold)],
    )


def model_info(operating_point: dict[str, Any] | None) -> ModelInfo:
    """A model that advises by this point, its only one."""
    return ModelInfo(
        name="m",
        version="0.1",
        backbone="resnet18",
        default=True,
        ready=True,
        description="",
        licence="MIT",
        operating_point=operating_point,
        operating_points=[operating_point] if operating_point else [],
        metrics=[],
        limits=[],
    )


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cards of `plain` (no operating point) and `careful` (threshold 0.05)."""
    root = tmp_path_factory.mktemp("weights")
    for entry in (card("plain"), card("careful", 0.05)):
        folder = root / entry.name
        folder.mkdir()
        (folder / CARD_FILE).write_text(json.dumps(entry.to_dict()))
        measured = {"operating_curve": CURVE if entry.operating_points else None}
        (folder / EVALUATION_FILE).write_text(json.dumps(measured))
        (folder / WEIGHTS_FILE).write_bytes(b"not read")
    return root


def by_rule(name: str) -> RulePredictor:
    """The classifier of one of the two checkpoints."""
    return RulePredictor(name, card(name, 0.05 if name == "careful" else None))


@pytest.fixture(scope="session")
def make_service(checkpoints: Path) -> Callable[..., Service]:
    """Builds a Service over the two checkpoints; keyword arguments are those of Config.

    load: makes the classifier of a name.
    """

    def make(*, load: Callable[[str], Predictor] = by_rule, **settings: object) -> Service:
        config = Config(**{"model": "plain"} | settings)  # type: ignore[arg-type]
        return Service(config, root=checkpoints, load=load)

    return make


@pytest.fixture(scope="session")
def app(make_service: Callable[..., Service]) -> Iterator[dash.Dash]:
    """The dashboard, with a limit of 1 MB per image to keep the tests' bodies small."""
    service = make_service(max_upload_mb=1, max_megapixels=2)
    service.warm_up()
    jobs = Jobs(service.config, explainer=EXPLAINER)
    made = create_app(service.config, service, jobs)
    yield made
    jobs.close()
    made.server.extensions["store"].close()


@pytest.fixture
def client(app: dash.Dash) -> FlaskClient:
    return app.server.test_client()


def picture(kind: str) -> NDArray[np.uint8]:
    """RGB (450, 600, 3): `benign` and `malignant` are sharp, `blurred` and `pale` are not good."""
    noise = np.random.default_rng(5).integers(0, 256, (450, 600, 3), np.uint8)
    coarse = cv2.resize(noise[::10, ::10], (600, 450), interpolation=cv2.INTER_NEAREST)
    if kind == "blurred":
        return np.asarray(cv2.GaussianBlur(coarse, (0, 0), 40), np.uint8)
    if kind == "pale":
        return np.asarray(220 + coarse // 16, np.uint8)
    tint = np.array([1.0, 0.7, 0.5] if kind == "malignant" else [0.5, 0.7, 1.0])
    return (coarse * tint).astype(np.uint8)


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encodes `benign`, `malignant`, `blurred` or `pale` as a file; sharp ones pass the gate."""

    def make(kind: str, suffix: str = ".png") -> bytes:
        done, data = cv2.imencode(suffix, cv2.cvtColor(picture(kind), cv2.COLOR_RGB2BGR))
        assert done
        return data.tobytes()

    return make


@pytest.fixture(scope="session")
def assessed(make_service: Callable[..., Service], encode: Callable[..., bytes]) -> Assessed:
    """Pictures by their kind, and what comes out for them."""
    service = make_service()
    files = {kind: encode(kind) for kind in ("benign", "malignant", "pale")}
    return {kind: (data, service.assess(data)) for kind, data in files.items()}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    """Jobs with a worker of their own that explains by the double in `explaining.py`."""
    made = Jobs(Config(data_dir=tmp_path_factory.mktemp("data")), explainer=EXPLAINER)
    yield made
    made.close()
    made.store.close()
