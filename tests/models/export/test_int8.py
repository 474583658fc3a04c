"""8-bit exports: what is asked of the user, and that the quantised graph still answers."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from models import __main__ as commands
from models.checkpoint.card import CARD_FILE, OOD_FILE, load_card
from models.checkpoint.ood_parameters import save_ood
from models.export.export import exported
from models.export.int8 import quantise
from models.inference.classifier import Classifier, ModelNotReady
from models.inference.ood import fit
from tests.models.conftest import MakeCheckpoint, stage_means

pytestmark = pytest.mark.torch
Images = list[NDArray[np.uint8]]


@pytest.fixture
def table(tmp_path: Path, pictures: Images) -> Path:
    """A table of the pictures, with paths relative to its folder."""
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture[:, :, ::-1])
    path = tmp_path / "train.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image_id", "path"])
        writer.writerows([index, f"{index}.png"] for index in range(len(pictures)))
    return path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # NNCF's own
def test_the_quantised_graph_answers_nearly_the_same(
    tiny: Path, tmp_path: Path, table: Path, pictures: Images
) -> None:
    pytest.importorskip("nncf")
    cache = tmp_path / "cache"
    with pytest.raises(ModelNotReady, match=r"--int8 --calibration CSV"):
        Classifier(tiny, cache=cache, precision="int8")
    folder = quantise(tiny, table, cache)
    assert exported(tiny, cache, int8=True) == folder
    assert quantise(tiny, table, cache) == folder  # at once
    plain = Classifier(tiny, cache=cache, precision="f32")
    quantised = Classifier(tiny, cache=cache, precision="int8")
    assert quantised.precision == "int8"
    expected, got = plain.logits(pictures), quantised.logits(pictures)
    assert not np.array_equal(expected, got)
    assert np.corrcoef(expected.ravel(), got.ravel())[0, 1] > 0.9
    size = (folder / "model.bin").stat().st_size
    plain_folder = exported(tiny, cache)
    assert plain_folder is not None
    assert size < 0.3 * (plain_folder / "model.bin").stat().st_size


def fitted(folder: Path, pictures: Images) -> Path:
    """The checkpoint `folder`, to which pictures like these are known."""
    seen = stage_means(folder, pictures)
    rng = np.random.default_rng(0)
    known = np.concatenate([seen + rng.normal(0, 0.3 * seen.std(0), seen.shape) for _ in range(20)])
    save_ood(folder / OOD_FILE, fit(known))
    return folder


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # NNCF's own
def test_rounding_does_not_make_pictures_out_of_distribution(
    tmp_path: Path, table: Path, make_checkpoint: MakeCheckpoint, pictures: Images
) -> None:
    pytest.importorskip("nncf")
    folder = fitted(make_checkpoint(tmp_path / "fitted"), pictures)
    quantise(folder, table, tmp_path)
    made = [Classifier(folder, cache=tmp_path, precision=form) for form in ("f32", "int8")]
    plain, rounded = (np.array([r.ood_score for r in one.predict(pictures)]) for one in made)
    assert rounded.min() >= 0
    # Six pictures, so roughly; as the quantised graph has it, it would be 0.7 too much.
    assert rounded.mean() == pytest.approx(plain.mean(), abs=0.15)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # NNCF's own
def test_what_is_out_of_distribution_stays_so_to_an_ensemble(
    tmp_path: Path, table: Path, make_checkpoint: MakeCheckpoint, pictures: Images
) -> None:
    pytest.importorskip("nncf")
    for name in ("one", "two"):
        fitted(make_checkpoint(tmp_path / name), pictures)
    card = load_card(tmp_path / "one")
    both = tmp_path / "both"
    both.mkdir()
    (both / CARD_FILE).write_text(
        json.dumps(
            replace(card, name="both", backbone="ensemble", members=["one", "two"]).to_dict()
        )
    )
    quantise(both, table, tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for precision in ("f32", "int8"):
        classifier = Classifier(both, cache=tmp_path, precision=precision)
        *known, outside = (answer.ood_score for answer in classifier.predict([*pictures, noise]))
        assert outside > 2 * max(known)  # beyond all that the ranges were measured on


def test_a_table_without_paths(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    table = tmp_path / "other.csv"
    table.write_text("image,dx\na,nv\n")
    with pytest.raises(ValueError, match="must be a table of images with the column path"):
        quantise(tiny, table, tmp_path)


@pytest.mark.parametrize("options", [["--int8"], ["--calibration", "a.csv"]])
def test_both_options_or_none(options: list[str]) -> None:
    result = CliRunner().invoke(commands.app, ["export", "resnext50_32x4d", *options])
    assert result.exit_code == 2
    assert "--int8 and --calibration CSV belong together" in result.stderr
