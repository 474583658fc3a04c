"""What faithfulness is measured on: one checkpoint, its maps and its answers. Needs torch."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from interpretability.attribution.explainer import Explainer, compute
from interpretability.attribution.networks import Networks
from interpretability.attribution.progress import Meter
from interpretability.attribution.target import Target
from interpretability.attribution.task import Task
from interpretability.faithfulness.randomisation import random_networks
from interpretability.methods import get_method
from quality.arrays import RGBImage

CALIBRATION_PICTURES = 8


@dataclass
class Subject:
    """A checkpoint and a precision. calibration: pictures that random networks are adapted to."""

    explainer: Explainer
    precision: str
    calibration: list[RGBImage]

    def answers(self, target: Target, squares: RGBImage) -> NDArray[np.float64]:
        """Calibrated probabilities (N,) of the target, from the served model."""
        logits = self.explainer.served.logits(squares)
        rows = self.explainer.classifier.probabilities(logits)
        return np.asarray(rows[:, list(target.indices)].sum(axis=1), np.float64)

    def map(self, picture: RGBImage, method: str, target: Target) -> NDArray[np.float32]:
        """The map of a picture."""
        found = self.explainer.explain(
            picture, method=method, precision=self.precision, target=target.code
        )
        return found.map

    @cached_property
    def random(self) -> Networks:
        """The network with random weights."""
        return random_networks(self.explainer.card, self.calibration)

    def random_map(self, picture: RGBImage, method: str, target: Target) -> NDArray[np.float32]:
        """The map that the method makes of the network with random weights."""
        taken = self.explainer.card.preprocessing

        def scores(squares: RGBImage) -> NDArray[np.float64]:
            with torch.no_grad():
                logits = self.random.folded(torch.from_numpy(taken.normalise(squares)))
            return target.score(logits.numpy())

        settings = get_method(method).settings(self.precision)
        task = Task(
            picture=picture,
            square=taken.resize(picture),
            preprocessing=taken,
            target=target,
            settings=settings,
            scores=scores,
            networks=lambda: self.random,
            meter=Meter(1),
            bfloat16=False,
        )
        return compute(method, task)
