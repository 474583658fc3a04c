"""Captum's infidelity and sensitivity, asked of the served model. Needs torch.

Yeh et al., On the (In)fidelity and Sensitivity of Explanations, NeurIPS 2019, arXiv:1901.09392.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from captum.metrics import infidelity as captum_infidelity  # type: ignore[import-untyped]
from captum.metrics import sensitivity_max as captum_sensitivity
from numpy.typing import NDArray

from interpretability.attribution.gradients import seeded
from interpretability.faithfulness.curves import Answers, Pixels, Values

SQUARE = 0.25  # side of the squares that infidelity hides, as a share of the picture's
RADIUS = 8.0  # grey levels of 255 that sensitivity may change a pixel by


def infidelity(
    score: Answers, picture: Pixels, reference: Pixels, map: Values, samples: int = 24
) -> float:
    """How badly sums over the map predict what hiding a square does to the score; 0 is perfect.

    Captum's measure over random squares, with the map scaled to fit best (methods have different
    units), divided by the mean squared change of the score: 1 is as bad as a map of zeros.
    NaN where no square changes the score.

    score: of pictures (N, S, S, 3); picture, reference: (S, S, 3); map: (S, S).
    """
    size = len(picture)
    side = max(1, round(SQUARE * size))
    changes: list[NDArray[np.float64]] = []
    whole = float(score(picture[np.newaxis])[0])

    def forward(present: torch.Tensor) -> torch.Tensor:
        kept = present.numpy()[:, 0, :, :, np.newaxis] > 0.5
        scores = np.full(len(kept), whole)
        changed = ~kept.all(axis=(1, 2, 3))  # Captum asks for the picture itself each time
        if changed.any():
            scores[changed] = score(np.where(kept[changed], picture, reference))
            changes.append(whole - scores[changed])
        return torch.from_numpy(scores).float()

    def hide(present: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = torch.zeros_like(present)
        for one in hidden:
            top, left = (int(torch.randint(0, size - side + 1, (1,))) for _ in range(2))
            one[:, top : top + side, left : left + side] = 1.0
        return hidden, present - hidden

    with seeded():
        found = captum_infidelity(
            forward,
            hide,
            torch.ones(1, 1, size, size),
            torch.from_numpy(np.ascontiguousarray(map, np.float32))[None, None],
            n_perturb_samples=samples,
            max_examples_per_batch=samples,
            normalize=True,
        )
    power = float(np.mean(np.concatenate(changes) ** 2)) if changes else 0.0
    return float(found[0]) / power if power else float("nan")


def sensitivity(explain: Callable[[Pixels], Values], picture: Pixels, samples: int = 3) -> float:
    """Largest relative change of the map under noise that no eye sees; 0 is perfectly stable.

    explain: gives the map of a picture. picture: (H, W, 3) uint8. Noise is uniform, at most
    `RADIUS` grey levels.
    """

    def maps(batch: Any) -> torch.Tensor:
        pictures = (batch[0] if isinstance(batch, tuple) else batch).numpy()
        found = [
            explain(np.clip(np.rint(one), 0, 255).astype(np.uint8).transpose(1, 2, 0))
            for one in pictures
        ]
        return torch.from_numpy(np.stack(found).astype(np.float32))[:, None]

    with seeded():
        found = captum_sensitivity(
            maps,
            torch.from_numpy(picture.transpose(2, 0, 1)[np.newaxis].astype(np.float32)),
            perturb_radius=RADIUS,
            n_perturb_samples=samples,
            # Several at once come out too large, by the square root of their number (Captum 0.9).
            max_examples_per_batch=1,
        )
    return float(found[0])


def resized(map: Values, size: int) -> NDArray[np.float32]:
    """A map averaged, or stretched, to (size, size)."""
    shrinks = min(map.shape) >= size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(map.astype(np.float32), (size, size), interpolation=how))
