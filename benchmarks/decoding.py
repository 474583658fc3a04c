"""What the costliest file of each format takes, of those that the limits let in.

`python benchmarks/decoding.py`: processor time of one core and memory beyond what the process had,
each file in a process of its own.
"""

import multiprocessing
import resource
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


def measured(name: str) -> tuple[int, float, float]:
    """Bytes of the file; seconds and MB that decoding it takes."""
    data = WORST[name](quality.Limits())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    quality.decode(data)
    taken = time.process_time() - start
    return len(data), taken, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> int:
    """Print a row for each file; 1 where one takes longer than it may."""
    table = Table("File", "MB", "Seconds", "Memory (MB)")
    slow = False
    for name in WORST:
        # A process each: what one file made the process keep would hide what the next needs.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            size, taken, memory = pool.apply(measured, (name,))
        table.add_row(name, f"{size / 1e6:.2f}", f"{taken:.2f}", f"{memory:.0f}")
        slow |= taken > MOST
    Console().print(table)
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
