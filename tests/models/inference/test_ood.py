"""The out-of-distribution score: by hand, against scikit-learn, and in the served graph."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.checkpoint.card import OOD_FILE, load_card
from models.checkpoint.ood_parameters import (
    OodParameters,
    load_ood,
    no_evidence,
    save_ood,
)
from models.errors import CheckpointError, OodWidthError
from models.inference.ood import fit
from tests.models.conftest import MakeCheckpoint, stage_means


def test_by_hand() -> None:
    """Two standardised values; the first is the only component, with variance 4, noise 0.5."""
    parameters = OodParameters(
        mean=np.array([1, 2], np.float32),
        std=np.array([2, 1], np.float32),
        components=np.array([[1], [0]], np.float32),
        variances=np.array([4], np.float32),
        noise=np.array([0.5], np.float32),
        scale=np.array([10], np.float32),
        other=np.array([0, -0.5], np.float32),
        other_bias=np.array([0.25], np.float32),
    )
    # z = (3, -1): 9 / 4 within and 1 / 0.5 beside, over the scale; z = (0, 0) and (0, -2).
    embeddings = np.array([[7.0, 1.0], [1.0, 2.0], [1.0, 0.0]])
    np.testing.assert_allclose(parameters.distance(embeddings), [(9 / 4 + 2) / 10, 0, 0.8])
    np.testing.assert_allclose(parameters.something_else(embeddings), [0.75, 0.25, 1.25])
    # What either takes for something else is flagged.
    np.testing.assert_allclose(parameters.score(embeddings), [0.75, 0.25, 1.25])
    plain = replace(parameters, **no_evidence(2))
    np.testing.assert_allclose(plain.score(embeddings), plain.distance(embeddings))


def test_it_is_the_likelihood_of_probabilistic_principal_components() -> None:
    """scikit-learn's PCA scores samples by the same model; the rest of it is a constant."""
    decomposition = pytest.importorskip("sklearn.decomposition")
    rng = np.random.default_rng(0)
    values = rng.standard_normal((400, 9)) @ rng.standard_normal((9, 9)) + 3
    parameters = fit(values, components=3)
    assert parameters.components.shape == (9, 3)
    z = (values - values.mean(0)) / values.std(0)
    likelihood = decomposition.PCA(3).fit(z).score_samples(z)
    distance = parameters.score(values) * 9
    expected = -2 * likelihood
    difference = expected - expected.min() - (distance - distance.min())
    # scikit-learn divides by n - 1, this module by n.
    assert np.abs(difference).max() < 0.01 * (expected.max() - expected.min())


def test_embeddings_unlike_the_fitted_ones_score_higher() -> None:
    rng = np.random.default_rng(1)
    mixing = rng.standard_normal((5, 30))

    def familiar(count: int) -> NDArray[np.float64]:
        return rng.standard_normal((count, 5)) @ mixing + 0.1 * rng.standard_normal((count, 30))

    parameters = fit(familiar(500))
    inside = parameters.score(familiar(200))
    beside = parameters.score(familiar(200) + 2 * rng.standard_normal((200, 30)))
    far = parameters.score(8 * familiar(200))
    assert 0.7 < np.median(inside) < 1.3  # the squared distance is about the number of values
    assert beside.min() > inside.max()
    assert np.median(far) > inside.max()


def test_a_value_that_never_changes_does_not_divide_by_zero() -> None:
    values = np.random.default_rng(2).standard_normal((50, 6))
    values[:, 2] = 4.0
    scores = fit(values).score(values)
    assert np.isfinite(scores).all()


def test_too_few_pictures() -> None:
    with pytest.raises(ValueError, match="at least 8 pictures are needed, got 3"):
        fit(np.zeros((3, 4)))


def test_parameters_are_stored_and_read(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    from safetensors.numpy import load_file, save_file

    assert load_ood(tmp_path) is None
    values = np.random.default_rng(3).standard_normal((60, 12))
    parameters = fit(values)
    save_ood(tmp_path / OOD_FILE, parameters)
    found = load_ood(tmp_path)
    assert found is not None
    assert found.components.dtype == np.float16
    np.testing.assert_allclose(found.score(values), parameters.score(values), rtol=1e-2)
    tensors = load_file(tmp_path / OOD_FILE)
    save_file(
        {name: one for name, one in tensors.items() if name not in no_evidence(1)},
        tmp_path / OOD_FILE,
    )
    former = load_ood(tmp_path)  # as it was written before there was evidence for something else
    assert former is not None
    np.testing.assert_array_equal(former.score(values), found.score(values))
    (tmp_path / OOD_FILE).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"ood\.safetensors cannot be read"):
        load_ood(tmp_path)


@pytest.mark.torch
def test_the_served_score_and_the_card_s_threshold(
    tmp_path: Path, make_checkpoint: MakeCheckpoint, pictures: list[NDArray[np.uint8]]
) -> None:
    import json

    from models.checkpoint.card import CARD_FILE
    from models.export.export import export, export_path
    from models.inference.classifier import Classifier

    folder = make_checkpoint(tmp_path / "fitted")
    card, embeddings = load_card(folder), stage_means(folder, pictures)
    known = np.concatenate([embeddings + 0.01 * k for k in range(4)])
    without = export_path(folder, card, tmp_path)
    rng = np.random.default_rng(4)
    fitted = fit(known)
    # So that the evidence is larger for some of the pictures and the distance for others.
    other = rng.normal(0, 1, fitted.mean.shape).astype(np.float32)
    bias = np.array([np.median(fitted.score(embeddings))], np.float32)
    save_ood(folder / OOD_FILE, replace(fitted, other=other, other_bias=bias))
    assert export_path(folder, card, tmp_path) != without  # the score is part of the graph
    parameters = load_ood(folder)
    assert parameters is not None
    expected = parameters.score(embeddings)
    assert 0 < (expected > parameters.distance(embeddings)).sum() < len(expected)
    export(folder, tmp_path)
    plain = Classifier(folder, cache=tmp_path, precision="f32").predict(pictures)
    assert [one.ood_score for one in plain] == pytest.approx(expected.tolist(), rel=0.02)
    assert {one.in_distribution for one in plain} == {None}  # the card has no threshold
    threshold = float(np.median(expected))
    judging = replace(load_card(folder), ood={"threshold": threshold})
    (folder / CARD_FILE).write_text(json.dumps(judging.to_dict()))
    judged = Classifier(folder, cache=tmp_path, precision="f32").predict(pictures)
    assert [one.in_distribution for one in judged] == [
        one.ood_score is not None and one.ood_score <= threshold for one in plain
    ]
    assert len({one.in_distribution for one in judged}) == 2
    assert {one.dermatoscopic for one in judged} == {True}  # beyond no far threshold


@pytest.mark.torch
def test_a_score_of_other_layers_is_a_sentence(
    tmp_path: Path, make_checkpoint: MakeCheckpoint
) -> None:
    from models.export.export import export

    folder = make_checkpoint(tmp_path / "fitted")
    save_ood(folder / OOD_FILE, fit(np.random.default_rng(5).standard_normal((60, 12))))
    with pytest.raises(OodWidthError, match=r"fitted on 12 channel means, .* retraining ood"):
        export(folder, tmp_path)
