"""A picture as a vector: as the graph computes it, for free and for all copies of a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.export.export import GRAPH_FILE, exported
from models.inference.classifier import Classifier
from models.inference.vectors import SIZE, directions, from_bytes, unit
from models.inference.views import SYMMETRIES, set_upright
from models.runtime import ov

pytestmark = pytest.mark.torch
Images = list[NDArray[np.uint8]]


def answers(
    folder: Path, cache: Path, pixels: NDArray[np.uint8], names: Sequence[str]
) -> list[Any]:
    """Outputs of an exported graph in bfloat16, where the processor has it, with none beside."""
    path = exported(folder, cache)
    assert path is not None
    model = ov.Core().read_model(path / GRAPH_FILE)
    alone = ov.Model([model.output(name) for name in names], model.get_parameters(), "alone")
    compiled = ov.Core().compile_model(alone, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
    return [np.array(value) for value in compiled(pixels[np.newaxis]).values()]


def test_it_is_what_the_docstring_says(tiny: Path, tiny_cache: Path, pictures: Images) -> None:
    classifier = Classifier(tiny, cache=tiny_cache, precision="f32")
    found = classifier.predict_one(pictures[0]).vector
    assert found is not None
    assert (found.shape, found.dtype) == ((SIZE,), np.float16)
    pixels = classifier.card.preprocessing.resize(set_upright(pictures[0])[0])
    (features,) = answers(tiny, tiny_cache, pixels, ["features"])
    expected = unit(np.sqrt(features[0]) @ directions(features.shape[1]))
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert (from_bytes(found.tobytes()) == found).all()


def test_turned_and_mirrored_copies_have_the_same(
    tiny: Path, tiny_cache: Path, pictures: Images
) -> None:
    classifier = Classifier(tiny, cache=tiny_cache, tta=2)
    copies = [np.ascontiguousarray(one.apply(pictures[0])) for one in SYMMETRIES]
    first, *others = [prediction.vector for prediction in classifier.predict(copies)]
    assert first is not None
    assert all((first == other).all() for other in others)


def test_the_other_outputs_stay_as_they_were_in_bfloat16(
    tiny: Path, tiny_cache: Path, pictures: Images
) -> None:
    classifier = Classifier(tiny, cache=tiny_cache, precision="bf16")
    pixels = classifier.card.preprocessing.resize(set_upright(pictures[0])[0])
    logits, cam = answers(tiny, tiny_cache, pixels, ["logits", "cam"])
    assert (classifier.logits([pictures[0]]) == logits).all()
    assert (classifier.predict_one(pictures[0], maps=True).cam == cam).all()
