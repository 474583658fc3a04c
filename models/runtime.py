"""OpenVINO, imported so that it is quiet and safe: all of the product takes `ov` from here.

Quiet: importing `openvino` sends an event to a statistics server unless the user has opted out by
a file in the home folder. Its own code falls back to a stub where `openvino_telemetry` cannot be
imported, so that package is hidden from this process before the import.

Safe: its bindings fill tables of element types at their first use, and give up the interpreter's
lock on the way while holding another one. Two threads that come first together wait for each
other for ever (seen with OpenVINO 2026.4). Python imports a module in one thread only, so the
tables are filled here.
"""

import sys

import numpy as np

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402

for _kind in (ov.Type.u8, ov.Type.f32):
    ov.Tensor(np.zeros(1, _kind.to_dtype()), shared_memory=True).data.sum()

__all__ = ["ov"]
