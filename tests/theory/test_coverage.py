"""The coverage recursion against plain enumeration, interval arithmetic and its own bounds."""

from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

from slth.theory import coverage
from slth.theory.coverage import Window
from slth.theory.laws import Normal, Uniform


def by_subsets(shifts: list[int], start: NDArray[np.bool_], window: Window) -> NDArray[np.bool_]:
    """Cells z that a subset leads to from a cell of the start, by a path inside the window."""
    covered = np.zeros(window.cells, bool)
    for size in range(len(shifts) + 1):
        for subset in combinations(shifts, size):
            for cell in np.flatnonzero(start):
                path = cell + np.cumsum([0, *subset])
                if np.all((path >= 0) & (path < window.cells)):
                    covered[path[-1]] = True
    return covered


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 1.0]))
def test_recursion_against_all_subsets(seed: int, half_width: float) -> None:
    window = Window(24, half_width)
    x = np.random.default_rng(seed).uniform(-1, 1, 6)
    start = window.near_zero(window.cell)
    last = coverage.trajectory(x, start, window)[-1]
    shifts = np.asarray(window.shifts(x)).tolist()
    expected = by_subsets(shifts, window.as_array(start), window)
    assert np.array_equal(window.as_array(last), expected)


def test_volumes_are_those_of_the_trajectories() -> None:
    window = Window(40)
    x = np.random.default_rng(2).uniform(-1, 1, (30, 7))
    start = window.near_zero(0.1)
    v = coverage.volumes(x, start, window)
    for row, volume in zip(x, v, strict=True):
        sets = coverage.trajectory(row, start, window)
        assert [window.as_array(f).mean() for f in sets] == volume.tolist()
    assert np.all(np.diff(v) >= 0)
    assert np.all(v[:, 1:] <= 2 * v[:, :-1])
    assert coverage.volumes(np.empty((3, 0)), start, window).tolist() == [[0.1]] * 3


