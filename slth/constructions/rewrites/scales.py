"""Positive homogeneity: scales move freely between the layers of a ReLU network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ldexp

import numpy as np
from numpy.typing import NDArray
from torch import nn

from slth.constructions.arguments import POSITIVE, per_layer
from slth.networks import check_reading, read

_LARGEST_EXPONENT = 1023


@dataclass(frozen=True, eq=False)
class Rescaled:
    r"""A network $g$ whose weights are within reach, and its relation to the target.

    .. math::
        f(x) = \text{factor} \cdot g(x)

    Attributes
    ----------
    network : torch.nn.Sequential
        $g$, float32, without gradients.
    factor : float
        A power of two, at least 1; 1 if the layers could be balanced among themselves.
    scales : tuple of float
        The power of two by which each weighted layer was multiplied.
    """

    network: nn.Sequential
    factor: float
    scales: tuple[float, ...]


def rescale(
    target: nn.Sequential,
    *,
    largest: float | Sequence[float] = 1.0,
    input_shape: Sequence[int] | None = None,
) -> Rescaled:
    r"""Move scales between the layers of a ReLU network until every weight is within reach.

    .. math::
        f(x) = W_\ell\,\sigma(\cdots\sigma(W_1x))
             = 2^{-e}\; 2^{e_\ell}W_\ell\,\sigma(\cdots\sigma(2^{e_1}W_1x)), \qquad e=\sum_i e_i

    because ReLU, pooling and flattening are positively homogeneous.  Among all integers with
    $e = 0$ those are taken for which the largest ratio
    $\max_i\, 2^{e_i}\max|W_i| / \texttt{largest}_i$ is smallest; the ratios of all layers are
    then within a factor of two.  If even that ratio exceeds 1, every layer is brought to where
    $2^{e_i}\max|W_i| \le \texttt{largest}_i$ just holds, and the network computes
    $f/\text{factor}$ with $\text{factor} = 2^{-e} > 1$.

    A power of two changes the exponent of a float and none of its digits: the weights are scaled
    without rounding, and ``factor * network(x)`` equals ``target(x)`` bit for bit as long as no
    intermediate result over- or underflows.

    Parameters
    ----------
    target : torch.nn.Sequential
        See :func:`slth.networks.read` for the modules that it may hold.
    largest : float or sequence of float
        Largest admissible $|w|$, for all weighted layers or layer by layer.
    input_shape : sequence of int, optional
        Shape of an input on which the target is run to see that it computes what was read off it;
        by default a small one that its layers take.

    Returns
    -------
    Rescaled

    Raises
    ------
    ValueError
        If the target has a bias (use :func:`absorb_biases` first), branches or an unsupported
        module, or does not compute what was read off it, ``largest`` is not positive and finite, a
        scaled weight does not fit into float32, or the factor into float64.

    Notes
    -----
    Theorem 3 of Natale et al. 2024 (and Malach et al. 2020, Pensia et al. 2020 before it) is about
    weights in $[-1, 1]$, the default.  The ticket of a rescaled target approximates
    $f/\text{factor}$; its error counts ``factor`` times for $f$.

    Examples
    --------
    >>> target = nn.Sequential(
    ...     nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Linear(1, 1, bias=False)
    ... )
    >>> target[0].weight.data.fill_(3.0), target[2].weight.data.fill_(0.25)
    (tensor([[3.]]), tensor([[0.2500]]))
    >>> rescaled = rescale(target)
    >>> rescaled.scales, rescaled.factor
    ((0.25, 4.0), 1.0)
    >>> [float(parameter) for parameter in rescaled.network.parameters()]
    [0.75, 1.0]
    >>> rescale(target, largest=0.5).factor
    4.0
    """
    known = read(target, input_shape)
    if not known.architecture.is_chain:
        raise ValueError(
            "the target adds branches, whose scales do not move freely: only chains are rescaled"
        )
    reaches = _reaches(largest, len(known.coefficients))
    smallest = known.architecture.smallest_input_shape() if input_shape is None else input_shape
    check_reading(target, known, tuple(smallest))
    sizes = [Fraction(float(np.abs(weights).max())) for weights in known.coefficients]
    exponents = _exponents([size / reach for size, reach in zip(sizes, reaches, strict=True)])
    if -sum(exponents) > _LARGEST_EXPONENT:
        raise ValueError(f"the target exceeds the reach by 2^{-sum(exponents)}, beyond float64")
    coefficients = tuple(
        _scaled(index, weights, exponent)
        for index, (weights, exponent) in enumerate(zip(known.coefficients, exponents, strict=True))
    )
    return Rescaled(
        network=replace(known, coefficients=coefficients).module(),
        factor=ldexp(1.0, -sum(exponents)),
        scales=tuple(ldexp(1.0, exponent) for exponent in exponents),
    )


def _reaches(largest: float | Sequence[float], depth: int) -> list[Fraction]:
    """Check what was asked for: one positive number per weighted layer."""
    values = per_layer("values of largest", "largest", largest, depth, POSITIVE)
    return [Fraction(value) for value in values]


def _exponents(ratios: Sequence[Fraction]) -> list[int]:
    r"""Integers $e_i$ that balance the ratios $q_i 2^{e_i}$, exactly.

    With $q_i = a_i 2^{x_i}$, $1 \le a_i < 2$, the largest $e_i$ for which
    $q_i 2^{e_i}$ is at most a level $a 2^s$ is $s - x_i - [a_i > a]$.  The level
    only counts where it is one of the $q_i$ up to a power of two.  The smallest level for
    which the sum of these $e_i$ is not negative is optimal; a sum that is still positive is
    taken from layers that sit exactly at the level.  A level above 1 is lowered to 1.

    A layer of zeros has no say: its exponent is 0.
    """
    split = [_mantissa_and_exponent(ratio) for ratio in ratios if ratio]
    if not split:
        return [0] * len(ratios)

    def at(level: tuple[int, Fraction]) -> list[int]:
        s, a = level
        return [s - x - (mantissa > a) for mantissa, x in split]

    level = min((-(sum(at((0, a))) // len(split)), a) for a, _ in split)
    if level > (0, Fraction(1)):
        level = (0, Fraction(1))
    exponents = at(level)
    for index, (mantissa, _) in enumerate(split):
        if sum(exponents) > 0 and mantissa == level[1]:
            exponents[index] -= 1
    balanced = iter(exponents)
    return [next(balanced) if ratio else 0 for ratio in ratios]


def _mantissa_and_exponent(ratio: Fraction) -> tuple[Fraction, int]:
    """Write a positive number as a·2^x with 1 <= a < 2."""
    exponent = ratio.numerator.bit_length() - ratio.denominator.bit_length()
    if ratio < Fraction(2) ** exponent:
        exponent -= 1
    return ratio / Fraction(2) ** exponent, exponent


def _scaled(index: int, weights: NDArray[np.float32], exponent: int) -> NDArray[np.float32]:
    """Multiply by a power of two, without rounding."""
    exact = np.ldexp(weights.astype(np.float64), exponent)
    with np.errstate(over="ignore"):  # an overflow fails the comparison below
        scaled = exact.astype(np.float32)
    if not np.array_equal(scaled, exact):
        raise ValueError(
            f"weighted layer {index}, scaled by 2^{exponent}, does not fit into float32"
        )
    return scaled
