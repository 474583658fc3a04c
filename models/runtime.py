"""OpenVINO, imported without its telemetry: every module of the product takes `ov` from here.

Importing `openvino` sends an event to a statistics server unless the user has opted out by a file
in the home folder. Its own code falls back to a stub where `openvino_telemetry` cannot be
imported, so that package is hidden from this process before the import. Nothing else is changed.
"""

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

import openvino as ov  # noqa: E402

__all__ = ["ov"]