def continuous_gain(cells: NDArray[np.bool_], x: float, window: Window) -> float:
    """Measure of (A + x) within the window and outside A, for a real x, by cutting intervals."""
    edges = -window.half_width + window.cell * np.arange(window.cells + 1)
    cuts = np.unique(np.clip(np.concatenate([edges, edges + x]), edges[0], edges[-1]))
    middle = (cuts[1:] + cuts[:-1]) / 2

    def inside(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        place = np.floor((points - edges[0]) / window.cell).astype(int)
        within = (place >= 0) & (place < window.cells)
        return np.asarray(within & cells[place.clip(0, window.cells - 1)], dtype=bool)

    return float(np.sum((cuts[1:] - cuts[:-1])[inside(middle - x) & ~inside(middle)]))


@pytest.mark.parametrize("half_width", [0.5, 1.0])
def test_rounding_keeps_the_drift_of_the_uniform_law(half_width: float) -> None:
    window = Window(10, half_width)
    weights = window.shift_probabilities(Uniform().cdf)
    expected = coverage.gains_of_all_sets(10) @ weights * window.cell
    # The gain is linear in x between multiples of the cell: the midpoint rule is exact.
    shifts = (np.arange(-1 / window.cell, 1 / window.cell) + 0.5) * window.cell
    for number in np.random.default_rng(3).integers(1, 2**10, 40).tolist():
        cells = window.as_array(number)
        exact = np.mean([continuous_gain(cells, x, window) for x in shifts])
        assert exact == pytest.approx(expected[number], abs=1e-13)


def test_drift_of_all_sets() -> None:
    n = 12
    gains, count = coverage.gains_of_all_sets(n), np.bitwise_count(np.arange(2**n)).astype(int)
    half, full = (Window(n, r).shift_probabilities(Uniform().cdf) for r in (0.5, 1.0))
    product = count * (n - count) / n**2 / 2
    assert gains @ half / n == pytest.approx(product, abs=1e-14)
    assert np.all(gains @ full / n >= product - 1e-14)
    ends = {(1 << i) - 1 for i in range(n + 1)}
    ends |= {(1 << n) - 1 - end for end in ends}
    assert set(np.flatnonzero(gains @ full / n < product + 1e-12).tolist()) == ends
    # Negative controls: one sign only, and a window that is too wide.
    right = Window(n).shift_probabilities(Uniform(0, 1).cdf)
    wide = Window(n, 2.0).shift_probabilities(Uniform().cdf)
    for weights in (right, wide):
        assert np.any(gains @ weights / n < product - 0.01)


def test_gains_against_single_steps() -> None:
    window = Window(6)
    gains = coverage.gains_of_all_sets(6)
    for covered in range(1, 64):
        for shift in range(-6, 7):
            after = coverage.trajectory([shift * window.cell], covered, window)[-1]
            assert after.bit_count() - covered.bit_count() == gains[covered, shift + 6]
    assert np.all(gains <= np.bitwise_count(np.arange(64))[:, None])


@pytest.mark.parametrize("law", [Uniform(), Uniform(-2, 2), Normal()])
def test_shift_probabilities_are_the_law_of_the_shifts(law: Uniform | Normal) -> None:
    window, trials = Window(8), 40_000
    shifts = np.asarray(window.shifts(law.sample(5, trials)))
    rates = np.bincount(shifts + 8, minlength=17) / trials
    probabilities = window.shift_probabilities(law.cdf)
    assert probabilities.sum() == pytest.approx(1)
    assert np.all(np.abs(rates - probabilities) < 4.5 * np.sqrt(probabilities / trials) + 1e-12)


@given(st.floats(0.0, 0.24), st.floats(0.25, 1.0), st.integers(0, 2**32 - 1))
def test_reverse_markov_on_random_laws(beta: float, mean: float, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(0, 1, 50) ** 2
    values = np.minimum(values * mean / values.mean(), 1)
    r = min(max(values.mean(), beta + 1e-6), 1 - 1e-9)
    if values.mean() > beta:
        assert np.mean(values >= beta) >= coverage.growth_probability(beta, r) - 1e-9


def test_phase_bounds_against_the_exact_binomial() -> None:
    n, volume, beta = np.arange(1, 600), 2.0**-8, 0.125
    wanted = np.ceil(7 * np.log(2) / np.log1p(beta))
    exact = binom.cdf(wanted - 1, n, coverage.growth_probability(beta))
    bound = np.asarray(coverage.failure_by_successes(n, volume, beta))
    assert np.all(bound >= exact)
    assert bound[-1] < 0.02
    # Steps of one bit with probability 1/4 are the slowest process that the bound by bits allows.
    bits = coverage.failure_by_bits(n, volume)
    assert np.all(bits >= binom.cdf(6, n, 0.25))
    assert np.all(bits <= bound + 1e-12)


def test_failure_bound_takes_the_best_split() -> None:
    first = partial(coverage.failure_by_bits, volume=2.0**-6)
    splits = [float(first(m)) + 0.75 ** (120 - m) * 2**6 for m in range(121)]
    assert coverage.failure_bound(120, 2.0**-7, first) == pytest.approx(min(splits))
    assert coverage.failure_bound(3, 2.0**-7, first) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Window(7), "even number of cells"),
        (lambda: Window(8, 0.0), "half_width must lie"),
        (lambda: Window(8).near_zero(0.3), "not a multiple of the cell"),
        (lambda: coverage.trajectory([0.1], 0, Window(8)), "non-empty"),
        (lambda: coverage.trajectory([0.1], 256, Window(8)), "non-empty"),
        (lambda: coverage.trajectory([[0.1]], 1, Window(8)), "one row"),
        (lambda: coverage.volumes([0.1], 1, Window(8)), "shape"),
        (lambda: coverage.gains_of_all_sets(21), "at most 20"),
        (lambda: coverage.growth_probability(0.25), "must be below"),
        (lambda: coverage.failure_by_bits(3, 0.6), "volume must lie"),
        (lambda: coverage.failure_bound(3, 0.0, lambda m: np.zeros(len(m))), "uncovered must"),
    ],
)
def test_bad_arguments_are_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
