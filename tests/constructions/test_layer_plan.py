"""Tolerances and widths, decided before anything is drawn."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slth.constructions.layer_plan import (
    FAILURE,
    LayerPlan,
    plan_layers,
    required_samples,
    tolerances_for,
)
from slth.networks import Network, Target
from slth.networks.layers import Dense, Layer, Relu
from slth.theory.products import ReluProduct
from slth.theory.rfss import product_success_probability


def dense_target(*matrices: NDArray[np.floating]) -> Target:
    """Dense layers with ReLU between them."""
    chain: list[Layer] = []
    for matrix in matrices:
        chain += [Dense(matrix.shape[1], matrix.shape[0]), Relu()]
    return Target(
        Network.chain(chain[:-1]), tuple(matrix.astype(np.float32) for matrix in matrices)
    )


@given(
    seed=st.integers(0, 10**6),
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=5),
    epsilon=st.floats(1e-8, 1e3),
    scale=st.floats(1e-2, 1e2),
    signed=st.booleans(),
)
@settings(max_examples=100)
def test_worst_errors_within_tolerance_keep_the_promise(
    seed: int, widths: list[int], epsilon: float, scale: float, signed: bool
) -> None:
    """Error matrices whose entries all equal the tolerance: the recursion ends at epsilon."""
    rng = np.random.default_rng(seed)
    layers = [scale * rng.standard_normal((rows, columns)) for columns, rows in pairwise(widths)]
    delta, reach = 0.0, 1.0
    target = dense_target(*layers)
    flags = [signed] + [False] * (len(layers) - 1)
    tolerances = tolerances_for(epsilon, target, (widths[0],), flags)
    for index, tolerance in enumerate(tolerances):
        weights = target.coefficients[index].astype(np.float64)
        halves = 2 if signed and index == 0 else 1
        error = np.full((weights.shape[0], halves * weights.shape[1]), tolerance)
        norm = float(np.linalg.norm(weights, 2))
        delta = norm * delta + float(np.linalg.norm(error, 2)) * (reach + delta)
        reach *= norm
    assert delta <= epsilon
    assert delta == pytest.approx(epsilon, rel=1e-4)  # nothing is given away either


def test_only_the_first_layer_can_be_signed() -> None:
    layers = [np.ones((2, 3)), np.ones((4, 2))]
    for nonnegative, signed in ((False, [True, False]), (True, [False, False])):
        plans = plan_layers(
            dense_target(*layers),
            (3,),
            epsilon=0.1,
            weight_tolerance=None,
            sizes=(None, None),
            nonnegative_inputs=nonnegative,
        )
        assert [plan.signed for plan in plans] == signed
        assert [plan.n_slopes for plan in plans] == [6 * (1 + signed[0]), 8]


def test_weight_tolerance_is_taken_as_it_is() -> None:
    for asked, taken in ((0.1, [0.1, 0.1]), ((0.1, 0.2), [0.1, 0.2])):
        plans = plan_layers(
            dense_target(np.ones((2, 3)), np.zeros((1, 2))),
            (3,),
            epsilon=None,
            weight_tolerance=asked,
            sizes=(2, None),
            nonnegative_inputs=True,
        )
        assert [plan.tolerance for plan in plans] == taken
        assert [plan.size for plan in plans] == [2, None]


@pytest.mark.parametrize(
    ("epsilon", "weight_tolerance", "message"),
    [
        (None, None, "exactly one"),
        (0.1, 0.1, "exactly one"),
        (None, (0.1, 0.2), "2 weight tolerances for a target of 1 layers"),
        (None, [-0.1], "weight_tolerance must be finite and > 0"),
        (0.0, None, "epsilon must be finite and > 0"),
        (-1.0, None, "epsilon must be finite and > 0"),
        (float("nan"), None, "epsilon must be finite and > 0"),
        (float("inf"), None, "epsilon must be finite and > 0"),
        (None, 0.0, "weight_tolerance must be finite and > 0"),
    ],
)
def test_refuses_what_is_no_tolerance(
    epsilon: float | None, weight_tolerance: float | list[float] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plan_layers(
            dense_target(np.ones((1, 1))),
            (1,),
            epsilon=epsilon,
            weight_tolerance=weight_tolerance,
            sizes=(None,),
            nonnegative_inputs=True,
        )


def test_refuses_a_zero_layer() -> None:
    with pytest.raises(ValueError, match="target layer 1 is zero"):
        tolerances_for(0.1, dense_target(np.ones((2, 3)), np.zeros((1, 2))), (3,), (True, False))


@pytest.mark.parametrize("law", ["uniform", "normal"])
@pytest.mark.parametrize("size", [None, 3])
def test_required_samples_are_hardly_more_than_theory_asks_for(size: int | None, law: str) -> None:
    weights = np.random.default_rng(0).uniform(-0.4, 0.4, (5, 4)).astype(np.float32)
    plan = LayerPlan(Dense(4, 5), weights, signed=True, tolerance=1e-3, size=size)
    n = required_samples(plan, law)  # type: ignore[arg-type]
    missed = [
        40
        * (1 - product_success_probability(m, size, np.abs(weights).max(), 1e-3, ReluProduct(law)))  # type: ignore[arg-type]
        for m in (int(0.95 * n) - 1, n)
    ]
    assert missed[1] <= FAILURE < missed[0]
