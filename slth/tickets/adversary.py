"""The search for an input on which a ticket is as wrong as possible."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from slth.networks import Network
from slth.networks.layers import Weighted
from slth.threads import one_thread
from slth.tickets.pruned_pair import PrunedPair

Run = Callable[[Weighted, int, Tensor], Tensor]

# Inputs that are looked at before the ascent, from the worst of which it starts; and how far the
# best inputs found are moved before it starts again.
_CANDIDATES = 256
_STARTS = 16
_RESTARTS = 2
_MOVE = 0.5
_STEPS = 200
_SHORTEST = 2.0**-30  # no step of this length or less helps any more
_CHUNK = 256


@dataclass(frozen=True)
class Domain:
    r"""The unit ball, or what is enough of it.

    Two networks that are positively homogeneous are most at odds on the sphere.

    Attributes
    ----------
    nonnegative : bool
        Whether inputs are in the orthant $x \ge 0$.
    sphere : bool
        Whether the sphere is enough.
    """

    nonnegative: bool
    sphere: bool

    def project(self, points: Tensor) -> Tensor:
        """Return nearest points of the domain (0, where the error is 0, if the sphere has none)."""
        points = points.clamp(min=0.0) if self.nonnegative else points
        if self.sphere:
            return _unit(points)
        return points / _along(points.flatten(1).norm(dim=1).clamp(min=1.0), points)


def largest_error(
    network: Network,
    coefficients: Sequence[Tensor],
    pairs: Sequence[PrunedPair],
    data: Tensor,
    *,
    domain: Domain,
    rng: np.random.Generator,
) -> float:
    r"""Largest $\|g(x)-f(x)\|$ seen in the unit ball: on data and on adversarial inputs.

    The ascent starts from the worst of many inputs: unit vectors and their negatives, normal
    numbers, their absolute values (as data are), a few of them only, and the data; so a region in
    which nothing comes through has no say.  It starts again from the best inputs found, moved at
    random.  It climbs on the slopes of the layers; the errors that count are measured by running
    the pruned random network itself, hidden channels and all, in float64.

    Parameters
    ----------
    network : Network
        The architecture of $f$.
    coefficients : sequence of torch.Tensor of float64
        Its coefficients.
    pairs : sequence of PrunedPair
        What $g$ has in the place of the weighted layers.
    data : torch.Tensor of float64, shape (N, \*input_shape)
        In the domain.
    domain : Domain
    rng : numpy.random.Generator
        Random directions.
    """
    slopes = [torch.from_numpy(pair.slopes) for pair in pairs]
    signed = network.signed(nonnegative_inputs=domain.nonnegative)

    def target(layer: Weighted, index: int, x: Tensor) -> Tensor:
        return layer.apply(coefficients[index], x)

    def effective(layer: Weighted, index: int, x: Tensor) -> Tensor:
        positive, negative = slopes[index]
        if not signed[index]:
            return layer.apply(positive, x)
        return layer.apply(positive, torch.relu(x)) + layer.apply(negative, torch.relu(-x))

    def ticket(layer: Weighted, index: int, x: Tensor) -> Tensor:
        return pairs[index].run(x)

    def difference(run: Run, x: Tensor) -> Tensor:
        return (network.evaluate(run, x) - network.evaluate(target, x)).flatten(1)

    def errors(points: Tensor) -> Tensor:
        parts = [difference(ticket, part).norm(dim=1) for part in torch.split(points, _CHUNK)]
        return torch.cat([*parts, torch.zeros(0, dtype=torch.float64)])

    def climb(x: Tensor) -> Tensor:
        return difference(effective, x)

    def worst(points: Tensor) -> Tensor:
        values = [climb(part).norm(dim=1) for part in torch.split(points, _CHUNK)]
        return points[torch.cat(values).argsort(descending=True)[:_STARTS]]

    with one_thread():
        on_data = errors(data)
        starts = torch.cat(
            [
                worst(domain.project(_candidates(data.shape[1:], rng, domain))),
                data[on_data.argsort(descending=True)[:_STARTS]],
            ]
        )
        found = worst_inputs(climb, starts, domain)
        for _ in range(_RESTARTS):
            best = worst(found)[: _STARTS // 2]
            moved = best + _MOVE * _unit(torch.from_numpy(rng.standard_normal(best.shape)))
            again = worst_inputs(climb, domain.project(moved), domain)
            found = torch.cat([found, again])
        return float(torch.cat([errors(worst(found)), on_data]).max())


def _candidates(shape: Sequence[int], rng: np.random.Generator, domain: Domain) -> Tensor:
    """Draw unit vectors of both signs, as many as there are or are looked at, and directions."""
    dim = prod(shape)
    chosen = rng.permutation(dim)[:_CANDIDATES]
    units = np.zeros((len(chosen), dim))
    units[np.arange(len(chosen)), chosen] = 1.0
    normal = rng.standard_normal((_CANDIDATES, dim))
    few = normal * (rng.random(normal.shape) < 0.25)
    found = np.concatenate([units, -units, normal, np.abs(normal), few])
    if domain.nonnegative:
        found = np.abs(found[len(units) :])
    return torch.from_numpy(found.reshape(-1, *shape))


def worst_inputs(difference: Callable[[Tensor], Tensor], starts: Tensor, domain: Domain) -> Tensor:
    r"""Projected gradient ascent on $\|g(x)-f(x)\|$ over the domain, from many starts.

    Each start has its own step length: it doubles after a success and
    halves after a failure, and the error never decreases.

    Parameters
    ----------
    difference : callable
        $g - f$ on batches, differentiable by torch; shape (N, outputs).
    starts : torch.Tensor of float64, shape (N, \*input_shape)
        In the domain.
    domain : Domain

    Returns
    -------
    torch.Tensor of float64, shape (N, \*input_shape)
        Points of the domain at which the error is at least that of the starts.
    """
    points, lengths = starts, torch.ones(len(starts), dtype=torch.float64)
    errors, gradients = _error_and_gradient(difference, points)
    for _ in range(_STEPS):
        steps = _along(lengths, points) * _unit(gradients)
        candidates = domain.project(points + steps)
        new_errors, new_gradients = _error_and_gradient(difference, candidates)
        better = new_errors > errors
        points = torch.where(_along(better, points), candidates, points)
        gradients = torch.where(_along(better, points), new_gradients, gradients)
        errors = torch.where(better, new_errors, errors)
        lengths = torch.where(better, 2.0 * lengths, 0.5 * lengths)
        if float(lengths.max()) < _SHORTEST:
            break
    return points


def _error_and_gradient(
    difference: Callable[[Tensor], Tensor], points: Tensor
) -> tuple[Tensor, Tensor]:
    """Norms of the differences and the gradients of half their squares, per point."""
    x = points.detach().requires_grad_()
    squares = difference(x).square().sum(dim=1)
    (gradient,) = torch.autograd.grad(squares.sum() / 2, x)
    return squares.detach().sqrt(), gradient


def _along(values: Tensor, points: Tensor) -> Tensor:
    """Shape one value per point so that it multiplies points."""
    return values.reshape(-1, *[1] * (points.dim() - 1))


def _unit(points: Tensor) -> Tensor:
    """Scale points to unit norm, leaving zeros alone."""
    norms = points.flatten(1).norm(dim=1)
    return points / _along(torch.where(norms > 0, norms, 1.0), points)
