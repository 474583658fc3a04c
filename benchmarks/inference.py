"""What one prediction costs: OpenVINO as served, against torch eager, in one run.

`python benchmarks/inference.py [--model NAME]... [--size 224] [--rounds 3] [--seconds 2]
[--out FILE.md]`; the weights of each checkpoint at that input size, whatever its card says, so that
figures of different ones compare (an ensemble's members at their own); without the shipped
checkpoint, a ResNeXt50 with random weights. Every candidate runs in processes of its own that take
turns; of each figure the best round counts, of memory the largest. The 8-bit form is calibrated on
drawn pictures: its speed is that of any calibration, its answers are not looked at.

- start: from the start of the process to the first prediction being done.
- memory: resident, at its highest, after single pictures and after batches of eight.
- floor: the network's multiply-adds at the rate at which torch multiplies large bf16 matrices
  here, on all cores.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from benchmarks.quality import drawn  # noqa: E402
from quality.output import write_text  # noqa: E402
from retraining.markdown import markdown_table  # noqa: E402

CANDIDATES = {
    "OpenVINO bf16": "openvino:bf16",
    "OpenVINO f32": "openvino:f32",
    "OpenVINO int8": "openvino:int8",
    "torch eager f32": "torch:f32",
    "torch eager bf16": "torch:bf16",
}
REFERENCE = "torch eager f32"
FASTER, MEGABYTES, SECONDS = 2.5, 300, 1.0
MATRIX = 2048
BATCH = 8
DRAWN = 18
EXTENSIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
NOTE = (
    "Made by `benchmarks/inference.py`: {processor}. The weights of each checkpoint at one input "
    "size; single pictures and batches of eight, resizing included; each form in processes of its "
    "own that take turns, of each figure the best round, of memory the largest; faster: than torch "
    "eager in float32."
)


def at_size(name: str, size: int, folder: Path) -> Path:
    """The checkpoint `name`, or a ResNeXt50 with random weights, at another input size."""
    from models.checkpoint.card import (
        DEFAULT_MODEL,
        Card,
        available,
        load_card,
        load_state_dict,
        locate,
    )
    from models.checkpoint.weights import save_checkpoint
    from models.registry.backbones import build_network, get_backbone
    from models.registry.taxonomy import HAM10000

    path = folder / "benchmark"
    if name == DEFAULT_MODEL and name not in available():
        print("The checkpoint is not there: random weights, which cost the same")
        card = Card(
            name=name,
            version="random",
            backbone=DEFAULT_MODEL,
            taxonomy=HAM10000,
            preprocessing=get_backbone(DEFAULT_MODEL).preprocessing(size),
            licence="none",
        )
        save_checkpoint(path, build_network(DEFAULT_MODEL, len(HAM10000)).state_dict(), card)
        return path
    source = locate(name)
    card = load_card(source)
    if card.members:
        return source
    preprocessing = replace(card.preprocessing, input_size=size)
    save_checkpoint(path, load_state_dict(source), replace(card, preprocessing=preprocessing))
    return path


def openvino_runner(folder: Path, precision: Any) -> Callable[[list[Any]], object]:
    from models.inference.classifier import Classifier

    return Classifier(folder, precision=precision).predict


def torch_runner(folder: Path, precision: str) -> Callable[[list[Any]], object]:
    import torch

    from models.checkpoint.weights import load_network

    network, card = load_network(folder)
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    network = network.to(kind)

    def predict(images: list[Any]) -> object:
        batch = np.stack([card.preprocessing.resize(image) for image in images])
        with torch.inference_mode():
            logits = network(torch.from_numpy(card.preprocessing.normalise(batch)).to(kind))
            return torch.softmax(logits.double() / card.temperature, dim=1).numpy()

    return predict


def median_ms(run: Callable[[], object], seconds: float) -> float:
    """Median time of a call, for at least `seconds` and five calls."""
    times: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until or len(times) < 5:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def peak_mb() -> float:
    """The highest resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts the parent's memory at the fork into ru_maxrss
        (line,) = (one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def measure(candidate: str, folder: Path, begun: float, seconds: float) -> dict[str, float]:
    """In the child process: the figures of one candidate."""
    library, _, precision = candidate.partition(":")
    runner = openvino_runner if library == "openvino" else torch_runner
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (BATCH, 224, 224, 3), dtype=np.uint8))
    predict = runner(folder, precision)
    predict(images[:1])
    figures = {"start_s": time.time() - begun}
    figures["one_ms"] = median_ms(lambda: predict(images[:1]), seconds)
    figures["one_mb"] = peak_mb()
    figures["eight_ms"] = median_ms(lambda: predict(images), seconds) / BATCH
    figures["eight_mb"] = peak_mb()
    if library == "torch" and precision == "bf16":
        figures["gmac_per_s"] = matrix_rate(seconds)
    return figures


def matrix_rate(seconds: float) -> float:
    """Billions of multiply-adds a second in a large bf16 matrix product."""
    import torch

    left = torch.randn(MATRIX, MATRIX).to(torch.bfloat16)
    right = torch.randn(MATRIX, MATRIX).to(torch.bfloat16)
    return MATRIX**3 / median_ms(lambda: left @ right, seconds) / 1e6


