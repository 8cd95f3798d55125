"""Pairs: their law, the mean distance behind their drift, steering, and the bound that results."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import kstest

from slth.theory import coverage, pairs


def test_the_triangular_law_is_that_of_a_difference() -> None:
    law = pairs.Triangular()
    assert kstest(law.sample(1, 20_000), law.cdf).pvalue > 1e-3
    for x in (-1.9, -0.3, 0.0, 1.1, 2.5):
        area = quad(law.pdf, -2, min(x, 2), points=[0])[0]
        assert area == pytest.approx(float(law.cdf(x)), abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=2, max_size=40))
def test_covered_and_uncovered_are_at_most_one_apart(covered: list[bool]) -> None:
    inside = np.array(covered)
    if inside.all() or not inside.any():
        with pytest.raises(ValueError, match="uncovered"):
            pairs.mean_distance(covered)
        return
    distance = pairs.mean_distance(covered)
    assert distance <= 1 + 1e-12
    # the identity of the proof: G goes from -c/2 to c/2 with slope 1 or -1
    cell = 2 / len(covered)
    signs = np.where(inside, 1.0, -1.0)
    ends = np.concatenate(([0.0], np.cumsum(signs) * cell))
    G = ends - ends[-1] / 2
    square = (cell / 3 * (G[:-1] ** 2 + G[:-1] * G[1:] + G[1:] ** 2)).sum()
    area = inside.sum() * (~inside).sum() * cell**2
    assert (1 - distance) * area == pytest.approx(1 / 3 - square / 2, abs=1e-9)


def test_end_intervals_and_only_they_are_one_apart() -> None:
    cells = 10
    ends = []
    for bits in range(1, 2**cells - 1):
        covered = [bool(bits >> i & 1) for i in range(cells)]
        if pairs.mean_distance(covered) > 1 - 1e-9:
            ends.append(bits)
    left = [2**a - 1 for a in range(1, cells)]
    right = [2**cells - 1 - bits for bits in left]
    assert sorted(ends) == sorted({*left, *right})


def test_pair_failure_is_the_bound_on_the_page() -> None:
    epsilon, m = 2.0**-6, 120
    L = np.log2(1 / epsilon)
    splits = [
        min(1.0, np.exp(-((h - 4 * L) ** 2) / (8 * h))) + 2 / epsilon * 0.75 ** (m - h)
        for h in range(int(4 * L), m + 1)
    ]
    assert pairs.pair_failure(m, epsilon) == pytest.approx(min(1.0, *splits))


def test_pairs_cover_at_least_as_often_as_promised() -> None:
    window, epsilon, runs = coverage.Window(512), 2.0**-3, 300
    start = window.near_zero(epsilon / 2)
    v = coverage.volumes(pairs.Triangular().sample(3, (runs, 70)), start, window)
    open_yet = (2 * (1 - v) >= epsilon / 2).mean(axis=0)
    for m in (50, 60, 70):
        assert open_yet[m] <= pairs.pair_failure(m, epsilon)


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=9),
    st.integers(1, 8),
    st.floats(0, 1),
)
def test_sums_of_j_leave_no_gap_wider_than_two(x: list[float], j: int, where: float) -> None:
    j = min(j, len(x))
    sums = np.sort([sum(chosen) for chosen in combinations(x, j)])
    y = sums[0] + where * (sums[-1] - sums[0])
    assert np.abs(sums - y).min() <= 1 + 1e-9


def test_the_expected_reach_is_exact_and_the_bound_holds() -> None:
    rng = np.random.default_rng(5)
    R, j, m, runs = 60, 25, 10, 4000
    x = np.sort(rng.uniform(-1, 1, (runs, R)), axis=1)
    high = x[:, R - j :].sum(axis=1)
    error = high.std() / np.sqrt(runs)
    assert high.mean() == pytest.approx(j * (R - j) / (R + 1), abs=5 * error)
    T = rng.uniform(-1, 1, (runs, m)).sum(axis=1)
    low = x[:, :j].sum(axis=1)
    for u in (8.0, 11.0, 13.0):
        missed = ((T + high < u - 1) | (T + low > 1 - u)).mean()
        assert missed <= float(pairs.steering_failure(R, j, u, m))


def test_steering_promises_nothing_where_it_cannot() -> None:
    assert pairs.steering_failure(10, 10, 3.0) == 1
    assert pairs.steering_failure(0, 0, 0.5) == 1
    with pytest.raises(ValueError, match="cannot supply"):
        pairs.steering_failure(5, 6, 1.0)


@pytest.mark.parametrize("epsilon", [0.5, 2.0**-5, 2.0**-9])
def test_required_size_is_the_first_and_stays_enough(epsilon: float) -> None:
    k = pairs.required_size(epsilon)
    assert pairs.all_targets_failure(k, epsilon) <= epsilon
    assert pairs.all_targets_failure(k - 1, epsilon) > epsilon
    larger = [pairs.all_targets_failure(a, epsilon) for a in (k + 1, k + 10, 2 * k, 5 * k)]
    assert sorted(larger, reverse=True) == larger
    assert larger[0] <= epsilon


def test_the_bound_is_the_best_split_into_pairs_and_reserve() -> None:
    k, epsilon = 160, 0.25
    splits = [
        pairs.pair_failure(m, epsilon)
        + float(pairs.steering_failure(2 * (k - m), k - m, np.sqrt(k), m))
        for m in range(1, k + 1)
    ]
    assert pairs.all_targets_failure(k, epsilon) == pytest.approx(min(1.0, *splits))


def test_required_size_is_linear_in_the_bits() -> None:
    sizes = np.array([pairs.required_size(2.0**-b) for b in (8, 16, 24)])
    steps = np.diff(sizes)
    assert steps[1] <= 1.02 * steps[0]
