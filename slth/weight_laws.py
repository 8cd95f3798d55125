"""The laws from which random weights are drawn: one table for networks, plans and theory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, pi, sqrt
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

WeightLaw: TypeAlias = Literal["uniform", "normal"]


@dataclass(frozen=True)
class SymmetricLaw:
    r"""$w\sim\mathcal D$: how weights are drawn, and $\mathbb E|w|$, $\mathbb E[w^2]$, $\sup|w|$.

    Attributes
    ----------
    draw : callable
        Weights in float32, of as many uniform 32-bit words.
    magnitude, square, largest : float
        In this order.

    Examples
    --------
    >>> WEIGHT_LAWS["uniform"].square
    0.3333333333333333
    """

    draw: Callable[[NDArray[np.uint32]], NDArray[np.float32]]
    magnitude: float
    square: float
    largest: float


def _uniform(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Take odd multiples of 2^-24 in (-1, 1)."""
    odd = 2 * (words >> 8).astype(np.int32) + (1 - (1 << 24))
    return odd.astype(np.float32) * np.float32(2.0**-24)


def _normal(words: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Invert the distribution function of the standard normal law."""
    return np.asarray(ndtri((words + 0.5) * 2.0**-32), dtype=np.float32)


WEIGHT_LAWS: Mapping[WeightLaw, SymmetricLaw] = MappingProxyType(
    {
        "uniform": SymmetricLaw(_uniform, 1 / 2, 1 / 3, 1.0),
        "normal": SymmetricLaw(_normal, sqrt(2 / pi), 1.0, inf),
    }
)
"""Uniform on [-1, 1], and the standard normal law."""
