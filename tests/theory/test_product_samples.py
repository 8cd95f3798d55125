from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from slth.theory._product_samples import MissProbability
from slth.theory.laws import Uniform
from slth.theory.products import ReluProduct
from slth.theory.rfss import product_success_probability, required_product_samples

SmallestError = Callable[[NDArray[np.float64], float, int | None], float]


def _misses(
    smallest_error: SmallestError,
    law: ReluProduct,
    n: int,
    size: int | None,
    tolerance: float,
    trials: int,
) -> int:
    misses = 0
    for x in law.sample(n, (trials, n)):
        live = x[x != 0]
        reachable = size is None or live.size >= size
        misses += not (reachable and smallest_error(live, 0.6, size) <= tolerance)
    return misses


@pytest.mark.parametrize("weights", ["uniform", "normal"])
@pytest.mark.parametrize(
    ("size", "tolerance", "n"), [(None, 1e-3, 28), (10, 1e-3, 30), (5, 1e-2, 26), (3, 1e-2, 30)]
)
def test_typical_success_against_exact_solving(
    weights: str, size: int | None, tolerance: float, n: int, smallest_error: SmallestError
) -> None:
    law = ReluProduct(weights)  # type: ignore[arg-type]
    trials = 800
    rate = _misses(smallest_error, law, n, size, tolerance, trials) / trials
    predicted = 1 - float(product_success_probability(n, size, 0.6, tolerance, law))
    error = 4 * np.sqrt(predicted * (1 - predicted) / trials)
    assert rate - error <= (3.0 if (size, weights) == (3, "normal") else 1.7) * predicted
    assert predicted / 1.7 <= rate + error
    assert 0.02 < predicted < 0.98  # otherwise the check would say little


@pytest.mark.parametrize(("size", "tolerance"), [(None, 1e-2), (5, 1e-2), (8, 1e-2)])
def test_rare_misses_are_not_underestimated_beyond_the_stated_factor(
    size: int | None, tolerance: float, smallest_error: SmallestError
) -> None:
    law, failure, trials = ReluProduct(), 1e-2, 2500
    n = required_product_samples(size, 0.6, tolerance, failure)
    misses = _misses(smallest_error, law, n, size, tolerance, trials)
    expected = failure * trials  # 25
    assert misses <= 1.7 * expected + 4 * np.sqrt(1.7 * expected)
    assert misses >= expected / 1.7 - 4 * np.sqrt(expected)


def test_one_product_is_exact() -> None:
    n, weight, tolerance = np.array([1, 10, 1000]), 0.5, 1e-3
    law = ReluProduct()
    hit = float(law.cdf(weight + tolerance) - law.cdf(weight - tolerance))
    assert hit == pytest.approx(tolerance * np.log(1 / weight) / 2, rel=1e-3)  # half are dead
    success = product_success_probability(n, 1, weight, tolerance)
    np.testing.assert_allclose(success, 1 - (1 - hit) ** n, rtol=1e-9)


def test_one_product_barely_reaches_the_largest_weight() -> None:
    epsilon = 1e-3
    edge = product_success_probability(1, 1, 1.0, epsilon)
    assert edge == pytest.approx(epsilon**2 / 4 / 2, rel=1e-2)


@pytest.mark.parametrize(("size", "weights"), [(None, "normal"), (3, "uniform"), (10, "uniform")])
def test_required_samples_move_the_right_way_and_are_the_fewest(
    size: int | None, weights: str
) -> None:
    law = ReluProduct(weights)  # type: ignore[arg-type]

    def required(weight: float = 0.5, tolerance: float = 1e-3, count: int = 100) -> int:
        return required_product_samples(size, weight, tolerance, 0.01, weights=count, law=law)

    n = required()
    assert n == required()  # deterministic
    assert n == required(weight=-0.5)  # the law is symmetric
    assert n < required(tolerance=1e-4)
    assert n < required(count=10_000)
    assert n <= required(weight=0.9)
    miss = 1 - np.asarray(product_success_probability([n - 1, n], size, 0.5, 1e-3, law))
    assert miss[1] * 100 <= 0.01 < miss[0] * 100


def test_weights_within_tolerance_of_zero_cost_nothing() -> None:
    assert product_success_probability(1, None, 0.0, 1e-3) == 1.0
    assert product_success_probability(1, None, 5e-4, 1e-3) == 1.0
    assert product_success_probability(1, 3, 0.0, 1e-3) < 0.01  # exactly three do not exist


def test_few_numbers_of_samples_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The expensive law is asked only where the expected number of hits leaves a hope."""
    tried: list[int] = []
    real = MissProbability.__call__

    def counted(self: MissProbability, n: int, tolerance: float) -> float:
        tried.append(n)
        return real(self, n, tolerance)

    monkeypatch.setattr(MissProbability, "__call__", counted)
    found = required_product_samples(3, 0.6, 8e-5, 0.01, weights=2368)
    assert found in tried
    assert min(tried) > found / 2
    assert len(tried) <= 2 + np.log2(2 * found)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="tolerance must lie"):
        required_product_samples(3, 0.5, 0.0, 0.1)
    with pytest.raises(ValueError, match="size must be at least 1"):
        required_product_samples(0, 0.5, 0.1, 0.1)
    with pytest.raises(ValueError, match="failure must lie"):
        required_product_samples(3, 0.5, 0.1, 1.0)
    with pytest.raises(ValueError, match="no n up to 1,000,000"):
        required_product_samples(1, 1.5, 0.1, 0.1)
    with pytest.raises(AttributeError):
        product_success_probability(3, 1, 0.5, 0.1, Uniform())  # type: ignore[arg-type]
