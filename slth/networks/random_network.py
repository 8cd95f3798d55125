"""The random network that is drawn before anybody looks at a target."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from slth.forms import choice, instance, integer, listed
from slth.networks.layers import Dense, Layer, Relu, Shape, Weighted
from slth.networks.network import Network
from slth.weight_laws import WEIGHT_LAWS, WeightLaw

# Weights per block.  Part of the definition of the network: changing it changes every network.
BLOCK = 1 << 20


# What defines a random network, and what each part must look like.
FORMS = {
    "architecture": instance(Network),
    "seed": integer(0, 2**64 - 1),
    "law": choice(*WEIGHT_LAWS),
}

# A step of Philox4x64 yields four 64-bit words, hence eight weights.
_PER_COUNT = 8


@dataclass(frozen=True)
class RandomNetwork:
    r"""Bias-free network whose weights are i.i.d. and fixed by a seed.

    .. math::
        g(x) = M_L\,\sigma(M_{L-1} \cdots \sigma(M_1 x)), \qquad (M_t)_{hj} \sim \mathcal D

    Nothing but ``(architecture, seed, law)`` is stored: the weights are regenerated from them on
    demand.  They come from the counter-based generator Philox4x64-10 with the seed as key and
    ``(layer, block)`` as the high words of the counter, so that each block of $2^{20}$
    weights has its own stream, and any part of it can be regenerated alone.

    Parameters
    ----------
    architecture : Network
    seed : int
        Key of the generator, $0 \le$ ``seed`` $< 2^{64}$.
    law : {"uniform", "normal", "signs"}
        ``"uniform"`` takes the odd multiples of $2^{-24}$ in $(-1, 1)$ with equal
        probability: symmetric, never zero, exact in float32, and a product of two weights is exact
        in float64.  ``"normal"`` is the standard normal law, by inversion, rounded to float32.
        ``"signs"`` is $\pm1$ with equal probability: bit for bit the sign of the weight that the
        other two laws have in its place, for the same seed.

    Raises
    ------
    ValueError
        If no layer has weights, the seed is out of range or the law is unknown.

    Notes
    -----
    The model of Theorems 3 and 4 of Natale et al. 2024 (weights, or equivariant coefficients,
    i.i.d. uniform on $[-1, 1]$, no biases).

    Examples
    --------
    >>> net = RandomNetwork.dense(widths=(3, 8, 2), seed=0)
    >>> net.layers
    (Dense(inputs=3, outputs=8), Relu(), Dense(inputs=8, outputs=2))
    >>> net.shapes, net.n_parameters
    (((8, 3), (2, 8)), 40)
    >>> net.weights(1).shape, net.weights(1).dtype.name
    ((2, 8), 'float32')
    """

    architecture: Network
    seed: int
    law: WeightLaw = "uniform"

    def __post_init__(self) -> None:
        """Refuse anything that does not define a network."""
        for name, form in FORMS.items():
            object.__setattr__(self, name, form(name, getattr(self, name)))
        if not self.weighted:
            raise ValueError("a random network needs a layer with weights")

    @classmethod
    def dense(cls, widths: Sequence[int], seed: int, law: WeightLaw = "uniform") -> "RandomNetwork":
        r"""Fully connected network with ReLU between its layers.

        Parameters
        ----------
        widths : sequence of int
            Layer widths $d_0, \dots, d_L$, input first.
        seed, law : int, str
            As for the class.

        Raises
        ------
        ValueError
            If there are fewer than two widths, or one is not a positive integer.
        """
        sizes = listed(integer(1), 2)("widths", widths)
        chain: list[Layer] = []
        for inputs, outputs in pairwise(sizes):
            chain += [Dense(inputs, outputs), Relu()]
        return cls(Network.chain(chain[:-1]), seed, law)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers, in order."""
        return self.architecture.layers

    @property
    def weighted(self) -> tuple[Weighted, ...]:
        """The layers that have weights; they are counted from 0 below."""
        return self.architecture.weighted

    @property
    def depth(self) -> int:
        """Number of layers with weights."""
        return len(self.weighted)

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers of channels: of the input, then of the output of each layer with weights."""
        return (self.weighted[0].inputs, *(layer.outputs for layer in self.weighted))

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Shape of the weights of each layer."""
        return tuple(layer.shape for layer in self.weighted)

    @property
    def n_parameters(self) -> int:
        """Number of random weights, all layers together."""
        return sum(layer.n_coefficients for layer in self.weighted)

    def weights(self, layer: int) -> NDArray[np.float32]:
        """All weights of one layer, regenerated from the seed.

        Returns
        -------
        ndarray of float32, of the layer's shape

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        self._check(layer)
        return self.rows(layer, 0, self.shapes[layer][0])

    def rows(self, layer: int, start: int, stop: int) -> NDArray[np.float32]:
        """Weights of the outputs ``start`` to ``stop - 1`` of one layer: nothing else is drawn.

        Returns
        -------
        ndarray of float32, shape (stop - start, ...)

        Raises
        ------
        ValueError
            If there is no such layer, or it has fewer outputs.

        Examples
        --------
        >>> net = RandomNetwork.dense(widths=(3, 8, 2), seed=0)
        >>> bool((net.rows(0, 2, 5) == net.weights(0)[2:5]).all())
        True
        """
        self._check(layer)
        shape = self.shapes[layer]
        if not 0 <= start <= stop <= shape[0]:
            raise ValueError(f"rows {start} to {stop} of a layer with {shape[0]}")
        row = prod(shape[1:])
        weights = np.empty((stop - start) * row, dtype=np.float32)
        for block in range(start * row // BLOCK, -(-stop * row // BLOCK)):
            begin = max(start * row, block * BLOCK)
            end = min(stop * row, (block + 1) * BLOCK)
            weights[begin - start * row : end - start * row] = _part(
                self.seed, layer, block, begin - block * BLOCK, end - block * BLOCK, self.law
            )
        return weights.reshape(stop - start, *shape[1:])

    def layer(self, index: int) -> "RandomLayer":
        """One layer with weights, to be drawn in parts.

        Raises
        ------
        ValueError
            If there is no such layer.
        """
        self._check(index)
        return RandomLayer(self, index)

    def digest(self) -> str:
        """SHA-256 over law, layers and every weight (little-endian float32), in hexadecimal.

        It tells whether a later NumPy or SciPy still regenerates the same network.  All weights are
        drawn for it, once in the life of the object.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        sha = hashlib.sha256(json.dumps([self.law, self.architecture.to_json()]).encode())
        for index, layer in enumerate(self.weighted):
            most = max(1, BLOCK * layer.outputs // layer.n_coefficients)
            for start in range(0, layer.outputs, most):
                part = self.rows(index, start, min(start + most, layer.outputs))
                sha.update(part.astype("<f4", copy=False).data)
        return sha.hexdigest()

    def _check(self, layer: int) -> None:
        if not 0 <= layer < self.depth:
            raise ValueError(f"layer {layer} of a network with layers 0..{self.depth - 1}")


@dataclass(frozen=True)
class RandomLayer:
    """A layer of a random network; slices of it are drawn as they are asked for.

    Examples
    --------
    >>> layer = RandomNetwork.dense(widths=(3, 8, 2), seed=0).layer(0)
    >>> layer.shape, layer[2:5].shape
    ((8, 3), (3, 3))
    """

    network: RandomNetwork
    index: int

    @property
    def shape(self) -> Shape:
        """Shape of the weights."""
        return self.network.shapes[self.index]

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Draw the weights of some outputs."""
        start, stop, step = rows.indices(self.shape[0])
        return self.network.rows(self.index, start, stop)[::step]


def _part(
    seed: int, layer: int, block: int, start: int, stop: int, law: WeightLaw
) -> NDArray[np.float32]:
    """Draw weights ``start`` to ``stop - 1`` of one block, from its own 2^64 counters."""
    skipped, extra = divmod(start, _PER_COUNT)
    # random_raw rather than a Generator method: only the raw stream is guaranteed across versions.
    generator = np.random.Philox(key=seed, counter=(layer << 128) | (block << 64) | skipped)
    raw = generator.random_raw((extra + stop - start + 1) // 2)
    words = np.asarray(raw, dtype="<u8").view("<u4")[extra : extra + stop - start]
    return _DRAW[law](words)


def _uniform(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Take odd multiples of 2^-24 in (-1, 1)."""
    odd = 2 * (words >> 8).astype(np.int32) + (1 - (1 << 24))
    return odd.astype(np.float32) * np.float32(2.0**-24)


def _normal(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Invert the distribution function of the standard normal law."""
    return np.asarray(ndtri((words + 0.5) * 2.0**-32), dtype=np.float32)


def _signs(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Take the upper half of all words for 1, the lower half for -1."""
    return np.where(words >= 1 << 31, np.float32(1.0), np.float32(-1.0))


# Weights of as many uniform 32-bit words; what else there is to know of a law: slth.weight_laws.
_DRAW: Mapping[WeightLaw, Callable[[NDArray[np.uint32]], NDArray[np.float32]]] = {
    "uniform": _uniform,
    "normal": _normal,
    "signs": _signs,
}
