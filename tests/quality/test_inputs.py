"""Which files a list of paths means, and what of the folders is left out."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import quality
from quality.inputs import is_hidden
from tests.quality.makers import picture, save

PNG = save(picture(), "PNG")
Make = Callable[..., None]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Put files below the test's folder: pictures, or what `content` is."""

    def put(*names: str, content: bytes = PNG) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    return put


def found(folder: Path) -> list[str]:
    """The files that a folder means, as seen from it."""
    return [path.relative_to(folder).as_posix() for path in quality.find_inputs([folder]).files]


def test_folders_are_searched_for_pictures(make: Make, tmp_path: Path) -> None:
    make("b/deep/2.PNG", "b/1.tif", "a.jpeg", "b/notes.txt", "z.webp", "._a.jpeg", "0.jpg/1.bmp")
    assert found(tmp_path) == ["0.jpg/1.bmp", "a.jpeg", "b/1.tif", "b/deep/2.PNG", "z.webp"]
    assert quality.find_inputs([tmp_path]).sentences() == []


def test_what_was_named_itself_comes_first_once_and_whatever_it_is(
    make: Make, tmp_path: Path
) -> None:
    make("b/1.tif", "b/notes.txt", "a.pdf", content=b"%PDF")
    make("b/.hidden.png")
    named = [tmp_path / name for name in ("gone", "b/notes.txt", "b/.hidden.png")]
    inputs = quality.find_inputs(
        [*named, tmp_path / "b", tmp_path / "gone", tmp_path / "a.pdf", tmp_path, "x" * 5000]
    )
    assert inputs.files == [
        *named, tmp_path / "b" / "1.tif", tmp_path / "a.pdf", Path("x" * 5000),
    ]  # fmt: skip
    assert inputs.sentences() == []


def test_without_a_known_ending_the_content_decides(make: Make, tmp_path: Path) -> None:
    """A picture of a format that is not accepted is somebody's picture, and gets its row."""
    make("IMG_0001", "photo.jfif", "a.jpg.bak")
    make("b.heic", content=b"\0\0\0\x18ftypheic")
    make("c.gif", content=b"GIF89a")
    make("d.pdf", "e", content=b"%PDF-1.7")
    make("empty", content=b"")
    assert found(tmp_path) == ["IMG_0001", "a.jpg.bak", "b.heic", "c.gif", "photo.jfif"]
    shown = ", ".join(str(tmp_path / name) for name in ("d.pdf", "e", "empty"))
    assert quality.find_inputs([tmp_path, tmp_path]).sentences() == [
        "3 files are no pictures by their content (JPEG, PNG, WebP, TIFF or BMP is accepted) and "
        f"were left out: {shown}"
    ]


@pytest.mark.parametrize(
    "name", [".trash", ".ipynb_checkpoints", "@eaDir", "__MACOSX", "#recycle", "$RECYCLE.BIN"]
)
def test_hidden_and_system_folders_are_not_entered_but_told(
    make: Make, tmp_path: Path, name: str
) -> None:
    make("a.png", f"day/{name}/deep/b.png", f"day/{name}/._b.png")
    make(f"day/{name}/index", content=b"x")
    inputs = quality.find_inputs([tmp_path])
    assert inputs.files == [tmp_path / "a.png"]
    assert inputs.sentences() == [
        "1 picture that is hidden or in a hidden or system folder was left out: "
        f"{tmp_path / 'day' / name / 'deep' / 'b.png'}"
    ]
    assert is_hidden(name.upper())
    # Who names it means it.
    assert found(tmp_path / "day" / name) == ["deep/b.png"]


def test_what_hides_is_read_where_it_is_named_or_linked(make: Make, tmp_path: Path) -> None:
    make("in/a.png", "in/.releases/b.png", "in/.trash/c.png")
    (tmp_path / "in" / "current").symlink_to(".releases")
    inputs = quality.find_inputs([tmp_path / "in", tmp_path / "in" / ".trash"])
    names = [path.relative_to(tmp_path / "in").as_posix() for path in inputs.files]
    assert names == ["a.png", "current/b.png", ".trash/c.png"]
    assert inputs.sentences() == []


def test_nobody_misses_notes_and_what_hides_without_pictures(make: Make, tmp_path: Path) -> None:
    make(".git/index", ".DS_Store", "Thumbs.db", "measured.CSV", "b/card.json", content=b"x")
    assert quality.find_inputs([tmp_path]).sentences() == []


def test_links_are_followed_and_each_folder_is_entered_once(make: Make, tmp_path: Path) -> None:
    make("elsewhere/1.png", "in/day/2.png")
    for link, target in (
        ("in/a linked day", "../elsewhere"), ("in/again", "day"), ("elsewhere/back", "../in/day"),
        ("in/day/round", "."), ("in/up", ".."), ("in/3.png", "day/2.png"),
    ):  # fmt: skip
        (tmp_path / link).symlink_to(target)
    inputs = quality.find_inputs([tmp_path / "in"])
    names = [path.relative_to(tmp_path / "in").as_posix() for path in inputs.files]
    assert names == ["3.png", "a linked day/1.png", "day/2.png"]
    assert inputs.sentences() == [
        f"1 link leads back to a folder above and was not followed: {tmp_path / 'in' / 'up'}"
    ]


def test_what_cannot_be_entered_is_named_and_among_the_files(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it gets a row with its reason, and the exit code tells that pictures were lost."""
    make("a.png", "locked/b.png", ".locked/c.png")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "itself.png").symlink_to("itself.png")
    scandir = os.scandir

    def locked(folder: str | Path) -> object:
        if Path(folder).name.endswith("locked"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", locked)
    inputs = quality.find_inputs([tmp_path])
    names = [path.name for path in inputs.files]
    assert names == ["a.png", "gone", "itself.png", "locked"]
    assert inputs.sentences() == [
        "3 folders or links were not readable: "
        f"{tmp_path / 'gone'} (No such file or directory), "
        f"{tmp_path / 'itself.png'} (Too many levels of symbolic links), "
        f"{tmp_path / 'locked'} (Permission denied)"
    ]
    assert quality.find_inputs([tmp_path / "locked"]).files == [tmp_path / "locked"]


def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        inputs = quality.find_inputs([tmp_path])
    assert inputs.files == []
    assert inputs.others == [tmp_path / "pipe.png", tmp_path / "socket"]


def test_a_file_that_cannot_be_opened_may_be_a_picture(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    make("scan")
    monkeypatch.setattr(Path, "open", refuse)
    assert found(tmp_path) == ["scan"]


def test_suffixes_are_those_of_the_accepted_formats() -> None:
    assert {".jpg", ".png", ".webp", ".tif", ".bmp"} < quality.IMAGE_SUFFIXES
    assert ".gif" not in quality.IMAGE_SUFFIXES
