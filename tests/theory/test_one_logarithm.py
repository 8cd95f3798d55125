"""The arithmetic of Theorems 1 and 2, where it breaks, and what constants are impossible."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slth.theory import groups, one_logarithm, pairs, rfss

TERMS = np.unique(np.r_[np.arange(1, 200), np.geomspace(200, 3e6, 200).astype(int)])[:, None]
BITS = np.unique(np.r_[np.arange(1, 40), np.geomspace(40, 50_000, 40)])


@given(st.integers(1, 500), st.floats(1, 30), st.floats(1, 3))
def test_the_least_n_is_that_of_theorem_2_of_the_paper(k: int, bits: float, c: float) -> None:
    assume(c * (np.log2(k) + bits) / k + np.log2(k) < 62)  # or n is refused as too large
    exact = int(rfss.required_samples(k, 2.0**-bits, c))
    log_n = float(one_logarithm.log2_least_samples(k, c * (np.log2(k) + bits)))
    assert np.ceil(2**log_n - 1e-6 * exact) <= exact <= np.ceil(2**log_n * (1 + 1e-9))


def test_the_arithmetic_of_theorem_1_holds_and_breaks_below_330() -> None:
    assert one_logarithm.spare_bits(TERMS, BITS).min() > 12
    assert one_logarithm.spare_bits(TERMS, BITS, 330.0).min() > 12
    assert one_logarithm.spare_bits(TERMS, BITS, 300.0).min() == -np.inf


def test_spare_bits_of_groups_are_below_those_of_theorem_g() -> None:
    k, bits = 500, 2.0
    constant = 500.0
    n = int(
        np.ceil(2 ** float(one_logarithm.log2_least_samples(k, constant * (bits + np.log2(k)))))
    )
    spare = float(one_logarithm.spare_bits(k, bits, constant))
    bound = groups.failure_bound(groups.halves(n, k), 2.0**-bits)
    assert k < one_logarithm.MANY * (bits + np.log2(k))
    assert -np.inf < spare
    assert bound <= 0.75 * 2.0 ** (-bits - spare)


def test_pairs_take_over_at_fifty_bits_and_not_much_earlier() -> None:
    def least(factor: float) -> float:
        k = np.unique(np.geomspace(500, 3e7, 2000).astype(int))
        return float(one_logarithm.pair_spare_bits(k, np.maximum(k / factor - np.log2(k), 1)).min())

    assert least(50) > 12
    assert least(45) > 11
    assert least(44) < 0


def test_the_pair_bound_is_that_of_the_theorem_by_pairs() -> None:
    k, bits = 1100, 8.0
    spare = float(one_logarithm.pair_spare_bits(k, bits))
    assert pairs.all_targets_failure(k, 2.0**-bits) <= 2.0 ** (-bits - spare)


def test_theorem_2_with_few_terms() -> None:
    spare = []
    for delta in np.geomspace(1e-3, 1, 20):
        k = np.unique(np.geomspace(1, max(1, 200 / delta**2 - 1), 100).astype(int))
        omega = 100 / delta * (1 + np.log2(1 / delta))
        spare.append(one_logarithm.few_terms_spare_bits(k, omega * k, delta, 0.154).min())
    assert min(spare) == pytest.approx(34.8, abs=0.05)
    assert one_logarithm.few_terms_spare_bits(10, 100.0, 1.0, 0.154) < 0


@pytest.mark.parametrize("delta", [1.0, 0.2, 0.05])
def test_theorem_2_with_groups(delta: float) -> None:
    k = np.unique(np.geomspace(200 / delta**2 + 1, 1e7, 40).astype(int))[:, None]
    omega = np.geomspace(20 / delta, 1e4 / delta, 40)
    assert one_logarithm.many_groups_spare_bits(k, omega * k, delta).min() > 0
    broken = one_logarithm.many_groups_spare_bits(k, np.maximum(3 * k, 1 + np.log2(k)), delta)
    assert broken.max() == -np.inf


def test_the_exponent_of_bad_luck() -> None:
    assert one_logarithm.unlucky_exponent(0.5) == pytest.approx(0.32615, abs=5e-6)
    floors = [one_logarithm.constant_floor(gamma) for gamma in (0.5, 0.45, 0.4, 0.3, 0.2)]
    assert floors == pytest.approx([3.066, 2.59, 2.19, 1.537, 1.014], abs=3e-3)
    assert one_logarithm.constant_floor(0.15) < 1


def test_finite_samples_approach_the_exponent() -> None:
    n = np.array([16, 64, 256])
    bits = [-np.log2(one_logarithm.unlucky_probability(int(a), int(a) // 2, 0.457)) for a in n]
    steps = np.diff(bits) / np.diff(n)
    exponent = one_logarithm.unlucky_exponent(0.5)
    assert np.all(steps > exponent)
    assert steps[-1] == pytest.approx(exponent, rel=0.05)


def test_bad_luck_is_at_least_as_likely_as_its_bound() -> None:
    bounds = [one_logarithm.unlucky_probability(n, n // 2, 0.45) for n in (8, 12, 16, 20)]
    assert bounds == pytest.approx([0.0109, 0.0031, 0.0010, 0.00033], rel=0.03)
    x = np.sort(np.random.default_rng(1).uniform(-1, 1, (20_000, 8)), axis=1)
    unlucky = (x[:, 4:].sum(axis=1) <= 0).mean()
    assert unlucky > bounds[0]
    assert unlucky == pytest.approx(0.039, abs=0.005)


@given(st.floats(0.01, 1), st.integers(16, 5000), st.floats(1, 200))
def test_a_uniform_part_leaves_the_bits_that_theorem_1_uses(p: float, k: int, bits: float) -> None:
    b = np.log2(k) + bits
    if k >= one_logarithm.MANY * b:
        return
    aim = float(one_logarithm.mixture_constant(p)) * b
    log_n = max(float(one_logarithm.log2_least_samples(k, aim)), np.log2(4 * k / p))
    uniform = log_n + np.log2(p / 2)
    assert k * (np.log2(math.e / k) + uniform) >= 500 * b * (1 - 1e-12)


def test_bits_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="bits"):
        one_logarithm.spare_bits(4, 0.5)
