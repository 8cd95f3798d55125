"""Fully connected layers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from slth.arrays import Floats, Floats32
from slth.networks.layers.base import Shape, Weighted
from slth.networks.layers.norms import spectral_norm_bound


@dataclass(frozen=True)
class Dense(Weighted):
    """A matrix: y = Wx, without bias.

    Examples
    --------
    >>> Dense(3, 2).shape
    (2, 3)
    >>> Dense(3, 2).pair(12)
    (Dense(inputs=3, outputs=12), Dense(inputs=12, outputs=2))
    """

    reads: ClassVar[type[nn.Module] | None] = nn.Linear

    @classmethod
    def of(cls, module: nn.Linear) -> "Dense":
        """Read the two widths."""
        return cls(module.in_features, module.out_features)

    @property
    def basis(self) -> Shape:
        """Return the empty shape: one coefficient per output and input."""
        return ()

    @property
    def input_shape(self) -> Shape:
        """Return the shape of a vector."""
        return (self.inputs,)

    @property
    def basis_norm(self) -> float:
        """The basis is the number 1."""
        return 1.0

    def pair(self, hidden: int) -> tuple["Dense", "Dense"]:
        """Two matrices."""
        return Dense(self.inputs, hidden), Dense(hidden, self.outputs)

    def apply(self, weights: Tensor, x: Tensor) -> Tensor:
        """Multiply."""
        return nn.functional.linear(x, weights)

    def norm_bound(self, weights: Floats) -> float:
        """Spectral norm."""
        return spectral_norm_bound(weights)

    def module(self, weights: Tensor) -> nn.Module:
        """Return an ``nn.Linear`` without bias."""
        rows, columns = weights.shape
        linear = nn.Linear(columns, rows, bias=False, device="meta")  # draws no initial weights
        linear.weight = nn.Parameter(weights, requires_grad=False)
        return linear

    def with_constant(
        self, weights: Floats32, bias: Floats32 | None, ones: int, *, hand_on: bool
    ) -> tuple["Dense", Floats32]:
        """Add a column that reads the constant, and a row that hands it on."""
        wide = Dense(self.inputs + ones, self.outputs + hand_on)
        result = np.zeros(wide.shape, np.float32)
        result[: self.outputs, : self.inputs] = weights
        if bias is not None:
            result[: self.outputs, self.inputs] = bias
        if hand_on:
            result[self.outputs, self.inputs] = 1.0
        return wide, result

    def output_shape(self, shape: Shape) -> Shape:
        """Vectors to vectors."""
        if shape != self.input_shape:
            hint = "; put a Flatten before it" if len(shape) > 1 else ""
            raise ValueError(f"takes vectors of length {self.inputs}, not shape {shape}{hint}")
        return (self.outputs,)
