"""The laws from which random weights are drawn: one table for networks, plans and theory."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, pi, sqrt
from types import MappingProxyType
from typing import Literal, TypeAlias

WeightLaw: TypeAlias = Literal["uniform", "normal", "signs"]


@dataclass(frozen=True)
class Moments:
    r"""$\mathbb E|w|$, $\mathbb E[w^2]$ and $\sup|w|$ of a symmetric law.

    Attributes
    ----------
    magnitude, square, largest : float
        In this order.

    Examples
    --------
    >>> WEIGHT_LAWS["uniform"].square
    0.3333333333333333
    """

    magnitude: float
    square: float
    largest: float


WEIGHT_LAWS: Mapping[WeightLaw, Moments] = MappingProxyType(
    {
        "uniform": Moments(1 / 2, 1 / 3, 1.0),
        "normal": Moments(sqrt(2 / pi), 1.0, inf),
        "signs": Moments(1.0, 1.0, 1.0),
    }
)
"""Uniform on [-1, 1], the standard normal law, and a fair sign."""

CONTINUOUS_LAWS: tuple[WeightLaw, ...] = ("uniform", "normal")
"""Those with a density, so that sums of products come close to every number."""
