"""Biases are weights of a constant input."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slth.networks import Target, check_reading, layers, read_affine
from slth.networks.layers import (
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Relu,
    Weighted,
)

Array = NDArray[np.float32]


def absorb_biases(target: nn.Sequential, input_shape: Sequence[int] | None = None) -> nn.Sequential:
    r"""Rewrite a network with biases as one without, on one more input that is always 1.

    .. math::
        \sigma(Wx + b) = \sigma\big([W\; b]\,(x, 1)\big), \qquad
        \begin{pmatrix} W & b \\ 0 & 1 \end{pmatrix}\begin{pmatrix} x \\ 1 \end{pmatrix}
        = \begin{pmatrix} Wx+b \\ 1 \end{pmatrix}

    The constant is handed on from layer to layer, up to the last one that has a bias.  For
    convolutions it is a channel of ones: the bias enters through one tap of the kernel on this
    channel, a tap that never meets the padding.  Max-pooling, averages and ReLU map ones to ones;
    ``Flatten`` turns the channel into as many ones as it has pixels, of which the next layer uses
    the first.  Weights and biases are copied, never computed with, so that the two networks differ
    by the rounding of their own arithmetic only.

    Parameters
    ----------
    target : torch.nn.Sequential
        See :func:`slth.networks.read` for the modules that it may hold, here with biases.  A
        grouped convolution that has a bias, or that must hand on the constant, becomes an ungrouped
        one with zeros between its groups.
    input_shape : sequence of int, optional
        Shape of an input without the batch axis; needed where the first layer is a convolution.

    Returns
    -------
    torch.nn.Sequential
        A network without biases, float32, without gradients, for the inputs ``append_ones(x)``.

    Raises
    ------
    ValueError
        If the target has no bias or an unsupported module, does not compute what was read off it, a
        convolution is padded so far that no tap of its kernel stays inside the image, or an average
        counts its padding.

    Notes
    -----
    The theorems on strong lottery tickets are about networks without biases; this is why that is
    no loss.  A bound :math:`\varepsilon` on the error for :math:`\|(x,1)\|\le1` is one of
    :math:`\varepsilon\sqrt{1+\|x\|^2}` for every :math:`x`, and of
    :math:`\varepsilon\sqrt{m+\|x\|^2}` for images with :math:`m` pixels.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> absorb_biases(net)
    Sequential(
      (0): Linear(in_features=4, out_features=5, bias=False)
      (1): ReLU()
      (2): Linear(in_features=5, out_features=2, bias=False)
    )
    >>> x = torch.rand(7, 3, dtype=torch.float64)
    >>> error = absorb_biases(net).double()(append_ones(x)) - net.double()(x)
    >>> bool(error.abs().max() < 1e-14)
    True
    """
    known, biases = read_affine(target)
    biased = [index for index, bias in enumerate(biases) if bias is not None]
    if not biased:
        raise ValueError("the target has no bias: there is nothing to absorb")
    shape = layers.default_input_shape(known.layers) if input_shape is None else tuple(input_shape)
    shapes = layers.shapes(known.layers, shape)
    check_reading(target, known, shape, biases)
    rewritten: list[Layer] = []
    coefficients: list[Array] = []
    ones = 1  # constants behind the entries of a vector
    for position, (layer, shape) in enumerate(zip(known.layers, shapes, strict=False)):
        index = len(coefficients)
        if isinstance(layer, Weighted):
            weights, bias = known.coefficients[index], biases[index]
            if index <= biased[-1]:
                layer, weights = _with_constant(
                    position, layer, weights, bias, ones, hand_on=index < biased[-1]
                )
            coefficients.append(weights)
            ones = 1
        elif index <= biased[-1]:
            _check_keeps_ones(position, layer)
            if isinstance(layer, Flatten) and len(shape) > 1:
                ones = prod(shape[1:])
        rewritten.append(layer)
    return Target(tuple(rewritten), tuple(coefficients)).module()


def append_ones(x: Tensor) -> Tensor:
    r"""Extend inputs by the constant that :func:`absorb_biases` asks for.

    .. math::
        x \mapsto (x, 1)

    Parameters
    ----------
    x : torch.Tensor, shape (N, d) or (N, channels, height, width)

    Returns
    -------
    torch.Tensor, shape (N, d + 1) or (N, channels + 1, height, width)
        With an entry 1, or a channel of ones, behind the others.

    Raises
    ------
    ValueError
        If the shape is another one.

    Examples
    --------
    >>> append_ones(torch.tensor([[0.25, -3.0]]))
    tensor([[ 0.2500, -3.0000,  1.0000]])
    >>> append_ones(torch.zeros(5, 3, 8, 8)).shape
    torch.Size([5, 4, 8, 8])
    """
    if x.ndim not in (2, 4):
        raise ValueError(
            f"inputs have shape (N, d) or (N, channels, height, width), got {tuple(x.shape)}"
        )
    return torch.cat([x, torch.ones_like(x[:, :1])], dim=1)


def _with_constant(
    position: int, layer: Weighted, weights: Array, bias: Array | None, ones: int, *, hand_on: bool
) -> tuple[Weighted, Array]:
    """Let a layer read its bias off the constant, and hand the constant on if need be."""
    outputs, inputs = layer.outputs, layer.inputs
    wide: Weighted
    tap: tuple[int, ...]
    if isinstance(layer, Dense):
        wide, tap = replace(layer, inputs=inputs + ones, outputs=outputs + hand_on), ()
    elif isinstance(layer, Conv):
        wide = replace(layer, inputs=inputs + 1, outputs=outputs + hand_on, groups=1)
        tap = (_tap(position, layer, 0), _tap(position, layer, 1))
    else:
        raise ValueError(f"layer {position} ({_name(layer)}) cannot read a constant input")
    result = np.zeros(wide.shape, np.float32)
    height, width = outputs // layer.groups, inputs // layer.groups
    for group in range(layer.groups):
        rows = slice(group * height, (group + 1) * height)
        result[rows, group * width : (group + 1) * width] = weights[rows]
    if bias is not None:
        result[(slice(outputs), inputs, *tap)] = bias
    if hand_on:
        result[(outputs, inputs, *tap)] = 1.0
    return wide, result


def _tap(position: int, layer: Conv, axis: int) -> int:
    r"""Tap of the kernel that reads a pixel of the image, never the padding, for every output.

    With padding :math:`a` around :math:`H` pixels, stride :math:`s` and dilation :math:`\delta`,
    tap :math:`t` of output :math:`p \ge 0` reads pixel :math:`ps + t\delta - a`.  It is at least 0
    if :math:`t\delta \ge a`.  The whole kernel of length :math:`k` lies in the padded image,
    :math:`ps + (k-1)\delta - a \le H - 1 + a`, so the pixel is at most :math:`H - 1` if
    :math:`(k-1-t)\delta \ge a`.  We take the first tap that meets the first condition (for dilation
    1, the tap at offset :math:`a`); if it fails the second, so do all others.
    """
    if layer.padding_mode == "circular":
        return 0  # the padding repeats pixels: it is made of ones as well
    kernel, dilation, padding = layer.kernel[axis], layer.dilation[axis], layer.padding[axis]
    tap = ceil(padding / dilation)
    if 2 * tap > kernel - 1:
        raise ValueError(
            f"layer {position} ({_name(layer)}): no tap of a kernel of length {kernel} with "
            f"dilation {dilation} and padding {padding} stays inside the image, where the constant "
            "is to be read"
        )
    return tap


def _check_keeps_ones(position: int, layer: Layer) -> None:
    """Refuse a layer that does not map ones to ones."""
    if isinstance(layer, AvgPool) and layer.padding != (0, 0):
        raise ValueError(
            f"layer {position} ({_name(layer)}) averages over its padding: the constant channel "
            "would not stay constant"
        )
    if not isinstance(layer, Relu | MaxPool | AvgPool | GlobalAvgPool | Flatten):
        raise ValueError(f"layer {position} ({_name(layer)}) cannot hand on a constant input")


def _name(layer: Layer) -> str:
    return type(layer).__name__
