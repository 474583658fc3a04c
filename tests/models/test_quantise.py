"""8-bit exports: what is asked of the user, and that the quantised graph still answers."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from models import __main__ as commands
from models.classifier import Classifier, ModelNotReady
from models.export import exported
from models.quantise import quantise

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
