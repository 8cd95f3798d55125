"""How far off rounding can put each value of a network: running error bounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import torch
from torch import Tensor

from slth.arrays import FLOAT32_ROUNDOFF, ROUNDOFF
from slth.networks.layers import Join, Unweighted, Weighted
from slth.networks.network import Network

# What a processor may lose per operation when it is allowed to be quick about float32.
_QUICK = 2.0**-8

# Multiples of a number up to so many times the number are float64 numbers, with one bit to spare.
_EXACT = 2.0**52


@dataclass(frozen=True)
class Roundoff:
    """What a floating-point type loses: relative roundings, and below and above its range."""

    last: float
    sums: float
    smallest: float
    largest: float

    @classmethod
    def of(cls, x: Tensor) -> "Roundoff":
        """Look at the type of a tensor, and at where it is."""
        info = torch.finfo(x.dtype)
        quick = x.device.type != "cpu" or torch.get_float32_matmul_precision() != "highest"
        last = _QUICK if x.dtype == torch.float32 and quick else info.eps / 2
        if info.bits >= 32:
            return cls(last, last, info.tiny * 2.0**20, info.max)
        return cls(last, FLOAT32_ROUNDOFF, info.tiny * 2.0, info.max)

    def loss(self, roundings: int) -> float:
        """Twice what so many roundings can do: ours are not without error either."""
        lost = self.last + roundings * self.sums
        return 2.0 * lost / (1.0 - lost) if lost < 1.0 else inf


def weighted_error(
    layer: Weighted, weights: Tensor, bias: Tensor, x: Tensor, error: Tensor, unit: Roundoff
) -> Tensor:
    r"""Bound the errors of outputs: $|W|(e + \gamma_m(|x| + e)) + \gamma_m|b|$ of m products."""
    slack = unit.loss(layer.roundings(weights[0].numel()) + 1)
    moved = layer.apply(weights.abs(), error + slack * (x.abs() + error))
    return moved + slack * bias.abs()


def unweighted_error(layer: Unweighted, x: Tensor, error: Tensor, unit: Roundoff) -> Tensor:
    """Bound the errors of outputs, of inputs that are so far off."""
    additions = layer.additions(tuple(x.shape[1:]))
    slack = unit.loss(additions + 1) if additions else 0.0
    return layer.moved(x, error + slack * (x.abs() + error))


def join_error(
    layer: Join, xs: Sequence[Tensor], errors: Sequence[Tensor], unit: Roundoff
) -> Tensor:
    """Bound the errors of what is made of several inputs."""
    slack = unit.loss(layer.additions(len(xs)) + 1)
    return layer.apply([e + slack * (x.abs() + e) for x, e in zip(xs, errors, strict=True)])


class _State(NamedTuple):
    """Values, bounds on their errors, and for each input a number all values are multiples of.

    The last is a power of two, or 0 where none is known.
    """

    x: Tensor
    error: Tensor
    grid: Tensor


def evaluate_bounded(
    network: Network, weights: Sequence[Tensor], x: Tensor
) -> tuple[Tensor, Tensor]:
    r"""Evaluate a network in float64, and bound how far each output is from the exact one.

    .. math::
        |\hat f(x) - f(x)| \le e_\ell(x), \qquad
        e_i = |W_i|\big(e_{i-1} + \gamma_i(|x_{i-1}| + e_{i-1})\big), \qquad e_0 = 0

    Where inputs and weights are multiples of powers of two whose product is not below
    $2^{-52}|W||x|$, as signs and float32 inputs are, sums are exact and nothing is lost.

    Parameters
    ----------
    network : Network
    weights : sequence of torch.Tensor of float64
        Of the layers with weights.
    x : torch.Tensor of float64, shape (N, \*input_shape)

    Returns
    -------
    tuple of torch.Tensor of float64
        Outputs and bounds; a bound is 0 where an output is exact, or nothing but zeros comes in.

    Notes
    -----
    Higham 2002, chapter 3.

    Examples
    --------
    >>> from slth.networks.layers import Dense
    >>> ones = torch.ones(2, 3, dtype=torch.float64)
    >>> values, errors = evaluate_bounded(Network.chain([Dense(3, 2)]), [ones / 3], ones / 3)
    >>> bool((values - 1 / 3).abs().max() <= errors.max()), float(errors.max()) < 1e-14
    (True, True)
    >>> evaluate_bounded(Network.chain([Dense(3, 2)]), [ones], ones / 4)[1].count_nonzero().item()
    0
    """
    unit = Roundoff(ROUNDOFF, ROUNDOFF, torch.finfo(torch.float64).tiny * 2.0**20, inf)
    nothing = torch.zeros((), dtype=torch.float64)

    def touched(state: _State) -> Tensor:
        return ((state.x != 0) | (state.error > 0)).double()

    def settled(x: Tensor, error: Tensor, size: Tensor, given: Tensor, grid: Tensor) -> _State:
        exact = (_largest(given) == 0) & (_largest(size) <= _EXACT * grid) & (grid > 0)
        along = exact.reshape(-1, *[1] * (x.ndim - 1))
        return _State(x, torch.where(along, nothing, error), torch.where(exact, grid, nothing))

    def weighted(layer: Weighted, index: int, state: _State) -> _State:
        used = weights[index]
        error = weighted_error(layer, used, nothing, state.x, state.error, unit)
        reached = layer.apply((used != 0).double(), touched(state)) > 0
        size = layer.apply(used.abs(), state.x.abs())
        grid = state.grid * _grid(used[None])
        error = error + unit.smallest * reached
        return settled(layer.apply(used, state.x), error, size, state.error, grid)

    def unweighted(layer: Unweighted, state: _State) -> _State:
        x, error = layer.apply(state.x), unweighted_error(layer, state.x, state.error, unit)
        if not layer.additions(tuple(state.x.shape[1:])):
            return _State(x, error, state.grid)
        reached = layer.apply(touched(state)) > 0
        return _State(x, error + unit.smallest * reached, 0.0 * state.grid)

    def join(layer: Join, states: list[_State]) -> _State:
        xs, errors, grids = zip(*states, strict=True)
        error = join_error(layer, xs, errors, unit)
        given = torch.stack([_largest(one) for one in errors], dim=1)
        size = layer.apply([x.abs() for x in xs])
        return settled(layer.apply(xs), error, size, given, torch.stack(grids).amin(dim=0))

    start = _State(x, torch.zeros_like(x), _grid(x))
    end = network.fold(start, weighted=weighted, unweighted=unweighted, join=join)
    return end.x, end.error


def _largest(values: Tensor) -> Tensor:
    """Take the largest entry for each input."""
    return values.flatten(1).amax(dim=1)


def _grid(values: Tensor) -> Tensor:
    """Find for each input the largest power of two, at most 1, that all values are multiples of.

    Examples
    --------
    >>> _grid(torch.tensor([[0.75, 0.5], [3.0, 0.0]], dtype=torch.float64)).tolist()
    [0.25, 1.0]
    """
    mantissa, exponent = torch.frexp(values.flatten(1))
    whole = (mantissa * 2.0**53).to(torch.int64)
    steps = torch.ldexp((whole & -whole).double(), exponent - 53)
    return torch.where(whole == 0, 1.0, steps).amin(dim=1).clamp(max=1.0)
