import numpy as np
import pytest
from scipy.special import gamma
from scipy.stats import t as student_t

from slth.theory.heavy_tails import student_t_sum_pdf


@pytest.mark.parametrize("nu", [0.5, 1.0, 1.5, 3.0])
def test_one_term_has_the_density_of_student(nu: float) -> None:
    x = np.array([0.0, 0.3, -2.0, 16.0])
    np.testing.assert_allclose(student_t_sum_pdf(x, 1, nu), student_t.pdf(x, nu), rtol=1e-10)


def test_cauchy_sums_in_closed_form() -> None:
    k = np.array([1, 2, 7, 50, 1000])
    x = np.sqrt(k)
    np.testing.assert_allclose(student_t_sum_pdf(x, k, 1.0), k / np.pi / (k**2 + k), rtol=1e-10)


@pytest.mark.parametrize("nu", [0.5, 1.5])
def test_density_of_a_sum_against_simulation(nu: float) -> None:
    k, trials, half = 5, 200_000, 0.25
    sums = np.random.default_rng(8).standard_t(nu, (trials, k)).sum(axis=1)
    for x in (0.0, 2.0):
        rate = np.mean(np.abs(sums - x) <= half)
        nodes = x + half * np.linspace(-1, 1, 41)
        mass = np.trapezoid(np.asarray(student_t_sum_pdf(nodes, k, nu)), nodes)
        assert abs(rate - mass) < 4 * np.sqrt(mass / trials)


def test_sums_approach_the_stable_law() -> None:
    # For nu = 1/2 the tail is c |x|^(-1/2) / 2; the stable law with that tail has, at zero, the
    # density Gamma(1 + 1/nu) / (pi scale), where scale^nu = c pi / (2 Gamma(nu) sin(pi nu / 2)).
    nu = 0.5
    c = 2 * gamma((nu + 1) / 2) * nu ** (nu / 2) / (np.sqrt(np.pi * nu) * gamma(nu / 2) * nu)
    c *= np.sqrt(nu)
    scale = (c * np.pi / (2 * gamma(nu) * np.sin(np.pi * nu / 2))) ** (1 / nu)
    k = 4096
    value = float(student_t_sum_pdf(0.0, k, nu)) * k ** (1 / nu)
    assert value == pytest.approx(gamma(1 + 1 / nu) / np.pi / scale, rel=0.02)


@pytest.mark.parametrize(("k", "nu"), [(0, 1.5), (3, 0.1), (3, 30.0)])
def test_arguments_out_of_range(k: int, nu: float) -> None:
    with pytest.raises(ValueError, match="must"):
        student_t_sum_pdf(0.0, k, nu)
