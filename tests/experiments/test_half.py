"""Where half of the trials succeed."""

from functools import partial

import pytest
from scipy.stats import binom

from slth.experiments.half import Threshold, threshold


def successes(n: int, slope: int) -> int:
    return min(1000, slope * n)


@pytest.mark.parametrize("slope", [1, 7, 30])
def test_the_threshold_is_the_first_that_holds(slope: int) -> None:
    found = threshold(partial(successes, slope=slope), 1, 1000, 1000, 0.98)

    def tail(n: int, *, above: bool) -> float:
        """Chance of so many successes or more, or so few or fewer, where half is the rate."""
        seen = successes(n, slope)
        return float(binom.sf(seen - 1, 1000, 0.5) if above else binom.cdf(seen, 1000, 0.5))

    sizes = range(1, 1001)
    assert found.half == next(n for n in sizes if slope * n >= 500)
    assert found.least == next(n for n in sizes if tail(n, above=False) >= 0.01)
    assert found.most == next(n for n in sizes if tail(n, above=True) <= 0.01)


def test_the_ends_are_kept() -> None:
    assert threshold(lambda n: 0, 3, 9, 100) == (9, 9, 9)
    assert threshold(lambda n: 100, 3, 9, 100) == (3, 3, 3)


def test_it_is_told_with_what_is_left_open() -> None:
    assert str(Threshold(4, 4, 4)) == "4"
    assert str(Threshold(3, 4, 6)) == "4 (3–6)"
