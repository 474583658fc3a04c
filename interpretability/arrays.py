"""The array types of this folder."""

import numpy as np
from numpy.typing import NDArray

AttributionMap = NDArray[np.float32]
"""What a method says of each pixel: (H, W) of the explained image."""
