"""The law of the cover time against simulation, an exact recursion, and its own limits."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom

from slth.subset_sum import covering_radius
from slth.theory import cover_law
from slth.theory.entropy import binary_entropy


@pytest.mark.parametrize(("n", "epsilon"), [(5, 0.45), (12, 0.25), (100, 1 / 16)])
def test_one_term_follows_the_law_of_spacings(n: int, epsilon: float) -> None:
    runs = 20_000
    x = np.sort(np.random.default_rng(n).uniform(-1, 1, (runs, n)), axis=1)
    radius = np.maximum(x[:, 0] + 1, 1 - x[:, -1])
    radius = np.maximum(radius, np.diff(x, axis=1).max(axis=1) / 2)
    covered = (radius <= epsilon).sum()
    law = binom(runs, cover_law.one_term_cover_probability(n, epsilon))
    assert law.ppf(1e-4) <= covered <= law.isf(1e-4)


def test_one_term_by_hand() -> None:
    # Two samples leave a on the left and b on the right, both at most e, and 2 - a - b <= 2 e.
    square = 0.75**2 - (2 - 2 * 0.75) ** 2 / 2
    corner = (2 * 0.55 - (2 - 2 * 0.55)) ** 2 / 2
    for epsilon, area in ((0.75, square), (0.55, corner)):
        chance = cover_law.one_term_cover_probability(2, epsilon)
        assert chance == pytest.approx(2 * area / 4)


def test_one_term_is_a_distribution_function() -> None:
    values = [cover_law.one_term_cover_probability(n, 2.0**-7) for n in range(1, 4000, 37)]
    assert values[0] == 0
    assert all(0 <= a <= b <= 1 for a, b in pairwise(values))
    assert values[-1] > 0.999


@pytest.mark.parametrize(("n", "k", "bits"), [(105, 2, 8), (27, 4, 8), (24, 6, 9)])
def test_the_prediction_is_close_to_exact_coverage(n: int, k: int, bits: int) -> None:
    rng, runs, root = np.random.default_rng(k), 200, np.sqrt(k)
    rows = rng.uniform(-1, 1, (runs, n))
    radii = [covering_radius(x, interval=(-root, root), size=k) for x in rows]
    covered = (np.array(radii) <= 2.0**-bits).mean()
    predicted = cover_law.cover_probability(n, k, 2.0**-bits)
    assert abs(covered - predicted) < 0.1 + 3 * np.sqrt(0.25 / runs)


def test_one_term_is_predicted_well_where_gaps_are_many() -> None:
    n, epsilon = 45_475, 2.0**-12
    exact = cover_law.one_term_cover_probability(n, epsilon)
    assert cover_law.cover_probability(n, 1, epsilon) == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("k", [2, 3])
def test_the_bits_are_those_of_the_prediction_for_small_tolerances(k: int) -> None:
    epsilon = 2.0**-30
    low, high = 10.0, 40.0  # bits of n
    for _ in range(60):
        middle = (low + high) / 2
        if cover_law.cover_probability(int(2**middle), k, epsilon) < 0.5:
            low = middle
        else:
            high = middle
    n = 2**low
    bits = n * float(binary_entropy(k / n))
    assert bits == pytest.approx(float(cover_law.cover_bits(n, k, epsilon)), abs=0.35)


def test_more_samples_and_larger_tolerances_cover_more() -> None:
    by_n = [cover_law.cover_probability(n, 4, 2.0**-8) for n in (20, 25, 30, 40)]
    by_tolerance = [cover_law.cover_probability(27, 4, 2.0**-b) for b in (10, 8, 6)]
    assert by_n == sorted(by_n)
    assert by_tolerance == sorted(by_tolerance)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="must exceed the size"):
        cover_law.cover_probability(4, 4, 0.1)
    with pytest.raises(ValueError, match="epsilon"):
        cover_law.one_term_cover_probability(4, 1.0)
