"""What one layer is allowed, decided before the random network is drawn: tolerance and width."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, expm1, floor, frexp, ldexp, log, log1p, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slth.constructions.arguments import POSITIVE, per_layer
from slth.networks import Target, WeightLaw
from slth.networks.layers import Shape, Weighted
from slth.theory.products import ReluProduct
from slth.theory.rfss import planned_product_samples
from slth.weight_laws import WEIGHT_LAWS

# Probability, by the heuristic success law, that some weight of a layer is out of reach.
FAILURE = 0.01

# Share of epsilon that is left for rounding: here, and where the certificate adds it to its bound.
_MARGIN = 1e-6

# Weights of which the success law is known for subsets of any size; a larger one is a matter of
# reach, and of chance no longer.
_LARGEST_TABULATED = 4.0

# Samples whose live part is searched, whatever the others add up to (see subsets.choose).
_SEARCHED = 100


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """One weighted layer of the target and what it is allowed.

    Attributes
    ----------
    layer : Weighted
    weights : ndarray of float32, of the layer's shape
    signed : bool
        Whether the inputs of the layer may be negative.
    tolerance : float
        Largest admissible error of a slope.
    size : int or None
        Number of products for each weight; None where it is free.
    """

    layer: Weighted
    weights: NDArray[np.float32]
    signed: bool
    tolerance: float
    size: int | None

    @property
    def halves(self) -> int:
        """Number of subset sum problems per weight: one for each half of its input."""
        return 2 if self.signed else 1

    @property
    def n_slopes(self) -> int:
        """Number of subset sum problems."""
        return self.weights.size * self.halves

    @property
    def largest(self) -> float:
        """Largest absolute value of a weight."""
        return float(np.abs(self.weights).max())


def tolerances_for(
    epsilon: float, target: Target, input_shape: Shape, signed: Sequence[bool]
) -> list[float]:
    r"""Weight tolerances that keep $\sup_{\|x\|\le1}\|f(x)-g(x)\|$ at or below ``epsilon``.

    .. math::
        \tau_i = \frac{\eta\,\|W_i\|_2}{\|\mathcal B_i\|\sqrt{p_i}}, \qquad
        \eta = \Big(1 + \frac{\varepsilon}{\prod_j L_j\|W_j\|_2}\Big)^{1/\ell} - 1

    with $p_i$ the number of pairs of channels in a group of layer $i$, counted once for
    each half, and $L_j$ the Lipschitz constant of what lies between two weighted layers.  For
    then the error coefficients of layer i have an operator norm of at most
    $\sqrt{p_i}\,\|\mathcal B_i\|\,\tau_i = \eta\|W_i\|_2$, and the error of the network is at
    most $\prod_jL_j\|W_j\|_2\,\big((1+\eta)^\ell-1\big) = \varepsilon$.  Where branches are
    added, the product is a sum of products over all ways through the network, and $\ell$ the
    number of weighted layers on the longest.

    Parameters
    ----------
    epsilon : float
        The promised error, > 0.
    target : Target
        No layer of it is zero.
    input_shape : tuple of int
    signed : sequence of bool
        Whether the inputs of each weighted layer may be negative.

    Notes
    -----
    The induction in the proof of Theorem 3 of Natale et al. 2024, with actual norms, or upper
    bounds on them: $\prod_j(N_j+\eta N_j)-\prod_jN_j$ grows with each $N_j$.

    Examples
    --------
    >>> from slth.networks import Network
    >>> from slth.networks.layers import Dense
    >>> target = Target(Network.chain([Dense(1, 1)]), (np.ones((1, 1), np.float32),))
    >>> [tau] = tolerances_for(0.1, target, (1,), signed=[False])
    >>> round(tau, 6)
    0.1
    """
    norms = [
        layer.quick_norm_bound(weights.astype(np.float64))
        for layer, weights in zip(target.weighted, target.coefficients, strict=True)
    ]
    if min(norms) == 0.0:
        raise ValueError(
            f"target layer {norms.index(0.0)} is zero: there is nothing to approximate"
        )
    way = target.architecture.fold(
        _Way(input_shape, 1.0, 0),
        weighted=lambda layer, index, way: way.on(
            layer.output_shape(way.shape), norms[index], deeper=True
        ),
        unweighted=lambda layer, way: way.on(
            layer.output_shape(way.shape), layer.lipschitz(way.shape)
        ),
        join=lambda layer, ways: _Way(
            layer.output_shape([way.shape for way in ways]),
            layer.spread([way.gain for way in ways]),
            max(way.depth for way in ways),
        ),
    )
    eta = expm1(log1p(epsilon / way.gain) / way.depth) * (1.0 - _MARGIN)
    return [
        _rounded_down(eta * norm / (layer.basis_norm * _pairs(layer, half) ** 0.5))
        for norm, layer, half in zip(norms, target.weighted, signed, strict=True)
    ]


@dataclass(frozen=True)
class _Way:
    """One place of a network: the shape there, by how much norms have grown, in how many layers."""

    shape: Shape
    gain: float
    depth: int

    def on(self, shape: Shape, gain: float, *, deeper: bool = False) -> "_Way":
        return _Way(shape, self.gain * gain, self.depth + deeper)


def plan_layers(
    target: Target,
    input_shape: Shape,
    *,
    epsilon: float | None,
    weight_tolerance: Any,
    sizes: Sequence[int | None],
    nonnegative_inputs: bool,
) -> tuple[LayerPlan, ...]:
    """Give every layer its tolerance: derived from epsilon, or the one that was asked for.

    Raises
    ------
    ValueError
        Unless exactly one of the two is given and it is positive and finite, or if epsilon is given
        and a layer is zero, or if the layers do not take inputs of this shape.
    """
    if (epsilon is None) == (weight_tolerance is None):
        raise ValueError("give exactly one of epsilon and weight_tolerance")
    target.architecture.shapes(input_shape)
    signed = target.architecture.signed(nonnegative_inputs=nonnegative_inputs)
    if epsilon is not None:
        tolerances = tolerances_for(POSITIVE("epsilon", epsilon), target, input_shape, signed)
    else:
        tolerances = per_layer(
            "weight tolerances", "weight_tolerance", weight_tolerance, len(signed), POSITIVE
        )
    return tuple(
        LayerPlan(*parts)
        for parts in zip(
            target.weighted, target.coefficients, signed, tolerances, sizes, strict=True
        )
    )


def check_reach(plan: LayerPlan, index: int, law: WeightLaw) -> None:
    """Refuse a weight that no ``size`` products of weights of a bounded law can sum to.

    Raises
    ------
    ValueError
        If there is one.

    Examples
    --------
    >>> weights = np.array([[2.5]], np.float32)
    >>> from slth.networks.layers import Dense
    >>> check_reach(LayerPlan(Dense(1, 1), weights, True, 0.1, 2), 0, "uniform")
    Traceback (most recent call last):
        ...
    ValueError: target layer 0 has a weight of size 2.5, out of reach of k=2 products below 1:
    divide the layer by more than 1.25 (rescale moves scales between layers)
    """
    size, largest = plan.size, plan.largest
    if size is None:
        return
    reach = size * WEIGHT_LAWS[law].largest ** 2
    if largest - plan.tolerance >= reach:
        raise ValueError(
            f"target layer {index} has a weight of size {largest:.6g}, out of reach of k={size} "
            f"products below {reach / size:g}: divide the layer by more than {largest / reach:.4g} "
            "(rescale moves scales between layers)"
        )


def required_samples(plan: LayerPlan, law: WeightLaw) -> int:
    r"""Ask theory for the samples per input and half with which every slope of a layer is hit.

    The success law of a product subset sum, for the largest weight of the layer and with a union
    bound over all slopes, misses with probability at most ``FAILURE``.  It is known to be accurate
    but it is no bound; what counts is the certificate.

    For subsets of any size and a weight above 4 the products must above all reach it.  Of n
    products the positive ones sum to at least $nm_1 - \sqrt{2nm_2\ln(1/\delta)}$, except
    with probability $\delta$ (Bernstein's inequality for the lower tail of non-negative
    numbers with moments $m_1, m_2$); a hundred more are there to choose from.

    Raises
    ------
    ValueError
        If no number up to a million is enough.

    Examples
    --------
    >>> weights = np.full((4, 4), 0.25, np.float32)
    >>> from slth.networks.layers import Dense
    >>> free, two = (LayerPlan(Dense(4, 4), weights, False, 0.01, k) for k in (None, 2))
    >>> required_samples(free, "uniform") < required_samples(two, "uniform")
    True
    """
    largest, least = plan.largest, 0
    if plan.size is None and largest > _LARGEST_TABULATED:
        # First and second moment of the positive part of b·max(a, 0).
        first, second = WEIGHT_LAWS[law].magnitude ** 2 / 4, WEIGHT_LAWS[law].square ** 2 / 4
        spread = sqrt(2 * second * log(plan.n_slopes / FAILURE))
        reach = ((spread + sqrt(spread**2 + 4 * first * largest)) / (2 * first)) ** 2
        largest, least = _LARGEST_TABULATED, _SEARCHED + ceil(reach)
    samples = planned_product_samples(
        plan.size,
        largest,
        plan.tolerance,
        FAILURE,
        weights=plan.n_slopes,
        law=ReluProduct(law),
    )
    return max(samples, least)


def _pairs(layer: Weighted, signed: bool) -> int:
    """Pairs of channels in one group, each half counted."""
    return layer.outputs // layer.groups * layer.shape[1] * (2 if signed else 1)


def _rounded_down(value: float) -> float:
    """Keep 24 bits: the last bits of a singular value may depend on the number of threads."""
    mantissa, exponent = frexp(value)
    return ldexp(floor(ldexp(mantissa, 24)), exponent - 24)
