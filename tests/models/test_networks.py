"""Every backbone built, exported and compared with torch, offline, at a small input size."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.backbones import BACKBONES, Backbone
from models.checkpoints import Card, load_network
from models.classifier import Classifier, choose_precision
from models.export import GRAPH_FILE, OUTPUTS, export
from tests.models.conftest import SIZE, MakeCheckpoint

pytestmark = pytest.mark.torch
Outputs = dict[str, NDArray[np.float32]]


@dataclass
class Case:
    """A backbone's checkpoint, its export, and torch's float32 outputs for the pictures."""

    entry: Backbone
    card: Card
    folder: Path
    cache: Path
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    expected: Outputs


@pytest.fixture(scope="module", params=BACKBONES)
def case(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    make_checkpoint: MakeCheckpoint,
    pictures: list[NDArray[np.uint8]],
) -> Iterator[Case]:
    import torch

    from models.backbones import get_layer

    entry = BACKBONES[request.param]
    folder = make_checkpoint(tmp_path_factory.mktemp("weights") / entry.name, entry.name)
    cache = tmp_path_factory.mktemp("cache")
    export(folder, cache)
    network, card = load_network(folder)
    head = get_layer(network, entry.head)
    assert isinstance(head, torch.nn.Linear)
    seen: dict[str, torch.Tensor] = {}
    head.register_forward_hook(lambda _m, inputs, _o: seen.update(features=inputs[0]))
    get_layer(network, entry.gradcam_layer).register_forward_hook(
        lambda _m, _i, output: seen.update(feature_map=output.clone())
    )
    batch = card.preprocessing.normalise(np.stack([card.preprocessing.resize(p) for p in pictures]))
    with torch.no_grad():
        logits = network(torch.from_numpy(batch))
    feature_map = seen["feature_map"].relu() if entry.gradcam_relu else seen["feature_map"]
    expected = {
        "logits": logits.numpy(),
        "features": seen["features"].numpy(),
        "feature_map": feature_map.numpy(),
    }
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    return Case(entry, card, folder, cache, weight, bias, expected)


def test_the_head_is_the_last_linear_layer_over_the_pooled_map(case: Case) -> None:
    pooled = case.expected["feature_map"].mean(axis=(2, 3))
    assert case.weight.shape == (7, pooled.shape[1])
    scale = np.abs(pooled).max()
    np.testing.assert_allclose(pooled, case.expected["features"], atol=1e-5 * scale)
    logits = pooled @ case.weight.T + case.bias
    np.testing.assert_allclose(logits, case.expected["logits"], rtol=1e-3, atol=1e-3)


def test_the_exported_graph_agrees_with_torch(
    case: Case, pictures: list[NDArray[np.uint8]]
) -> None:
    """uint8 pictures in, the normalisation of the card inside, the outputs of torch out."""
    from models.runtime import ov

    (folder,) = case.cache.iterdir()
    model = ov.Core().read_model(folder / GRAPH_FILE)
    (taken,) = model.inputs
    assert taken.get_element_type() == ov.Type.u8
    assert taken.get_partial_shape() == ov.PartialShape([-1, SIZE, SIZE, 3])
    assert tuple(output.get_any_name() for output in model.outputs) == OUTPUTS
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    batch = np.stack([case.card.preprocessing.resize(picture) for picture in pictures])
    got = compiled(batch)
    for name in OUTPUTS:
        expected = case.expected[name]
        assert got[name].dtype == np.float32
        np.testing.assert_allclose(
            got[name], expected, atol=1e-4 * np.abs(expected).max(), err_msg=name
        )


def test_float32_probabilities_agree_with_torch(
    case: Case, pictures: list[NDArray[np.uint8]]
) -> None:
    classifier = Classifier(case.folder, cache=case.cache, precision="f32")
    expected = classifier.probabilities(case.expected["logits"])
    got = classifier.probabilities(classifier.logits(pictures))
    assert np.abs(got - expected).max() < 1e-4  # promised is 0.001
    assert (got.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_bfloat16_probabilities_are_close_to_torch(
    case: Case, pictures: list[NDArray[np.uint8]]
) -> None:
    """Random weights amplify rounding more than trained ones, so this is looser than the promise,
    which `test_agreement.py` holds on real pictures."""
    if choose_precision() != "bf16":
        pytest.skip("this processor does not compute in bfloat16")
    classifier = Classifier(case.folder, cache=case.cache, precision="bf16")
    expected = case.expected["logits"]
    got = classifier.logits(pictures)
    assert np.abs(got - expected).max() < 0.1 * np.abs(expected).max()
