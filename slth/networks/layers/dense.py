"""Fully connected layers."""

from dataclasses import dataclass

from torch import Tensor, nn

from slth.networks.layers.base import Array, Shape, Weighted
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

    def norm_bound(self, weights: Array) -> float:
        """Spectral norm."""
        return spectral_norm_bound(weights)

    def module(self, weights: Tensor) -> nn.Module:
        """Return an ``nn.Linear`` without bias."""
        rows, columns = weights.shape
        linear = nn.Linear(columns, rows, bias=False, device="meta")  # draws no initial weights
        linear.weight = nn.Parameter(weights, requires_grad=False)
        return linear

    def output_shape(self, shape: Shape) -> Shape:
        """Vectors to vectors."""
        if shape != self.input_shape:
            hint = "; put a Flatten before it" if len(shape) > 1 else ""
            raise ValueError(f"takes vectors of length {self.inputs}, not shape {shape}{hint}")
        return (self.outputs,)
