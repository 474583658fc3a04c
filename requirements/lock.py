"""Pin every group of pyproject.toml: requirements/GROUP.txt, and dash_environment.yml for conda.

All groups are resolved together first, for every supported Python on Linux and macOS, and each
group is then resolved within that answer, so that a package has one version in all files. Pins
already in the files are kept unless they no longer fit; `--upgrade` takes the newest.

The CUDA packages that torch names on Linux stay out: torch's own metadata pins each exactly, and a
CPU-only torch must not bring them along.

    python requirements/lock.py [--upgrade]
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
GROUPS = ("serve", "explain", "train", "scale", "dev")
RUNTIME = ("serve", "explain", "train", "scale")  # what `make run` and the conda environment hold
ACCELERATOR = re.compile(r"(nvidia|cuda)-|triton\b")
SUPPORTED = [
    {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": system,
        "platform_machine": machine,
    }
    for version, (system, machine) in product(
        ("3.11", "3.12", "3.13"), (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))
    )
]
HEADER = "# Made by `make lock` from {}. Do not edit.\n"
CONDA = """\
name: blur_dash
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def simplify(line: str) -> str | None:
    """A pin without a marker that every supported environment meets; None if none meets it."""
    requirement = Requirement(line)
    if requirement.marker is None:
        return line
    met = [requirement.marker.evaluate(environment) for environment in SUPPORTED]
    if all(met):
        return f"{requirement.name}{requirement.specifier}"
    return line if any(met) else None


def pins(file: Path) -> list[str]:
    """The lines `name==version[ ; marker]` of a requirements file, without the CUDA packages."""
    lines = file.read_text().splitlines() if file.exists() else []
    kept = (line for line in lines if line[:1].isalnum() and not ACCELERATOR.match(line))
    return [pin for pin in map(simplify, kept) if pin]


def write(file: Path, lines: Iterable[str], header: str = "") -> None:
    """Write a header and lines."""
    file.write_text(header + "".join(f"{line}\n" for line in lines))


def resolve(extras: list[str], output: Path, *options: str) -> None:
    """Resolve the base dependencies and `extras` into `output`, whose pins are preferred."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *extras]
    command += ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    subprocess.run([*command, "--quiet", "-o", str(output), *options], cwd=ROOT, check=True)


def main(options: list[str]) -> None:
    """Write all files."""
    files = {group: ROOT / "requirements" / f"{group}.txt" for group in GROUPS}
    with tempfile.TemporaryDirectory() as folder:
        together = Path(folder) / "all.txt"
        write(together, sorted({line for file in files.values() for line in pins(file)}))
        resolve(["--all-extras"], together, *options)
        write(together, pins(together))
        for group, file in files.items():
            part = Path(folder) / f"{group}.txt"
            resolve(["--extra", group], part, "--constraint", str(together))
            write(file, pins(part), HEADER.format(f"the group {group!r} of pyproject.toml"))
    runtime = sorted({line for group in RUNTIME for line in pins(files[group])})
    conda = HEADER.format("pyproject.toml") + CONDA
    write(ROOT / "dash_environment.yml", (f'      - "{line}"' for line in runtime), conda)


if __name__ == "__main__":
    main(sys.argv[1:])
