import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.theory import at_most
from slth.theory.products import ReluProduct


@pytest.mark.parametrize(("n", "k", "weight"), [(8, 3, 0.4), (10, 2, -0.9), (6, 6, 0.0)])
def test_expected_hits_is_the_mean_count(n: int, k: int, weight: float) -> None:
    """Every non-empty set of at most k live products, counted in many samples."""
    rng, tolerance, trials = np.random.default_rng(7), 0.05, 4000
    x = ReluProduct().sample(rng, (trials, n))
    counts = np.zeros(trials)
    for size in range(1, k + 1):
        for chosen in itertools.combinations(range(n), size):
            terms = x[:, chosen]
            counts += (terms != 0).all(axis=1) & (abs(terms.sum(axis=1) - weight) <= tolerance)
    error = counts.std() / math.sqrt(trials)
    expected = float(at_most.expected_hits(n, k, weight, tolerance))
    assert abs(counts.mean() - expected) < 4 * error
    assert abs(counts.mean() - 2 * expected) > 4 * error


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 12), st.floats(0.05, 1.0), st.floats(2.0, 14.0))
def test_least_samples_is_the_first_n(k: int, weight: float, bits: float) -> None:
    tolerance = 2.0**-bits
    n = int(at_most.least_samples(k, weight, tolerance))
    assert at_most.expected_hits(n, k, weight, tolerance) >= 0.5
    if n > k:
        assert at_most.expected_hits(n - 1, k, weight, tolerance) < 0.5


def test_more_terms_and_more_products_only_help() -> None:
    hits = np.asarray(at_most.expected_hits([[20], [40]], [1, 2, 5, 20], 0.7, 1e-3))
    assert np.all(np.diff(hits, axis=0) > 0)
    assert np.all(np.diff(hits, axis=1) > 0)


def test_a_single_product_near_one_takes_a_square() -> None:
    tolerance = 2.0 ** -np.array([8, 10, 12])
    n = [int(at_most.least_samples(1, 1.0, t)) for t in tolerance]
    np.testing.assert_allclose(n * tolerance**2, 4.0, rtol=0.01)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="size k=5 exceeds the n=4"):
        at_most.expected_hits(4, 5, 0.5, 0.1)
    with pytest.raises(ValueError, match="tolerance"):
        at_most.expected_hits(4, 2, 0.5, 0.0)
    with pytest.raises(ValueError, match="no n up to 2\\^62"):
        at_most.least_samples(2, 3.0, 0.1)
