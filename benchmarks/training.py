"""What a training step costs, torch as it comes and with what `train` does to it, in one run.

`python benchmarks/training.py [--backbone NAME] [--size 192] [--batch 64] [--rounds 2]`; random
weights and pictures, in bfloat16 where the processor is faster in it, as `train` does on the CPU.
Every row has what the row above has, and one thing more; every row runs in processes of its own
that take turns. Of times and page faults the best round counts, of memory the largest.

- teacher: the network's forward alone, in evaluation, as distillation asks for it.
- floor: of a step three times the network's multiply-adds (forward, and backward to inputs and
  weights), of a teacher once, at the rate at which torch multiplies large bf16 matrices here, on
  all cores. It leaves out all traffic between processor and memory.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from inference import matrix_rate, multiply_adds, peak_mb  # noqa: E402

ROWS = ("torch as it comes", "freed memory kept", "gradients in groups eased", "compiled")
WARM = 2


def measure(row: str, backbone: str, size: int, batch: int, steps: int) -> dict[str, float]:
    """In the child process: milliseconds of an image, page faults of a step, peak memory."""
    from models.inference.memory import keep_freed_blocks

    done = ROWS[: ROWS.index(row) + 1]
    if "freed memory kept" in done:
        keep_freed_blocks()
    import torch

    from models.registry.backbones import build_network, get_backbone
    from models.runtime import multiplies_bfloat16
    from retraining.training.grouped_convolutions import ease_gradients
    from retraining.training.losses import Teacher

    torch.manual_seed(0)
    network = build_network(backbone, 7).to(memory_format=torch.channels_last)
    pictures = torch.rand(batch, 3, size, size).to(memory_format=torch.channels_last)
    labels = torch.randint(7, (batch,))
    about = get_backbone(backbone).preprocessing(size)
    teacher = Teacher(deepcopy(network).eval().requires_grad_(False), backbone, about, 1.0)
    network.train()
    if "gradients in groups eased" in done:
        ease_gradients(network)
    if "compiled" in done:
        network.compile(dynamic=False)
        teacher.join_layers()
    optimiser = torch.optim.AdamW(network.parameters(), fused=True)

    def learn() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16()):
            loss = torch.nn.functional.cross_entropy(network(pictures).float(), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    def teach() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=multiplies_bfloat16()):
            teacher.logits(pictures)

    def timed(call: Callable[[], None]) -> tuple[float, float]:
        times: list[float] = []
        faults: list[int] = []
        for _ in range(WARM + steps):
            begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            call()
            times.append(time.perf_counter() - begun)
            faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
        return 1e3 * statistics.median(times[WARM:]) / batch, statistics.median(faults[WARM:])

    step, faults = timed(learn)
    mb = peak_mb()
    return {
        "step_ms": step,
        "faults": faults,
        "mb": mb,
        "teacher_ms": timed(teach)[0],
        "gmac_per_s": matrix_rate(1),
    }


def main() -> None:
    from rich.console import Console
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--backbone", default="efficientnet_lite2")
    parser.add_argument("--size", type=int, default=192, help="input size, pixels")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=6, help="of a round, after two to warm up")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        step = (chosen.backbone, chosen.size, chosen.batch, chosen.steps)
        print(json.dumps(measure(chosen.child, *step)))
        return
    runs: dict[str, list[dict[str, float]]] = {row: [] for row in ROWS}
    for _ in range(chosen.rounds):
        for row, found in runs.items():
            command = [sys.executable, *sys.argv, "--child", row]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
    best = {
        row: {key: min(run[key] for run in found) for key in found[0]}
        for row, found in runs.items()
    }
    console = Console(highlight=False, width=110)
    title = f"{chosen.backbone} at {chosen.size}, batches of {chosen.batch}, an image"
    table = Table(title=title, title_justify="left")
    for heading in ("", "step", "faster", "teacher", "faster", "page faults a step", "memory"):
        table.add_column(heading, justify="right" if heading else "left")
    reference = best[ROWS[0]]
    for row, figures in best.items():
        table.add_row(
            row,
            f"{figures['step_ms']:.1f} ms",
            f"{reference['step_ms'] / figures['step_ms']:.2f}x",
            f"{figures['teacher_ms']:.1f} ms",
            f"{reference['teacher_ms'] / figures['teacher_ms']:.2f}x",
            f"{figures['faults']:,.0f}",
            f"{max(run['mb'] for run in runs[row]):,.0f} MB",
        )
    console.print(table)
    work = multiply_adds(chosen.backbone, chosen.size)
    rate = max(run["gmac_per_s"] for found in runs.values() for run in found)
    console.print(
        f"floor: {work:.2f} billion multiply-adds forward, of which a large bf16 matrix product "
        f"does {rate:.0f} a second: a step {3e3 * work / rate:.1f} ms, "
        f"a teacher {1e3 * work / rate:.1f} ms"
    )


if __name__ == "__main__":
    main()
