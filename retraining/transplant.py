"""A ResNeXt50 that begins with the layers of a trained EfficientNet-Lite0.

An inverted residual block of the one and a bottleneck of the other are the same chain (a pointwise
convolution, a 3x3 convolution over groups, a pointwise convolution, a sum), and stages of the two
with the same stride have nearly as many blocks. So a block's weights can be written into a
bottleneck, whose groups hold a depthwise convolution as a special case; what a ResNeXt has beyond
that starts at random. In the tradition of Chen, Goodfellow & Shlens, Net2Net, ICLR 2016,
arXiv:1511.05641, but not exact; `retraining.stagewise` makes up for what differs:

- the stem is another, with a pooling: it and the first stage learn the first two stages' maps;
- kernels of 5x5 pixels lose their border; activations are not cut off at 6;
- hidden layers that are wider keep the channels that matter most to their block's output, and of
  the four blocks at stride 32 two are left.

Three things make the rest exact. A bottleneck ends with a rectification, the other's maps are
signed: they are carried with a constant added that keeps them positive, which the normalisation of
the next layer takes away again. Convolutions of stride 2 are padded on the right and bottom in
the one, on the left and top in the other: with every kernel turned by 180 degrees the student
does to a picture what the teacher does to that picture turned. And the teacher's last two
pointwise convolutions have nothing between them but a normalisation, so that one can do for both.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import torch
from timm.models._efficientnet_blocks import InvertedResidual
from timm.models.efficientnet import EfficientNet
from torch import nn
from torchvision.models import ResNet
from torchvision.models.resnet import Bottleneck

from models.backbones import get_backbone
from retraining.tensors import normalised

TEACHER, STUDENT = "efficientnet_lite0", "resnext50_32x4d"
# How far below its mean a carried map may fall before the rectification cuts it, in deviations.
MARGIN = 5.0
SMALLEST = 1e-3  # deviation of a map, for channels that are dead


class Place(NamedTuple):
    """Where a map of the teacher is found in the student.

    stage: of the teacher's `blocks`, whose output it is.
    channels: of the map.
    layer: of the student.
    first: its first channel there.
    """

    stage: int
    channels: int
    layer: str
    first: int


# The map of stage 1 is read from layer1 by a convolution, which layer2 then contains.
READOUT = 1
PLACES = (
    Place(2, 40, "layer2", 0),
    Place(3, 80, "layer3.2", 0),
    Place(4, 112, "layer3", 80),
    Place(5, 192, "layer4.1", 0),
)
# The channels of layer4 that take the teacher's last convolution.
HEAD = slice(768, 2048)
# In the order in which they are computed; LAST is that convolution's.
LAST = 7
MAPS = (READOUT, *(place.stage for place in PLACES), LAST)


class Outputs(NamedTuple):
    """maps: (N, D, h, w) by number, see `MAPS`. logits: (N, classes); None: not come so far."""

    maps: dict[int, torch.Tensor]
    logits: torch.Tensor | None = None


class Source(nn.Module):
    """The teacher, looking at pictures turned by 180 degrees, its maps turned back.

    mean, std: of its input.
    """

    def __init__(self, network: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.network = cast(EfficientNet, network.eval().requires_grad_(False))
        self.mean, self.std = tuple(mean), tuple(std)

    @property
    def stages(self) -> list[list[nn.Module]]:
        """The blocks, by stage."""
        return [list(blocks.children()) for blocks in self.network.blocks.children()]

    @torch.no_grad()
    def forward(self, raw: torch.Tensor, until: int = LAST) -> Outputs:
        """Maps up to number `until` of pictures (N, 3, H, H) in 0..1."""
        network = self.network
        x = network.bn1(network.conv_stem(normalised(_turned(raw), self.mean, self.std)))
        maps = {}
        for stage, blocks in enumerate(network.blocks):
            x = blocks(x)
            if stage in MAPS[:-1]:
                maps[stage] = _turned(x)
            if stage == until:
                return Outputs(maps)
        x = network.bn2(network.conv_head(x))
        maps[LAST] = _turned(x)
        return Outputs(maps, network.classifier(x.mean((2, 3))))


class Student(nn.Module):
    """The ResNeXt with what finds the teacher's maps in it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = cast(ResNet, network)
        self.readout = nn.Conv2d(256, 24, 1)
        for number, channels in _channels().items():
            self.register_buffer(f"deviation{number}", torch.ones(channels))
            self.register_buffer(f"added{number}", torch.zeros(channels))
        entry = get_backbone(STUDENT)
        self.mean, self.std = entry.mean, entry.std

    def forward(self, raw: torch.Tensor, until: int = LAST) -> Outputs:
        """As `Source`, whose maps these are to become."""
        network = self.network
        x = normalised(raw, self.mean, self.std)
        x = network.layer1(network.maxpool(network.relu(network.bn1(network.conv1(x)))))
        maps = {READOUT: self.readout(x)}
        if until == READOUT:
            return Outputs(maps)
        at = {place.layer: place for place in PLACES}
        for name in ("layer2", "layer3", "layer4"):
            layer = network.get_submodule(name)
            for index, block in enumerate(layer.children()):
                x = block(x)
                last = index == len(layer) - 1
                place = at.get(name if last else f"{name}.{index}")
                if place is not None:
                    held = x[:, place.first : place.first + place.channels]
                    maps[place.stage] = held - self.added(place.stage)[:, None, None]
                    if place.stage == until:
                        return Outputs(maps)
        maps[LAST] = x[:, HEAD]
        return Outputs(maps, network.fc(x.mean((2, 3))))

    def added(self, number: int) -> torch.Tensor:
        """The constants with which a map is carried, (channels,)."""
        return self.get_buffer(f"added{number}")

    def errors(self, own: Outputs, source: Outputs) -> dict[int, torch.Tensor]:
        """Mean squared error of each map, a channel's deviation being 1: scalars, 0 is perfect."""
        found = {}
        for number, ours in own.maps.items():
            scale = self.get_buffer(f"deviation{number}")[:, None, None]
            found[number] = (((ours - source.maps[number]) / scale) ** 2).mean()
        return found


