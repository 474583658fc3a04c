"""What is told of an attribution method: parameters, cost, what it works with. Needs no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from models.registry.backbones import get_backbone

Precision = Literal["Low", "Medium", "High"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
Number = int | float
Refusals = Mapping[str, str]
ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Parameter:
    """A number that sets the effort of a method.

    name: as in `explain(..., settings={name: value})`.
    kind: int or float.
    low, high: the least and the largest value that is accepted.
    values: for Low, Medium and High.
    text: what it is, with its unit.
    """

    name: str
    kind: type[int] | type[float]
    low: Number
    high: Number
    values: tuple[Number, Number, Number]
    text: str

    def checked(self, value: object) -> Number:
        """`value` as this parameter's kind; ValueError names it and what is accepted."""
        if (
            not isinstance(value, int | float)
            or isinstance(value, bool)
            or not self.low <= value <= self.high
            or self.kind(value) != value
        ):
            kind = "a whole number" if self.kind is int else "a number"
            raise ValueError(
                f"{self.name} must be {kind} from {self.low} to {self.high}, got {value!r}"
            )
        return self.kind(value)


@dataclass(frozen=True)
class Method:
    """An attribution method and what a user must know of it.

    name: the key of the table, and of the command line.
    label: for people.
    paper: where it was published.
    text: what it does and how to read its map, two sentences.
    signed: whether negative values speak against the target; otherwise the map has no negative
        values and says where the network is sensitive.
    forward_only: whether it only asks the served model, without gradients.
    passes: pictures that run through the network, for given settings; one that also runs
        backward counts three times.
    parameters: that set its effort; none for a method of a single pass.
    fails_randomisation: whether its maps stay alike when the network's weights are replaced by
        random ones (Adebayo et al., NeurIPS 2018, arXiv:1810.03292): such a map shows the
        picture's edges as much as the network's reasons. Measured by `faithfulness`: mean rank
        correlation of magnitudes that `randomisation.fails`, in reports/explanations.
    bfloat16: whether its map is the same in bfloat16 (rank correlation with float32 at least 0.99
        on pictures of lesions, see benchmarks/explanations.py): it is averaged over many gradients.
    refused: backbones that it does not work with, and the sentence that says why.
    """

    name: str
    label: str
    paper: str
    text: str
    signed: bool
    forward_only: bool
    passes: Callable[[Mapping[str, Number]], float]
    parameters: tuple[Parameter, ...] = ()
    fails_randomisation: bool = False
    bfloat16: bool = False
    refused: Refusals = field(default_factory=dict)

    @property
    def has_precision(self) -> bool:
        """Whether Low, Medium and High differ."""
        return bool(self.parameters)

    def settings(
        self, precision: str = "Medium", changes: Mapping[str, object] | None = None
    ) -> dict[str, Number]:
        """The parameters' values at a precision, with `changes` made to them by name.

        Raises ValueError for an unknown precision or parameter, or a value out of range.

        Examples:
            >>> from interpretability.methods import METHODS
            >>> METHODS["occlusion"].settings("Low")
            {'window': 0.25, 'stride': 0.125}
            >>> METHODS["occlusion"].settings("Low", {"window": 0.5})
            {'window': 0.5, 'stride': 0.125}
        """
        level = PRECISIONS.index(check_precision(precision))
        known = {parameter.name: parameter for parameter in self.parameters}
        unknown = sorted(set(changes or {}) - set(known))
        if unknown:
            accepted = ", ".join(known) or "none"
            raise ValueError(f"{self.name} has no parameter {unknown[0]!r}; it has: {accepted}")
        chosen = {name: parameter.values[level] for name, parameter in known.items()}
        for name, value in (changes or {}).items():
            chosen[name] = known[name].checked(value)
        return chosen

    def expected_seconds(
        self,
        precision: str = "Medium",
        backbone: str = "resnext50_32x4d",
        input_size: int = 224,
        settings: Mapping[str, object] | None = None,
    ) -> float:
        """About how long a map takes on two cores, seconds, once the network is loaded."""
        passes = self.passes(self.settings(precision, settings))
        seconds = SERVED_SECONDS if self.forward_only else TORCH_SECONDS
        if self.bfloat16 and get_backbone(backbone).supports_bf16:
            seconds /= 2
        area = (input_size / 224) ** 2
        return OVERHEAD_SECONDS + passes * area * seconds * COST.get(backbone, 1.0)

    def supported(self, backbone: str) -> str | None:
        """None where it works with the backbone, otherwise the sentence that says why not.

        backbone: a key of the registry, or "ensemble"; an ensemble also asks for its members'.
        """
        if backbone in self.refused:
            return self.refused[backbone]
        if backbone != ENSEMBLE:
            get_backbone(backbone)
        return None


# Seconds of two cores for a picture of 224 pixels through a resnext50_32x4d, measured by
# benchmarks/explanations.py; and about what other backbones cost beside it.
SERVED_SECONDS, TORCH_SECONDS, OVERHEAD_SECONDS = 0.035, 0.05, 0.05
COST: Mapping[str, float] = MappingProxyType(
    {
        "resnet18": 0.4,
        "resnet34": 0.8,
        "densenet161": 2.0,
        "mobilenet_v2": 0.3,
        "efficientnet_b0": 0.4,
        "efficientnet_b2": 0.6,
        "efficientnet_lite0": 0.3,
        "efficientnet_lite2": 0.5,
    }
)


def check_precision(precision: str) -> Precision:
    """`precision` itself; ValueError names the accepted ones."""
    if precision not in PRECISIONS:
        raise ValueError(
            f"unknown precision {precision!r}; the precisions are {', '.join(PRECISIONS)}"
        )
    return precision
