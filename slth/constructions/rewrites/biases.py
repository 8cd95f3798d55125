"""Biases are weights of a constant input."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from slth.arrays import Floats32
from slth.networks import Network, Target, check_reading, read_affine
from slth.networks.capture import runs_program
from slth.networks.layers import Join, Layer, Unweighted, Weighted


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
    no loss.  A bound $\varepsilon$ on the error for $\|(x,1)\|\le1$ is one of
    $\varepsilon\sqrt{1+\|x\|^2}$ for every $x$, and of
    $\varepsilon\sqrt{m+\|x\|^2}$ for images with $m$ pixels.

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
    if runs_program(target):
        raise ValueError(
            f"biases are absorbed in a Sequential of plain layers only, {_name(target)} is none"
        )
    known, biases = read_affine(target)
    biased = [index for index, bias in enumerate(biases) if bias is not None]
    if not biased:
        raise ValueError("the target has no bias: there is nothing to absorb")
    network = known.architecture
    shape = network.default_input_shape() if input_shape is None else tuple(input_shape)
    shapes = network.shapes(shape)
    check_reading(target, known, shape, biases)
    rewritten: list[Layer] = []
    coefficients: list[Floats32] = []

    def weighted(layer: Weighted, index: int, ones: int) -> int:
        weights = known.coefficients[index]
        if index <= biased[-1]:
            with _named(len(rewritten), layer):
                layer, weights = layer.with_constant(
                    weights, biases[index], ones, hand_on=index < biased[-1]
                )
        rewritten.append(layer)
        coefficients.append(weights)
        return 1

    def unweighted(layer: Unweighted, ones: int) -> int:
        if len(coefficients) <= biased[-1]:
            with _named(len(rewritten), layer):
                ones = layer.constants(shapes[len(rewritten)], ones)
        rewritten.append(layer)
        return ones

    def join(layer: Join, ones: list[int]) -> int:
        raise ValueError(f"layer {len(rewritten)} ({_name(layer)}) cannot hand on a constant input")

    # The state is the number of constants behind the entries of a vector.
    network.fold(1, weighted=weighted, unweighted=unweighted, join=join)
    return Target(Network.chain(rewritten), tuple(coefficients)).module()


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


@contextmanager
def _named(position: int, layer: Layer) -> Iterator[None]:
    """Let errors say which layer they are about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"layer {position} ({_name(layer)}) {error}") from None


def _name(layer: Layer | nn.Module) -> str:
    return type(layer).__name__
