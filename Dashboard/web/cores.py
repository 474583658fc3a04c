"""How the server divides the processor cores among its processes and threads."""

MOST_WORKERS = 8


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
