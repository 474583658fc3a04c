"""Seconds per explanation beside Captum in plain torch and the `lime` package.

    python benchmarks/explanations.py [--methods NAME,...] [--precision Low] [--model NAME]
        [--input-size S] [--picture FILE] [--only ours|captum|lime|agreement]

Ours is `Explainer.explain`, whole: preprocessing, prediction, map on the picture. Captum is the
same method with the same number of samples, called as its own examples do: float32, one sample per
call where that is its default, on the torch network. `lime` is its image explainer with its own
segmentation. `agreement` prints the rank correlation of maps computed in bfloat16 and in float32.
An input size other than the card's takes the same weights at that size.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interpretability.attribution.explainer import Explainer
from interpretability.methods import METHODS
from interpretability.rendering.drawing import drawn_lesion
from models.checkpoint.card import DEFAULT_MODEL
from models.checkpoint.weights import load_network, save_checkpoint

BUDGETS = {  # seconds, ResNeXt50 on two cores
    ("gradcam", "Medium"): 0.2,
    ("saliency", "Medium"): 0.3,
    ("guided_gradcam", "Medium"): 0.6,
    ("integrated_gradients", "Medium"): 3.5,
    ("gradient_shap", "Medium"): 1.5,
    ("occlusion", "Medium"): 5.0,
    ("lime", "Low"): 2.5,
    ("lime", "Medium"): 12.0,
    ("lime", "High"): 45.0,
}
BFLOAT16 = tuple(name for name, method in METHODS.items() if method.bfloat16)


def seconds_of(call: Callable[[], object], repeat: int) -> float:
    """The median of `repeat` calls after one to warm up (none for slow calls)."""
    taken = []
    for _ in range(repeat):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
        if sum(taken) > 20:
            break
    return float(np.median(taken))


def captum(explainer: Explainer, image: Any, method: str, precision: str) -> Callable[[], object]:
    import torch
    from captum import attr

    from interpretability.attribution.superpixels import stretched, superpixels

    network, card = load_network(explainer.folder)
    taken = card.preprocessing
    batch = torch.from_numpy(taken.normalise(taken.resize(image)[None]))
    index = int(explainer.probabilities(image).argmax())
    s = METHODS[method].settings(precision)
    side = taken.input_size
    zero = torch.zeros_like(batch)
    labels = stretched(superpixels(image, int(s.get("superpixels", 50))), side, side)
    mask = torch.from_numpy(labels.astype(np.int64))[None, None]
    layer = network.get_submodule("layer4") if hasattr(network, "layer4") else None
    inputs = batch.requires_grad_()
    window = max(1, round(side * s.get("window", 0.2)))
    stride = max(1, round(side * s.get("stride", 0.1)))
    samples, steps = int(s.get("samples", 0)), int(s.get("steps", 0))
    calls: dict[str, Callable[[], object]] = {
        "gradcam": lambda: attr.LayerGradCam(network, layer).attribute(inputs, index),
        "saliency": lambda: attr.Saliency(network).attribute(inputs, index),
        "guided_gradcam": lambda: attr.GuidedGradCam(network, layer).attribute(inputs, index),
        "integrated_gradients": lambda: attr.IntegratedGradients(network).attribute(
            inputs, target=index, n_steps=steps, internal_batch_size=4
        ),
        "gradient_shap": lambda: attr.GradientShap(network).attribute(
            inputs, zero, n_samples=samples, target=index
        ),
        "smoothgrad": lambda: attr.NoiseTunnel(attr.Saliency(network)).attribute(
            inputs, nt_samples=samples, nt_samples_batch_size=4, target=index
        ),
        "occlusion": lambda: attr.Occlusion(network).attribute(
            batch, (3, window, window), (3, stride, stride), target=index
        ),
        "lime": lambda: attr.Lime(network).attribute(
            batch, target=index, feature_mask=mask, n_samples=samples
        ),
        "kernel_shap": lambda: attr.KernelShap(network).attribute(
            batch, target=index, feature_mask=mask, n_samples=samples
        ),
    }
    if method not in calls:
        raise ValueError(f"Captum's {method} does not run on an unchanged network")
    return calls[method]


def lime_package(explainer: Explainer, image: Any, precision: str) -> Callable[[], object]:
    import torch
    from lime.lime_image import LimeImageExplainer

    network, card = load_network(explainer.folder)
    taken = card.preprocessing

    def classify(pictures: Any) -> Any:
        squares = np.stack([taken.resize(one.astype(np.uint8)) for one in pictures])
        with torch.no_grad():
            return network(torch.from_numpy(taken.normalise(squares))).softmax(1).numpy()

    samples = int(METHODS["lime"].settings(precision)["samples"])
    return lambda: LimeImageExplainer(random_state=0).explain_instance(
        image, classify, top_labels=1, num_samples=samples
    )


def agreement(explainer: Explainer, image: Any) -> None:
    from interpretability.faithfulness.localisation import rank_correlation

    short = Explainer(explainer.folder, bfloat16=True)
    exact = Explainer(explainer.folder, bfloat16=False)
    for method in BFLOAT16:
        maps = [one.explain(image, method=method, precision="Low").map for one in (short, exact)]
        print(
            f"{method:22} rank correlation of bfloat16 with float32 {rank_correlation(*maps):.4f}"
        )


def resized(model: str, size: int | None, folder: Path) -> Explainer:
    explainer = Explainer(model)
    if size is None or size == explainer.card.preprocessing.input_size:
        return explainer
    network, card = load_network(explainer.folder)
    taken = replace(card.preprocessing, input_size=size)
    save_checkpoint(
        folder / f"{card.name}-{size}", network.state_dict(), replace(card, preprocessing=taken)
    )
    return Explainer(folder / f"{card.name}-{size}")


def main() -> None:
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--precision", default="Medium")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--input-size", type=int)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="ours", help="ours, captum, lime or agreement")
    given = parser.parse_args()
    if given.picture:
        from quality import read

        image = read(given.picture)
    else:
        image = drawn_lesion()
    with tempfile.TemporaryDirectory() as folder:
        explainer = resized(given.model, given.input_size, Path(folder))
        size = explainer.card.preprocessing.input_size
        if given.only == "agreement":
            agreement(explainer, image)
            return
        for method in given.methods.split(","):
            if given.only == "ours":
                call: Callable[[], object] = lambda method=method: explainer.explain(  # noqa: E731
                    image, method=method, precision=given.precision
                )
                call()  # loads and compiles
            elif given.only == "lime":
                call = lime_package(explainer, image, given.precision)
            else:
                call = captum(explainer, image, method, given.precision)
            seconds = seconds_of(call, given.repeat if given.only == "ours" else 1)
            budget = BUDGETS.get((method, given.precision))
            beside = f"  budget {budget} s" if budget else ""
            label = f"{given.only:7} {method:22} {given.precision:7} {size} px"
            print(f"{label} {seconds:7.2f} s{beside}", flush=True)


if __name__ == "__main__":
    main()
