"""What the costliest file of each format takes, of those that the limits let in.

`python benchmarks/decoding.py`: processor time of one core and memory beyond what the process had,
each file in a process of its own.
"""

import multiprocessing
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import quality
from tests.quality.worst import WORST

MOST = 2.0
"""Seconds of one core that a file may take."""


def measured(data: bytes) -> tuple[float, float]:
    """Seconds and MB that decoding a file takes."""
    Path("/proc/self/clear_refs").write_text("5")  # or the peak is the one of making the file
    before = peak()
    start = time.process_time()
    quality.decode(data)
    return time.process_time() - start, peak() - before


def peak() -> float:
    """The most memory that this process had, in MB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> int:
    """Print a row for each file; 1 where one takes longer than it may."""
    table = Table("File", "MB", "Seconds", "Memory (MB)")
    slow = False
    for name, make in WORST.items():
        data = make(quality.Limits())
        # A process each: what one file made the process keep would hide what the next needs.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            taken, memory = pool.apply(measured, (data,))
        table.add_row(name, f"{len(data) / 1e6:.2f}", f"{taken:.2f}", f"{memory:.0f}")
        slow |= taken > MOST
    Console().print(table)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
