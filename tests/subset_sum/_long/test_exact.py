"""Python's integers: against every subset, and with a tolerance that rounds as errors do."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from slth.subset_sum import count, solve
from slth.subset_sum._long import exact

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]
EverySubset = Callable[[Floats, float], tuple[npt.NDArray[Any], Floats]]


@pytest.mark.parametrize("size", [None, 0, 1, 2, 3, 4, 5, 7, 9])
def test_python_integers_against_every_subset(
    size: int | None, law: Law, every_subset: EverySubset
) -> None:
    rng = np.random.default_rng(size)
    x = law(rng, 9)
    z = float(rng.choice(x))
    sizes, errors = every_subset(x, z)
    if size is not None:
        errors = errors[sizes == size]
    tolerance = float(rng.choice(errors))
    v, target, reach = exact.to_integers(x.tolist(), z, tolerance)
    distance, indices = exact.closest(v, target, size)
    assert abs(sum(v[i] for i in indices) - target) == distance
    assert abs(math.fsum([*x[indices], -z])) == errors.min()
    assert exact.count(v, target - reach, target + reach, size) == (errors <= tolerance).sum()


def test_the_integer_tolerance_rounds_like_the_error() -> None:
    """1 + 2^-53 rounds to 1, and 1 + 3 2^-53 to 1 + 2^-51: both by ties to even."""
    for excess, admitted in ((2.0**-53, True), (2.0**-53 + 2.0**-90, False)):
        v, target, reach = exact.to_integers([1.0, excess], 0.0, 1.0)
        assert (abs(sum(v) - target) <= reach) is admitted
        assert (solve([1.0, excess], 0.0, size=2).error <= 1.0) is admitted
        assert count([1.0, excess], 0.0, size=2, tolerance=1.0) == admitted
    odd = math.nextafter(1.0, 2.0)
    v, target, reach = exact.to_integers([odd, 2.0**-53], 0.0, odd)
    assert abs(sum(v) - target) > reach
    assert solve([odd, 2.0**-53], 0.0, size=2).error > odd
