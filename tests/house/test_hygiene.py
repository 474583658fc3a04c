"""What a public repository of medical software must and must not contain."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.house.imports import FOLDERS

ROOT = Path(__file__).resolve().parents[2]
MEBIBYTE = 2**20
LARGEST = {"models/weights/": 80 * MEBIBYTE, "docs/": MEBIBYTE, "": MEBIBYTE // 4}
LONGEST_MODULE = 350  # lines; 300 or fewer read best
# Written so that none of these patterns matches its own text.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.])/(?:root|home|Users|work)/[a-z]",
    "a temporary path": r"(?<![\w.])/tm[p]/w\b",
    "a package index": r"(?i)(?:index-url|find-links|registry)[ =:\"']+https?:|https?://[\w./-]+/simple\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KE[Y]",
    "an access token": r"\b(?:ghp|gho|hf|sk|pypi)[_-][A-Za-z0-9_-]{20,}",
    "an unfinished note": r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b",
}  # fmt: skip


def tracked() -> list[Path]:
    """The files that git holds, relative to the root."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    names = listing.stdout.decode().split("\0")
    return [Path(name) for name in names if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    """Name and text of every tracked file that is text."""
    found = []
    for name in tracked():
        data = (ROOT / name).read_bytes()
        if b"\0" not in data[:8192]:
            found.append((name.as_posix(), data.decode("utf-8")))
    return found


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_text_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    hits = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert hits == []


def test_only_ci_knows_what_lies_beside_the_checkout() -> None:
    beside = "../" + "shared"
    assert [n for n, text in texts() if beside in text and not n.startswith(".ci/")] == []


def test_files_are_small() -> None:
    def limit(name: str) -> int:
        return next(size for start, size in LARGEST.items() if name.startswith(start))

    sizes = {file.as_posix(): (ROOT / file).stat().st_size for file in tracked()}
    assert {name: size for name, size in sizes.items() if size > limit(name)} == {}


def test_modules_are_short() -> None:
    lengths = {name: text.count("\n") for name, text in texts() if name.endswith(".py")}
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_no_patient_images_no_data_no_environment() -> None:
    def suspicious(file: Path) -> bool:
        return (
            re.search(r"ISIC_\d{7}|HAM10000_(images|metadata|segmentations)", file.name) is not None
            or file.suffix.lower() in {".zip", ".npy", ".npz", ".pt", ".pth", ".ckpt", ".pkl"}
            or bool({".venv", "__pycache__", "node_modules", "runs"} & set(file.parts))
        )

    assert [file for file in tracked() if suspicious(file)] == []


def test_pictures_lie_where_synthetic_ones_belong() -> None:
    pictures = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
    found = [file for file in tracked() if file.suffix.lower() in pictures]
    allowed = ("docs", "Dashboard/assets")
    assert [file for file in found if not file.as_posix().startswith(allowed)] == []


def test_text_ends_and_lines_are_clean() -> None:
    dirty = [
        name
        for name, text in texts()
        if text and (not text.endswith("\n") or re.search(r"[ \t]+$|\r", text, re.MULTILINE))
    ]
    assert dirty == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_states_its_contract(folder: str) -> None:
    text = (ROOT / folder / "README.md").read_text()
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) >= 4
    assert "import" in text.lower()


def test_licence_and_changelog() -> None:
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in changelog
    assert "Keep a Changelog" in changelog
