import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import quality
from models.registry.preprocessing import Preprocessing
from retraining.data.formats import IMAGE_ARCHIVES, METADATA_FILE
from retraining.data.index import INDEX_COLUMNS, DataError, load_index, pixels, prepare


@pytest.fixture
def source(archives: Path, tmp_path: Path) -> Path:
    """A copy of the archives that a test may damage."""
    return Path(shutil.copytree(archives, tmp_path / "source"))


def test_prepare_writes_an_index_of_every_image(archives: Path, tmp_path: Path) -> None:
    prepare(archives, tmp_path)
    index = load_index(tmp_path / "index.csv")
    assert tuple(index.columns) == INDEX_COLUMNS
    assert len(index) == 140
    assert all((tmp_path / p).is_file() for p in index.path)
    assert all((tmp_path / m).is_file() for m in index["mask"])
    assert index.image_id.is_monotonic_increasing


def test_prepare_again_changes_nothing(archives: Path, tmp_path: Path) -> None:
    first = prepare(archives, tmp_path)
    times = {p: p.stat().st_mtime_ns for p in (tmp_path / "images").iterdir()}
    pd.testing.assert_frame_equal(prepare(archives, tmp_path), first)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "images").iterdir()} == times


def test_prepare_names_the_missing_archive(source: Path, tmp_path: Path) -> None:
    (source / IMAGE_ARCHIVES[1]).unlink()
    with pytest.raises(DataError, match=r"lacks HAM10000_images_part_2\.zip"):
        prepare(source, tmp_path / "out")


def test_prepare_refuses_a_row_without_an_image(source: Path, tmp_path: Path) -> None:
    with (source / METADATA_FILE).open("a") as file:
        file.write("L_x,IMG_9999,nv,histo,50,male,back\n")
    with pytest.raises(DataError, match=r"1 rows .* have no image, the first is IMG_9999"):
        prepare(source, tmp_path / "out")


def test_prepare_refuses_an_unknown_class(source: Path, tmp_path: Path) -> None:
    text = (source / METADATA_FILE).read_text().replace(",vasc,", ",wart,")
    (source / METADATA_FILE).write_text(text)
    with pytest.raises(DataError, match="has the classes wart; known are akiec"):
        prepare(source, tmp_path / "out")


def test_prepare_refuses_an_id_that_stands_twice(source: Path, tmp_path: Path) -> None:
    with (source / METADATA_FILE).open("a") as file:
        file.write("L_x,IMG_0000,nv,histo,50,male,back\n")
    with pytest.raises(DataError, match="names 1 images twice, the first is IMG_0000"):
        prepare(source, tmp_path / "out")


def test_an_archive_cannot_write_outside_its_folder(source: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(source / IMAGE_ARCHIVES[0], "a") as file:
        file.writestr("../../escaped.jpg", b"x")
    prepare(source, tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "images" / "escaped.jpg").is_file()
    assert not (tmp_path / "escaped.jpg").exists()


def test_pixels_are_the_decoded_and_resized_images(archives: Path, tmp_path: Path) -> None:
    frame = prepare(archives, tmp_path).head(5)
    array = pixels(frame, tmp_path, 32, tmp_path / "cache")
    resize = Preprocessing(32, (0, 0, 0), (1, 1, 1)).resize
    assert array.shape == (5, 32, 32, 3)
    for row, path in zip(array, frame.path, strict=True):
        np.testing.assert_array_equal(row, resize(quality.read(tmp_path / path)))


def test_pixels_follow_a_changed_image(archives: Path, tmp_path: Path) -> None:
    frame = prepare(archives, tmp_path).head(2)
    before = np.array(pixels(frame, tmp_path, 32, tmp_path / "cache"))
    shutil.copy(tmp_path / frame.path[1], tmp_path / frame.path[0])
    after = pixels(frame, tmp_path, 32, tmp_path / "cache")
    assert (before[0] != after[0]).any()
    np.testing.assert_array_equal(after[0], after[1])


def test_the_whole_of_ham10000(ham10000_root: Path, tmp_path: Path) -> None:
    index = prepare(ham10000_root, tmp_path)
    assert len(index) == 10015
    assert index.lesion_id.nunique() == 7470
    assert index.dx.value_counts().to_dict() == {
        "nv": 6705, "mel": 1113, "bkl": 1099, "bcc": 514, "akiec": 327, "vasc": 142, "df": 115,
    }  # fmt: skip
    assert (index["mask"] != "").all()
