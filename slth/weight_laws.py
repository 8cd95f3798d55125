"""The laws from which random weights are drawn: one table for networks, plans and theory."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, pi, sqrt
from types import MappingProxyType
from typing import Literal, TypeAlias

WeightLaw: TypeAlias = Literal["uniform", "normal"]


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
    {"uniform": Moments(1 / 2, 1 / 3, 1.0), "normal": Moments(sqrt(2 / pi), 1.0, inf)}
)
"""Uniform on [-1, 1], and the standard normal law."""
