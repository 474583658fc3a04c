"""Which files a list of paths means, and reading one."""

import os
from pathlib import Path

import numpy as np
import pytest

import quality
from tests.quality.makers import picture, save

RGB = picture()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures, one below another folder, and other files."""
    (tmp_path / "b" / "deep").mkdir(parents=True)
    for name in ("b/deep/2.PNG", "b/1.tif", "a.jpeg", "b/notes.txt", "z.webp", "c.gif", "._a.jpeg"):
        (tmp_path / name).write_bytes(save(RGB, "PNG"))
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


def test_folders_are_searched_for_pictures(folder: Path) -> None:
    found = quality.find_images([folder])
    assert [path.relative_to(folder).as_posix() for path in found] == [
        "a.jpeg", "b/1.tif", "b/deep/2.PNG", "z.webp",
    ]  # fmt: skip


def test_named_files_are_included_whatever_their_ending(folder: Path) -> None:
    notes, first = folder / "b" / "notes.txt", folder / "a.jpeg"
    assert quality.find_images([notes, first, folder / "b", notes]) == [
        notes,
        first,
        folder / "b" / "1.tif",
        folder / "b" / "deep" / "2.PNG",
    ]


def test_what_is_left_out_of_a_folder_is_told(folder: Path) -> None:
    assert quality.find_others([folder, folder / "b"]) == [folder / "c.gif"]  # no notes, no dots
    assert quality.left_out([folder]) == (
        "1 file is no picture by its ending (JPEG, PNG, WebP, TIFF or BMP is accepted) and was "
        f"left out: {folder / 'c.gif'}"
    )
    for name in ("1.HEIC", "b/2.avif", "b/deep/3", "4.svg"):
        (folder / name).touch()
    shown = ", ".join(str(folder / name) for name in ("1.HEIC", "4.svg", "b/2.avif"))
    assert quality.left_out([folder, folder]) == (
        "5 files are no pictures by their endings (JPEG, PNG, WebP, TIFF or BMP is accepted) and "
        f"were left out: {shown} and 2 more"
    )


def test_nobody_misses_notes_hidden_files_and_files_named_themselves(folder: Path) -> None:
    (folder / ".git").mkdir()
    for name in (".git/index", ".DS_Store", "Thumbs.db", "measured.CSV", "b/card.json"):
        (folder / name).touch()
    assert quality.left_out([folder, folder / "c.gif", folder / "missing"]) == ""


def test_missing_path() -> None:
    with pytest.raises(FileNotFoundError, match="no such file or folder: nowhere"):
        quality.find_images([Path("nowhere")])


def test_suffixes_are_those_of_the_accepted_formats() -> None:
    assert {".jpg", ".png", ".webp", ".tif", ".bmp"} < quality.IMAGE_SUFFIXES
    assert ".gif" not in quality.IMAGE_SUFFIXES


def test_read(folder: Path) -> None:
    assert np.array_equal(quality.read(folder / "a.jpeg"), RGB)
    assert np.array_equal(quality.read(str(folder / "a.jpeg")), RGB)


def test_read_stops_at_the_limit(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        os.truncate(file.fileno(), 10**11)
    with pytest.raises(
        quality.ImageTooLargeError, match="100,000,000,000 bytes; at most 15,728,640"
    ):
        quality.read(large)


def test_read_refuses_as_decode_does(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(quality.EmptyImageError):
        quality.read(empty)
    with pytest.raises(FileNotFoundError):
        quality.read(tmp_path / "missing.jpg")
