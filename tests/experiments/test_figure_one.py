import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slth.experiments import figure_one as fig


def _brute_force(x: np.ndarray, k: int) -> float:
    """Covering radius of [-1, 1] by the sums of exactly k of x, from every subset."""
    sums = np.array([math.fsum(c) for c in itertools.combinations(x, k)])
    if not sums.size:
        return math.inf
    middles = (np.sort(sums)[1:] + np.sort(sums)[:-1]) / 2
    targets = np.append(middles[abs(middles) < 1], [-1.0, 1.0])
    return float(abs(sums[:, None] - targets).min(axis=0).max())


def _sample(seed: int, law: str, n: int) -> np.ndarray:
    return fig.draw(np.random.default_rng(seed), law, n)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from(["products", "uniform"]), st.integers(1, 13),
    st.integers(1, 6),
)  # fmt: skip
def test_covers_agrees_with_brute_force(seed: int, law: str, n: int, k: int) -> None:
    x = _sample(seed, law, n)
    radius = _brute_force(x, k)
    assert not fig.covers(x, k, min(radius, 9.0) * (1 - 1e-9))
    if radius < 1:
        assert fig.covers(x, k, radius * (1 + 1e-9))


@pytest.mark.parametrize("k", [3, 4, 6, 9, 20])
def test_paths_that_decide_agree(monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    """Where nothing is few, the bounds and the walk decide, and find the same."""
    x = _sample(k, "products", 34)
    live = x[x != 0]
    sizes = range(max(0, k - len(x) + len(live)), min(k, len(live)) + 1)
    sums = [fig.subset_sum.sums(live, size=size) for size in sizes]
    inside = np.concatenate(sums)
    points = np.sort(inside[abs(inside) < 1])
    radius = max(1 - points[-1], 1 + points[0], np.diff(points).max() / 2)
    outer = [1 - inside.max(), 1 + inside.min()]
    if max(outer) > 0:
        radius = max(radius, *outer)
    for few in (0, 1 << 25):
        monkeypatch.setattr(fig, "FEW_SUMS", few)
        for factor in (0.5, 0.999, 1 - 1e-9):
            assert not fig.covers(x, k, radius * factor)
        for factor in (1 + 1e-9, 1.001, 2.0):
            assert fig.covers(x, k, radius * factor)
