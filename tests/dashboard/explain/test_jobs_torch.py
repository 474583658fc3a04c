"""A real explanation, from the API's request to its picture, in the worker that has torch."""

import base64
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from Dashboard.app import create_app
from Dashboard.assess.activation import packed, unpacked
from Dashboard.assess.service import Service
from Dashboard.config import Config
from Dashboard.explain.jobs.engine import Jobs
from Dashboard.explain.maps import OPACITY
from tests.dashboard.conftest import card, picture
from tests.dashboard.sending import as_json

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A random resnet18 for 64x64 pictures in `weights`, exported to `cache`."""
    import torch

    from models.checkpoint.weights import save_checkpoint
    from models.export.export import export
    from models.registry.backbones import build_network

    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    state = build_network("resnet18", 7).state_dict()
    save_checkpoint(folder / "weights" / "tiny", state, card("tiny"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CACHE_DIR", str(folder / "cache"))
        export("tiny", root=folder / "weights")
        yield folder


def test_the_worker_explains_as_the_package_does(
    folder: Path, tmp_path: Path, encode: Callable[..., bytes]
) -> None:
    import interpretability
    from interpretability.rendering import overlay

    root = folder / "weights"
    config = Config(model="tiny", cache_dir=folder / "cache", data_dir=tmp_path)
    service, jobs = Service(config, root=root), Jobs(config)
    client = create_app(config, service, jobs).server.test_client()
    try:
        fields = {"explain": True, "target": "mel", "gate": False}
        answer = as_json(client, encode("malignant"), "/assessments", **fields).get_json()
        listed = client.get("/models").get_json()["models"]
        of_it = client.get(f"/explanations?assessment={answer['id']}").get_json()
        key = of_it["explanations"][0]["key"]
        array = np.load(io.BytesIO(client.get(f"/explanations/{key}/map.npy").data))
    finally:
        jobs.close()
        jobs.store.close()
    assert [entry["name"] for entry in listed] == ["tiny"]
    expected = interpretability.explain(picture("malignant"), model="tiny", target="mel", root=root)
    np.testing.assert_allclose(array, expected.map, atol=1e-4 * np.abs(expected.map).max())
    drawn = np.frombuffer(base64.b64decode(answer["explain"]), np.uint8)
    pixels = cv2.cvtColor(cv2.imdecode(drawn, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    heatmap = overlay.heatmap(picture("malignant"), expected.map, OPACITY)
    assert np.abs(pixels.astype(int) - heatmap).max() <= 1
    assert answer["explanation"]["probability"] == pytest.approx(
        answer["probabilities"]["mel"], abs=0.01
    )
    # The instant heatmap of the served graph is the same map, coarser.
    (prediction,) = service.predictor("tiny").predict([picture("malignant")], maps=True)
    if (kept := packed(prediction)) is not None:
        small = unpacked(kept, "mel")
        shrunk = cv2.resize(expected.map, small.shape[::-1], interpolation=cv2.INTER_AREA)
        assert np.corrcoef(small.ravel(), shrunk.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("tta", [False, True])
def test_what_is_explained_is_the_shown_prediction(
    folder: Path, tmp_path: Path, encode: Callable[..., bytes], tta: bool
) -> None:
    """With a prior, and with one and the mean over several views."""
    root = folder / "weights"
    plain = Service(Config(model="tiny", cache_dir=folder / "cache"), root=root)
    usual = plain.assess(encode("malignant"), gate=False).prediction
    assert usual is not None
    # The clinic sees hardly any of what is the most probable where all are equally frequent.
    prior = {code: 0.01 if code == usual.code else 0.165 for code in usual.probabilities}
    settings = {"model": "tiny", "cache_dir": folder / "cache", "data_dir": tmp_path}
    config = Config(**settings, prior=prior, tta=tta)  # type: ignore[arg-type]
    service, jobs = Service(config, root=root), Jobs(config)
    client = create_app(config, service, jobs).server.test_client()
    try:
        answer = as_json(client, encode("malignant"), explain=True).get_json()
    finally:
        jobs.close()
        jobs.store.close()
    assert answer["code"] != usual.code
    assert answer["explanation"]["target"] == answer["code"]
    assert answer["explanation"]["probability"] == pytest.approx(answer["probability"], abs=1e-3)


def answer_index(code: str) -> int:
    from models.registry.taxonomy import HAM10000

    return HAM10000.codes.index(code)