def multiply_adds(folder: Path) -> float:
    """Billions of multiply-adds of one picture, counted by running the network."""
    import torch

    from models.checkpoint.weights import load_network

    network, card = load_network(folder)
    input_size = card.preprocessing.input_size
    total = 0.0

    def count(layer: Any, _inputs: Any, output: Any) -> None:
        nonlocal total
        total += layer.weight[0].numel() * output.numel()

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.zeros(1, 3, input_size, input_size))
    return total / 1e9


def child(candidate: str, folder: Path, seconds: float) -> dict[str, float]:
    """Run `measure` in a process of its own."""
    command = [sys.executable, __file__, "--child", candidate, "--model", str(folder)]
    command += ["--seconds", str(seconds), "--begun", repr(time.time())]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(folder: Path, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """The figures of every candidate over all rounds."""
    with tempfile.TemporaryDirectory() as temporary:
        table = Path(temporary, "drawn.csv")
        pictures = [Path(temporary, f"{number}.jpg") for number in range(DRAWN)]
        for path, data in zip(pictures, drawn(DRAWN), strict=True):
            path.write_bytes(data)
        table.write_text("\n".join(["path", *map(str, pictures)]))
        for form in ([], ["--int8", "--calibration", str(table)]):
            subprocess.run(  # its own process: exporting loads torch
                [sys.executable, "-m", "models", "export", str(folder), *form],
                check=True,
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
            )
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in CANDIDATES}
    for _ in range(rounds):
        for name, candidate in CANDIDATES.items():
            runs[name].append(child(candidate, folder, seconds))
    return {
        name: {
            key: (max if key.endswith(("_mb", "_per_s")) else min)(run[key] for run in figures)
            for key in figures[0]
        }
        for name, figures in runs.items()
    }


def figures_table(results: dict[str, dict[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Titles, and a row for each candidate."""
    reference = results[REFERENCE]
    head = ["", "one", "faster", "of eight, each", "faster", "start", "memory", "eight"]
    rows = [
        [
            name,
            f"{figures['one_ms']:.1f} ms",
            f"{reference['one_ms'] / figures['one_ms']:.2f}x",
            f"{figures['eight_ms']:.1f} ms",
            f"{reference['eight_ms'] / figures['eight_ms']:.2f}x",
            f"{figures['start_s']:.2f} s",
            f"{figures['one_mb']:.0f} MB",
            f"{figures['eight_mb']:.0f} MB",
        ]
        for name, figures in results.items()
    ]
    return head, rows


def sentences(results: dict[str, dict[str, float]], folder: Path) -> list[str]:
    """The floor, and what the served form reaches."""
    from models.checkpoint.card import load_card, member_folders
    from models.inference.classifier import choose_precision

    card = load_card(folder)
    work = multiply_adds(folder)
    rate = results["torch eager bf16"]["gmac_per_s"]
    members = [load_card(one).backbone for one in member_folders(folder, card)]
    precision = choose_precision("auto", *(members or [card.backbone]))
    served = results[f"OpenVINO {precision}"]
    faster = results[REFERENCE]["one_ms"] / served["one_ms"]
    return [
        f"floor: {work:.2f} billion multiply-adds, of which a large bf16 matrix product does "
        f"{rate:.0f} a second: {1e3 * work / rate:.1f} ms",
        f"as served ({precision}): {faster:.2f} times as fast as torch eager (expected "
        f"with bf16: at least {FASTER}), {served['eight_mb']:.0f} MB (at most {MEGABYTES}), "
        f"ready in {served['start_s']:.2f} s (at most {SECONDS})",
    ]


def processor() -> str:
    """Its name and number format extensions, where the system says."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    about = {}
    for line in lines:
        key, _, value = line.partition(":")
        about.setdefault(key.strip(), value.strip())
    flags = [name for name in EXTENSIONS if name in about.get("flags", "").split()]
    return ", ".join([about.get("model name", platform.processor() or "unknown"), *flags])


def main() -> None:
    from models.checkpoint.card import DEFAULT_MODEL, load_card
    from models.inference.cores import usable_cores

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", action="append", help="can be repeated; default: $MODEL")
    parser.add_argument("--size", type=int, default=224, help="input size, pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure and round")
    parser.add_argument("--out", type=Path, help="a Markdown file for the tables")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--begun", type=float, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    models = chosen.model or [os.environ.get("MODEL", DEFAULT_MODEL)]
    if chosen.child:
        print(json.dumps(measure(chosen.child, Path(models[0]), chosen.begun, chosen.seconds)))
        return
    text = f"# What one prediction costs\n\n{NOTE.format(processor=processor())}\n"
    for name in models:
        with tempfile.TemporaryDirectory() as temporary:
            os.environ["CACHE_DIR"] = temporary
            folder = at_size(name, chosen.size, Path(temporary))
            results = compare(folder, chosen.rounds, chosen.seconds)
            card = load_card(folder)
            size = card.preprocessing.input_size
            title = f"{card.name} at {size}, {usable_cores()} cores"
            table = markdown_table(*figures_table(results))
            found = "\n".join(f"- {line}" for line in sentences(results, folder))
        part = f"## {title}\n\n{table}\n{found}\n"
        print(part, flush=True)
        text += f"\n{part}"
    if chosen.out:
        write_text(chosen.out, text)


if __name__ == "__main__":
    main()
