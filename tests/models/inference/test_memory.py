import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from models.inference import memory

HELD = """
import ctypes, sys
from models.inference.memory import return_large_blocks
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

FAULTS = """
import resource, sys
import numpy as np
from models.inference.memory import keep_freed_blocks
if sys.argv[1] == "set":
    assert keep_freed_blocks()
def step():
    blocks = [np.ones(size * 2**20, np.uint8) for size in (48, 64, 80)]
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

# Not in the tests' own process: a training there has glibc keep freed blocks, for good.
RESIDENT = """
import sys
from models.inference import memory
before = memory.resident_bytes()
held = bytearray(bytes(64 * 2**20))
if sys.argv[1] == "freed":
    del held
    memory.return_freed_blocks()
print(memory.resident_bytes() - before if sys.argv[1] != "before" else before)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")


def printed(program: str, how: str, folder: Path) -> int:
    command = [sys.executable, "-c", program, how]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return int(done.stdout)


@glibc
def test_freed_blocks_go_back_to_the_system(repository: Path) -> None:
    held = {how: printed(HELD, how, repository) for how in ("set", "unset")}
    assert held["set"] < 16 < held["unset"]


@glibc
def test_freed_blocks_are_kept_for_the_next(repository: Path) -> None:
    faults = {how: printed(FAULTS, how, repository) for how in ("set", "unset")}
    assert faults["set"] < faults["unset"] / 10


@pytest.mark.parametrize("set_it", [memory.return_large_blocks, memory.keep_freed_blocks])
def test_another_c_library(set_it, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: SimpleNamespace())
    assert set_it() is False


@glibc
def test_what_is_resident(repository: Path) -> None:
    assert printed(RESIDENT, "held", repository) > 60 * 2**20
    assert printed(RESIDENT, "freed", repository) < 20 * 2**20
    assert printed(RESIDENT, "before", repository) > 10 * 2**20
