"""From a checkpoint to its serving form, OpenVINO IR in a cache folder. Making it needs torch.

What the graph takes and gives is in `models.export.graph`. Its weights are float32 with the batch
normalisation folded in: rounded to float16 after the folding, probabilities of a trained network
moved by up to 0.007; folded at every start instead, they cost 60 MB more and twice the time.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.checkpoint.card import (
    OOD_FILE,
    WEIGHTS_DIR,
    WEIGHTS_FILE,
    Card,
    file_sha256,
    load_card,
    locate,
    member_folders,
)
from models.checkpoint.ood_parameters import load_ood
from models.checkpoint.weights import load_network
from models.export.cache import cache_dir
from models.registry.backbones import get_backbone

EXPORT_VERSION = 6
GRAPH_FILE = "model.xml"
GRAPH_WEIGHTS_FILE = "model.bin"
INT8_SUFFIX = "-int8"
_STAGING_PREFIX = ".making-"
_STAGING_LIFETIME = 3600.0  # seconds; an export takes less than a minute


def export_path(folder: Path, card: Card, cache: Path | None = None) -> Path:
    """Where the export of a checkpoint belongs, whether or not it is there.

    The name carries a hash of all that the graph depends on, so an export that was made from
    other weights or by another OpenVINO is never used in place of this one.
    """
    made_from: dict[str, Any] = {
        "export": EXPORT_VERSION,
        "openvino": version("openvino"),
        "classes": len(card.taxonomy),
    }
    if card.members:
        own = [(one, load_card(one)) for one in member_folders(folder, card)]
        made_from["members"] = [_member(*one) for one in own]
        made_from["shares"] = card.shares
    else:
        made_from |= _ingredients(folder, card)
    digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    return (cache or cache_dir()) / f"{folder.name}-{digest[:16]}"


def _member(folder: Path, card: Card) -> dict[str, Any]:
    supported = get_backbone(card.backbone).supports_bf16
    return _ingredients(folder, card) | {"t": card.temperature, "bfloat16": supported}


def _ingredients(folder: Path, card: Card) -> dict[str, Any]:
    """What one network's part of a graph depends on."""
    ood = folder / OOD_FILE
    return {
        "weights": card.weights_sha256 or file_sha256(folder / WEIGHTS_FILE),
        "ood": file_sha256(ood) if ood.is_file() else None,
        "backbone": card.backbone,
        "preprocessing": card.preprocessing.to_dict(),
    }


def exported(
    name: str | Path,
    cache: Path | None = None,
    *,
    root: Path = WEIGHTS_DIR,
    int8: bool = False,
) -> Path | None:
    """The folder of an up-to-date export, None where there is none. Needs no torch.

    name: a checkpoint under `root`, or the path of a checkpoint's folder.
    int8: the quantised one, see `models.export.int8`.
    Raises CheckpointError where there is no such checkpoint.
    """
    folder = locate(name, root)
    path = export_path(folder, load_card(folder), cache)
    path = path.with_name(path.name + INT8_SUFFIX) if int8 else path
    return path if (path / GRAPH_FILE).is_file() else None


def export(name: str | Path, cache: Path | None = None, *, root: Path = WEIGHTS_DIR) -> Path:
    """Make the serving form of a checkpoint and return its folder; at once if it is there.

    The folder appears whole or not at all, and several processes may export at the same time.
    Needs torch only where there is something to make; raises
    CheckpointError for a checkpoint that is missing or damaged.
    """
    found = exported(name, cache, root=root)
    if found is not None:
        return found
    folder = locate(name, root)
    from models.export.graph import Part, convert

    card = load_card(folder)
    sources = member_folders(folder, card) or [folder]
    parts = [Part(*load_network(source), load_ood(source)) for source in sources]
    target = export_path(folder, card, cache)
    model, exact = convert(parts, card.shares)
    return publish(model, target, exact)


def publish(model: Any, target: Path, exact: Collection[str] = ()) -> Path:
    """Write an `openvino.Model` as the folder `target`, whole or not at all; returns the folder.

    exact: names of the nodes that stay in float32 where the rest is computed in bfloat16.
    """
    from models.export.mixed_precision import keep_float32
    from models.runtime import ov

    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=target.parent))
    try:
        ov.save_model(model, staging / GRAPH_FILE, compress_to_fp16=False)
        if exact:
            keep_float32(staging / GRAPH_FILE, set(exact))
        for file in staging.iterdir():
            file.chmod(0o644)
            _to_disk(file)
        staging.chmod(0o755)
        with contextlib.suppress(OSError):  # another process was first: its export is as good
            staging.rename(target)
        if not (target / GRAPH_FILE).is_file():
            raise OSError(f"the export could not be written to {target}")
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _to_disk(file: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _sweep(cache: Path) -> None:
    """Remove what exports that were killed have left."""
    for left in cache.glob(f"{_STAGING_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STAGING_LIFETIME:
                shutil.rmtree(left, ignore_errors=True)
