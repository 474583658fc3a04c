"""Where exported models are kept."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """The folder of exported models: `CACHE_DIR`, or a folder in the user's cache."""
    named = os.environ.get("CACHE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "skin-lesion-dashboard"
