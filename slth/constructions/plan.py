"""What is decided before the random network is drawn: tolerances and widths."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import expm1, floor, frexp, isfinite, ldexp, log1p, prod

import numpy as np
from numpy.typing import NDArray

from slth.theory.products import ReluProduct
from slth.theory.rfss import required_product_samples
from slth.tickets import WeightLaw

# Probability, by the heuristic success law, that some weight of a layer is out of reach.
FAILURE = 0.01

# Share of epsilon that is left for rounding: here, and where the certificate adds it to its bound.
_MARGIN = 1e-6


@dataclass(frozen=True, eq=False)
class LayerPlan:
    """One dense layer of the target and what it is allowed.

    Attributes
    ----------
    weights : ndarray of float64, shape (out, in)
    signed : bool
        Whether the inputs of the layer may be negative.
    tolerance : float
        Largest admissible error of a slope.
    """

    weights: NDArray[np.float64]
    signed: bool
    tolerance: float

    @property
    def n_slopes(self) -> int:
        """Number of subset sum problems: one per weight and half of its input."""
        return self.weights.size * (2 if self.signed else 1)


def tolerances_for(
    epsilon: float, layers: Sequence[NDArray[np.float64]], signed: bool
) -> list[float]:
    r"""Weight tolerances that keep :math:`\sup_{\|x\|\le1}\|f(x)-g(x)\|` at or below ``epsilon``.

    .. math::
        \tau_i = \frac{\eta\,\|W_i\|_2}{\sqrt{p_i}}, \qquad
        \eta = \Big(1 + \frac{\varepsilon}{\prod_j \|W_j\|_2}\Big)^{1/\ell} - 1

    with :math:`p_i` the number of slopes of layer :math:`i`.  For then
    :math:`\|E_i\|_2 \le \|E_i\|_F \le \eta\|W_i\|_2`, and the error of the network is at most
    :math:`\prod_j\|W_j\|_2\,\big((1+\eta)^\ell-1\big) = \varepsilon`.

    Parameters
    ----------
    epsilon : float
        The promised error, > 0.
    layers : sequence of ndarray of float64
        :math:`W_1, \dots, W_\ell`, none of them zero.
    signed : bool
        Whether the inputs of the network may be negative; those of later layers never are.

    Notes
    -----
    The induction in the proof of Theorem 3 of Natale et al. 2024, with actual norms.

    Examples
    --------
    >>> [tau] = tolerances_for(0.1, [np.array([[1.0]])], signed=False)
    >>> round(tau, 6)
    0.1
    """
    norms = [float(np.linalg.norm(weights, 2)) for weights in layers]
    if min(norms) == 0.0:
        raise ValueError(
            f"target layer {norms.index(0.0)} is zero: there is nothing to approximate"
        )
    eta = expm1(log1p(epsilon / prod(norms)) / len(layers)) * (1.0 - _MARGIN)
    halves = [2 if signed and index == 0 else 1 for index in range(len(layers))]
    return [
        _rounded_down(eta * norm / (half * weights.size) ** 0.5)
        for norm, weights, half in zip(norms, layers, halves, strict=True)
    ]


def plan_layers(
    layers: Sequence[NDArray[np.floating]],
    *,
    epsilon: float | None,
    weight_tolerance: float | None,
    nonnegative_inputs: bool,
) -> tuple[LayerPlan, ...]:
    """Give every layer its tolerance: derived from epsilon, or the one that was asked for.

    Raises
    ------
    ValueError
        Unless exactly one of the two is given and it is positive and finite, or if epsilon is given
        and a layer is zero.
    """
    if (epsilon is None) == (weight_tolerance is None):
        raise ValueError("give exactly one of epsilon and weight_tolerance")
    exact = [np.asarray(weights, dtype=np.float64) for weights in layers]
    if epsilon is not None:
        _check_positive("epsilon", epsilon)
        tolerances = tolerances_for(epsilon, exact, signed=not nonnegative_inputs)
    else:
        assert weight_tolerance is not None
        _check_positive("weight_tolerance", weight_tolerance)
        tolerances = [weight_tolerance] * len(exact)
    return tuple(
        LayerPlan(weights, index == 0 and not nonnegative_inputs, tolerance)
        for index, (weights, tolerance) in enumerate(zip(exact, tolerances, strict=True))
    )


def check_reach(plan: LayerPlan, index: int, size: int | None, law: WeightLaw) -> None:
    """Refuse a weight that no ``size`` products of uniform weights, each below 1, can sum to.

    Raises
    ------
    ValueError
        If there is one.

    Examples
    --------
    >>> check_reach(LayerPlan(np.array([[2.5]]), signed=True, tolerance=0.1), 0, 2, "uniform")
    Traceback (most recent call last):
        ...
    ValueError: target layer 0 has a weight of size 2.5, out of reach of k=2 products below 1
    """
    largest = float(np.abs(plan.weights).max())
    if law == "uniform" and size is not None and largest - plan.tolerance >= size:
        raise ValueError(
            f"target layer {index} has a weight of size {largest:.6g}, "
            f"out of reach of k={size} products below 1"
        )


def required_samples(plan: LayerPlan, size: int | None, law: WeightLaw) -> int:
    r"""Ask theory for the samples per input and half with which every slope of a layer is hit.

    The success law of a product subset sum, for the largest weight of the layer and with a union
    bound over all slopes, misses with probability at most ``FAILURE``.  It is known to be accurate
    but it is no bound; what counts is the certificate.

    Examples
    --------
    >>> plan = LayerPlan(np.full((4, 4), 0.25), signed=False, tolerance=0.01)
    >>> required_samples(plan, None, "uniform") < required_samples(plan, 2, "uniform")
    True
    """
    return required_product_samples(
        size,
        float(np.abs(plan.weights).max()),
        plan.tolerance,
        FAILURE,
        weights=plan.n_slopes,
        law=ReluProduct(law),
    )


def _rounded_down(value: float) -> float:
    """Keep 24 bits: the last bits of a singular value may depend on the number of threads."""
    mantissa, exponent = frexp(value)
    return ldexp(floor(ldexp(mantissa, 24)), exponent - 24)


def _check_positive(name: str, value: float) -> None:
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
