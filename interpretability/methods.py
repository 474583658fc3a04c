"""The table of attribution methods, from which every list of choices derives. Needs no torch."""

import difflib
import math
from collections.abc import Mapping
from types import MappingProxyType

from interpretability.method import ENSEMBLE, Method, Number, Parameter
from models.registry.backbones import BACKBONES

_STEPS = Parameter("steps", int, 2, 500, (20, 50, 150), "points along the path")
_SAMPLES = Parameter("samples", int, 2, 500, (8, 20, 60), "gradients that are averaged")
# In float32, as integrated gradients: rank correlation of bfloat16 maps with it was 0.966 to 0.987
# on pictures of lesions.
_SHAP_SAMPLES = Parameter("samples", int, 2, 500, (5, 12, 40), "gradients that are averaged")
_QUERIES = Parameter("samples", int, 20, 10000, (100, 500, 2000), "pictures that are asked")
_REGIONS = Parameter("superpixels", int, 4, 400, (30, 50, 80), "regions that are hidden")
_NO_RULE_FOR_ACTIVATION = (
    "Guided Grad-CAM is defined for networks whose activations are ReLU; {} has {}, through "
    "which it would silently become the plain gradient"
)
_NO_RULE_FOR_PRODUCTS = "DeepLIFT has no rule for the products of activations in {}'s {} blocks"
_TRANSFORMERS = tuple(name for name, entry in BACKBONES.items() if entry.patch)
_NO_ATTENTION = "Attention rollout follows a transformer's attention; {} has convolutions alone"
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
        refused={
            name: _NO_RULE_FOR_PRODUCTS.format(name, "squeeze-and-excitation") for name in _GATED
        }
        | {name: _NO_RULE_FOR_PRODUCTS.format(name, "attention") for name in _TRANSFORMERS}
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
        refused={name: _NO_RULE_FOR_ACTIVATION.format(name, "SiLU") for name in _GATED}
        | {name: _NO_RULE_FOR_ACTIVATION.format(name, "GELU") for name in _TRANSFORMERS},
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
    Method(
        name="attention",
        label="Attention rollout",
        paper="Chefer et al., Generic Attention-model Explainability, ICCV 2021, arXiv:2103.15679; "
        "Abnar & Zuidema, Quantifying Attention Flow in Transformers, ACL 2020, arXiv:2005.00928",
        text=(
            "The attention of every layer where it speaks for the class, followed back to the "
            "patches of the picture. It tells where the network took from, not what it saw there."
        ),
        signed=False,
        forward_only=False,
        passes=lambda _: 3,
        refused={
            name: _NO_ATTENTION.format(name) for name in BACKBONES if name not in _TRANSFORMERS
        }
        | {ENSEMBLE: "Attention rollout is of one transformer; an ensemble's members share none"},
    ),
)

METHODS: Mapping[str, Method] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


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
