"""OpenVINO, imported so that it is quiet and safe: all of the product takes `ov` from here.

Quiet: importing `openvino` sends an event to a statistics server unless the user has opted out by
a file in the home folder. Its own code falls back to a stub where `openvino_telemetry` cannot be
imported, so that package is hidden from this process before the import.

Safe: its bindings fill tables of element types at their first use, and give up the interpreter's
lock on the way while holding another one. Two threads that come first together wait for each
other for ever (seen with OpenVINO 2026.4). Python imports a module in one thread only, so the
tables are filled here.
"""

import ctypes
import sys
from pathlib import Path

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402

for _kind in (ov.Type.u8, ov.Type.f32):
    ov.Tensor(np.zeros(1, _kind.to_dtype()), shared_memory=True).data.sum()

MADV_DONTNEED = 4  # of Linux's mman.h


def forget_pages(file: Path) -> int:
    """Take a mapped file's pages out of this process's memory; returns how many bytes it mapped.

    A compiled model keeps its weights in the processor's own layout and the file they came from
    mapped beside it. That is read again where it is needed after all. Only mappings that cannot
    have been written to are touched; elsewhere than on Linux, none.
    """
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return 0
    libc = ctypes.CDLL(None)
    done = 0
    for line in maps.read_text().splitlines():
        span, rights, *_, name = line.split(maxsplit=5)
        if rights.startswith("r--") and name == str(file.resolve()):
            start, end = (int(address, 16) for address in span.split("-"))
            length = ctypes.c_size_t(end - start)
            if libc.madvise(ctypes.c_void_p(start), length, MADV_DONTNEED) == 0:
                done += end - start
    return done


def multiplies_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor computes in bfloat16 faster than in float32.

    OpenVINO's own choice, but for Intel's processors that have AVX512_BF16 without AMX, as virtual
    machines show them: there a product of bfloat16 pairs takes two turns of the unit that
    multiplies float32, and the conversions come on top (a ResNeXt50 at 128 pixels took 22 ms
    instead of 17, its training step 1.1 times as long).

    cpuinfo: Linux's table of the processor; where there is none, OpenVINO's choice stands.
    """
    if ov.Core().get_property("CPU", "INFERENCE_PRECISION_HINT") != ov.Type.bf16:
        return False
    about = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "GenuineIntel" not in about or "amx_bf16" in about


__all__ = ["forget_pages", "multiplies_bfloat16", "ov"]
