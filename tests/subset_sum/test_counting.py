"""Numbers of subsets, and lists of all sums."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.subset_sum import InstanceTooLarge, count, solve, sums

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]
EverySubset = Callable[[Floats, float], tuple[npt.NDArray[Any], Floats]]


@pytest.mark.parametrize("n", range(0, 13, 2))
def test_count_against_every_subset(n: int, law: Law, every_subset: EverySubset) -> None:
    rng = np.random.default_rng(n)
    x = law(rng, n)
    z = float(rng.choice(x)) if n else 0.25
    sizes, errors = every_subset(x, z)
    tolerances = [0.0, *rng.choice(errors, 3).tolist(), 2.0 * float(errors.max())]
    for tolerance in tolerances:  # some are themselves errors: the edge is admitted
        assert count(x, z, tolerance=tolerance) == (errors <= tolerance).sum()
        for k in range(n + 1):
            expected = (errors[sizes == k] <= tolerance).sum()
            assert count(x, z, tolerance=tolerance, size=k) == expected


def test_count_just_below_an_error_excludes_it() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 14)
    least = solve(x, 0.2).error
    assert count(x, 0.2, tolerance=least) == 1
    assert count(x, 0.2, tolerance=math.nextafter(least, 0.0)) == 0


@pytest.mark.parametrize(("n", "k"), [(40, 20), (40, 3), (40, 38), (40, None), (300, 2)])
def test_count_of_everything(n: int, k: int | None) -> None:
    x = np.random.default_rng(n).normal(size=n)
    everything = count(x, 0.0, tolerance=1e3, size=k)
    assert everything == (2**n if k is None else math.comb(n, k))
    assert isinstance(everything, int)


def test_count_beyond_enumeration() -> None:
    """All 2^40 subsets of equal values: as many as the binomial law says."""
    assert count(np.full(40, 0.1), 2.0, tolerance=0.15) == sum(
        math.comb(40, j) for j in (19, 20, 21)
    )
    assert count(np.ones(40), 20.0, tolerance=0.0, size=20) == math.comb(40, 20)


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=16),
    st.integers(-60, 60),
    st.integers(0, 30),
)
@settings(max_examples=40, deadline=None)
def test_counts_add_up(values: list[int], z: int, tolerance: int) -> None:
    x = np.array(values, float)
    total = count(x, z, tolerance=tolerance)
    assert total == sum(count(x, z, tolerance=tolerance, size=k) for k in range(len(x) + 1))
    assert (total > 0) == (solve(x, z).error <= tolerance)
    assert total == np.sum(np.abs(sums(x) - z) <= tolerance)


@pytest.mark.parametrize("n", range(11))
def test_sums_are_all_sums(n: int) -> None:
    x = np.random.default_rng(n).normal(size=n)
    everything: list[float] = []
    for k in range(n + 1):
        expected = sorted(math.fsum(terms) for terms in itertools.combinations(x, k))
        np.testing.assert_allclose(sums(x, size=k), expected, atol=4e-15)
        everything += expected
    found = sums(x)
    assert found.dtype == np.float64
    assert (np.diff(found) >= 0).all()
    np.testing.assert_allclose(found, sorted(everything), atol=4e-15)


def test_sums_of_few_terms_of_many_samples() -> None:
    x = np.arange(400.0)
    pairs = sums(x, size=2)
    assert len(pairs) == math.comb(400, 2)
    np.testing.assert_array_equal(sums(x, size=398), x.sum() - pairs[::-1])


def test_bad_input() -> None:
    with pytest.raises(InstanceTooLarge, match="the largest n whose sums can be enumerated is 25"):
        sums(np.zeros(30))
    with pytest.raises(InstanceTooLarge, match="largest n that can be solved exactly is 48"):
        count(np.zeros(70), 0.0, tolerance=0.0)
    with pytest.raises(ValueError, match="size k=3 exceeds the n=2 available samples"):
        sums([1.0, 2.0], size=3)
    with pytest.raises(ValueError, match="finite number >= 0"):
        count([1.0], 0.0, tolerance=-0.5)
    with pytest.raises(ValueError, match="not finite"):
        count([1.0, np.nan], 0.0, tolerance=0.5)
