"""Biases are weights of a constant input."""

import copy
from math import ceil

import torch
from torch import Tensor, nn

from slth.constructions.rewrites._modules import bias, supported_modules


def absorb_biases(
    target: nn.Sequential, input_shape: tuple[int, ...] | None = None
) -> nn.Sequential:
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
        ``Linear``, ``Conv2d``, ``ReLU``, pooling, ``Flatten``; ``Dropout`` and ``Identity`` vanish.
        A grouped convolution that has a bias, or that must hand on the constant, becomes an
        ungrouped one with zeros between its groups.
    input_shape : tuple of int, optional
        Shape of one input; needed where images reach ``Flatten`` before any convolution.

    Returns
    -------
    torch.nn.Sequential
        A network without biases and without gradients, for the inputs ``append_ones(x)``.

    Raises
    ------
    ValueError
        If the target has no bias or an unsupported module, a convolution is padded so far that
        some output sees no tap inside the image all the time, or an average counts its padding.

    Notes
    -----
    The theorems on strong lottery tickets are about networks without biases; this is why that is
    no loss.  A bound :math:`\varepsilon` on the error for :math:`\|(x,1)\|\le1` is one of
    :math:`\varepsilon\sqrt{1+\|x\|^2}` for every :math:`x`, and of
    :math:`\varepsilon\sqrt{m+\|x\|^2}` for images with :math:`m` pixels.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    >>> absorb_biases(net)
    Sequential(
      (0): Linear(in_features=4, out_features=5, bias=False)
      (1): ReLU()
      (2): Linear(in_features=5, out_features=2, bias=False)
    )
    >>> x = torch.rand(7, 3, dtype=torch.float64)
    >>> torch.allclose(absorb_biases(net)(append_ones(x)), net(x), rtol=0.0, atol=1e-14)
    True
    """
    modules = list(supported_modules(target))
    biased = [index for index, (_, module) in enumerate(modules) if bias(module) is not None]
    if not biased:
        raise ValueError("the target has no bias: there is nothing to absorb")
    channels, image = _form([module for _, module in modules], input_shape)
    rewritten: list[nn.Module] = []
    for index, (position, module) in enumerate(modules):
        hand_on = index < biased[-1]
        if index > biased[-1] or isinstance(module, nn.ReLU):
            rewritten.append(copy.deepcopy(module).requires_grad_(False))
        elif isinstance(module, nn.Linear):
            if image:
                raise ValueError(f"module {position} is Linear on images: Flatten is missing")
            ones, rest = (1, 0) if channels is None else divmod(module.in_features, channels)
            if rest:
                raise ValueError(
                    f"module {position} takes {module.in_features} inputs, which is no multiple of "
                    f"the {channels} channels that were flattened"
                )
            rewritten.append(_dense(module, ones, hand_on))
            channels = None
        elif not image and isinstance(module, nn.Flatten):
            rewritten.append(copy.deepcopy(module))
        elif not image:
            raise ValueError(
                f"module {position} is {type(module).__name__}, but its inputs are no images"
            )
        elif isinstance(module, nn.Conv2d):
            rewritten.append(_convolution(position, module, hand_on))
            channels = module.out_channels
        elif isinstance(module, nn.Flatten):
            if channels is None:
                raise ValueError(
                    f"module {position} flattens images of unknown shape: give "
                    "input_shape=(channels, height, width)"
                )
            rewritten.append(copy.deepcopy(module))
            image = False
        else:
            _check_keeps_ones(position, module)
            rewritten.append(copy.deepcopy(module))
    return nn.Sequential(*rewritten)


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


def _form(modules: list[nn.Module], input_shape: tuple[int, ...] | None) -> tuple[int | None, bool]:
    """Return the number of channels of the inputs, if known, and whether they are images."""
    if input_shape is not None:
        if len(input_shape) not in (1, 3):
            raise ValueError(
                "input_shape must be (features,) or (channels, height, width), "
                f"got {tuple(input_shape)}"
            )
        image = len(input_shape) == 3
        return (input_shape[0] if image else None), image
    first = next(module for module in modules if not isinstance(module, nn.ReLU))
    return None, not isinstance(first, nn.Linear)


def _dense(layer: nn.Linear, ones: int, hand_on: bool) -> nn.Linear:
    """Build [W b 0…] for inputs with ``ones`` constants; a row (0 1 0…) hands the first one on."""
    rows, columns = layer.weight.shape
    weight = layer.weight.new_zeros(rows + hand_on, columns + ones, requires_grad=False)
    weight[:rows, :columns] = layer.weight.detach()
    if layer.bias is not None:
        weight[:rows, columns] = layer.bias.detach()
    if hand_on:
        weight[rows, columns] = 1.0
    rewritten = copy.deepcopy(layer)
    rewritten.in_features, rewritten.out_features = columns + ones, rows + hand_on
    rewritten.weight = nn.Parameter(weight, requires_grad=False)
    rewritten.register_parameter("bias", None)
    return rewritten


def _convolution(position: int, layer: nn.Conv2d, hand_on: bool) -> nn.Conv2d:
    """Put the kernels of all groups side by side, the bias on one tap of the constant channel."""
    outputs, inputs = layer.out_channels, layer.in_channels
    weight = layer.weight.new_zeros(
        outputs + hand_on, inputs + 1, *layer.kernel_size, requires_grad=False
    )
    height, width = outputs // layer.groups, inputs // layer.groups
    for group in range(layer.groups):
        rows = slice(group * height, (group + 1) * height)
        weight[rows, group * width : (group + 1) * width] = layer.weight[rows].detach()
    row, column = (_tap(position, layer, axis) for axis in range(2))
    if layer.bias is not None:
        weight[:outputs, inputs, row, column] = layer.bias.detach()
    if hand_on:
        weight[outputs, inputs, row, column] = 1.0
    rewritten = copy.deepcopy(layer)
    rewritten.in_channels, rewritten.out_channels = inputs + 1, outputs + hand_on
    rewritten.groups = 1
    rewritten.weight = nn.Parameter(weight, requires_grad=False)
    rewritten.register_parameter("bias", None)
    return rewritten


def _tap(position: int, layer: nn.Conv2d, axis: int) -> int:
    r"""Tap of the kernel that reads a pixel of the image, never the padding, for every output.

    With padding :math:`a` before and :math:`b` behind :math:`H` pixels, stride :math:`s` and
    dilation :math:`\delta`, tap :math:`t` of output :math:`p \ge 0` reads pixel
    :math:`ps + t\delta - a`.  It is at least 0 if :math:`t\delta \ge a`.  The whole kernel of
    length :math:`k` lies in the padded image, :math:`ps + (k-1)\delta - a \le H - 1 + b`, so the
    pixel is at most :math:`H - 1` if :math:`(k-1-t)\delta \ge b`.  We take the first tap that
    meets the first condition (for dilation 1, the tap at offset :math:`a`); if it fails the second,
    every tap does.
    """
    if layer.padding_mode != "zeros":
        return 0  # the padding repeats pixels: it is made of ones as well
    kernel, dilation = layer.kernel_size[axis], layer.dilation[axis]
    if layer.padding == "same":
        before = dilation * (kernel - 1) // 2
        behind = dilation * (kernel - 1) - before
    else:
        before = behind = 0 if isinstance(layer.padding, str) else layer.padding[axis]
    tap = ceil(before / dilation)
    if tap + ceil(behind / dilation) > kernel - 1:
        raise ValueError(
            f"module {position}: no tap of a kernel of length {kernel} with dilation {dilation} "
            f"and padding {before} stays inside the image, where the constant is to be read"
        )
    return tap


def _check_keeps_ones(position: int, pool: nn.Module) -> None:
    """Refuse an average that does not map ones to ones."""
    if isinstance(pool, nn.AvgPool2d):
        padding = pool.padding if isinstance(pool.padding, tuple) else (pool.padding,)
        if any(padding) and pool.count_include_pad:
            raise ValueError(
                f"module {position} averages over its padding: the constant channel would not "
                "stay constant; set count_include_pad=False or leave the padding out"
            )
        if pool.divisor_override is not None:
            raise ValueError(
                f"module {position} divides by divisor_override={pool.divisor_override} instead "
                "of the number of pixels: the constant channel would not stay 1"
            )
