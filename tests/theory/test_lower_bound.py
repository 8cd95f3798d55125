from fractions import Fraction
from math import ceil, comb, isqrt, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.theory import entropy, lower_bound


def all_integer_matrices(reach: int) -> np.ndarray:
    return (np.indices((2 * reach + 1,) * 4) - reach).reshape(4, -1).T.reshape(-1, 2, 2)


def test_density_limit_is_where_the_square_root_goes() -> None:
    # Exact on both sides of pi: no n up to 400 has a k between the two readings.
    for n in range(1, 401):
        for k in range(1, n + 1):
            readings = {2 * 355 * (n - k) >= 113 * n, 2 * 333 * (n - k) >= 106 * n}
            assert readings == {k <= lower_bound.DENSITY_LIMIT * n}


@given(st.integers(1, 60), st.fractions(Fraction(1, 300), 2))
def test_line_packing_is_the_largest(k: int, epsilon: Fraction) -> None:
    n = lower_bound.line_packing_size(k, epsilon)
    assert n == 1 or ((n - 1) * epsilon) ** 2 < k  # n points, equally spaced, are far enough
    assert (n * epsilon) ** 2 >= k  # n + 1 points would not fit
    assert np.log2(n) >= lower_bound.packing_bits(k, float(epsilon)) - 1e-12


def test_line_packing_is_strict_where_the_spacing_fits() -> None:
    assert lower_bound.line_packing_size(4, Fraction(1, 20)) == 40  # 41 are exactly 2 epsilon apart
    assert lower_bound.line_packing_size(4, Fraction(1, 20) - Fraction(1, 10**9)) == 41


@given(st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4))
def test_spectral_norm_against_singular_values(entries: list[float]) -> None:
    matrix = np.array(entries).reshape(2, 2)
    expected = np.linalg.svd(matrix, compute_uv=False)[0]
    assert lower_bound.spectral_norm(matrix) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("square", [1, 2, 3, 4, 5, 8, 9, 10, 16, 25, 30])
def test_integer_matrices_against_enumeration(square: int) -> None:
    matrices = all_integer_matrices(isqrt(square - 1))
    (a, b), (c, d) = np.moveaxis(matrices, (-2, -1), (0, 1))
    frobenius, determinant = a**2 + b**2 + c**2 + d**2, a * d - b * c
    # Both eigenvalues of R^2 - A'A are positive, in integers.
    inside = (frobenius < 2 * square) & (square**2 - square * frobenius + determinant**2 > 0)
    assert lower_bound.count_integer_matrices(square) == inside.sum()


def test_spectral_ball_volume_against_simulation_and_counts() -> None:
    rng = np.random.default_rng(3)
    for d, trials in ((2, 100_000), (3, 100_000)):
        cube = rng.uniform(-1, 1, (trials, d, d))
        inside = np.linalg.svd(cube, compute_uv=False)[:, 0] <= 1
        error = inside.std() / np.sqrt(trials)
        volume = float(lower_bound.spectral_ball_volume(d)) / 2 ** (d * d)
        assert abs(inside.mean() - volume) < 4.5 * error
    count = lower_bound.count_integer_matrices(10**4)
    assert count / 10**8 == pytest.approx(lower_bound.spectral_ball_volume(2), rel=1e-3)


@given(st.integers(8, 500), st.floats(1e-6, 0.0624), st.integers(1, 4))
def test_required_parameters_are_the_fewest(k: int, epsilon: float, d: int) -> None:
    n = int(lower_bound.required_parameters(k, epsilon, d))
    floor = int(lower_bound.counting_floor(k, epsilon, d))
    bits = d**2 / 2 * np.log2(k / epsilon)
    assert n * entropy.binary_entropy(k / n) >= bits * (1 - 1e-9)
    assert n == k or (n - 1) * entropy.binary_entropy(k / (n - 1)) < bits * (1 + 1e-9)
    assert n <= floor  # Theorem 5 follows from the count


@given(st.integers(4, 30), st.integers(17, 3000), st.integers(1, 2))
def test_counting_floor_in_exact_integers(k: int, inverse: int, d: int) -> None:
    n = int(lower_bound.counting_floor(k, 1 / inverse, d))
    packing = Fraction(k * inverse**2, 4) ** (d * d)  # the square of its size
    assert (2 * comb(n, k)) ** 2 >= packing * (1 - Fraction(1, 10**9))
    assert n == k or (2 * comb(n - 1, k)) ** 2 < packing


def test_binomial_cases_against_the_entropy() -> None:
    cases = list(lower_bound.binomial_cases(30))
    assert len(cases) == 30 * 31 // 2
    for n, k, binomial, numerator, denominator in cases:
        assert binomial == comb(n, k)
        bits = np.log2(numerator / denominator)
        assert bits == pytest.approx(n * entropy.binary_entropy(k / n), abs=1e-10)


def test_grid_beats_the_guaranteed_packing() -> None:
    for square in range(64, 200, 9):
        assert lower_bound.count_integer_matrices(square) > 2 ** lower_bound.packing_bits(
            square, 0.5, 2
        )
    assert ceil(sqrt(5) * 20) == lower_bound.line_packing_size(5, Fraction(1, 20))


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="epsilon must lie in"):
        lower_bound.required_parameters(3, 1 / 16)
    with pytest.raises(ValueError, match="k must be at least 1"):
        lower_bound.counting_floor(0, 0.01)
    with pytest.raises(ValueError, match="exceeds 2\\^62"):
        lower_bound.counting_floor(1, 1e-30)
    with pytest.raises(ValueError, match="epsilon must be positive"):
        lower_bound.line_packing_size(3, 0.0)
    with pytest.raises(ValueError, match="2 x 2"):
        lower_bound.spectral_norm(np.eye(3))
    with pytest.raises(ValueError, match="at most 10\\^5"):
        lower_bound.count_integer_matrices(10**6)
    with pytest.raises(ValueError, match="d must be at least 1"):
        lower_bound.spectral_ball_volume(0)
