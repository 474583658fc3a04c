"""The classifier: probabilities by hand, pictures of any shape, threads, errors."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.checkpoint.card import DEFAULT_MODEL
from models.errors import CheckpointError
from models.export.export import GRAPH_FILE
from models.inference.classifier import Classifier, ModelNotReady, Prediction, choose_precision
from models.inference.views import (
    COUNTS,
    SYMMETRIES,
    VIEW_NAMES,
    VIEWS,
    Symmetry,
    set_upright,
    views_of,
)
from models.registry.taxonomy import HAM10000
from models.runtime import multiplies_bfloat16

pytestmark = pytest.mark.torch
CODES = HAM10000.codes
Images = list[NDArray[np.uint8]]


@pytest.fixture(scope="module")
def classifier(tiny: Path, tiny_cache: Path) -> Classifier:
    return Classifier("tiny", root=tiny.parent, cache=tiny_cache, precision="f32")


def softmax(values: Sequence[float]) -> list[float]:
    exponents = [math.exp(value) for value in values]
    return [value / sum(exponents) for value in exponents]


def test_probabilities_by_hand(classifier: Classifier) -> None:
    """The card's temperature is 2: logits 2 ln p give the probabilities p."""
    wanted = np.array([0.05, 0.1, 0.2, 0.05, 0.3, 0.25, 0.05])
    got = classifier.probabilities(2 * np.log(wanted)[np.newaxis].astype(np.float32) + 5)
    assert got.dtype == np.float64
    np.testing.assert_allclose(got[0], wanted, rtol=1e-6)


def test_probabilities_of_huge_logits_are_finite(classifier: Classifier) -> None:
    logits = np.array([[3e38, 0, 0, 0, 0, 0, -3e38], [-3e38] * 7], np.float32)
    got = classifier.probabilities(logits)
    assert got[0].tolist() == [1, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(got[1], 1 / 7)


def test_a_prior_reweights_and_renormalises(tiny: Path, tiny_cache: Path) -> None:
    prior = dict.fromkeys(CODES, 1.0) | {"nv": 9.0, "mel": 3.0, "df": 0.0}
    shifted = Classifier(tiny, cache=tiny_cache, precision="f32", prior=prior)
    logits = np.array([[0, 0, 0, 0, 2 * math.log(2), 0, 0]], np.float32)
    # Evenly: mel 2 of 8, the others 1. With the prior: mel 6, nv 9, df 0 and the others 1, of 19.
    expected = np.array([1, 1, 1, 0, 6, 9, 1]) / 19
    np.testing.assert_allclose(shifted.probabilities(logits)[0], expected, rtol=1e-6)


def test_a_prior_is_relative_to_the_card_s_own(
    tmp_path: Path, make_checkpoint: object, pictures: Images
) -> None:
    from models.export.export import export

    own = dict.fromkeys(CODES, 0.1) | {"nv": 0.4}
    folder = make_checkpoint(tmp_path / "weighted", prior=own)  # type: ignore[operator]
    export(folder, tmp_path / "cache")
    plain = Classifier(folder, cache=tmp_path / "cache").predict(pictures)
    same = Classifier(folder, cache=tmp_path / "cache", prior=own).predict(pictures)
    for one, other in zip(plain, same, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        ({"nv": 1.0}, "each class once .*akiec, bcc.* got nv"),
        (dict.fromkeys(CODES, 1.0) | {"scc": 1.0}, "each class once"),
        (dict.fromkeys(CODES, 0.0), "not all 0"),
        (dict.fromkeys(CODES, 1.0) | {"nv": -1.0}, "at least 0"),
        (dict.fromkeys(CODES, 1.0) | {"nv": math.nan}, "at least 0"),
        (dict.fromkeys(CODES, 1.0) | {"nv": math.inf}, "at least 0"),
    ],
)
def test_a_prior_that_is_none(
    tiny: Path, tiny_cache: Path, prior: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Classifier(tiny, cache=tiny_cache, prior=prior)


def test_a_prediction_agrees_with_its_probabilities(
    classifier: Classifier, pictures: Images
) -> None:
    shown = [*pictures, *(255 - picture for picture in pictures)]
    predictions = classifier.predict(shown)
    assert len(predictions) == len(shown)
    assert len({p.code for p in predictions}) > 1
    for p in predictions:
        assert isinstance(p, Prediction)
        assert tuple(p.probabilities) == CODES
        assert sum(p.probabilities.values()) == pytest.approx(1)
        assert p.code == max(p.probabilities, key=p.probabilities.__getitem__)
        assert p.probability == p.probabilities[p.code]
        assert p.name == HAM10000.name(p.code)
        assert p.p_malignant == pytest.approx(
            p.probabilities["akiec"] + p.probabilities["bcc"] + p.probabilities["mel"]
        )
        assert p.malignant == (p.code in {"akiec", "bcc", "mel"})
        assert (p.model, p.version) == ("tiny", "1.2.3")
        json.dumps(asdict(replace(p, vector=None)))  # all but the arrays


def test_one_and_many_agree(classifier: Classifier, pictures: Images) -> None:
    assert classifier.predict(pictures) == [classifier.predict_one(p) for p in pictures]
    assert classifier.predict([]) == []
    assert classifier.logits([]).shape == (0, 7)


def test_views_and_channel_order(classifier: Classifier, pictures: Images) -> None:
    """A view that is not contiguous counts for what it shows; red is not blue."""
    picture = pictures[0]
    whole = np.ascontiguousarray(picture)
    assert classifier.predict_one(picture[::-1, ::-1]) == classifier.predict_one(whole)
    swapped = np.ascontiguousarray(picture[:, :, ::-1])
    assert not np.allclose(classifier.logits([picture]), classifier.logits([swapped]), atol=1e-3)


def test_the_input_is_not_changed(classifier: Classifier, pictures: Images) -> None:
    size = classifier.card.preprocessing.input_size
    picture = pictures[0]
    assert picture.shape == (size, size, 3)  # the case in which nothing has to be copied
    picture.flags.writeable = False
    try:
        before = picture.copy()
        classifier.predict_one(picture)
        assert (picture == before).all()
    finally:
        picture.flags.writeable = True


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"image 0 must be \(height, width, 3\) RGB, got .*\(8, 8\)"),
        (np.zeros((8, 8, 4), np.uint8), r"got shape \(8, 8, 4\)"),
        (np.zeros((0, 8, 3), np.uint8), r"got shape \(0, 8, 3\)"),
        (np.zeros((8, 8, 3), np.float32), "image 0 must be a uint8 array, got float32"),
        (b"JFIF", "must be a uint8 array, got bytes"),
    ],
)
def test_what_is_not_a_picture(classifier: Classifier, image: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        classifier.predict([image])  # type: ignore[list-item]


def test_many_threads_get_what_one_gets(tiny: Path, tiny_cache: Path, pictures: Images) -> None:
    shared = Classifier(tiny, cache=tiny_cache, threads=2, streams=2)
    expected = [shared.predict_one(picture) for picture in pictures]
    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(shared.predict_one, pictures * 30))
    assert got == expected * 30


