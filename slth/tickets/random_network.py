"""The random network that is drawn before anybody looks at a target."""

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

WeightLaw = Literal["uniform", "normal"]

# Weights per block.  Part of the definition of the network: changing it changes every network.
BLOCK = 1 << 20


@dataclass(frozen=True)
class RandomNetwork:
    r"""Fully connected bias-free ReLU network whose weights are i.i.d. and fixed by a seed.

    .. math::
        g(x) = M_L\,\sigma(M_{L-1} \cdots \sigma(M_1 x)), \qquad (M_t)_{hj} \sim \mathcal D

    Nothing but ``(widths, seed, law)`` is stored: the weights are regenerated from them on demand.
    They come from the counter-based generator Philox4x64-10 with the seed as key and
    ``(layer, block)`` as the high words of the counter, so that each block of :math:`2^{20}`
    weights has its own stream and can be regenerated alone.

    Parameters
    ----------
    widths : tuple of int
        Layer widths :math:`d_0, \dots, d_L`, input first.
    seed : int
        Key of the generator, :math:`0 \le` ``seed`` :math:`< 2^{64}`.
    law : {"uniform", "normal"}
        ``"uniform"`` takes the odd multiples of :math:`2^{-24}` in :math:`(-1, 1)` with equal
        probability: symmetric, never zero, exact in float32, and a product of two weights is exact
        in float64.  ``"normal"`` is the standard Gaussian, by inversion, rounded to float32.

    Raises
    ------
    ValueError
        If a width is not a positive integer, there are fewer than two, the seed is out of range or
        the law is unknown.

    Notes
    -----
    The model of Theorem 3 of Natale et al. 2024 (weights i.i.d. uniform on :math:`[-1, 1]`, no
    biases).

    Examples
    --------
    >>> net = RandomNetwork(widths=(3, 8, 2), seed=0, law="uniform")
    >>> net.shapes, net.n_parameters
    (((8, 3), (2, 8)), 40)
    >>> net.weights(1).shape, net.weights(1).dtype.name
    ((2, 8), 'float32')
    """

    widths: tuple[int, ...]
    seed: int
    law: WeightLaw = "uniform"

    def __post_init__(self) -> None:
        """Refuse anything that does not define a network."""
        if len(self.widths) < 2:
            raise ValueError(f"a network needs at least two widths, got {self.widths}")
        if any(not _is_integer(width) or width < 1 for width in self.widths):
            raise ValueError(f"widths must be positive integers, got {self.widths}")
        if not _is_integer(self.seed) or not 0 <= self.seed < 1 << 64:
            raise ValueError(f"seed must be an integer in [0, 2^64), got {self.seed!r}")
        if self.law not in get_args(WeightLaw):
            raise ValueError(f"law must be one of {get_args(WeightLaw)}, got {self.law!r}")
        object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))
        object.__setattr__(self, "seed", int(self.seed))

    @property
    def depth(self) -> int:
        """Number of weight matrices."""
        return len(self.widths) - 1

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Shape ``(out, in)`` of each weight matrix."""
        return tuple(zip(self.widths[1:], self.widths[:-1], strict=True))

    @property
    def n_parameters(self) -> int:
        """Number of random weights, all layers together."""
        return sum(rows * columns for rows, columns in self.shapes)

    def weights(self, layer: int) -> NDArray[np.float32]:
        """Weight matrix of one layer (counted from 0), regenerated from the seed.

        Returns
        -------
        ndarray of float32, shape (out, in)

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        if not 0 <= layer < self.depth:
            raise ValueError(f"layer {layer} of a network with layers 0..{self.depth - 1}")
        rows, columns = self.shapes[layer]
        weights = np.empty(rows * columns, dtype=np.float32)
        for block, start in enumerate(range(0, weights.size, BLOCK)):
            part = weights[start : start + BLOCK]
            part[:] = _block(self.seed, layer, block, part.size, self.law)
        return weights.reshape(rows, columns)

    def digest(self) -> str:
        """SHA-256 over law, widths and every weight (little-endian float32), in hexadecimal.

        It tells whether a later NumPy or SciPy still regenerates the same network.
        """
        sha = hashlib.sha256(json.dumps([self.law, self.widths]).encode())
        for layer in range(self.depth):
            sha.update(self.weights(layer).astype("<f4", copy=False).tobytes())
        return sha.hexdigest()


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _block(seed: int, layer: int, block: int, size: int, law: WeightLaw) -> NDArray[np.float32]:
    """Draw the first ``size`` weights of one block from its own stretch of 2^64 counters."""
    # random_raw rather than a Generator method: only the raw stream is guaranteed across versions.
    generator = np.random.Philox(key=seed, counter=(layer << 128) | (block << 64))
    raw = generator.random_raw((size + 1) // 2)
    words = np.asarray(raw, dtype="<u8").view("<u4")[:size]
    if law == "uniform":
        odd = 2 * (words >> 8).astype(np.int32) + (1 - (1 << 24))
        return odd.astype(np.float32) * np.float32(2.0**-24)
    return np.asarray(ndtri((words + 0.5) * 2.0**-32), dtype=np.float32)
