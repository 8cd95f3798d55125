"""Layers without weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod, sqrt
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from slth.forms import Form
from slth.networks.layers.base import Shape, Unweighted
from slth.networks.layers.conv import Two, two, window_positions


def _both(value: Any) -> Two:
    """Read torch's "one number or two"."""
    return (value, value) if isinstance(value, int) else tuple(value)


@dataclass(frozen=True)
class Relu(Unweighted):
    """The positive part of every entry."""

    reads: ClassVar[type[nn.Module] | None] = nn.ReLU

    @classmethod
    def of(cls, module: nn.ReLU) -> "Relu":
        """There is nothing to read."""
        return cls()

    def constants(self, shape: Shape, ones: int) -> int:
        """Leave ones alone."""
        return ones

    def apply(self, x: Tensor) -> Tensor:
        """Cut off what is negative."""
        return x.clamp(min=0.0)

    def moved(self, x: Tensor, error: Tensor) -> Tensor:
        """Nothing moves where an input stays negative."""
        return torch.minimum(error, x + error).clamp(min=0.0)

    def lipschitz(self, shape: Shape) -> float:
        """Return 1."""
        return 1.0

    def is_nonnegative(self, inputs: bool) -> bool:
        """Return True."""
        return True

    def module(self) -> nn.Module:
        """Return an ``nn.ReLU``."""
        return nn.ReLU()

    def output_shape(self, shape: Shape) -> Shape:
        """Leave the shape alone."""
        return shape


@dataclass(frozen=True)
class _Window(Unweighted):
    """One value for each window on each channel."""

    forms: ClassVar[Mapping[str, Form]] = {"kernel": two(1), "stride": two(1), "padding": two(0)}

    kernel: Two
    stride: Two
    padding: Two = (0, 0)

    def __post_init__(self) -> None:
        """Refuse what is no window."""
        super().__post_init__()
        if any(2 * pad > taps for pad, taps in zip(self.padding, self.kernel, strict=True)):
            raise ValueError(f"padding {self.padding} is more than half of {self.kernel}")

    @property
    def overlap(self) -> int:
        """Count the windows that share an entry, at most."""
        return prod(ceil(taps / jump) for taps, jump in zip(self.kernel, self.stride, strict=True))

    def constants(self, shape: Shape, ones: int) -> int:
        """Leave ones alone: maxima and means of ones are ones."""
        return ones

    def is_nonnegative(self, inputs: bool) -> bool:
        """Neither maxima nor means of non-negative numbers are negative."""
        return inputs

    def output_shape(self, shape: Shape) -> Shape:
        """Return channels and window positions."""
        if len(shape) != 3:
            raise ValueError(f"takes images (channels, height, width), not shape {shape}")
        return (shape[0], *window_positions(shape, self.kernel, self.stride, self.padding))


