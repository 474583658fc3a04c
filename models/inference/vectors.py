"""A picture as a short vector, so that others like it can be found: computed in the served graph.

The square root of the features that the network's last layer sees, so that a few strong ones do not
outweigh all others, projected on fixed random directions, which keeps the angles between them
(Achlioptas, Database-friendly random projections, J. Comput. Syst. Sci. 66, 671-687, 2003).
`docs/adr/0024-neighbours-by-last-features.md` has what was compared.
"""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime import ov

SIZE = 256
DTYPE = np.dtype("<f2")


def vector_output(features: Any) -> Any:
    """An output (N, SIZE) of an OpenVINO model, from its output `features` (N, D).

    It begins at what `features` shows, not at that output: asked for itself, it would move the
    other outputs of a graph in bfloat16 by up to 0.03, for what stands between the last matrix
    product and an output is computed in float32. After one more product the rest stays as it was,
    to the last bit.
    """
    ops = ov.opset13
    shown = features.get_node().input_value(0)
    rooted = ops.multiply(ops.sign(shown), ops.sqrt(ops.abs(shown)))
    width = shown.get_partial_shape()[1].get_length()
    product = ops.matmul(rooted, ops.constant(directions(width)), False, False)
    return product.output(0)


def directions(width: int) -> NDArray[np.float32]:
    """(width, SIZE) of 1 and -1, the same on every machine and in every version of a library.

    >>> directions(8).shape, sorted(set(directions(8).ravel().tolist()))
    ((8, 256), [-1.0, 1.0])
    """
    bits = hashlib.shake_256(b"directions").digest(width * SIZE // 8)
    signs = np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(width, SIZE)
    return signs.astype(np.float32) * 2 - 1


def unit(vector: NDArray[np.floating]) -> NDArray[np.float16]:
    """A vector (SIZE,) scaled to length 1; zeros stay zeros.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.60009765625, 0.7998046875]
    >>> unit(np.zeros(2, np.float16)).tolist()
    [0.0, 0.0]
    """
    exact = vector.astype(np.float32)  # in 16 bits the least length would be 0, too
    return np.asarray(exact / max(float(np.linalg.norm(exact)), 1e-12), DTYPE)


def from_bytes(data: bytes) -> NDArray[np.float16]:
    """The vectors (N, SIZE) whose bytes are joined in `data`."""
    return np.frombuffer(data, DTYPE).reshape(-1, SIZE)
