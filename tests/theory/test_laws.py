from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import kstest

from slth.theory import laws
from slth.theory.laws import (
    Normal,
    SumLaw,
    Uniform,
    berry_esseen_bound,
    sum_bounded_constants,
    tail_mass_margin,
)

Rational = Callable[[Fraction, int], Fraction]
SQRT3 = np.sqrt(3.0)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 9, 18, 40, 120])
def test_spline_equals_exact_rational_arithmetic(
    k: int, irwin_hall_pdf: Rational, irwin_hall_cdf: Rational
) -> None:
    law = Uniform(0.0, 1.0)
    points = [Fraction(j, 32) * k for j in range(1, 32)]
    exact_pdf = [float(irwin_hall_pdf(u, k)) for u in points]
    exact_cdf = [float(irwin_hall_cdf(u, k)) for u in points]
    floats = [float(u) for u in points]
    # Arguments that are not representable cost about k ulps: so steep is the density in the tails.
    np.testing.assert_allclose(law.sum_pdf(floats, k), exact_pdf, rtol=1e-15 * (10 + 4 * k))
    np.testing.assert_allclose(law.sum_cdf(floats, k), exact_cdf, rtol=1e-15 * (10 + 4 * k))


@given(
    st.floats(-3.0, 3.0),
    st.floats(0.1, 5.0),
    st.integers(1, 30),
    st.floats(-0.1, 1.1),
)
def test_any_uniform_is_the_standard_one_rescaled(
    low: float, width: float, k: int, place: float
) -> None:
    law, standard = Uniform(low, low + width), Uniform(0.0, 1.0)
    u = place * k
    x = k * law.low + (law.high - law.low) * u
    assert law.sum_cdf(x, k) == pytest.approx(standard.sum_cdf(u, k), abs=1e-9)


def test_the_support_is_the_closed_interval() -> None:
    np.testing.assert_array_equal(
        Uniform().pdf([-1.5, -1.0, 0.0, 1.0, 1.5]), [0.0, 0.5, 0.5, 0.5, 0.0]
    )
    np.testing.assert_array_equal(Uniform().sum_cdf([-9.0, 9.0], 3), [0.0, 1.0])


@pytest.mark.parametrize("law", [Uniform(), Uniform(-0.5, 2.0), Normal(), Normal(0.4)])
def test_moments_sampler_and_sums_agree(law: SumLaw) -> None:
    span = (law.mean - 9 * np.sqrt(law.variance), law.mean + 9 * np.sqrt(law.variance))
    moments = [
        quad(
            lambda x, j=j: float(law.pdf(x)) * (x - law.mean) ** j,
            *span,
            points=[-1.0, -0.5, 1.0, 2.0],
            limit=200,
        )[0]
        for j in (0, 1, 2, 4)
    ]
    expected = [1.0, 0.0, law.variance, law.kurtosis * law.variance**2]
    np.testing.assert_allclose(moments, expected, atol=1e-8)
    draws = law.sample(7, (4000, 3))
    assert kstest(draws[:, 0], law.cdf).pvalue > 1e-4
    assert kstest(draws.sum(axis=1), lambda x: law.sum_cdf(x, 3)).pvalue > 1e-4
    # Negative control: the same sums against the law of four terms.
    assert kstest(draws.sum(axis=1), lambda x: law.sum_cdf(x, 4)).pvalue < 1e-4


def test_sum_pdf_broadcasts_over_points_and_sizes() -> None:
    table = Uniform().sum_pdf(np.linspace(-1, 1, 5)[:, None], [1, 2, 7])
    assert np.shape(table) == (5, 3)
    assert np.asarray(table)[1, 2] == Uniform().sum_pdf(-0.5, 7)


def test_sharp_constants_of_lemma_1() -> None:
    k = np.arange(1, 401)
    lower, upper = map(np.asarray, sum_bounded_constants(Uniform(), k))
    assert np.argmax(upper) == 1
    assert upper[1] == pytest.approx(1 / np.sqrt(2), rel=1e-15)
    limit = np.sqrt(3 / (2 * np.pi)) * np.exp(-1.5)
    assert np.all(np.diff(lower) < 0)  # decreasing, so the infimum is the limit
    assert np.all(lower > limit)
    assert np.all((lower - limit) * k < 0.35)
    assert lower[-1] == pytest.approx(limit, rel=2e-3)


def test_the_gaussian_is_sum_bounded_with_its_own_density() -> None:
    lower, upper = sum_bounded_constants(Normal(), [1, 5, 80])
    np.testing.assert_allclose(lower, np.exp(-0.5) / np.sqrt(2 * np.pi))
    np.testing.assert_allclose(upper, 1 / np.sqrt(2 * np.pi))


def test_a_law_with_a_drift_is_not_sum_bounded() -> None:
    lower, _ = sum_bounded_constants(Uniform(0.0, 1.0), [1, 4, 20])
    np.testing.assert_array_equal(np.asarray(lower)[1:], 0.0)  # no mass at -sqrt(k)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 10, 17, 18, 30, 100, 300])
def test_berry_esseen_type_bound_holds_but_not_with_a_third_of_it(k: int) -> None:
    t = np.linspace(-3.5, 3.5, 2801)
    gap = np.max(np.abs(Uniform().sum_cdf(t * np.sqrt(k / 3), k) - ndtr(t)))
    assert gap <= berry_esseen_bound(k)
    if k == 1:  # a third of the constant would be too little
        assert gap > berry_esseen_bound(k) / 3


def test_eighteen_is_the_first_size_for_which_the_argument_works() -> None:
    k = np.arange(1, 60)
    assert k[np.argmax(tail_mass_margin(k) > 0)] == 18
    # The argument itself: sup over y of the mass on [sqrt 3, y] over its length, in standard units.
    y = SQRT3 + np.geomspace(1e-4, 40, 4000)

    def density_bound(size: int) -> float:
        mass = ndtr(y) - ndtr(SQRT3) - 2 * berry_esseen_bound(size)
        return float(np.max(mass / (y - SQRT3)))

    assert density_bound(17) <= 0 < density_bound(18)
    for size in (18, 25, 100):
        exact = float(Uniform().sum_pdf(np.sqrt(size), size)) * np.sqrt(size / 3)
        assert density_bound(size) <= exact


def test_bad_laws_and_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="low < high"):
        Uniform(1.0, 1.0)
    with pytest.raises(ValueError, match="positive standard deviation"):
        Normal(0.0)
    with pytest.raises(ValueError, match="size k must be at least 1"):
        Uniform().sum_pdf(0.0, 0)
    with pytest.raises(ValueError, match="must be an integer"):
        Normal().sum_pdf(0.0, 1.5)


def test_the_old_name_of_the_normal_law_leads_to_it() -> None:
    with pytest.warns(DeprecationWarning, match="Gaussian is slth.theory.laws.Normal now"):
        assert laws.Gaussian is Normal
    with pytest.raises(AttributeError, match="has no attribute 'Gauss'"):
        _ = laws.Gauss