@torch.no_grad()
def measure(
    student: Student, source: Source, pictures: Iterable[torch.Tensor]
) -> dict[tuple[int, int], torch.Tensor]:
    """Set the student's scales; returns the deviation of the hidden channels, by stage and block.

    pictures: batches (N, 3, H, H) in 0..1.
    """
    hidden: dict[tuple[int, int], list[torch.Tensor]] = {}

    def keep(place: tuple[int, int], _module: nn.Module, _inputs: Any, out: torch.Tensor) -> None:
        hidden.setdefault(place, []).append(out.var((0, 2, 3)))

    hooks = [
        block.get_submodule("bn2").register_forward_hook(partial(keep, (stage, index)))
        for stage, blocks in enumerate(source.stages)
        for index, block in enumerate(blocks)
        if stage > 0  # the first stage's blocks have no such layer
    ]
    found: dict[int, list[torch.Tensor]] = {number: [] for number in MAPS}
    for raw in pictures:
        for number, values in source(raw).maps.items():
            found[number].append(torch.stack([values.mean((0, 2, 3)), values.std((0, 2, 3))]))
    for hook in hooks:
        hook.remove()
    for number, rows in found.items():
        mean, deviation = torch.stack(rows).mean(0)
        student.get_buffer(f"deviation{number}").copy_(deviation.clamp_min(SMALLEST))
        if number not in (READOUT, LAST):
            student.added(number).copy_((MARGIN * deviation - mean).clamp_min(0))
    return {place: torch.stack(rows).mean(0).sqrt() for place, rows in hidden.items()}


def transplant(
    student: Student, source: Source, spread: Mapping[tuple[int, int], torch.Tensor]
) -> None:
    """Write the teacher's layers into the student, above its layer1 and its readout.

    spread: what `measure` returned.
    """
    stages, network = source.stages, student.network
    for name in ("layer2", "layer3", "layer4"):
        for block in network.get_submodule(name).children():
            _draw(cast(Bottleneck, block))
    read = student.readout.weight[:, :, 0, 0]
    with torch.no_grad():
        first, second, *_ = network.layer2
        _silence(first.downsample[1], 0, 40)
        _write(first, stages[2][0], read, range(144), 0, student.added(2))
        _write(second, stages[2][1], _chosen(512, 0, 40), range(240), 0)
        blocks = list(network.layer3)
        _silence(blocks[0].downsample[1], 0, 192)
        _silence(blocks[0].bn3, 80, 192)
        _write(blocks[0], stages[3][0], _chosen(512, 0, 40), range(240), 0, student.added(3))
        for index in (1, 2):
            _write(blocks[index], stages[3][index], _chosen(1024, 0, 80), range(480), 0)
        _write(blocks[3], stages[4][0], _chosen(1024, 0, 80), range(480), 80, student.added(4))
        for index in (1, 2):
            kept = _heaviest(stages[4][index], spread[4, index], 512)
            _write(blocks[3 + index], stages[4][index], _chosen(1024, 80, 112), kept, 80)
        blocks = list(network.layer4)
        for normalisation in (blocks[0].downsample[1], blocks[0].bn3):
            _silence(normalisation, HEAD.start, HEAD.stop)
        _silence(blocks[0].downsample[1], 0, 192)
        _write(blocks[0], stages[5][0], _chosen(1024, 80, 112), range(672), 0, student.added(5))
        kept = _heaviest(stages[5][1], spread[5, 1], 1024)
        _write(blocks[1], stages[5][1], _chosen(2048, 0, 192), kept, 0)
        kept = _heaviest(stages[6][0], spread[6, 0], 1024)
        _write(blocks[2], stages[6][0], _chosen(2048, 0, 192), kept, 0)
        _write_head(network, source, kept)


def _channels() -> dict[int, int]:
    return {READOUT: 24, **{place.stage: place.channels for place in PLACES}, LAST: 1280}


def _turned(x: torch.Tensor) -> torch.Tensor:
    return x.flip(-2, -1)


