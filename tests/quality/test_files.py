"""Reading a picture from disk."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest

import quality
from tests.quality.makers import picture, save

RGB = picture()


def test_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpeg"
    path.write_bytes(save(RGB, "PNG"))
    assert np.array_equal(quality.read(path), RGB)
    assert np.array_equal(quality.read(str(path)), RGB)


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


def refuse(folder: object) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)


def test_what_is_no_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device might never end; a folder that cannot be entered has a reason of its own."""
    with pytest.raises(OSError, match="device, not a file"):
        quality.read("/dev/zero")
    with pytest.raises(IsADirectoryError):
        quality.read(tmp_path)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="Permission denied"):
        quality.read(tmp_path)


@pytest.mark.parametrize("most", [2**20, 20])
def test_a_pipe_is_read_to_its_end_or_to_the_limit(tmp_path: Path, most: int) -> None:
    pipe, content = tmp_path / "pipe", save(RGB[:8, :8], "PNG")
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(content,))
    writing.start()
    if most > len(content):
        assert quality.read_bytes(pipe, quality.Limits(max_bytes=most)) == content
    else:
        with pytest.raises(quality.ImageTooLargeError, match="at most 20"):
            quality.read_bytes(pipe, quality.Limits(max_bytes=most))
    writing.join()
