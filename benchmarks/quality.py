"""What decoding and the quality gate cost, relative to decoding alone.

`python benchmarks/quality.py [PICTURE_OR_FOLDER...]`; by default the originals below HAM10000_ROOT
where that is set, else drawn pictures of 600x450. All figures come from one run, in which the
functions take turns.
"""

import argparse
import io
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from skimage.exposure import is_low_contrast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import quality
from quality.__main__ import cores

MOST = 2.5
"""How many times the JPEG decode the gate may take, decode included."""

STEP = 0.02
"""Of the threshold, in the search that `gamma` replaces."""

Pixels = NDArray[np.uint8]


def drawn(count: int = 18) -> list[bytes]:
    """JPEG files of noise on a smooth lesion, about as large as dermatoscopic photographs."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(count):
        skin = np.full((450, 600, 3), rng.integers(150, 230, 3), dtype=np.float64)
        cv2.ellipse(skin, (300, 225), (170, 120), 20, 0, 360, (90.0, 60.0, 50.0), -1)
        skin = cv2.GaussianBlur(skin, (0, 0), 12) + rng.normal(0, 7, skin.shape)
        buffer = io.BytesIO()
        Image.fromarray(np.clip(skin, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=95)
        files.append(buffer.getvalue())
    return files


def search(image: Pixels) -> float:
    """Gamma to within `STEP`, by asking scikit-image again and again."""
    threshold = STEP
    while not is_low_contrast(image, fraction_threshold=threshold):
        threshold += STEP
    return threshold


def opencv_gate(data: bytes) -> tuple[float, float, float]:
    """The gate written the short way: OpenCV, numpy and the search."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    sharpness = cv2.Laplacian(image, cv2.CV_64F).var()
    value = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 2].mean()
    return float(sharpness), search(image), float(value)


def quickest(
    functions: dict[str, Callable[[int], object]], count: int, rounds: int
) -> dict[str, float]:
    """Mean over the pictures of each function's quickest call, in milliseconds.

    A function takes the number of a picture. Processor time is counted, that of all threads
    together, and its minimum picture by picture: what else the machine does hardly shows.
    """
    best = {name: [float("inf")] * count for name in functions}
    for _ in range(rounds):
        for number in range(count):
            for name, function in functions.items():
                start = time.process_time()
                function(number)
                seconds = time.process_time() - start
                best[name][number] = min(best[name][number], seconds)
    return {name: statistics.mean(seconds) * 1e3 for name, seconds in best.items()}


def throughput(files: list[bytes], threads: int, seconds: float = 2.0) -> float:
    """Pictures per second of wall time, decoded and checked by a number of threads."""
    with ThreadPoolExecutor(threads) as pool:
        start, passed, done = time.perf_counter(), 0.0, 0
        while passed < seconds:
            done += sum(
                1 for _ in pool.map(lambda data: quality.check(quality.decode(data)), files)
            )
            passed = time.perf_counter() - start
    return done / passed


def main() -> None:
    """Measure and print; exit code 1 where the gate takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    root = os.environ.get("HAM10000_ROOT")
    paths = arguments.paths or ([Path(root) / "originals"] if root else [])
    files = [path.read_bytes() for path in quality.find_inputs(paths).files] or drawn()
    images = [quality.decode(data) for data in files]

    functions: dict[str, Callable[[int], object]] = {
        "Pillow: decode to an array": lambda n: np.array(Image.open(io.BytesIO(files[n]))),
        "OpenCV: decode to an array": lambda n: cv2.imdecode(
            np.frombuffer(files[n], np.uint8), cv2.IMREAD_COLOR_RGB
        ),
        "decode": lambda n: quality.decode(files[n]),
        "laplacian_variance": lambda n: quality.laplacian_variance(images[n]),
        "gamma": lambda n: quality.gamma(images[n]),
        "brightness": lambda n: quality.brightness(images[n]),
        "check": lambda n: quality.check(images[n]),
        "decode + check": lambda n: quality.check(quality.decode(files[n])),
        "cv2.Laplacian(image, CV_64F).var()": lambda n: cv2.Laplacian(images[n], cv2.CV_64F).var(),
        "is_low_contrast once": lambda n: is_low_contrast(images[n], fraction_threshold=0.15),
        f"is_low_contrast in steps of {STEP}": lambda n: search(images[n]),
        "gate of OpenCV, numpy and that search": lambda n: opencv_gate(files[n]),
    }
    times = quickest(functions, len(files), arguments.rounds)
    pillow, opencv = times["Pillow: decode to an array"], times["OpenCV: decode to an array"]

    sizes = {f"{image.shape[1]}x{image.shape[0]}" for image in images}
    size = sizes.pop() if len(sizes) == 1 else "various sizes"
    kilobytes = statistics.median(len(data) for data in files) / 1024
    table = Table("per picture", title=f"{len(files)} pictures, {size}, median {kilobytes:.0f} KiB")
    for heading in ("ms", "of Pillow's decode", "of OpenCV's decode"):
        table.add_column(heading, justify="right")
    for name, value in times.items():
        table.add_row(name, f"{value:.2f}", f"{value / pillow:.2f}", f"{value / opencv:.2f}")
    console = Console()
    console.print(table)
    ratio = times["decode + check"] / pillow
    console.print(f"decode + check takes {ratio:.2f} of Pillow's decode (at most {MOST})")
    faster = times[f"is_low_contrast in steps of {STEP}"] / times["gamma"]
    console.print(f"gamma is {faster:.0f} times faster than the search it replaces")

    # As the command does it, one picture per thread.
    cv2.setNumThreads(1)
    alone = throughput(files, 1)
    for threads in sorted({1, cores()}):
        rate = alone if threads == 1 else throughput(files, threads)
        console.print(
            f"{threads} thread(s): {rate:.0f} pictures per second, {rate / alone:.2f} times one"
        )
    sys.exit(ratio > MOST)


if __name__ == "__main__":
    main()