def test_first_use_by_many_threads_at_once_does_not_deadlock() -> None:
    """OpenVINO's own tables, filled by two threads at once, hang about every other process."""
    script = """
import sys, threading
import numpy as np
from models.runtime import ov
sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
def use():
    start.wait()
    ov.Type.u8.to_dtype()
    ov.Tensor(np.zeros((1, 4), np.uint8), shared_memory=True).data
threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    running = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(4)]
    try:
        assert [process.wait(timeout=200) for process in running] == [0] * 4
    finally:
        for process in running:
            process.kill()


def test_a_classifier_is_refused_after_a_fork(
    classifier: Classifier, pictures: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)
    with pytest.raises(RuntimeError, match=f"compiled in process {here} .*after the fork"):
        classifier.predict_one(pictures[0])


def test_a_checkpoint_without_an_export(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match=r"'tiny' is not prepared.*models export tiny"):
        Classifier("tiny", root=tiny.parent, cache=tmp_path)


def test_a_checkpoint_that_is_not_there(tiny: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint 'big'; the checkpoints are: tiny"):
        Classifier("big", root=tiny.parent)


def test_a_damaged_export(tiny: Path, tiny_cache: Path, tmp_path: Path) -> None:
    (folder,) = tiny_cache.iterdir()
    copy = tmp_path / folder.name
    copy.mkdir()
    (copy / GRAPH_FILE).write_text((folder / GRAPH_FILE).read_text()[:5000])
    with pytest.raises(ModelNotReady, match="cannot be used: remove it"):
        Classifier(tiny, cache=tmp_path)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"threads": 0}, "threads must be at least 1, got 0"),
        ({"streams": -1}, "streams must be at least 1, got -1"),
        ({"precision": "fp16"}, "precision must be one of auto, f32, bf16, int8, got 'fp16'"),
    ],
)
def test_arguments_out_of_range(
    tiny: Path, tiny_cache: Path, argument: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Classifier(tiny, cache=tiny_cache, **argument)  # type: ignore[arg-type]


def test_precision_follows_the_processor() -> None:
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    native = "amx_bf16" in flags or ("avx512_bf16" in flags and "GenuineIntel" not in flags)
    if flags and "flags" in flags:
        assert choose_precision("auto", "densenet161") == ("bf16" if native else "f32")
    assert choose_precision() == choose_precision("auto", DEFAULT_MODEL)
    assert choose_precision() == choose_precision("auto", "densenet161")
    assert choose_precision("auto", "efficientnet_lite0") == "f32"
    assert choose_precision("auto", "efficientnet_lite0", "densenet161") == choose_precision()
    assert choose_precision("bf16", "efficientnet_lite0") == "bf16"
    assert choose_precision("f32") == "f32"


def test_a_processor_that_is_slower_in_bfloat16_is_not_asked_for_it(tmp_path: Path) -> None:
    about = tmp_path / "cpuinfo"
    about.write_text("vendor_id : GenuineIntel\nflags : avx512_bf16\n")
    assert not multiplies_bfloat16(about)
    ours = multiplies_bfloat16(tmp_path / "absent")
    for text in ("GenuineIntel\nflags : avx512_bf16 amx_bf16", "AuthenticAMD\nflags : avx512_bf16"):
        about.write_text(text)
        assert multiplies_bfloat16(about) == ours  # OpenVINO's choice


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_the_file_of_the_weights_does_not_stay_in_memory(tiny: Path, tiny_cache: Path) -> None:
    shared = Classifier(tiny, cache=tiny_cache)
    (folder,) = tiny_cache.iterdir()
    resident, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            inside = line.endswith(str(folder / "model.bin"))
        elif inside and line.startswith("Rss:"):
            resident += int(line.split()[1])
    assert resident < 1024  # kB of 45 MB; other tests' classifiers may have it mapped too
    assert shared.predict_one(np.zeros((9, 9, 3), np.uint8)).model == "tiny"


def test_views_are_the_symmetries_of_a_square() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    for count in COUNTS:
        views = views_of(picture, count)
        assert views.shape == (count, 2, 2, 3)
        assert (views[0] == picture).all()
        assert len({view.tobytes() for view in views}) == count
    turned = {np.rot90(side, k).tobytes() for side in (picture, picture[::-1]) for k in range(4)}
    assert {view.tobytes() for view in views_of(picture, 8)} == turned


@pytest.mark.parametrize(("tta", "count"), [(True, VIEWS), (2, 2), (4, 4), (8, 8)])
def test_averaging_over_views(
    tiny: Path,
    tiny_cache: Path,
    classifier: Classifier,
    pictures: Images,
    tta: bool | int,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mean of the calibrated probabilities of the views, each classified alone."""
    averaged = Classifier(tiny, cache=tiny_cache, precision="f32", tta=tta)
    assert averaged.views == count
    picture = pictures[1]
    upright, _ = set_upright(picture)
    views = list(views_of(classifier.card.preprocessing.resize(upright), count))
    with monkeypatch.context() as patch:
        patch.setattr("models.inference.classifier.set_upright", lambda view: (view, Symmetry()))
        alone = classifier.probabilities(classifier.logits(views))
    got = averaged.predict_one(picture, maps=True)
    assert list(got.probabilities.values()) == pytest.approx(alone.mean(axis=0).tolist(), abs=1e-5)
    plain = classifier.predict_one(picture, maps=True)
    assert got.cam is not None
    np.testing.assert_allclose(got.cam, plain.cam, atol=1e-3)
    assert [one.name for one in got.opinions] == list(VIEW_NAMES[:count])
    assert {one.kind for one in got.opinions} == {"view"}
    bad = list(HAM10000.malignant_indices)
    opinions = [one.p_malignant for one in got.opinions]
    assert opinions == pytest.approx(alone[:, bad].sum(axis=1).tolist(), abs=1e-5)
    assert plain.opinions == ()


def test_turned_and_mirrored_copies_get_the_same_answer(
    classifier: Classifier, pictures: Images
) -> None:
    """Probabilities to the last bit; maps turned back lie the same on the picture."""
    for picture in pictures[:5]:
        copies = [one.apply(picture) for one in SYMMETRIES]
        found = classifier.predict(copies, maps=True)
        assert all(one == found[0] for one in found)
        maps = [
            symmetry.undo(one.upright.undo(np.moveaxis(one.cam, 0, -1)))
            for symmetry, one in zip(SYMMETRIES, found, strict=True)
            if one.cam is not None
        ]
        assert len(maps) == 8
        assert all((one == maps[0]).all() for one in maps)


def test_other_numbers_of_views(tiny: Path, tiny_cache: Path) -> None:
    with pytest.raises(ValueError, match=r"tta must be true, false or one of .*got 3"):
        Classifier(tiny, cache=tiny_cache, tta=3)
