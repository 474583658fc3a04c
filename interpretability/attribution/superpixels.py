"""Superpixels: the regions that LIME and Kernel SHAP switch on and off. Needs no torch."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import slic

LONGEST_SIDE = 200
COMPACTNESS = 10.0


def superpixels(image: NDArray[np.uint8], count: int) -> NDArray[np.int32]:
    """About `count` regions of like colour, (h, w) int32 numbered from 0, on a reduced grid.

    image: (H, W, 3) uint8 RGB. The grid has the picture's aspect and at most `LONGEST_SIDE` cells
    a side: regions of a fiftieth of a picture need no finer one, and it takes milliseconds.
    Method: SLIC, Achanta et al., IEEE TPAMI 34(11), 2012.
    """
    height, width = image.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    labels = slic(small, n_segments=count, compactness=COMPACTNESS, sigma=1, start_label=0)
    _, numbered = np.unique(labels, return_inverse=True)
    return np.asarray(numbered.reshape(labels.shape), np.int32)


def stretched(labels: NDArray[np.int32], width: int, height: int) -> NDArray[np.int32]:
    """Labels on another grid over the same picture, (height, width)."""
    resized = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, np.int32)
