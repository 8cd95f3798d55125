"""Coverage by blocks against the union of all their sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.experiments import blocks
from slth.subset_sum import covering_radius, sums


@given(
    st.lists(st.floats(-3, 3), max_size=12),
    st.floats(0.1, 2.0),
    st.floats(0.01, 1.0),
)
def test_uncovered_is_what_a_fine_grid_sees(
    points: list[float], reach: float, epsilon: float
) -> None:
    z = reach * (2 * (np.arange(20_000) + 0.5) / 20_000 - 1)
    nearest = np.abs(z[:, None] - np.array([*points, np.inf])).min(axis=1)
    seen = blocks.uncovered(points, reach, epsilon)
    assert seen == pytest.approx((nearest > epsilon).mean(), abs=3e-3)


def test_uncovered_vanishes_exactly_at_the_covering_radius() -> None:
    x = np.random.default_rng(1).uniform(-1, 1, 9)
    radius = covering_radius(x, interval=(-1.5, 1.5), size=3)
    points = sums(x, size=3)
    assert blocks.uncovered(points, 1.5, radius * (1 + 1e-9)) == 0
    assert blocks.uncovered(points, 1.5, radius * (1 - 1e-9)) > 0


@pytest.mark.parametrize("seed", range(8))
def test_the_count_is_the_first_union_that_covers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    row = blocks.cell(rng=rng, block=6, k=3, epsilon=0.1, reach=1.5, sample=0)
    number = row["blocks"]
    again = np.random.default_rng(seed)
    drawn = [sums(again.uniform(-1, 1, size=6), size=3) for _ in range(number)]
    assert blocks.uncovered(np.concatenate(drawn), 1.5, 0.1) == 0
    if number > 1:
        assert blocks.uncovered(np.concatenate(drawn[:-1]), 1.5, 0.1) > 0
