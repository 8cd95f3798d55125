"""Layers that bring branches together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from torch import Tensor, nn

from slth.networks.layers.base import Join, Shape


@dataclass(frozen=True)
class Add(Join):
    """The sum of all inputs, entry by entry: where a residual block ends.

    Examples
    --------
    >>> Add().output_shape([(3, 8, 8), (3, 8, 8)]), Add().spread([1.0, 0.5])
    ((3, 8, 8), 1.5)
    """

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape that all inputs have."""
        if len(set(shapes)) > 1:
            raise ValueError(f"adds inputs of one shape, not {', '.join(map(str, shapes))}")
        return shapes[0]

    def apply(self, xs: Sequence[Tensor]) -> Tensor:
        """Add, from left to right."""
        return reduce(add, xs)

    def spread(self, bounds: Sequence[float]) -> float:
        """Return the sum: norms are subadditive."""
        return sum(bounds)

    def is_nonnegative(self, inputs: Sequence[bool]) -> bool:
        """Whether no input can be negative."""
        return all(inputs)

    def additions(self, parts: int) -> int:
        """Return one less than there are parts."""
        return parts - 1

    def module(self) -> nn.Module:
        """Return a module that adds its arguments."""
        return Sum()


class Sum(nn.Module):
    """The sum of all arguments, as a module."""

    def forward(self, *xs: Tensor) -> Tensor:
        """Add, from left to right."""
        return reduce(add, xs)
