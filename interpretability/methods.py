"""The table of attribution methods, from which every list of choices derives. Needs no torch."""

import difflib
import math
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
        if self.bfloat16 and get_backbone(backbone).bfloat16:
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


def get_method(name: str) -> Method:
    """The method called `name`; ValueError names the nearest and all.

    Examples:
        >>> get_method("occlusion").signed
        True
        >>> get_method("grad_cam")
        Traceback (most recent call last):
        ...
        ValueError: unknown method 'grad_cam'. Did you mean 'gradcam'? The methods are ...
    """
    try:
        return METHODS[name]
    except KeyError:
        near = difflib.get_close_matches(name.lower(), METHODS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"unknown method {name!r}.{hint} The methods are {', '.join(METHODS)}"
        ) from None


_STEPS = Parameter("steps", int, 2, 500, (20, 50, 150), "points along the path")
_SAMPLES = Parameter("samples", int, 2, 500, (8, 20, 60), "gradients that are averaged")
# In float32, as integrated gradients: rank correlation of bfloat16 maps with it was 0.966 to 0.987
# on pictures of lesions.
_SHAP_SAMPLES = Parameter("samples", int, 2, 500, (5, 12, 40), "gradients that are averaged")
_QUERIES = Parameter("samples", int, 20, 10000, (100, 500, 2000), "pictures that are asked")
_REGIONS = Parameter("superpixels", int, 4, 400, (30, 50, 80), "regions that are hidden")
_NO_RULE_FOR_SILU = (
    "Guided Grad-CAM is defined for networks whose activations are ReLU; {} has SiLU, through "
    "which it would silently become the plain gradient"
)
_NO_RULE_FOR_PRODUCTS = (
    "DeepLIFT has no rule for the products of activations in {}'s squeeze-and-excitation blocks"
)
_GATED = ("efficientnet_b0", "efficientnet_b2", "mixnet_xl")


def _windows(settings: Mapping[str, Number]) -> float:
    positions = max(0.0, 1 - settings["window"]) / settings["stride"]
    return float(math.ceil(round(positions, 6)) + 1) ** 2 + 1


_ENTRIES: tuple[Method, ...] = (
    Method(
        name="gradcam",
        label="Grad-CAM",
        paper="Selvaraju et al., Grad-CAM, ICCV 2017, arXiv:1610.02391",
        text=(
            "Weighs the last feature map by how much each channel speaks for the class. "
            "It tells the region, coarsely, not the detail; weight against the class is kept."
        ),
        signed=True,
        forward_only=False,
        passes=lambda _: 3,
    ),
    Method(
        name="saliency",
        label="Saliency",
        paper="Simonyan et al., Deep Inside Convolutional Networks, 2013, arXiv:1312.6034",
        text=(
            "The size of the gradient of the class score at every pixel. "
            "It tells where a small change would matter most, not what speaks for the class."
        ),
        signed=False,
        forward_only=False,
        passes=lambda _: 3,
    ),
    Method(
        name="smoothgrad",
        label="SmoothGrad",
        paper="Smilkov et al., SmoothGrad, 2017, arXiv:1706.03825",
        text=(
            "The gradient averaged over copies of the picture with noise, so that single pixels "
            "no longer flicker. Read it as saliency."
        ),
        signed=False,
        forward_only=False,
        fails_randomisation=True,
        bfloat16=True,
        parameters=(_SAMPLES,),
        passes=lambda s: 3 * s["samples"],
    ),
    Method(
        name="integrated_gradients",
        label="Integrated Gradients",
        paper="Sundararajan et al., Axiomatic Attribution for Deep Networks, ICML 2017, "
        "arXiv:1703.01365",
        text=(
            "Gradients summed along the way from a plain picture in the colour of the skin to "
            "this one. The values add up to the difference of the two scores."
        ),
        signed=True,
        forward_only=False,
        fails_randomisation=True,
        parameters=(_STEPS,),
        passes=lambda s: 3 * s["steps"],
    ),
    Method(
        name="gradient_shap",
        label="GradientShap",
        paper="Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, NIPS 2017, "
        "arXiv:1705.07874",
        text=(
            "Gradients at random points between the picture and three versions without detail: "
            "skin colour, mean colour, blurred. It estimates Shapley values of the pixels."
        ),
        signed=True,
        forward_only=False,
        fails_randomisation=True,
        parameters=(_SHAP_SAMPLES,),
        passes=lambda s: 3 * s["samples"],
    ),
    Method(
        name="deeplift",
        label="DeepLIFT",
        paper="Shrikumar et al., Learning Important Features Through Propagating Activation "
        "Differences, ICML 2017, arXiv:1704.02685",
        text=(
            "Passes the difference from a plain picture in the colour of the skin back through "
            "the network, layer by layer. The values add up to the difference of the two scores."
        ),
        signed=True,
        forward_only=False,
        passes=lambda _: 8,
        fails_randomisation=True,
        refused={name: _NO_RULE_FOR_PRODUCTS.format(name) for name in _GATED}
        | {
            ENSEMBLE: "DeepLIFT has no rule for the mean of probabilities that joins an "
            "ensemble's members"
        },
    ),
    Method(
        name="guided_gradcam",
        label="Guided Grad-CAM",
        paper="Selvaraju et al., Grad-CAM, ICCV 2017, arXiv:1610.02391; Springenberg et al., "
        "Striving for Simplicity, 2014, arXiv:1412.6806",
        text=(
            "Grad-CAM's region with the detail of guided backpropagation. "
            "The detail is mostly the picture's own edges, which guided backpropagation also finds "
            "in a network with random weights: trust the region more."
        ),
        signed=True,
        forward_only=False,
        passes=lambda _: 6,
        refused={name: _NO_RULE_FOR_SILU.format(name) for name in _GATED},
    ),
    Method(
        name="occlusion",
        label="Occlusion",
        paper="Zeiler & Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014, "
        "arXiv:1311.2901",
        text=(
            "How far the class score falls where a square window is painted over in the colour "
            "of the skin. It needs nothing but the model's answers."
        ),
        signed=True,
        forward_only=True,
        parameters=(
            Parameter("window", float, 0.02, 0.8, (0.25, 0.2, 0.125), "share of the side"),
            Parameter("stride", float, 0.02, 0.8, (0.125, 1 / 15, 0.04), "share of the side"),
        ),
        passes=_windows,
    ),
    Method(
        name="lime",
        label="LIME",
        paper="Ribeiro et al., Why Should I Trust You?, KDD 2016, arXiv:1602.04938",
        text=(
            "A linear model of the class score, fitted to pictures in which random superpixels "
            "are painted over in the colour of the skin. Each superpixel shows its weight."
        ),
        signed=True,
        forward_only=True,
        parameters=(_QUERIES, _REGIONS),
        passes=lambda s: s["samples"],
    ),
    Method(
        name="kernel_shap",
        label="Kernel SHAP",
        paper="Lundberg & Lee, A Unified Approach to Interpreting Model Predictions, NIPS 2017, "
        "arXiv:1705.07874",
        text=(
            "As LIME, with the samples and weights for which the fitted weights are Shapley "
            "values. They add up to the difference from a plain picture in the colour of the skin."
        ),
        signed=True,
        forward_only=True,
        parameters=(_QUERIES, _REGIONS),
        passes=lambda s: s["samples"],
    ),
)

METHODS: Mapping[str, Method] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
