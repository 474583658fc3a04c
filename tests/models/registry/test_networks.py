"""Every backbone built, exported and compared with torch, offline, at a small input size."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.checkpoint.card import Card
from models.checkpoint.weights import load_network
from models.export.export import GRAPH_FILE, export
from models.export.graph import OUTPUTS
from models.inference.classifier import Classifier
from models.registry.backbones import BACKBONES, Backbone
from models.registry.transformers import as_map
from models.runtime import ov
from tests.models.conftest import SIZE, MakeCheckpoint

pytestmark = pytest.mark.torch
Outputs = dict[str, NDArray[np.float32]]


@dataclass
class Case:
    """A backbone's checkpoint, its export, torch's float32 outputs, and the export in float32."""

    entry: Backbone
    card: Card
    folder: Path
    cache: Path
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    expected: Outputs
    served: Classifier
    grad_cam: NDArray[np.float32]


@pytest.fixture(scope="module", params=BACKBONES)
def case(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    make_checkpoint: MakeCheckpoint,
    pictures: list[NDArray[np.uint8]],
) -> Iterator[Case]:
    import torch

    from models.registry.backbones import get_layer

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
        lambda _m, _i, output: (
            seen.update(feature_map=output.relu() if entry.gradcam_relu else output.clone())
            or seen["feature_map"]
        )
    )
    stages: list[torch.Tensor] = []
    for path in entry.stages:
        get_layer(network, path).register_forward_hook(
            lambda _m, _i, output: stages.append(as_map(output.detach()).mean((2, 3)))
        )
    batch = card.preprocessing.normalise(np.stack([card.preprocessing.resize(p) for p in pictures]))
    logits = network(torch.from_numpy(batch))
    maps = as_map(seen["feature_map"])
    # Grad-CAM by its definition: channels weighted by the mean gradient of the class's logit.
    grad_cam = []
    for c in range(logits.shape[1]):
        (given,) = torch.autograd.grad(logits[:, c].sum(), seen["feature_map"], retain_graph=True)
        gradient = as_map(given)
        grad_cam.append((gradient.mean((2, 3), keepdim=True) * maps).sum(1))
    expected = {
        "logits": logits.detach().numpy(),
        "features": seen["features"].detach().numpy(),
        "feature_map": maps.detach().numpy(),
        "embedding": torch.cat(stages, 1).numpy(),
    }
    expected["cam"] = np.einsum(
        "ndhw,cd->nchw", expected["feature_map"], head.weight.detach().numpy()
    )
    weight, bias = head.weight.detach().numpy(), head.bias.detach().numpy()
    combined = torch.stack(grad_cam, 1).detach().numpy()
    served = Classifier(folder, cache=cache, precision="f32")
    return Case(entry, card, folder, cache, weight, bias, expected, served, combined)


def test_the_head_is_the_last_linear_layer_over_the_pooled_map(case: Case) -> None:
    pooled = case.expected["feature_map"].mean(axis=(2, 3))
    assert case.weight.shape == (7, pooled.shape[1])
    scale = np.abs(pooled).max()
    np.testing.assert_allclose(pooled, case.expected["features"], atol=1e-5 * scale)
    logits = pooled @ case.weight.T + case.bias
    np.testing.assert_allclose(logits, case.expected["logits"], rtol=1e-3, atol=1e-3)


def test_class_activation_maps_are_grad_cam(case: Case, pictures: list[NDArray[np.uint8]]) -> None:
    """h w times Grad-CAM's linear combination; their spatial mean is the logit less its bias."""
    predictions = case.served.predict(pictures, maps=True)
    for prediction, grad_cam, logits in zip(
        predictions, case.grad_cam, case.expected["logits"], strict=True
    ):
        assert prediction.cam is not None
        cells = grad_cam.shape[1] * grad_cam.shape[2]
        scale = np.abs(cells * grad_cam).max()
        np.testing.assert_allclose(prediction.cam, cells * grad_cam, atol=2e-4 * scale)
        np.testing.assert_allclose(
            prediction.cam.mean(axis=(1, 2)) + case.bias, logits, rtol=1e-3, atol=2e-3
        )
    assert case.served.predict_one(pictures[0]).cam is None  # only where it is asked for


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
    names = [output.get_any_name() for output in model.outputs]
    assert names == [name for name in OUTPUTS if name != "ood"]  # which is not fitted here
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    batch = np.stack([case.card.preprocessing.resize(picture) for picture in pictures])
    got = compiled(batch)
    for name in names:
        expected = case.expected[name]
        assert got[name].shape == expected.shape
        assert got[name].dtype == np.float32
        np.testing.assert_allclose(
            got[name], expected, atol=1e-4 * np.abs(expected).max(), err_msg=name
        )


def test_float32_probabilities_agree_with_torch(
    case: Case, pictures: list[NDArray[np.uint8]]
) -> None:
    classifier = case.served
    expected = classifier.probabilities(case.expected["logits"])
    got = classifier.probabilities(classifier.logits(pictures))
    assert np.abs(got - expected).max() < 1e-4  # promised is 0.001
    assert (got.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_bfloat16_probabilities_are_close_to_torch(
    case: Case, pictures: list[NDArray[np.uint8]]
) -> None:
    """Random weights amplify rounding more than trained ones, so this is looser than the promise,
    which `test_agreement.py` holds on real pictures."""
    if "BF16" not in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor does not compute in bfloat16")
    classifier = Classifier(case.folder, cache=case.cache, precision="bf16")
    expected = case.expected["logits"]
    got = classifier.logits(pictures)
    assert np.abs(got - expected).max() < 0.1 * np.abs(expected).max()
