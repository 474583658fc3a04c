"""Ensembles: served as the mean of their members served alone; the same network for gradients."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.checkpoint.card import CARD_FILE, Card, available, load_card, locate
from models.checkpoint.ensemble import area_weights
from models.checkpoint.weights import load_network
from models.errors import CheckpointError
from models.export.export import GRAPH_FILE, export, export_path
from models.export.graph import MEMBER_OUTPUTS
from models.inference.classifier import Classifier
from models.registry.preprocessing import Preprocessing
from models.registry.taxonomy import HAM10000
from models.runtime import ov
from tests.models.conftest import MakeCheckpoint

pytestmark = pytest.mark.torch
SIZES = {"small": 48, "large": 80}


SHARES = [0.2, 0.8]


def joined(folder: Path, members: list[str], weights: Sequence[float] = ()) -> Card:
    card = Card(
        name=folder.name,
        version="1",
        backbone="ensemble",
        taxonomy=HAM10000,
        preprocessing=Preprocessing(max(SIZES.values()), (0, 0, 0), (1, 1, 1)),
        licence="none",
        temperature=1.3,
        members=members,
        member_weights=list(weights),
    )
    folder.mkdir()
    (folder / CARD_FILE).write_text(json.dumps(card.to_dict()))
    return card


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, make_checkpoint: MakeCheckpoint) -> Path:
    """A resnet18 beside the ensemble, a mobilenet_v2 inside it, with other sizes and scalings."""
    root = tmp_path_factory.mktemp("weights")
    make_checkpoint(
        root / "small",
        "resnet18",
        preprocessing=Preprocessing(SIZES["small"], (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)),
        temperature=2.0,
    )
    joined(root / "both", ["small", "large"], SHARES)
    make_checkpoint(
        root / "both" / "large",
        "mobilenet_v2",
        preprocessing=Preprocessing(SIZES["large"], (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        temperature=3.0,
    )
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    for folder in (root / "small", root / "both" / "large", root / "both"):
        export(folder, cache)
    return cache


def test_it_is_a_checkpoint_among_others(root: Path) -> None:
    assert available(root) == ["both", "small"]
    assert locate("both", root) == root / "both"
    assert load_card(root / "both").members == ["small", "large"]


def test_served_it_is_the_mean_of_its_members_served(
    root: Path, cache: Path, pictures: list[NDArray[np.uint8]]
) -> None:
    served = [
        Classifier(folder, cache=cache, precision="f32")
        for folder in (root / "small", root / "both" / "large")
    ]
    each = [one.probabilities(one.logits(pictures)) for one in served]
    mean = np.average(each, axis=0, weights=SHARES)
    both = Classifier("both", root=root, cache=cache, precision="f32")
    np.testing.assert_allclose(np.exp(both.logits(pictures)), mean, atol=1e-5)
    sharpened = mean ** (1 / 1.3)
    sharpened /= sharpened.sum(axis=1, keepdims=True)
    got = np.array([list(p.probabilities.values()) for p in both.predict(pictures)])
    np.testing.assert_allclose(got, sharpened, atol=1e-5)
    opinions = [p.opinions for p in both.predict(pictures)]
    assert {tuple((one.name, one.kind) for one in own) for own in opinions} == {
        (("small", "member"), ("large", "member"))
    }
    bad = list(both.card.taxonomy.malignant_indices)
    for place, one in enumerate(served):
        alone = one.probabilities(one.logits(pictures)) ** (1 / 1.3)  # on the ensemble's scale
        alone /= alone.sum(axis=1, keepdims=True)
        said = [own[place].p_malignant for own in opinions]
        assert said == pytest.approx(alone[:, bad].sum(axis=1).tolist(), abs=1e-5)
    first = served[0].predict(pictures)
    assert [own[0].malignant for own in opinions] == [p.malignant for p in first]


def test_in_bfloat16_the_member_that_does_not_support_it_stays_in_float32(
    root: Path, cache: Path
) -> None:
    if "BF16" not in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no bfloat16")
    graph = export_path(root / "both", load_card(root / "both"), cache) / GRAPH_FILE
    compiled = ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
    computed = Counter(
        info["runtimePrecision"].value
        for info in (node.get_rt_info() for node in compiled.get_runtime_model().get_ops())
        if info["layerType"].value == "Convolution"
    )
    # Of 20 convolutions of the resnet18 and 52 of the mobilenet_v2; OpenVINO makes those of the
    # two class activation maps anew, without the mark.
    assert computed == {"bf16": 20 + 2, "f32": 52}


def test_maps_are_the_mean_on_the_finest_grid(
    root: Path, cache: Path, pictures: list[NDArray[np.uint8]]
) -> None:
    small = Classifier(root / "small", cache=cache, precision="f32")
    large = Classifier(root / "both" / "large", cache=cache, precision="f32")
    both = Classifier(root / "both", cache=cache, precision="f32")
    maps = [one.predict_one(pictures[2], maps=True).cam for one in (small, large, both)]
    assert [one.shape for one in maps if one is not None] == [(7, 2, 2), (7, 3, 3), (7, 3, 3)]
    assert maps[0] is not None
    coarse = [cv2.resize(one, (3, 3), interpolation=cv2.INTER_LINEAR) for one in maps[0] / 2.0]
    expected = SHARES[0] * np.stack(coarse) + SHARES[1] * maps[1] / 3.0
    np.testing.assert_allclose(maps[2], expected, atol=1e-3)


def test_the_network_for_gradients_agrees(
    root: Path, cache: Path, pictures: list[NDArray[np.uint8]]
) -> None:
    """On pictures of the largest input size; others are scaled twice there."""
    import torch

    network, card = load_network(root / "both")
    resized = [card.preprocessing.resize(picture) for picture in pictures]
    batch = torch.from_numpy(card.preprocessing.normalise(np.stack(resized))).requires_grad_()
    logits = network(batch)
    served = Classifier(root / "both", cache=cache, precision="f32").logits(resized)
    # The members' pictures are rounded to 8 bits where they are served.
    assert np.abs(np.exp(logits.detach().numpy()) - np.exp(served)).max() < 0.02
    logits[:, 0].sum().backward()
    assert batch.grad is not None
    assert (batch.grad.abs().amax((1, 2, 3)) > 0).all()
    assert not network.training
    assert len(network.members) == 2


def test_two_graph_inputs_and_the_shared_outputs(root: Path, cache: Path) -> None:
    from models.runtime import ov

    path = export_path(root / "both", load_card(root / "both"), cache)
    model = ov.Core().read_model(path / "model.xml")
    assert [one.get_any_name() for one in model.inputs] == ["image_48", "image_80"]
    names = [one.get_any_name() for one in model.outputs]
    assert names == [name for name in MEMBER_OUTPUTS if name != "ood"]


def test_the_export_depends_on_the_members(root: Path, tmp_path: Path) -> None:
    card = load_card(root / "both")
    here = export_path(root / "both", card, tmp_path)
    assert export_path(root / "both", replace(card, temperature=9.0), tmp_path) == here
    assert export_path(root / "both", replace(card, member_weights=[]), tmp_path) != here
    member = root / "small" / CARD_FILE
    before = member.read_text()
    try:
        changed = replace(load_card(root / "small"), temperature=7.0)
        member.write_text(json.dumps(changed.to_dict()))
        assert export_path(root / "both", card, tmp_path) != here
    finally:
        member.write_text(before)


@pytest.mark.parametrize("weights", [[1.0], [0.5, 0.4], [1.0, 0.0], [0.2, 0.3, 0.5]])
def test_weights_that_cannot_be(root: Path, weights: list[float]) -> None:
    card = load_card(root / "both")
    with pytest.raises(CheckpointError, match=r"above 0, 1 in all, one for each of \['small'"):
        replace(card, member_weights=weights)
    assert replace(card, member_weights=[]).shares == [0.5, 0.5]


@pytest.mark.parametrize("target", [1, 7, 32, 45, 64])
def test_area_weights_shrink_as_opencv_does(target: int) -> None:
    values = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    weights = area_weights(64, target)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    expected = cv2.resize(values, (target, target), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(weights @ values @ weights.T, expected, atol=1e-5)


def test_area_weights_do_not_enlarge() -> None:
    with pytest.raises(ValueError, match="target must be 1 to 64 pixels, got 65"):
        area_weights(64, 65)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (["small", "gone"], "broken needs the checkpoint 'gone', which is neither in its folder"),
        (["small", "both"], "'both' cannot be a member of broken: it is an ensemble"),
        (["small", "../small"], "needs the checkpoint '../small'"),
    ],
)
def test_members_that_cannot_be(root: Path, members: list[str], message: str) -> None:
    folder = root / "broken"
    joined(folder, members)
    try:
        with pytest.raises(CheckpointError, match=message):
            load_network(folder)
        with pytest.raises(CheckpointError, match=message):
            export(folder)
    finally:
        (folder / CARD_FILE).unlink()
        folder.rmdir()


def test_members_and_the_backbone_belong_together(root: Path) -> None:
    data = load_card(root / "small").to_dict()
    with pytest.raises(CheckpointError, match=r"members belong to the backbone 'ensemble'"):
        Card.from_dict(data | {"members": ["a", "b"]})
    with pytest.raises(CheckpointError, match=r"members belong to the backbone 'ensemble'"):
        Card.from_dict(data | {"backbone": "ensemble"})
