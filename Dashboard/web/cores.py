"""How many processor cores this process may use, and how the server divides them."""

import math
import os
from pathlib import Path

CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
CGROUP_V1 = Path("/sys/fs/cgroup/cpu")
MOST_WORKERS = 8


def quota(v2: Path = CGROUP_V2, v1: Path = CGROUP_V1) -> float | None:
    """Cores that a container's limit grants (`docker run --cpus`), None where there is none."""
    try:
        granted, period = v2.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        try:
            granted = (v1 / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (v1 / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        except OSError:
            return None
    try:
        cores = float(granted) / float(period)  # "max" and -1 stand for no limit
    except (ValueError, ZeroDivisionError):
        return None
    return cores if cores > 0 else None


def usable() -> int:
    """Cores this process may use, at least 1: its affinity, and a container's limit rounded up."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limit = quota()
    return max(1, cores if limit is None else min(cores, math.ceil(limit)))


def workers(cores: int) -> int:
    """Server processes: one for each core, at most `MOST_WORKERS`; each holds its own model."""
    return min(cores, MOST_WORKERS)


def share(cores: int, processes: int) -> int:
    """Cores for each of several processes: how many images it works on at the same time."""
    return max(1, cores // processes)


def threads(cores: int, processes: int) -> int:
    """Threads for inference in each process: twice its share, where there are as many cores.

    An image that comes alone then has the core next door as well. Under load two processes lend
    each other what one of them does not need while it decodes.
    """
    return min(cores, 2 * share(cores, processes))


def streams(threads: int) -> int:
    """Images that a process classifies at the same time, each on two threads."""
    return max(1, threads // 2)
