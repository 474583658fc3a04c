"""Folders as they are found: links, system folders, names that no table can hold."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from retraining.data.errors import DataError
from retraining.data.formats import METADATA_FILE
from retraining.data.index import load_index
from retraining.data.prepare import prepare
from tests.retraining.data.conftest import Folders


def test_hidden_and_system_folders_are_no_classes(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    hidden = ("@eaDir/a.jpg", "__MACOSX/b.jpg", ".trash/c.jpg", "mel/.ipynb_checkpoints/1.jpg")
    files = dict(zip(("mel/1.jpg", "nv/2.jpg", *hidden), pictures, strict=False))
    said: list[str] = []
    index = prepare(folders(files | {"nv/._2.jpg": b"x"}), tmp_path / "out", report=said.append)
    assert list(index.dx) == ["mel", "nv"]
    assert said[-1].startswith("4 entries are ignored as none of what is read, the first is ")
    split = folders({f"train/{name}": data for name, data in files.items()})
    for name in ("mel", "nv", "@eaDir", "__MACOSX", ".trash"):
        shutil.rmtree(split / name)
    assert len(prepare(split, tmp_path / "again")) == 2


def test_linked_folders_are_followed_and_broken_links_are_not_lost(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders({"mel/1.jpg": pictures[0], "../nevi/2.jpg": pictures[1]})
    (source / "nv").symlink_to("../nevi")
    (source / "up").symlink_to("..")
    assert list(prepare(source, tmp_path / "out").dx) == ["mel", "nv"]
    (source / "bcc").symlink_to("gone")
    (source / "mel" / "day").symlink_to("gone")
    with pytest.raises(DataError, match=r"2 folders or links cannot be entered, .*bcc"):
        prepare(source, tmp_path / "out")
    assert len(prepare(source, tmp_path / "out", skip=True)) == 2
    shutil.rmtree(source / "mel")
    with pytest.raises(DataError, match="1 folders or links cannot be entered"):
        prepare(source, tmp_path / "out")  # not: there is one class alone


@pytest.mark.parametrize("name", ["caf\udce9", "=1+1", "-1"])
def test_a_name_that_no_table_can_hold_is_one_sentence_and_costs_no_other(
    folders: Folders, pictures: list[bytes], tmp_path: Path, name: str
) -> None:
    source = folders(
        {f"mel/{name}.jpg": pictures[0], "mel/1.jpg": pictures[1], "nv/2.jpg": pictures[2]}
    )
    with pytest.raises(DataError, match="1 images have a name that no table can hold, the first"):
        prepare(source, tmp_path / "out")
    (row,) = pd.read_csv(tmp_path / "out" / "problems.csv").itertuples()
    assert (row.kind, row.item.endswith(".jpg")) == ("name", True)
    assert list(prepare(source, tmp_path / "out", skip=True).image_id) == ["1", "2"]
    folders({f"{name}/3.jpg": pictures[3]})  # a class of such a name is none
    assert list(prepare(source, tmp_path / "out", skip=True).image_id) == ["1", "2"]


def test_no_column_of_the_metadata_is_a_formula(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    table = b"image_id,dx,lesion_id,localization\na,mel,-1,=1+1\nb,nv,2,+back\n"
    source = folders({METADATA_FILE: table, "a.jpg": pictures[0], "b.jpg": pictures[1]})
    prepare(source, tmp_path / "out")
    index = load_index(tmp_path / "out" / "index.csv")
    assert list(index.lesion_id) == ["'-1", "2"]
    assert list(index.localization) == ["'=1+1", "'+back"]


def test_a_file_that_cannot_be_opened_costs_no_other(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders({"mel/1.jpg": pictures[0], "nv/2.jpg": pictures[1]})
    (source / "nv" / "3.jpg").symlink_to("/dev/zero")
    (source / "nv" / "4.jpg").symlink_to("4.jpg")
    with pytest.raises(DataError, match=r"1 folders or links cannot be entered, .*4\.jpg"):
        prepare(source, tmp_path / "out")
    assert len(prepare(source, tmp_path / "out", skip=True)) == 2
