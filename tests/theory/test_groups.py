"""Groups: the exact law of what one does, the reserve, and the bound that results."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slth.theory import groups

CELLS = 8
ALL = np.arange(1, 2**CELLS)
FRACTION = np.bitwise_count(np.arange(2**CELLS)) / CELLS


def expected_uncovered(reference: int, m: int) -> NDArray[np.float64]:
    law = groups.union_law(groups.group_copies(ALL, CELLS, reference), m, CELLS)
    left: NDArray[np.float64] = (law * (1 - FRACTION[ALL[:, None] | np.arange(2**CELLS)])).sum(
        axis=1
    )
    return left


@pytest.mark.parametrize("reference", [-CELLS, -3, 0, 5, CELLS])
@pytest.mark.parametrize("m", [1, 2, 5])
def test_what_a_group_leaves_uncovered_is_exactly_what_lemma_1_says(reference: int, m: int) -> None:
    assert np.array_equal(
        expected_uncovered(reference, m), groups.expected_uncovered(m, FRACTION[ALL])
    )


def test_a_reference_beyond_one_half_breaks_lemma_1() -> None:
    off = expected_uncovered(3 * CELLS // 2, 1) - groups.expected_uncovered(1, FRACTION[ALL])
    assert off.max() > 0.03


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=4), st.integers(1, 4))
def test_the_law_of_a_union_is_that_of_all_draws(copies: list[int], m: int) -> None:
    wanted = np.zeros(8)
    for drawn in product(copies, repeat=m):
        wanted[np.bitwise_or.reduce(drawn)] += len(copies) ** -float(m)
    assert groups.union_law(copies, m, 3) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("m", [17, 32, 64])
def test_groups_fail_to_grow_as_rarely_as_mcdiarmid_says(m: int) -> None:
    failing = groups.growth_failure(ALL, CELLS, m, 1 / 16)
    assert failing <= float(groups.group_failure(m)) <= np.exp(-m / 55)


def test_the_rate_of_growth_has_an_edge_and_a_lattice_does_not_grow() -> None:
    single = 1 << np.arange(16)
    bound = np.exp(-64 / 55)
    seven, six = (groups.growth_failure(single, 16, 64, 1 / a) for a in (7, 6))
    assert seven < bound < six
    assert (seven, six) == pytest.approx((0.273, 0.486), abs=1e-3)
    assert groups.growth_failure(ALL, CELLS, 48, 1 / 16, step=CELLS) == 1.0


@given(st.floats(0.05, 5), st.integers(1, 300), st.floats(0, 1))
def test_groups_multiply_by_c_theta_m_on_average(theta: float, m: int, part: float) -> None:
    v = part * min(1.0, 4 * theta / m)
    new = 1 - (1 - v / 4) ** m
    assert new >= float(groups.growth(theta)) * m * v - 1e-12


def test_the_reserve_is_counted_exactly() -> None:
    for (n0, k), exact, union in (
        ((256, 16), 0.002742, 0.002743),
        ((420, 32), 0.003930, 0.003931),
    ):
        assert groups.short_cell(n0, k) == pytest.approx(exact, abs=5e-7)
        assert float(groups.reserve_failure(n0, k)) == pytest.approx(union, abs=5e-7)
    assert [round(groups.short_cell(256, k), 3) for k in (21, 22)] == [0.089, 0.150]
    draws = np.random.default_rng(3).multinomial(231, [1 / 8] * 8, size=40_000)
    share = (draws.min(axis=1) < 16).mean()
    exact = groups.short_cell(231, 16)
    assert share == pytest.approx(exact, abs=4 * np.sqrt(exact / 40_000))
    assert groups.short_cell(0, 1) == 1.0


@pytest.mark.parametrize(
    ("k", "n"), [(16, 5648), (32, 5280), (64, 5952), (128, 6400), (256, 8448), (512, 12288)]
)
def test_halves_at_sixteen_bits(k: int, n: int) -> None:
    assert groups.least_samples(k, 2.0**-16) == n
    assert groups.failure_bound(groups.halves(n - 1, k), 2.0**-16) > 2.0**-16


def test_halves_at_eight_bits() -> None:
    assert [groups.least_samples(k, 2.0**-8) for k in (16, 64)] == [2016, 2816]


@pytest.mark.parametrize(
    ("plan", "theta", "beta", "n"),
    [
        (groups.GroupPlan(16, 344, 10, 7, 154), 0.81, 0.06, 1884),
        (groups.GroupPlan(32, 535, 16, 10, 94), 0.67, 0.06, 2039),
        (groups.GroupPlan(64, 860, 32, 20, 50), 0.56, 0.068, 2460),
        (groups.GroupPlan(128, 1497, 53, 35, 33), 0.49, 0.079, 3246),
        (groups.GroupPlan(256, 2669, 123, 91, 19), 0.4, 0.097, 5006),
        (groups.GroupPlan(512, 4943, 257, 209, 13), 0.335, 0.1133, 8284),
    ],
)
def test_a_search_finds_smaller_samples(
    plan: groups.GroupPlan, theta: float, beta: float, n: int
) -> None:
    assert plan.samples == n
    assert plan.reach >= np.sqrt(plan.terms)
    assert groups.failure_bound(plan, 2.0**-16, theta, beta) <= 2.0**-16


@pytest.mark.parametrize(
    ("plan", "epsilon", "theta", "beta", "bound"),
    [
        (groups.GroupPlan(16, 231, 7, 0, 26), 2.0**-4, 0.415, 0.075, 0.0614),
        (groups.GroupPlan(16, 250, 9, 5, 52), 2.0**-6, 0.6, 0.066, 0.0249),
        (groups.GroupPlan(19, 240, 5, 0, 18), 2.0**-2, 0.5, 0.098, 0.107),
        (groups.GroupPlan(16, 178, 1, 0, 11), 2.0**-1, 1.77, 0.111, 0.499),
    ],
)
def test_the_bound_near_its_edge(
    plan: groups.GroupPlan, epsilon: float, theta: float, beta: float, bound: float
) -> None:
    assert groups.failure_bound(plan, epsilon, theta, beta) == pytest.approx(bound, rel=5e-3)


def test_nothing_is_promised_where_groups_need_not_grow() -> None:
    plan = groups.GroupPlan(16, 400, 7, 0, 16)
    assert groups.failure_bound(plan, 2.0**-4) == 1.0
    with pytest.raises(ValueError, match="beta"):
        groups.failure_bound(plan, 2.0**-4, beta=0.2)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 400, 0, 0, 5), "terms"),
        ((16, 127, 7, 0, 5), "reserve"),
        ((16, 400, 17, 0, 5), "groups"),
        ((16, 400, 7, 8, 5), "growing"),
        ((16, 400, 7, 0, 0), "members"),
    ],
)
def test_plans_that_cannot_be_drawn(numbers: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        groups.GroupPlan(*numbers)


def test_too_few_terms_do_not_reach_the_root() -> None:
    with pytest.raises(ValueError, match="root"):
        groups.least_samples(4, 2.0**-4)
