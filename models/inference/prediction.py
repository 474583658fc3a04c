"""What the classifier says of one picture."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.inference.views import Symmetry


@dataclass(frozen=True)
class Opinion:
    """A second opinion that was computed anyway: an ensemble's member, or another view.

    name: of the member's checkpoint, or how the picture was turned and mirrored.
    kind: which of the two.
    p_malignant: the malignant probability for the class frequencies on the card, so on the scale
        of its operating points, whatever prior the classifier was given.
    malignant: whether the most probable class is a malignant one.
    """

    name: str
    kind: Literal["member", "view"]
    p_malignant: float
    malignant: bool


@dataclass(frozen=True)
class Prediction:
    """What the classifier says of one picture.

    code, name: of the most probable class.
    probability: of that class.
    probabilities: by code, in the order of the taxonomy; they sum to 1.
    p_malignant: the sum over the malignant classes.
    malignant: whether the most probable class is a malignant one.
    model, version: of the checkpoint.
    backbone: its network; says where the cells of `cam` lie.
    in_distribution: whether the picture is like those that the model learnt from, by the near
        threshold on the card; None where the checkpoint cannot tell.
    dermatoscopic: False only beyond the far threshold: clearly no dermatoscopic picture of skin;
        None where the checkpoint cannot tell.
    ood_score: the out-of-distribution (OOD) score, higher for images less like the training
        images; None where there is none.
    cam: class activation maps, float32 (C, h, w) in the taxonomy's order, where they were asked
        for and the network has them; `interpretability.attribution.placement` says where the cells
        lie in the picture's upright, and `upright.undo` turns a map back.
    upright: how the picture was turned and mirrored before it was classified.
    vector: float16 (SIZE,), of length 1, to find pictures like this one, see
        `models.inference.vectors`; None of an ensemble. Turned and mirrored copies have the same.
    opinions: those of an ensemble's members; of a single model those of its views, where there
        are several.
    """

    code: str
    name: str
    probability: float
    probabilities: dict[str, float]
    p_malignant: float
    malignant: bool
    model: str
    version: str
    backbone: str = ""
    in_distribution: bool | None = None
    dermatoscopic: bool | None = None
    ood_score: float | None = None
    cam: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    upright: Symmetry = field(default=Symmetry(), compare=False)
    opinions: tuple[Opinion, ...] = ()
    vector: NDArray[np.float16] | None = field(default=None, compare=False, repr=False)
