from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from slth.theory import rss
from slth.theory.laws import Normal, SumLaw, Uniform

SmallestError = Callable[[NDArray[np.float64], float, int | None], float]


@given(st.floats(1e-6, 0.4), st.floats(1e-6, 0.99), st.floats(-0.5, 0.5))
def test_trials_are_the_fewest_that_suffice(epsilon: float, failure: float, z: float) -> None:
    n = int(rss.trials_for_one_sample(epsilon, failure, z))
    assert (1 - epsilon) ** n <= failure * (1 + 1e-9)
    assert n == 1 or (1 - epsilon) ** (n - 1) > failure * (1 - 1e-9)


def test_trials_double_at_the_edge_of_the_support() -> None:
    inside, edge = np.asarray(rss.trials_for_one_sample(1e-4, 0.01, [0.0, 1.0]))
    assert edge / inside == pytest.approx(2.0, rel=1e-3)
    with pytest.raises(ValueError, match="cannot reach"):
        rss.trials_for_one_sample(0.1, 0.01, 1.2)


def test_sample_floor_is_a_covering_bound() -> None:
    rng = np.random.default_rng(0)
    for n in (4, 7, 9):
        epsilon = 2.0**-n * 0.999  # one bit short: log2(1/epsilon) > n
        assert rss.sample_floor(epsilon) > n
        sums = (rng.uniform(-1, 1, n) * np.indices((2,) * n).reshape(n, -1).T).sum(axis=1)
        sums = np.sort(np.clip(sums, -1, 1))
        gaps = np.diff(np.concatenate([[-1 - epsilon], sums, [1 + epsilon]]))
        assert gaps.max() > 2 * epsilon  # some target is not served


@given(st.floats(1e-9, 0.9), st.floats(1e-6, 0.99), st.floats(0.1, 50.0))
def test_required_samples_invert_the_success_bound(
    epsilon: float, failure: float, constant: float
) -> None:
    n = int(rss.required_samples(epsilon, failure, constant))
    assert rss.success_bound(n, epsilon, constant) >= 1 - failure - 1e-9
    if n > 1:
        assert rss.success_bound(n - 1, epsilon, constant) <= 1 - failure + 1e-9


@pytest.mark.parametrize("law", [Uniform(), Normal(0.7)])
def test_expected_hits_against_enumeration(law: SumLaw) -> None:
    rng, n, z, epsilon, trials = np.random.default_rng(1), 8, 0.4, 0.02, 4000
    subsets = np.indices((2,) * n).reshape(n, -1)
    hits = np.sum(np.abs(law.sample(rng, (trials, n)) @ subsets - z) <= epsilon, axis=1)
    error = hits.std() / np.sqrt(trials)
    assert abs(hits.mean() - rss.expected_hits(n, z, epsilon, law)) < 4 * error
    assert abs(hits.mean() - rss.expected_hits(n + 1, z, epsilon, law)) > 4 * error


@pytest.mark.parametrize(("n", "z", "epsilon"), [(12, 0.5, 5e-4), (16, 0.5, 1e-4), (14, 2.0, 1e-3)])
@pytest.mark.parametrize("law", [Uniform(), Normal()])
def test_success_law_against_exact_solving(
    n: int, z: float, epsilon: float, law: SumLaw, smallest_error: SmallestError
) -> None:
    trials = 1500
    hit = [smallest_error(x, z, None) <= epsilon for x in law.sample(n, (trials, n))]
    rate = np.mean(hit)
    slack = 0.03 + 4 * np.sqrt(rate * (1 - rate) / trials)
    assert abs(rate - rss.success_probability(n, z, epsilon, law)) < slack
    # Negative control: an unconditional Poisson law is too optimistic.
    if rss.expected_hits(n, z, epsilon, law) > 2:
        assert -np.expm1(-rss.expected_hits(n, z, epsilon, law)) - rate > 0.03


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="failure must lie"):
        rss.trials_for_one_sample(0.1, 0.0)
    with pytest.raises(ValueError, match="constant must lie"):
        rss.success_bound(3, 0.1, 0.0)
    with pytest.raises(ValueError, match="n must be at least 2"):
        rss.success_probability(1, 0.0, 0.1)
