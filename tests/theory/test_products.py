from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma, kv
from scipy.stats import kstest

from slth.theory.products import NormalProduct, ReluProduct, UniformProduct

Live = UniformProduct | NormalProduct
LIVE: list[Live] = [UniformProduct(), NormalProduct()]


@pytest.mark.parametrize("law", LIVE)
def test_live_moments_by_integration(law: Live) -> None:
    for power, expected in ((0, 1.0), (2, law.variance), (4, law.kurtosis * law.variance**2)):
        half = quad(lambda x, j=power: float(law.pdf(x)) * x**j, 0, 1)[0]
        half += quad(lambda x, j=power: float(law.pdf(x)) * x**j, 1, 60)[0]
        assert 2 * half == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("law", LIVE)
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_sampler_agrees_with_the_law_of_sums(law: Live, k: int) -> None:
    sums = law.sample(5, (4000, k)).sum(axis=1)
    assert kstest(sums, lambda x: law.sum_cdf(x, k)).pvalue > 1e-4
    assert kstest(1.2 * sums, lambda x: law.sum_cdf(x, k)).pvalue < 1e-4


@pytest.mark.parametrize("law", LIVE)
@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_density_is_the_derivative_of_the_distribution_function(law: Live, k: int) -> None:
    a, b = 0.2, 0.9
    mass = quad(lambda x: float(law.sum_pdf(x, k)), a, b)[0]
    assert mass == pytest.approx(float(law.sum_cdf(b, k) - law.sum_cdf(a, k)), abs=1e-6)


@pytest.mark.parametrize("x", [0.1, 0.5, 1.2, 1.9])
def test_sum_of_two_uniform_products_is_a_convolution(x: float) -> None:
    law = UniformProduct()
    value, _ = quad(
        lambda t: float(law.pdf(t) * law.pdf(x - t)), -1, 1, points=sorted((0.0, x)), limit=400
    )
    assert law.sum_pdf(x, 2) == pytest.approx(value, abs=1e-6)


def test_sum_of_two_uniform_products_at_zero() -> None:
    assert UniformProduct().sum_pdf(0.0, 2) == pytest.approx(1.0, abs=1e-6)  # int ln^2 / 2 = 1


@pytest.mark.parametrize("x", [0.1, 1.2, 2.5])
def test_sum_of_three_uniform_products_is_a_convolution(x: float) -> None:
    law = UniformProduct()
    value, _ = quad(
        lambda t: float(law.pdf(t) * law.sum_pdf(x - t, 2)), -1, 1, points=[0.0], limit=400
    )
    assert law.sum_pdf(x, 3) == pytest.approx(value, abs=2e-6)


@pytest.mark.parametrize("k", [2, 3, 5, 30])
def test_sum_of_normal_products_has_the_bessel_density(k: int) -> None:
    x, order = np.array([0.01, 0.5, 3.0, 9.0]), (k - 1) / 2
    bessel = x**order * kv(order, x) / (2**order * np.sqrt(np.pi) * gamma(order + 0.5))
    np.testing.assert_allclose(NormalProduct().sum_pdf(x, k), bessel, rtol=1e-11)


def test_relu_product_has_its_atom_and_its_variance() -> None:
    law = ReluProduct()
    draws = law.sample(3, 40_000)
    assert np.mean(draws == 0) == pytest.approx(law.atom, abs=0.01)
    assert draws.var() == pytest.approx(law.variance, rel=0.03)
    assert law.cdf(-1e-12) == pytest.approx(0.25)
    assert law.cdf(0.0) == pytest.approx(0.75)
    rng = np.random.default_rng(4)
    a, b = rng.uniform(-1, 1, (2, 20_000))
    gadget = b * np.maximum(a, 0)
    live = gadget[gadget != 0]
    assert kstest(live, law.live.cdf).pvalue > 1e-4


def test_best_uniform_mixture() -> None:
    law = ReluProduct()
    widths = np.linspace(0.01, 0.99, 981)
    weights = np.asarray(law.uniform_weight(widths))
    assert weights[np.argmax(weights)] == pytest.approx(1 / (2 * np.e), rel=1e-6)
    assert widths[np.argmax(weights)] == pytest.approx(1 / np.e, abs=1e-3)
    assert law.uniform_weight(0.5) == pytest.approx(np.log(2) / 4)
    for width in (0.2, 1 / np.e, 0.5):  # the box fits under the density and a higher one does not
        height = law.uniform_weight(width) / (2 * width)
        inside = law.pdf(np.linspace(1e-6, width, 500))
        assert np.all(inside >= height * (1 - 1e-12))
        assert np.any(inside < 1.001 * height)


@pytest.mark.parametrize("law", ["cauchy", "signs"])
def test_weights_without_formulas_are_refused(law: Any) -> None:
    with pytest.raises(ValueError, match=f'must be "uniform" or "normal", got .{law}'):
        ReluProduct(law)
