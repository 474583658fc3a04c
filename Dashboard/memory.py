"""Memory of large images goes back to the system once they are done with."""

import ctypes

M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
LARGE_BYTES = 4 * 2**20


def return_large_blocks() -> bool:
    """Have glibc map blocks from `LARGE_BYTES` on their own, and so give them back when freed.

    Left alone it learns from the first large image to keep such blocks for each thread: a worker
    that saw a few 50-megapixel photographs then holds several hundred MB for good.

    Returns:
        Whether it was set; False where the C library is another one.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES))
    except (OSError, AttributeError, TypeError):
        return False
