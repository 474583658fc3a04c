"""Every layout of a data set, and everything that may be wrong with one."""

import errno
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from models.registry.taxonomy import HAM10000, Taxonomy
from retraining.__main__ import main
from retraining.data import archives as archives_module
from retraining.data.errors import DataError
from retraining.data.formats import IMAGE_ARCHIVES, MASK_ARCHIVE, METADATA_FILE
from retraining.data.index import load_index
from retraining.data.metadata import INDEX_COLUMNS
from retraining.data.prepare import prepare
from retraining.data.splits import load_taxonomy
from tests.retraining.data.conftest import Folders


def metadata(rows: list[tuple[str, str, str]]) -> bytes:
    columns = ["lesion_id", "image_id", "dx"]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False).encode()


@pytest.mark.parametrize("layout", ["parts", "halves", "some"])
def test_extracted_archives_give_the_index_of_the_archives(
    layout: str, archives: Path, tmp_path: Path
) -> None:
    whole = prepare(archives, tmp_path / "whole")
    source = tmp_path / "source"
    names = {
        "parts": ("HAM10000_images_part_1", "HAM10000_images_part_2"),
        "halves": ("HAM10000_images_train", "HAM10000_images_test"),
        "some": ("HAM10000_images_part_1", None),
    }[layout]
    for archive, name in zip(IMAGE_ARCHIVES, names, strict=True):
        if name:
            shutil.unpack_archive(archives / archive, source / name)
        else:
            shutil.copy(archives / archive, source)
    shutil.unpack_archive(archives / MASK_ARCHIVE, source / MASK_ARCHIVE.removesuffix(".zip"))
    shutil.copy(archives / METADATA_FILE, source)
    index = prepare(source, tmp_path / "out")
    same = [c for c in whole.columns if c not in ("path", "mask")]
    pd.testing.assert_frame_equal(index[same], whole[same])
    assert all((tmp_path / "out" / p).is_file() for p in [*index.path, *index["mask"]])
    if layout == "halves":
        assert index.split.value_counts().to_dict() == {"train": 70, "test": 70}


