"""Weights of a checkpoint on disk: written whole or not at all, read back as a network.

All functions that touch tensors need torch.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.checkpoint.backbone_weights import backbone_state
from models.checkpoint.card import (
    WEIGHTS_FILE,
    Card,
    file_sha256,
    load_card,
    load_state_dict,
    member_folders,
)
from models.checkpoint.card_files import write_card
from models.checkpoint.ensemble import join
from models.checkpoint.evaluation import ModelEvaluation
from models.checkpoint.provenance import Provenance
from models.errors import CheckpointError
from models.registry.backbones import build_network, head_keys

if TYPE_CHECKING:
    import torch

RECIPE_DIR = "recipe"  # the files that make a checkpoint again, written by hand


def save_checkpoint(
    folder: Path,
    state_dict: Mapping[str, "torch.Tensor"],
    card: Card,
    evaluation: ModelEvaluation | None = None,
    provenance: Provenance | None = None,
    *,
    half: bool = True,
) -> Card:
    """Write a checkpoint whole or not at all, in place of one that is there.

    evaluation, provenance: where they are not given, nothing was measured and nothing is known.
    half: store floating-point tensors as float16.
    Of a card with `backbone_weights` the last layer's tensors alone are stored.
    Returns the card with `weights_sha256` filled in.
    """
    import torch
    from safetensors.torch import save_file

    if card.backbone_weights:
        state_dict = {key: state_dict[key] for key in head_keys(card.backbone)}
    tensors = {}
    for key, tensor in state_dict.items():
        tensor = tensor.detach().to("cpu")
        if half and tensor.is_floating_point():
            tensor = tensor.to(torch.float16)
            if not torch.isfinite(tensor).all():
                raise CheckpointError(f"tensor {key!r} does not fit into float16")
        tensors[key] = tensor.contiguous().clone()
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        staging.chmod(0o755)
        save_file(tensors, staging / WEIGHTS_FILE)
        card = replace(card, weights_sha256=file_sha256(staging / WEIGHTS_FILE))
        (staging / WEIGHTS_FILE).chmod(0o644)
        write_card(staging, card, evaluation or ModelEvaluation(), provenance or Provenance())
        put_folder(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return card


def put_folder(staging: Path, folder: Path) -> None:
    """Put a finished folder beside `folder` in its place; of what was there its recipe stays."""
    if folder.exists():
        old = staging.with_name(staging.name + "-old")
        folder.replace(old)
        if (old / RECIPE_DIR).is_dir() and not (staging / RECIPE_DIR).exists():
            (old / RECIPE_DIR).replace(staging / RECIPE_DIR)
        staging.replace(folder)
        shutil.rmtree(old)
    else:
        staging.replace(folder)


def load_network(folder: Path) -> tuple["torch.nn.Module", Card]:
    """The network in evaluation mode, float32 on the CPU, and its card. Needs torch.

    Of an ensemble it is `models.checkpoint.ensemble.join` of its members.
    """
    card = load_card(folder)
    if card.members:
        return join([load_network(one) for one in member_folders(folder, card)], card), card
    network = build_network(card.backbone, len(card.taxonomy))
    state = load_state_dict(folder)
    if card.backbone_weights:
        state |= backbone_state(
            card.backbone, card.backbone_weights, len(card.taxonomy), Path(folder).parent
        )
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"the weights in {folder} do not fit {card.backbone}: {error}"
        ) from None
    return network.eval(), card
