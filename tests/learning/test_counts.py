"""Exact counts, ties broken by index."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slth.learning.counts import kept_of, largest, largest_of_all

SCORES = arrays(
    np.float32, st.integers(1, 30), elements=st.sampled_from([-2.0, 0.0, 0.25, 0.5, 1.0])
)


@given(SCORES, st.data())
def test_the_largest_are_those_of_a_stable_sort(scores: np.ndarray, draw: st.DataObject) -> None:
    count = draw.draw(st.integers(0, scores.size))
    order = np.argsort(-scores, kind="stable")[:count]
    kept = largest(scores, count)
    assert np.array_equal(np.flatnonzero(kept), np.sort(order))


def test_scores_that_tie_at_one_are_counted() -> None:
    """A strict threshold keeps none of three ties, and a weak one all."""
    scores = np.array([1, 1, 1, 0.4, 0.2], np.float32)
    assert largest(scores, 2).sum() == 2
    assert (scores > 1).sum() == 0
    assert (scores >= 1).sum() == 3


def test_all_layers_compete() -> None:
    layers = [np.array([[5, 1], [1, 4]], np.float32), np.array([3, 1], np.float32)]
    kept = largest_of_all(layers, 4)
    assert [part.tolist() for part in kept] == [[[True, True], [False, True]], [True, False]]


@pytest.mark.parametrize("count", [-1, 3])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="count must be between 0 and 2"):
        largest(np.array([1, 2], np.float32), count)


def test_density_is_the_fraction_kept() -> None:
    assert kept_of(0.3, 10) == 3
