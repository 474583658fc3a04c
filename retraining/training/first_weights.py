"""The weights that a run begins with: published, random, of a checkpoint or of another run."""

from pathlib import Path
from zlib import crc32

import torch
from torch import nn

from models.checkpoint.card import load_card, load_state_dict, locate
from models.errors import CheckpointError
from models.pretrained.imagenet import imagenet_state
from models.registry.backbones import build_network, get_backbone, head_keys
from retraining.training.hints import begin_alike
from retraining.training.run_folder import BEST_FILE, load_trained
from retraining.training.settings import BARE_WEIGHTS, TrainConfig


def initial_network(config: TrainConfig, classes: int) -> nn.Module:
    """The network that training starts from; the same for the same seed.

    Raises ValueError where `config.weights` is a checkpoint of another backbone, or of another
    number of classes and its weights are to be interpolated with the learnt ones.
    """
    torch.manual_seed(config.seed)
    if config.weights == "imagenet":
        return pretrained_network(config.backbone, classes, config.drop_path)
    network = build_network(config.backbone, classes, config.drop_path)
    if config.hints:
        begin_alike(network, Path(config.hints))
    if config.weights == "none":
        return network
    backbone, known, state = _learnt(config.weights)
    if backbone != config.backbone:
        raise ValueError(
            f"weights {config.weights!r} is a checkpoint of {backbone}; the backbone of this "
            f"run is {config.backbone}"
        )
    if known != classes:
        if config.wise_ft_alpha < 1:
            raise ValueError(
                f"wise_ft_alpha {config.wise_ft_alpha} needs weights that know the {classes} "
                f"classes; {config.weights!r} knows {known}"
            )
        # Other classes: its layers are kept, its last layer is not.
        state = {k: v for k, v in state.items() if k not in head_keys(config.backbone)}
        state |= {k: torch.zeros_like(network.state_dict()[k]) for k in head_keys(config.backbone)}
    network.load_state_dict(state)
    return network


def fingerprint(config: TrainConfig, network: nn.Module) -> int:
    """Of the learnt weights that `initial_network` gave, 32 bits; 0 where they knew no classes."""
    if config.weights in BARE_WEIGHTS:
        return 0
    found = 0
    for tensor in network.state_dict().values():
        found = crc32(tensor.numpy().tobytes(), found)
    return found


def _learnt(name: str) -> tuple[str, int, dict[str, torch.Tensor]]:
    """Backbone, number of classes and weights of the checkpoint, or of the run in the folder."""
    try:
        folder = locate(name)
    except CheckpointError:
        if not (Path(name) / BEST_FILE).is_file():
            raise
        network, config, taxonomy = load_trained(Path(name))
        return config.backbone, len(taxonomy), dict(network.state_dict())
    card = load_card(folder)
    return card.backbone, len(card.taxonomy), load_state_dict(folder)


def pretrained_network(name: str, num_classes: int, drop_path: float = 0.0) -> nn.Module:
    """The backbone `name` with its published weights and a new last layer of `num_classes`.

    Raises WeightsUnavailableError where they are neither here nor to be downloaded.
    """
    network = build_network(name, num_classes, drop_path)
    own, state = network.state_dict(), imagenet_state(get_backbone(name))
    head = head_keys(name)
    # A last layer of zeros: random logits would first pull at features that are good already.
    network.load_state_dict({k: own[k].zero_() if k in head else state[k] for k in own})
    return network
