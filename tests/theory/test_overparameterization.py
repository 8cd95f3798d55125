from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.theory import overparameterization as op
from slth.theory.entropy import binary_entropy


@given(st.floats(-4.0, np.log10(0.5)), st.floats(4.0, 12.0), st.floats(0.5, 3.0))
def test_multiplicity_is_the_upper_fixed_point(
    log_density: float, log_z: float, c_amp: float
) -> None:
    gamma, z = min(10**log_density, 0.5), 10**log_z
    n = float(op.multiplicity(gamma, z, c_amp))

    def right(samples: np.ndarray) -> np.ndarray:
        return np.asarray(c_amp * np.log2(2 * z * gamma * samples) ** 2 / binary_entropy(gamma))

    assert right(np.array(n)) == pytest.approx(n, rel=1e-9)
    more = n * np.geomspace(1.001, 1e6, 50)
    assert np.all(more > right(more))


@given(st.floats(-4.0, np.log10(0.5)), st.floats(4.0, 12.0))
def test_first_moment_floor_solves_its_equation_below_theorem_3(
    log_density: float, log_z: float
) -> None:
    gamma, z = min(10**log_density, 0.5), 10**log_z
    n = float(op.first_moment_floor(gamma, z))
    bits = np.log2(2 * z * gamma * n) + np.log2(np.pi / np.sqrt(3)) + 0.5 * np.log2(1 - gamma)
    assert n * binary_entropy(gamma) == pytest.approx(bits, rel=1e-9)
    assert n < op.multiplicity(gamma, z)


@given(st.floats(-9.0, -0.001), st.floats(0.0, 12.0), st.sampled_from([0.3, 1.0, 4.0, 1200.0]))
def test_one_logarithm_is_enough_from_its_multiplicity_on(
    log_density: float, log_z: float, constant: float
) -> None:
    gamma, z = 10**log_density, 10**log_z
    n = float(op.one_log_multiplicity(gamma, z, constant))

    def spare(samples: np.ndarray) -> np.ndarray:
        bits = constant * np.log2(2 * z * gamma * samples)
        return np.asarray(samples * binary_entropy(gamma) - bits) / constant

    assert gamma * n >= 1 - 1e-12
    assert np.all(spare(n * np.geomspace(1.0, 1e6, 50)) > -1e-8)
    if gamma * n > 1.001:
        assert spare(np.array(n)) == pytest.approx(0, abs=1e-8)
        assert spare(np.array(0.999 * n)) < 0


def test_one_logarithm_meets_both_earlier_results_up_to_constants() -> None:
    z = 2.0 ** np.array([33, 100, 300])
    dense = op.one_log_multiplicity(0.5, z, 1200) / (1200 * np.log2(z))
    np.testing.assert_allclose(dense, [1.48, 1.17, 1.06], atol=0.005)
    kept = np.array([[0.755, 0.575, 0.515], [0.765, 0.585, 0.525]])  # of 1200, at n = z^2
    short, enough = op.one_log_multiplicity(1200 * kept / z**2, z, 1200) / z**2
    assert np.all(short > 1)
    assert np.all(enough < 1)
    with pytest.raises(ValueError, match="density must lie in"):
        op.one_log_multiplicity(1.0, 10)
    with pytest.raises(ValueError, match="constant must lie in"):
        op.one_log_multiplicity(0.5, 10, 0.0)


def test_closed_form_has_the_right_shape_but_not_the_constant() -> None:
    z = 10.0 ** np.array([3, 6, 9, 12, 100])
    ratio = np.asarray(op.multiplicity(0.5, z) / op.closed_form(0.5, z))
    assert np.all(np.diff(ratio) < 0)
    assert np.all(ratio > 1)
    assert ratio[-1] < 1.15  # it tends to 1 at constant density


def test_remarks_on_figure_1() -> None:
    z = 10.0 ** np.array([6, 9, 12, 15])
    needed = op.multiplicity(1 / z, z) / (z * np.log2(z))
    assert np.all(np.diff(needed) < 0)
    assert np.all((needed > 1) & (needed < 1.6))  # z log z, not z^2
    gamma = np.log2(z) / z**2
    assert np.all(op.multiplicity(gamma, z) < z**2)
    assert np.all(op.multiplicity(gamma / 4, z) > z**2)
    kept = z**-1.0 * op.first_moment_floor(1 / z, z)
    np.testing.assert_allclose(kept, 1.0, atol=0.05)  # one edge per weight at density 1/z


def test_points_of_figure_1() -> None:
    density, factor = op.malach_point([10.0, 100.0])
    np.testing.assert_allclose(density * factor, 1.0)
    density, factor = op.pensia_point([10.0, 100.0])
    np.testing.assert_allclose(density, 0.5)
    np.testing.assert_allclose(factor, np.log2([100.0, 10_000.0]))


@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=5),
    st.integers(1, 40),
    st.booleans(),
)
def test_dense_parameters_count_the_weights_of_the_random_layers(
    widths: list[int], n: int, signed: bool
) -> None:
    expected = []
    for inputs, outputs in pairwise(widths):
        hidden = (2 if signed else 1) * inputs * n
        expected.append(np.zeros((hidden, inputs)).size + np.zeros((outputs, hidden)).size)
    np.testing.assert_array_equal(op.dense_parameters(widths, n, signed=signed), expected)


def test_square_layers_keep_at_most_their_density() -> None:
    widths, n, k = (20, 20, 20), 100, 7
    total, kept = op.dense_parameters(widths, n), op.dense_kept_bound(widths, k)
    np.testing.assert_allclose(kept / total, k / n)
    np.testing.assert_allclose(total / op.target_parameters(widths), 4 * n)


def test_per_layer_arguments() -> None:
    counts = op.dense_parameters((4, 3, 2), (10, 20), signed=(True, False))
    np.testing.assert_array_equal(counts, [2 * 10 * (16 + 12), 20 * (9 + 6)])
    np.testing.assert_array_equal(
        op.dense_kept_bound((4, 3, 2), (1, 5), signed=(True, False)), [4 * 12, 2 * 6 * 5]
    )


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="density must lie"):
        op.multiplicity(0.7, 1e6)
    with pytest.raises(ValueError, match="z must lie"):
        op.closed_form(0.1, 0.5)
    with pytest.raises(ValueError, match="no fixed point"):
        op.first_moment_floor(1e-9, 2.0)
    with pytest.raises(ValueError, match="at least two widths"):
        op.target_parameters((3,))
    with pytest.raises(ValueError, match="layer width must be at least 1"):
        op.target_parameters((3, 0))
    with pytest.raises(ValueError, match=r"samples needs one value, or one per layer \(2\), got 3"):
        op.dense_parameters((4, 3, 2), (1, 2, 3))