def _draw(block: Bottleneck) -> None:
    """Random weights; a block that adds to its input adds nothing."""
    for convolution in (block.conv1, block.conv2, block.conv3):
        nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    for normalisation in (block.bn1, block.bn2, block.bn3):
        normalisation.reset_parameters()
    if block.downsample is None:
        nn.init.zeros_(block.bn3.weight)
    else:
        nn.init.kaiming_normal_(block.downsample[0].weight, mode="fan_out")
        block.downsample[1].reset_parameters()


def _silence(normalisation: nn.Module, first: int, stop: int) -> None:
    """Channels that give 0, whatever comes."""
    for values in (normalisation.weight, normalisation.bias):
        cast(torch.Tensor, values)[first:stop] = 0


def _chosen(inputs: int, first: int, channels: int) -> torch.Tensor:
    """(channels, inputs) that takes `channels` of the inputs from `first` on."""
    return torch.eye(inputs)[first : first + channels]


def _heaviest(block: nn.Module, spread: torch.Tensor, width: int) -> list[int]:
    """The `width` hidden channels of a block that its output varies most with."""
    projection = cast(torch.Tensor, block.get_submodule("conv_pwl").weight)[:, :, 0, 0]
    weight = _gain(block.get_submodule("bn3"))[:, None] * projection
    return sorted(int(i) for i in (weight.norm(dim=0) * spread).topk(width).indices)


def _gain(normalisation: nn.Module) -> torch.Tensor:
    n = cast(nn.BatchNorm2d, normalisation)
    return n.weight / torch.sqrt(cast(torch.Tensor, n.running_var) + n.eps)


def _normalise(target: nn.Module, first: int, source: nn.Module, rows: Sequence[int]) -> None:
    """Copy rows of a normalisation to the target's rows from `first` on."""
    theirs, ours = cast(nn.BatchNorm2d, source), cast(nn.BatchNorm2d, target)
    place, chosen = slice(first, first + len(rows)), list(rows)
    variance = cast(torch.Tensor, theirs.running_var)
    own = cast(torch.Tensor, ours.running_var)
    own[place] = variance[chosen]
    cast(torch.Tensor, ours.running_mean)[place] = cast(torch.Tensor, theirs.running_mean)[chosen]
    ours.weight[place] = (_gain(theirs) * torch.sqrt(variance + ours.eps))[chosen]
    ours.bias[place] = theirs.bias[chosen]


def _write(
    target: Bottleneck,
    block: nn.Module,
    inputs: torch.Tensor,
    hidden: Sequence[int],
    first: int,
    added: torch.Tensor | None = None,
) -> None:
    """Make a bottleneck compute an inverted residual block, beside what else it has room for.

    inputs: (D, E), how the block's D inputs are made of the bottleneck's E.
    hidden: the channels of the block's hidden layer that are kept, which come first.
    first: the first channel of its output.
    added: to that output; None where the block adds to its input.
    """
    part = block.get_submodule
    chosen, count = list(hidden), len(hidden)
    expand = cast(torch.Tensor, part("conv_pw").weight)[:, :, 0, 0]
    depthwise = cast(torch.Tensor, part("conv_dw").weight)[chosen, 0]
    project = cast(torch.Tensor, part("conv_pwl").weight)[:, chosen, 0, 0]
    target.conv1.weight[:count] = (expand[chosen] @ inputs)[:, :, None, None]
    _normalise(target.bn1, 0, part("bn1"), chosen)
    border = (depthwise.shape[-1] - 3) // 2
    inner = depthwise[:, border : border + 3, border : border + 3]
    target.conv2.weight[:count] = 0
    row = torch.arange(count)
    target.conv2.weight[row, row % target.conv2.weight.shape[1]] = _turned(inner)
    _normalise(target.bn2, 0, part("bn2"), chosen)
    outputs = range(len(project))
    place = slice(first, first + len(outputs))
    target.conv3.weight[place] = 0
    target.conv3.weight[place, :count, 0, 0] = project
    _normalise(target.bn3, first, part("bn3"), outputs)
    if added is not None:
        target.bn3.bias[place] += added


def _write_head(network: ResNet, source: Source, hidden: Sequence[int]) -> None:
    """The last bottleneck ends with the teacher's last convolution, and its classifier follows.

    hidden: as the bottleneck has them already.
    """
    teacher, target = source.network, cast(Bottleneck, network.layer4[-1])
    block = cast(InvertedResidual, source.stages[6][0])
    _silence(target.bn3, 0, HEAD.start)
    last = teacher.conv_head.weight[:, :, 0, 0]
    gain = _gain(block.bn3)
    target.conv3.weight[HEAD] = 0
    project = block.conv_pwl.weight[:, list(hidden), 0, 0]
    target.conv3.weight[HEAD, : len(hidden), 0, 0] = last @ (gain[:, None] * project)
    _normalise(target.bn3, HEAD.start, teacher.bn2, range(len(last)))
    constant = last @ (block.bn3.bias - gain * cast(torch.Tensor, block.bn3.running_mean))
    cast(torch.Tensor, target.bn3.running_mean)[HEAD] -= constant
    network.fc.weight.zero_()
    network.fc.weight[:, HEAD] = teacher.classifier.weight
    network.fc.bias.copy_(teacher.classifier.bias)
