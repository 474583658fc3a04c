"""Every method with every backbone: it works, or a sentence says why not."""

import math
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from interpretability.attribution.target import Target
from interpretability.methods import METHODS
from models.registry.backbones import BACKBONES, build_network, get_layer
from models.registry.transformers import as_map
from quality.arrays import RGBImage
from tests.interpretability.conftest import SIZE, MakeTask

pytestmark = pytest.mark.torch

LOWEST = {
    "smoothgrad": {"samples": 2},
    "integrated_gradients": {"steps": 2},
    "gradient_shap": {"samples": 2},
    "occlusion": {"window": 0.5, "stride": 0.5},
    "lime": {"samples": 20, "superpixels": 6},
    "kernel_shap": {"samples": 20, "superpixels": 6},
}
NV = Target("nv", (5,))


@pytest.fixture(scope="module", params=BACKBONES)
def opened(request: pytest.FixtureRequest) -> Iterator[SimpleNamespace]:
    """A backbone with random weights whose batch normalisation has seen a batch."""
    import torch

    from interpretability.attribution.networks import Networks

    torch.manual_seed(0)
    network = build_network(request.param, 7)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        for module in network.modules():
            module.training = isinstance(module, torch.nn.BatchNorm2d)
        network(torch.randn(4, 3, SIZE, SIZE))
    card = SimpleNamespace(backbone=request.param, members=[])
    return SimpleNamespace(
        name=request.param,
        entry=BACKBONES[request.param],
        network=network.eval(),
        networks=Networks(network, card),  # type: ignore[arg-type]
    )


def test_rewritten_networks_are_the_same_function(opened: SimpleNamespace) -> None:
    import torch

    batch = torch.randn(2, 3, SIZE, SIZE)
    with torch.no_grad():
        expected = opened.network(batch)
        scale = float(expected.abs().max())
        for copy in ("folded", "guided", "rescaled"):
            found = getattr(opened.networks, copy)(batch)
            assert float((found - expected).abs().max()) < 1e-3 * scale, copy


def test_all_methods(opened: SimpleNamespace, make_task: MakeTask, picture: RGBImage) -> None:
    import torch

    from interpretability.attribution.explainer import compute
    from interpretability.attribution.gradients import tensor

    # The predicted class: guided Grad-CAM is zero where nothing speaks for the target.
    with torch.no_grad():
        logits = opened.network(tensor(make_task(picture, networks=opened.networks)))
    best = Target("predicted", (int(logits.argmax()),))
    for name, method in METHODS.items():
        if method.supported(opened.name):
            continue
        task = make_task(picture, LOWEST.get(name), networks=opened.networks, target=best)
        found = compute(name, task)
        assert (found.shape, found.dtype) == (picture.shape[:2], np.float32), name
        assert np.isfinite(found).all(), name
        assert found.std() > 0, name
        assert method.signed or found.min() >= 0, name


def test_gradcam_is_the_class_activation_map(
    opened: SimpleNamespace, make_task: MakeTask, picture: RGBImage
) -> None:
    """Where the head is the mean of the feature map and one linear layer (all of the table)."""
    import torch

    from interpretability.attribution.gradients import gradcam_grids, tensor

    task = make_task(picture, networks=opened.networks, target=NV)
    seen = {}
    layer = get_layer(opened.network, opened.entry.gradcam_layer)
    hook = layer.register_forward_hook(lambda *all: seen.update(map=all[2].detach().clone()))
    with torch.no_grad():
        opened.network(tensor(task))
    hook.remove()
    seen["map"] = as_map(seen["map"])
    features = seen["map"].relu() if opened.entry.gradcam_relu else seen["map"]
    weights = get_layer(opened.network, opened.entry.head).weight[5]
    expected = torch.einsum("c,chw->hw", weights, features[0]) / features[0, 0].numel()
    np.testing.assert_allclose(
        gradcam_grids(task)[0], expected.numpy(), atol=1e-4 * float(expected.abs().max())
    )


@pytest.mark.parametrize("size", [64, 96])
def test_cells_lie_where_the_table_says(opened: SimpleNamespace, size: int) -> None:
    """The centres of the windows, from the padding, kernel and stride of every layer."""
    import torch

    from interpretability.attribution.placement import cell_jump, first_centre

    if opened.name.startswith("efficientnet_lite"):
        pytest.skip("padded unevenly: placed by measurement")
    patch = opened.entry.patch
    size = math.ceil(size / patch) * patch if patch else size  # what it fills smaller ones up to
    found = {size: (1.0, 0.0)}  # pixels between cells and first centre, by the grid's side

    def saw(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        before, after = inputs[0].shape[-1], out.shape[-1]
        stride = int(np.max(module.stride))  # type: ignore[arg-type]
        if stride == 1 or after in found:
            return
        kernel, padding = int(np.max(module.kernel_size)), int(np.max(module.padding))  # type: ignore[arg-type]
        jump, centre = found[before]
        found[after] = (jump * stride, centre + jump * ((kernel - 1) / 2 - padding))

    kinds = (torch.nn.Conv2d, torch.nn.MaxPool2d, torch.nn.AvgPool2d)
    hooks = [
        module.register_forward_hook(saw)
        for module in opened.network.modules()
        if isinstance(module, kinds)
    ]
    with torch.no_grad():
        opened.network(torch.zeros(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    jump = cell_jump(opened.name)
    assert found[round(size / jump)] == (jump, first_centre(opened.name))


def test_deeplift_adds_up(opened: SimpleNamespace, make_task: MakeTask, picture: RGBImage) -> None:
    """Completeness: the values sum to the difference of the scores, for "malignant" too."""
    import torch

    from interpretability.attribution.gradients import deeplift, seeded, tensor
    from interpretability.attribution.task import skin

    if METHODS["deeplift"].supported(opened.name):
        pytest.skip("refused")
    for target in (NV, Target("malignant", (0, 1, 4), 1.3)):
        task = make_task(picture, networks=opened.networks, target=target)
        with seeded():
            found = deeplift(task)
        with torch.no_grad():
            ends = opened.network(tensor(task, skin(task.square), task.square))
        before, after = target.score_tensor(ends).tolist()
        assert found.sum() == pytest.approx(after - before, rel=0.02, abs=0.02)


def test_refusals_are_sentences() -> None:
    refused = {
        (name, backbone)
        for name, method in METHODS.items()
        for backbone in BACKBONES
        if method.supported(backbone)
    }
    transformer = "vit_small_patch14_dinov2"
    others = ("efficientnet_b0", "efficientnet_b2", "mixnet_xl", transformer)
    assert refused == {(m, b) for m in ("deeplift", "guided_gradcam") for b in others} | {
        ("attention", b) for b in BACKBONES if b != transformer
    }
    assert METHODS["attention"].supported("resnet18") == (
        "Attention rollout follows a transformer's attention; resnet18 has convolutions alone"
    )
    assert METHODS["guided_gradcam"].supported("mixnet_xl") == (
        "Guided Grad-CAM is defined for networks whose activations are ReLU; mixnet_xl has SiLU, "
        "through which it would silently become the plain gradient"
    )
