"""How many processor cores this process may use."""

import math
import os
from pathlib import Path

CGROUP_V2 = Path("/sys/fs/cgroup/cpu.max")
CGROUP_V1 = Path("/sys/fs/cgroup/cpu")


def container_quota(v2: Path = CGROUP_V2, v1: Path = CGROUP_V1) -> float | None:
    """Cores that a container's limit grants (`docker run --cpus`), None where there is none.

    v2: the file of cgroups version 2; v1: the folder of version 1, read where `v2` is not there.
    """
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


def usable_cores() -> int:
    """Cores this process may use, at least 1: its affinity, and a container's limit rounded up.

    >>> 1 <= usable_cores() <= (os.cpu_count() or 1)
    True
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limit = container_quota()
    return max(1, cores if limit is None else min(cores, math.ceil(limit)))