def test_folders_of_classes_of_ones_own(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders(
        {
            f"{dx}/{i}.png": pictures[i + 6 * (dx == "wart")]
            for dx in ("mole", "wart")
            for i in (0, 1)
        }
    )
    said: list[str] = []
    index = prepare(
        source, tmp_path / "out", malignant=["wart"], names={"wart": "Wart"}, report=said.append
    )
    assert load_taxonomy(tmp_path / "out") == Taxonomy(
        ("mole", "wart"), ("mole", "Wart"), frozenset({"wart"})
    )
    assert list(index.image_id) == ["mole_0", "mole_1", "wart_0", "wart_1"]
    assert list(index.dx) == ["mole", "mole", "wart", "wart"]
    assert list(index.lesion_id) == list(index.image_id)
    assert "no metadata" in said[0]


def test_folders_of_splits_and_classes(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    files = [
        f"{part}/{dx}/{part}{dx}.jpg" for part in ("training", "valid") for dx in ("mel", "nv")
    ]
    index = prepare(folders(dict(zip(files, pictures, strict=False))), tmp_path / "out")
    assert list(index.split) == ["train", "train", "val", "val"]
    assert list(index.dx) == ["mel", "nv", "mel", "nv"]
    taxonomy = load_taxonomy(tmp_path / "out")
    assert taxonomy.names == ("Melanoma", "Melanocytic nevi")
    assert taxonomy.malignant == {"mel"}


def test_the_same_bytes_are_one_lesion_and_are_told(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders({"mel/a.jpg": pictures[0], "mel/b.jpg": pictures[0], "nv/c.jpg": pictures[0]})
    said: list[str] = []
    index = prepare(source, tmp_path / "out", report=said.append)
    assert list(index.lesion_id) == ["a", "a", "a"]
    assert "1 pictures have the bytes of another id, the first is b (a)" in said
    assert "1 pictures have the bytes of another id of another class, the first is c (a)" in said
    problems = pd.read_csv(tmp_path / "out" / "problems.csv")
    assert list(problems.kind) == ["same picture", "contradiction"]


def test_metadata_needs_ids_and_classes_alone(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    table = b"image_id\tdx\na\tmel\nb\tnv\n"
    source = folders({"metadata.csv": table, "x/a.jpg": pictures[0], "x/y/b.jpg": pictures[1]})
    index = prepare(source, tmp_path / "out")
    assert list(index.lesion_id) == ["a", "b"]
    assert list(index.age) == ["", ""]


def test_the_source_of_the_images_is_kept_where_the_metadata_names_it(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    rows = b"image_id,dx,dataset\na,mel,007\nb,nv,\n"
    older = b"image_id,dx\na,mel\nb,nv\n"
    names = ("HAM10000_images_train/a.jpg", "HAM10000_images_test/b.jpg")
    source = folders({METADATA_FILE: rows} | dict(zip(names, pictures, strict=False)))
    prepare(source, tmp_path / "out")
    index = load_index(tmp_path / "out" / "index.csv")
    assert list(index.columns) == [*INDEX_COLUMNS, "split", "dataset"]
    assert list(index.dataset) == ["007", ""]
    (source / METADATA_FILE).write_bytes(older)
    prepare(source, tmp_path / "older")
    before = index.drop(columns="dataset").to_csv(index=False)
    assert (tmp_path / "older" / "index.csv").read_text() == before


def test_a_picture_twice_is_kept_once(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders(
        {
            METADATA_FILE: metadata([("l", "a", "mel"), ("m", "b", "nv")]),
            "HAM10000_images_part_1/a.jpg": pictures[0],
            "HAM10000_images_part_1/b.jpg": pictures[1],
            "HAM10000_images_part_2/a.jpg": pictures[0],
            "HAM10000_images_part_2/c.jpg": pictures[2],
            "hmnist_8_8_L.csv": b"pixels",
        }
    )
    said: list[str] = []
    assert len(prepare(source, tmp_path / "out", report=said.append)) == 2
    assert [s.split(",")[0] for s in said] == [
        "1 entries are ignored as none of what is read",
        "1 images have no row in the metadata and are left out",
        "1 pictures are there twice under one id and are kept once",
    ]


def test_one_id_for_two_pictures_is_refused(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders(
        {
            METADATA_FILE: metadata([("l", "a", "mel"), ("m", "b", "nv")]),
            "HAM10000_images_part_1/a.jpg": pictures[0],
            "HAM10000_images_part_2/a.jpg": pictures[1],
        }
    )
    with pytest.raises(DataError, match="the id a stands for two different pictures"):
        prepare(source, tmp_path / "out")


def test_a_broken_image_is_refused_or_skipped(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders(
        {
            METADATA_FILE: metadata([("l", "a", "mel"), ("m", "b", "nv"), ("n", "c", "nv")]),
            "images/a.jpg": pictures[0],
            "images/b.jpg": pictures[1],
            "images/c.jpg": pictures[2][:300],
        }
    )
    with pytest.raises(DataError, match=r"1 images cannot be decoded, .*c\.jpg .*--skip"):
        prepare(source, tmp_path / "out")
    assert not (tmp_path / "out" / "index.csv").exists()
    assert list(prepare(source, tmp_path / "out", skip=True).image_id) == ["a", "b"]
    (source / "images" / "a.jpg").unlink()
    with pytest.raises(DataError, match="no image of class mel is left"):
        prepare(source, tmp_path / "out", skip=True)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "is not a folder"),
        ({"notes.txt": b"x"}, "holds no pictures; it must hold the archives"),
        ({"a.jpg": b"x"}, "holds no pictures"),
        ({"HAM10000_images_part_1/a.jpg": b"x"}, f"lacks {METADATA_FILE}"),
        ({"mole/a.jpg": b"x", "wart/b.jpg": b"x"}, r"classes mole, wart; known are .*--malignant"),
        ({"nv/a.jpg": b"x"}, "the class nv alone"),
        ({"nv/a.jpg": b"x", "mel/note.txt": b"x"}, "the folder of class mel holds no pictures"),
        ({"train/nv/a.jpg": b"x", "train/mel/.keep": b""}, "folder of class mel holds no pictures"),
        ({"data/nv/a.jpg": b"x"}, "is not in a folder of a class"),
        ({METADATA_FILE: b"id,dx\n", "a.jpg": b"x"}, "lacks the columns image_id"),
        ({METADATA_FILE: b"image_id,dx\na,\n", "a.jpg": b"x"}, "1 rows .* have no dx, .* line 2"),
        ({METADATA_FILE: b"\xff\xfe\x00", "a.jpg": b"x"}, "is not a table"),
        ({METADATA_FILE: b"", "a.jpg": b"x"}, "is not a table"),
        (
            {METADATA_FILE: b"image_id,dx\na,nv\nb,mel\n", "mel/a.jpg": b"x"},
            "in the folder of class mel, but of class nv",
        ),
    ],
)
def test_bad_folders_are_one_sentence(
    files: dict[str, bytes], message: str, folders: Folders, tmp_path: Path
) -> None:
    folders(files)
    with pytest.raises(DataError, match=message) as caught:
        prepare(tmp_path / "source", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out" / "index.csv").exists()


@pytest.mark.parametrize("malignant", [["rash"], ["mole", "nv"]])
def test_a_malignant_class_must_be_there(
    malignant: list[str], folders: Folders, tmp_path: Path
) -> None:
    source = folders({"mole/a.jpg": b"x", "wart/b.jpg": b"x"})
    with pytest.raises(DataError, match="which the data do not have; their classes are mole, wart"):
        prepare(source, tmp_path / "out", malignant=malignant)


@pytest.mark.parametrize("damage", ["cut", "flipped", "text"])
def test_a_corrupt_archive_is_one_sentence(damage: str, archives: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(archives, tmp_path / "source"))
    data = bytearray((source / IMAGE_ARCHIVES[1]).read_bytes())
    if damage == "flipped":
        data[2000] ^= 255
    (source / IMAGE_ARCHIVES[1]).write_bytes(
        {"cut": data[: len(data) // 2], "flipped": data, "text": b"<html>"}[damage]
    )
    with pytest.raises(DataError, match=r"part_2\.zip is damaged or not a plain zip archive"):
        prepare(source, tmp_path / "out")
    assert not (tmp_path / "out" / "index.csv").exists()


def test_a_full_disk_is_told_before_extracting(
    archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(archives_module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match=r"is too full: .* MB are needed and 0 MB are free"):
        prepare(archives, tmp_path / "out")


def test_a_disk_that_fills_up_is_one_sentence(
    archives: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archives_module.shutil, "copyfileobj", full)
    out = tmp_path / "out"
    monkeypatch.setattr("sys.argv", ["retraining", "prepare", str(archives), "--out", str(out)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "error: the disk is full; make room and run the command again" in capsys.readouterr().err
    assert list((out / "images").iterdir()) == []


def test_the_output_may_lie_inside_the_source(
    folders: Folders, pictures: list[bytes], tmp_path: Path
) -> None:
    source = folders({"mel/a.jpg": pictures[0], "nv/b.jpg": pictures[1]})
    first = prepare(source, source / "out")
    pd.testing.assert_frame_equal(prepare(source, source / "out"), first)


def test_ham10000_is_its_own_taxonomy(archives: Path, tmp_path: Path) -> None:
    prepare(archives, tmp_path)
    assert load_taxonomy(tmp_path) == HAM10000


def test_a_zip_and_tables_of_the_isic_archive(pictures: list[bytes], tmp_path: Path) -> None:
    """One-hot classes, of which AK and SCC are akiec and UNK none; a second table is joined."""
    archive = tmp_path / "ISIC_2019_Training_Input.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, data in zip("abcde", pictures, strict=False):
            file.writestr(f"input/{name}.png", data)
    truth = tmp_path / "truth.csv"
    truth.write_text("image,MEL,NV,AK,SCC,UNK\na,1,0,0,0,0\nb,0,1,0,0,0\nc,0,0,1,0,0\n"
                     "d,0,0,0,1,0\ne,0,0,0,0,1\n")  # fmt: skip
    more = tmp_path / "more.csv"
    more.write_text("image,age_approx,lesion_id,camera\na,50,L1,X\nb,,L1,\nz,1,,\n")
    index = prepare(
        archive, tmp_path / "out", metadata_files=[truth, more], rendering="small", skip=True
    )
    assert index.dx.to_list() == ["mel", "nv", "akiec", "akiec"]
    assert index.lesion_id.to_list() == ["L1", "L1", "c", "d"]
    assert index.rendering.eq("small").all()
    read = load_index(tmp_path / "out" / "index.csv")
    assert read.loc[0, ["age", "camera"]].to_list() == ["50.0", "X"]
    assert list(read.columns[: len(INDEX_COLUMNS)]) == list(INDEX_COLUMNS)
    # Of a part of the images the classes are those that it has.
    truth.write_text(truth.read_text().replace("c,0,0,1", "x,0,0,1").replace("d,0", "y,0"))
    index = prepare(archive, tmp_path / "out", metadata_files=[truth, more], skip=True)
    assert load_taxonomy(tmp_path / "out").codes == ("mel", "nv")
    with pytest.raises(DataError, match="one archive: --metadata must name the file"):
        prepare(archive, tmp_path / "out")