@dataclass(frozen=True)
class MaxPool(_Window):
    r"""The largest entry of each window.

    A maximum changes by no more than the largest change in its window, so the squares of all
    changes are counted once per window that shares them: the Lipschitz constant is at most the
    square root of the largest number of windows that share an entry, and a single peak attains it.

    Examples
    --------
    >>> MaxPool((2, 2), (2, 2)).lipschitz((1, 8, 8)), MaxPool((3, 3), (2, 2)).lipschitz((1, 8, 8))
    (1.0, 2.0)
    """

    reads: ClassVar[type[nn.Module] | None] = nn.MaxPool2d

    @classmethod
    def of(cls, module: nn.MaxPool2d) -> "MaxPool":
        """Read the window."""
        if module.ceil_mode or module.return_indices or _both(module.dilation) != (1, 1):
            raise ValueError("has ceil_mode, return_indices or dilation, which are not supported")
        return cls(*map(_both, (module.kernel_size, module.stride, module.padding)))

    def apply(self, x: Tensor) -> Tensor:
        """Take maxima."""
        return nn.functional.max_pool2d(x, self.kernel, self.stride, self.padding)

    def lipschitz(self, shape: Shape) -> float:
        """Return the square root of the overlap."""
        return sqrt(self.overlap)

    def module(self) -> nn.Module:
        """Return an ``nn.MaxPool2d``."""
        return nn.MaxPool2d(self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class AvgPool(_Window):
    r"""The mean of each window, padding counted as zeros.

    A matrix with non-negative entries has at most the norm
    $\sqrt{\text{largest row sum}\cdot\text{largest column sum}}$: the rows sum to 1, the
    columns to the overlap over the size of the window.

    Examples
    --------
    >>> AvgPool((2, 2), (2, 2)).lipschitz((1, 8, 8))
    0.5
    """

    reads: ClassVar[type[nn.Module] | None] = nn.AvgPool2d

    @classmethod
    def of(cls, module: nn.AvgPool2d) -> "AvgPool":
        """Read the window."""
        uncounted = not module.count_include_pad and _both(module.padding) != (0, 0)
        if module.ceil_mode or module.divisor_override is not None or uncounted:
            raise ValueError(
                "has ceil_mode, divisor_override or uncounted padding, which are not supported"
            )
        return cls(*map(_both, (module.kernel_size, module.stride, module.padding)))

    def constants(self, shape: Shape, ones: int) -> int:
        """Leave ones alone, if there are no zeros around them."""
        if self.padding != (0, 0):
            raise ValueError("averages over its padding: the constant channel would not stay so")
        return ones

    def apply(self, x: Tensor) -> Tensor:
        """Take means."""
        return nn.functional.avg_pool2d(x, self.kernel, self.stride, self.padding)

    def lipschitz(self, shape: Shape) -> float:
        """Return the square root of overlap over window size."""
        return sqrt(self.overlap / prod(self.kernel))

    def additions(self, shape: Shape) -> int:
        """Return the size of the window."""
        return prod(self.kernel)

    def module(self) -> nn.Module:
        """Return an ``nn.AvgPool2d``."""
        return nn.AvgPool2d(self.kernel, self.stride, self.padding)


@dataclass(frozen=True)
class GlobalAvgPool(Unweighted):
    """The mean of each channel, as an image of one pixel.

    Examples
    --------
    >>> GlobalAvgPool().lipschitz((5, 4, 4)), GlobalAvgPool().output_shape((5, 4, 4))
    (0.25, (5, 1, 1))
    """

    reads: ClassVar[type[nn.Module] | None] = nn.AdaptiveAvgPool2d

    @classmethod
    def of(cls, module: nn.AdaptiveAvgPool2d) -> "GlobalAvgPool":
        """Refuse outputs of more than one pixel."""
        if _both(module.output_size) != (1, 1):
            raise ValueError(f"has output size {module.output_size}; supported is 1")
        return cls()

    def constants(self, shape: Shape, ones: int) -> int:
        """Leave ones alone."""
        return ones

    def apply(self, x: Tensor) -> Tensor:
        """Take the mean of each channel."""
        return x.mean(dim=(2, 3), keepdim=True)

    def lipschitz(self, shape: Shape) -> float:
        """Return one over the square root of the number of pixels."""
        return 1.0 / sqrt(prod(shape[1:]))

    def additions(self, shape: Shape) -> int:
        """Return the number of pixels."""
        return prod(shape[1:])

    def is_nonnegative(self, inputs: bool) -> bool:
        """Means of non-negative numbers are not negative."""
        return inputs

    def module(self) -> nn.Module:
        """Return an ``nn.AdaptiveAvgPool2d(1)``."""
        return nn.AdaptiveAvgPool2d(1)

    def output_shape(self, shape: Shape) -> Shape:
        """Return channels and one pixel."""
        if len(shape) != 3:
            raise ValueError(f"takes images (channels, height, width), not shape {shape}")
        return (shape[0], 1, 1)


@dataclass(frozen=True)
class Flatten(Unweighted):
    """All entries as one vector."""

    reads: ClassVar[type[nn.Module] | None] = nn.Flatten

    @classmethod
    def of(cls, module: nn.Flatten) -> "Flatten":
        """Refuse to keep any axis but that of the batch."""
        if (module.start_dim, module.end_dim) != (1, -1):
            raise ValueError("must flatten everything but the batch axis")
        return cls()

    def constants(self, shape: Shape, ones: int) -> int:
        """Make a one of each pixel of the constant channel."""
        return prod(shape[1:]) if len(shape) > 1 else ones

    def apply(self, x: Tensor) -> Tensor:
        """Forget the shape."""
        return x.flatten(1)

    def lipschitz(self, shape: Shape) -> float:
        """Return 1."""
        return 1.0

    def is_nonnegative(self, inputs: bool) -> bool:
        """Keep every entry."""
        return inputs

    def module(self) -> nn.Module:
        """Return an ``nn.Flatten``."""
        return nn.Flatten()

    def output_shape(self, shape: Shape) -> Shape:
        """Return a vector."""
        return (prod(shape),)
