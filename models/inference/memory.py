"""What glibc does with freed memory: a server gives large blocks back, a training keeps them."""

import contextlib
import ctypes
import os
from pathlib import Path

# Of glibc's malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_MMAP_MAX = -4
NEVER = -1
LARGE_BYTES = 4 * 2**20


def return_large_blocks() -> bool:
    """Have glibc map blocks from `LARGE_BYTES` on their own, and so give them back when freed.

    Left alone it learns from the first large image to keep such blocks for each thread: a worker
    that saw a few 50-megapixel photographs then holds several hundred MB for good.

    Returns:
        Whether it was set; False where the C library is another one.
    """
    return _set((M_MMAP_THRESHOLD, LARGE_BYTES))


def return_freed_blocks() -> None:
    """Give back to the system what is free at the moment; of glibc alone."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def resident_bytes() -> int:
    """Memory of this process that is not on disk; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def keep_freed_blocks() -> bool:
    """Have glibc keep every freed block for the next that is asked for.

    Left alone it gives blocks of more than 32 MB back at once. A training step asks for the same
    hundreds of them again, and the system clears every page of them: up to a sixth of the
    processors' time. For a process that ends with its work.

    Returns:
        Whether it was set; False where the C library is another one.
    """
    return _set((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER))


def _set(*options: tuple[int, int]) -> bool:
    try:
        libc = ctypes.CDLL(None)
        return all(bool(libc.mallopt(*option)) for option in options)
    except (OSError, AttributeError, TypeError):
        return False
