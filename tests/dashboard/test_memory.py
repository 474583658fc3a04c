import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from Dashboard import memory

PROGRAM = """
import ctypes, sys
from Dashboard.memory import return_large_blocks
if sys.argv[1] == "set":
    assert return_large_blocks()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
size, count = 16 * 2**20, 12
def held():
    pages = open("/proc/self/statm").read().split()[1]
    return int(pages) * 4096
before = held()
for _ in range(2):
    blocks = [libc.malloc(size) for _ in range(count)]
    small = libc.malloc(100_000)  # kept: what is below it on the heap cannot be given back
    for block in blocks:
        ctypes.memset(block, 1, size)
        libc.free(block)
print((held() - before) // 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_blocks_go_back_to_the_system(repository: Path) -> None:
    held = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", PROGRAM, how],
                cwd=repository,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for how in ("set", "unset")
    }
    assert held["set"] < 16 < held["unset"]


def test_another_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: SimpleNamespace())
    assert memory.return_large_blocks() is False
