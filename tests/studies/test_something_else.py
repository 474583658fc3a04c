"""Pictures of other things: which of a package's files are taken, and from which packages."""

import os
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

import quality
from retraining.evaluation.not_dermoscopic import sample_pictures
from retraining.evaluation.something_else import origin
from studies.something_else.collect import Package, collect, packages, write_origin


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for results; apt-get is one that gives a package of six files."""
    if shutil.which("dpkg-deb") is None:
        pytest.skip("dpkg-deb is not there")
    rng = np.random.default_rng(0)
    tree = tmp_path / "tree"
    art = tree / "usr/share/art"
    art.mkdir(parents=True)
    picture = rng.integers(0, 256, (80, 2048, 3)).astype(np.uint8)
    cv2.imwrite(str(art / "wide.jpg"), picture)
    cv2.imwrite(str(art / "icon.png"), picture[:40, :40])
    known = next(picture for _, name, picture in sample_pictures() if name == "chelsea.png")
    smaller = cv2.resize(known, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(art / "cat.png"), smaller[:, :, ::-1])
    head = struct.pack(">5I4s", 24, 1, 70, 70, 3, b"GPAT")
    (art / "wood.pat").write_bytes(head + picture[:70, 100:170].tobytes())
    with zipfile.ZipFile(art / "pak0.pk3", "w") as archive:
        stone = cv2.imencode(".png", picture[:, 400:500])[1]
        archive.writestr("textures/stone.png", stone.tobytes())
    (art / "README").write_text("No picture.", encoding="utf-8")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: art\nVersion: 1.2-3\nArchitecture: all\nMaintainer: A <a@example.org>\n"
        "Description: pictures\n",
        encoding="utf-8",
    )
    made = tmp_path / "art_1.2-3_all.deb"
    command = ["dpkg-deb", "--build", "-Znone", "--root-owner-group", str(tree), str(made)]
    subprocess.run(command, check=True, capture_output=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "apt-get").write_text(f"#!/bin/sh\ncp {made} .\n", encoding="utf-8")
    (programs / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_pictures_of_a_package(packed: Path) -> None:
    art = Package("art", "binary", "fit", 9, "share/art/", "things")
    row = collect(art, packed)
    assert row == {
        "package": "art", "version": "1.2-3", "part": "fit", "pictures": 3, "about": "things"
    }  # fmt: skip
    shapes = {quality.read(path).shape for path in (packed / "fit/art").iterdir()}
    # The wide one scaled, the pattern, what lies in the archive; no icon, no sample of ours.
    assert shapes == {(40, 1024, 3), (70, 70, 3), (80, 100, 3)}
    assert sorted(path.name for path in packed.iterdir()) == ["fit"]
    assert collect(art._replace(at_most=1, part="choose"), packed)["pictures"] == 1
    assert collect(art._replace(path="textures/|nowhere/", part="choose"), packed)["pictures"] == 1
    write_origin([row], packed)
    assert origin(packed) == [{key: str(value) for key, value in row.items()}]


def test_what_is_looked_at_has_other_makers_than_what_is_learnt_from() -> None:
    listed = packages()
    assert {one.part for one in listed} == {"fit", "choose"}
    assert {one.kind for one in listed} <= {"binary", "source", "pypi"}
    assert len({one.name for one in listed}) == len(listed) > 30
    assert all(one.about and one.at_most > 0 for one in listed)
