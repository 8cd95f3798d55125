"""Two-dimensional convolutions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from torch import Tensor, nn

from slth.arrays import Floats, Floats32
from slth.forms import Form, choice, integer, listed
from slth.networks.layers.base import Shape, Weighted
from slth.networks.layers.norms import (
    convolution_norm_bound,
    frobenius_bound,
    grid_operations,
    unfolded_norm_bound,
)

PaddingMode = Literal["zeros", "circular"]
Two = tuple[int, int]

# Operations that a plan may spend on the norm of one kernel: a fifth of a second or so.
_QUICK = 1 << 30


def two(least: int) -> Form:
    """Return the form of a pair of integers."""
    return listed(integer(least), 2, 2)


@dataclass(frozen=True)
class Conv(Weighted):
    r"""A convolution without bias; its basis are the shifts by the taps of the kernel.

    .. math::
        y_o(q) = \sum_{i,p} W_{oip}\; x_i(sq + \delta p - \text{padding})

    Parameters
    ----------
    inputs, outputs : int
        Numbers of channels.
    kernel, stride, padding, dilation : tuple of two int
        As in :class:`torch.nn.Conv2d`.
    groups : int
        Groups of channels that do not see one another.
    padding_mode : {"zeros", "circular"}
        What surrounds an image.  A circular padding must not exceed the kernel's reach, or else
        outputs are repeated.

    Notes
    -----
    In the random pair of da Cunha et al. 2022 the first layer has 1 × 1 kernels.

    Examples
    --------
    >>> conv = Conv(3, 8, kernel=(5, 5), padding=(2, 2))
    >>> conv.shape, conv.output_shape((3, 28, 28))
    ((8, 3, 5, 5), (8, 28, 28))
    >>> conv.pair(60)[0].shape, conv.pair(60)[1].shape
    ((60, 3, 1, 1), (8, 60, 5, 5))
    """

    reads: ClassVar[type[nn.Module] | None] = nn.Conv2d
    forms: ClassVar[Mapping[str, Form]] = {
        **Weighted.forms,
        "kernel": two(1),
        "stride": two(1),
        "padding": two(0),
        "dilation": two(1),
        "groups": integer(1),
        "padding_mode": choice(*get_args(PaddingMode)),
    }

    kernel: Two
    stride: Two = (1, 1)
    padding: Two = (0, 0)
    dilation: Two = (1, 1)
    groups: int = 1
    padding_mode: PaddingMode = "zeros"

    def __post_init__(self) -> None:
        """Refuse what is no convolution."""
        super().__post_init__()
        if self.inputs % self.groups or self.outputs % self.groups:
            raise ValueError(
                f"{self.inputs} inputs and {self.outputs} outputs cannot be shared evenly "
                f"among {self.groups} groups"
            )
        reach = [step * (taps - 1) for step, taps in zip(self.dilation, self.kernel, strict=True)]
        if self.padding_mode == "circular" and any(
            2 * padding > most for padding, most in zip(self.padding, reach, strict=True)
        ):
            raise ValueError(f"circular padding {self.padding} repeats outputs of {self.kernel}")

    @classmethod
    def of(cls, module: nn.Conv2d) -> "Conv":
        """Read kernel, stride, padding, dilation and groups."""
        padding: Any = module.padding
        if isinstance(padding, str):
            reach = [
                step * (taps - 1)
                for step, taps in zip(module.dilation, module.kernel_size, strict=True)
            ]
            if padding == "same" and any(length % 2 for length in reach):
                raise ValueError(
                    "pads an even kernel on one side only: give the padding in numbers"
                )
            padding = tuple(length // 2 if padding == "same" else 0 for length in reach)
        return cls(
            module.in_channels,
            module.out_channels,
            module.kernel_size,  # type: ignore[arg-type]
            module.stride,  # type: ignore[arg-type]
            padding,
            module.dilation,  # type: ignore[arg-type]
            module.groups,
            module.padding_mode,  # type: ignore[arg-type]
        )

    @property
    def basis(self) -> Shape:
        """Shape of the kernel."""
        return self.kernel

    @property
    def input_shape(self) -> None:
        """Images may have any size."""

    @property
    def basis_norm(self) -> float:
        """As many as there are taps: signs that agree with a wave add up."""
        return float(prod(self.kernel))

    def pair(self, hidden: int) -> tuple["Conv", "Conv"]:
        """1 × 1 kernels, then kernels like this layer's."""
        first = Conv(self.inputs, hidden, kernel=(1, 1), groups=self.groups)
        return first, replace(self, inputs=hidden)

    def apply(self, weights: Tensor, x: Tensor) -> Tensor:
        """Convolve."""
        padding = self.padding
        if self.padding_mode == "circular":
            (top, left), padding = padding, (0, 0)
            x = nn.functional.pad(x, (left, left, top, top), mode="circular")
        groups = x.shape[1] // weights.shape[1]
        return nn.functional.conv2d(x, weights, None, self.stride, padding, self.dilation, groups)

    def norm_bound(self, weights: Floats) -> float:
        """Supremum of the symbol over all frequencies."""
        # On a circle the phases of a stride need not fit; without stride there are more outputs.
        stride = self.stride if self.padding_mode == "zeros" else (1, 1)
        return convolution_norm_bound(
            weights, stride=stride, dilation=self.dilation, groups=self.groups
        )

    def quick_norm_bound(self, weights: Floats) -> float:
        """Look at all frequencies of small kernels only; of others, unfold the kernel."""
        if grid_operations(self.shape, self.groups) <= _QUICK:
            return self.norm_bound(weights)
        return min(unfolded_norm_bound(weights, self.groups), frobenius_bound(weights, self.groups))

    def module(self, weights: Tensor) -> nn.Module:
        """Return an ``nn.Conv2d`` without bias."""
        conv = nn.Conv2d(
            self.inputs,
            self.outputs,
            self.kernel,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
            bias=False,
            padding_mode=self.padding_mode,
            device="meta",  # draws no initial weights
        )
        conv.weight = nn.Parameter(weights, requires_grad=False)
        return conv

    def with_constant(
        self, weights: Floats32, bias: Floats32 | None, ones: int, *, hand_on: bool
    ) -> tuple["Conv", Floats32]:
        """Add a channel of ones that is read through one tap; groups become zeros."""
        wide = replace(self, inputs=self.inputs + 1, outputs=self.outputs + hand_on, groups=1)
        tap = (self._inner_tap(0), self._inner_tap(1))
        result = np.zeros(wide.shape, np.float32)
        height, width = self.outputs // self.groups, self.inputs // self.groups
        for group in range(self.groups):
            rows = slice(group * height, (group + 1) * height)
            result[rows, group * width : (group + 1) * width] = weights[rows]
        if bias is not None:
            result[: self.outputs, self.inputs, *tap] = bias
        if hand_on:
            result[self.outputs, self.inputs, *tap] = 1.0
        return wide, result

    def _inner_tap(self, axis: int) -> int:
        r"""Tap of the kernel that reads a pixel of the image, never the padding, for every output.

        With padding $a$ around $H$ pixels, stride $s$ and dilation
        $\delta$, tap $t$ of output $p \ge 0$ reads pixel
        $ps + t\delta - a$.  It is at least 0 if $t\delta \ge a$.  The whole kernel of
        length $k$ lies in the padded image, $ps + (k-1)\delta - a \le H - 1 + a$, so
        the pixel is at most $H - 1$ if $(k-1-t)\delta \ge a$.  We take the first tap
        that meets the first condition (for dilation 1, the tap at offset $a$); if it fails
        the second, so do all others.
        """
        if self.padding_mode == "circular":
            return 0  # the padding repeats pixels: it is made of ones as well
        kernel, dilation, padding = self.kernel[axis], self.dilation[axis], self.padding[axis]
        tap = ceil(padding / dilation)
        if 2 * tap > kernel - 1:
            raise ValueError(
                f"cannot read a constant input: no tap of a kernel of length {kernel} with "
                f"dilation {dilation} and padding {padding} stays inside the image"
            )
        return tap

    def output_shape(self, shape: Shape) -> Shape:
        """Images to images."""
        if len(shape) != 3 or shape[0] != self.inputs:
            raise ValueError(f"takes images with {self.inputs} channels, not shape {shape}")
        if self.padding_mode == "circular" and any(
            padding > length for padding, length in zip(self.padding, shape[1:], strict=True)
        ):
            raise ValueError(f"cannot pad {shape} by {self.padding} circularly")
        size = window_positions(shape, self.kernel, self.stride, self.padding, self.dilation)
        return (self.outputs, *size)


def window_positions(
    shape: Shape, kernel: Two, stride: Two, padding: Two, dilation: Two = (1, 1)
) -> Two:
    """Count the places of a window on an image of shape (channels, height, width).

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> window_positions((1, 8, 9), kernel=(3, 3), stride=(2, 2), padding=(1, 1))
    (4, 5)
    """
    height, width = (
        (length + 2 * pad - step * (taps - 1) - 1) // jump + 1
        for length, taps, jump, pad, step in zip(
            shape[1:], kernel, stride, padding, dilation, strict=True
        )
    )
    if min(height, width) < 1:
        raise ValueError(f"has a window {kernel} that is larger than inputs of shape {shape}")
    return height, width
