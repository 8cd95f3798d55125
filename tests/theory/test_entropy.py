from fractions import Fraction
from math import comb, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.theory.entropy import (
    binary_entropy,
    inverse_binary_entropy,
    log2_binomial,
    log2_binomial_bounds,
)


@given(st.floats(0.0, 1.0))
def test_entropy_is_symmetric_and_between_its_parabola_and_its_root(p: float) -> None:
    entropy = binary_entropy(p)
    assert entropy == pytest.approx(binary_entropy(1 - p), abs=1e-13)
    assert 4 * p * (1 - p) - 1e-14 <= entropy <= 2 * np.sqrt(p * (1 - p)) + 1e-14


def test_entropy_keeps_relative_accuracy_for_tiny_p() -> None:
    p = 1e-200  # the second term of H2, log2(e) p, would be lost in 1 - p
    assert binary_entropy(p) == pytest.approx(p * (200 * np.log2(10) + np.log2(np.e)), rel=1e-14)


@given(st.floats(1e-290, 1.0))
def test_inverse_entropy_inverts_within_its_bracket(h: float) -> None:
    p = inverse_binary_entropy(h)
    assert h / (2 * np.log2(6 / h)) <= p * (1 + 1e-12)
    assert p <= h / 2
    assert binary_entropy(p) == pytest.approx(h, rel=1e-12)


def test_inverse_entropy_at_the_ends() -> None:
    np.testing.assert_array_equal(inverse_binary_entropy([0.0, 1.0]), [0.0, 0.5])


@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 17, 40, 199, 2000])
def test_log2_binomial_against_exact_integers(n: int) -> None:
    sizes = np.unique(np.linspace(0, n, 60).astype(int))
    exact = [log2(comb(n, int(k))) for k in sizes]
    np.testing.assert_allclose(log2_binomial(n, sizes), exact, rtol=1e-14, atol=1e-13)


def test_log2_binomial_of_a_huge_n() -> None:
    n = 10**15
    assert log2_binomial(n, 2) == pytest.approx(log2(n * (n - 1) // 2), rel=1e-14)


def test_log2_binomial_continues_to_real_n() -> None:
    assert log2_binomial(5.5, 2) == pytest.approx(log2(5.5 * 4.5 / 2), rel=1e-13)


@pytest.mark.parametrize("n", range(2, 41))
def test_binomial_bounds_hold_in_exact_arithmetic(n: int) -> None:
    pi_above = Fraction(355, 113)  # > pi, so this upper bound is the stricter one
    for k in range(1, n):
        # 2^{n H2(k/n)} = n^n / (k^k (n-k)^(n-k)); squares of both inequalities
        power = Fraction(n**n, k**k * (n - k) ** (n - k)) ** 2
        square = comb(n, k) ** 2
        assert power * Fraction(n, 8 * k * (n - k)) <= square
        assert square <= power * n / (2 * pi_above * k * (n - k))
        lower, upper = log2_binomial_bounds(n, k)
        assert 2 * lower == pytest.approx(log2(power * Fraction(n, 8 * k * (n - k))), abs=1e-10)
        assert 2 * upper == pytest.approx(
            log2(power) + log2(n / (2 * np.pi * k * (n - k))), abs=1e-10
        )


def test_binomial_bounds_are_exact_for_none_and_all() -> None:
    lower, upper = log2_binomial_bounds([5, 5], [0, 5])
    np.testing.assert_array_equal([lower, upper], np.zeros((2, 2)))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
        binary_entropy(1.5)
    with pytest.raises(ValueError, match="h must lie"):
        inverse_binary_entropy(np.nan)
    with pytest.raises(ValueError, match="0 <= k <= n"):
        log2_binomial(3, 4)
