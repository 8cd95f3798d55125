import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slth.experiments import figure_one
from slth.sweep import Grid


def _sample(seed: int, law: str, n: int) -> np.ndarray:
    return figure_one.draw(np.random.default_rng(seed), law, n)


def _radius(x: np.ndarray, k: int) -> float:
    """Covering radius of [-1, 1] by the sums of exactly k of x, from every subset."""
    sums = np.sort([math.fsum(chosen) for chosen in itertools.combinations(x, k)])
    if not sums.size:
        return math.inf
    middles = (sums[1:] + sums[:-1]) / 2
    targets = np.append(middles[abs(middles) < 1], [-1.0, 1.0])
    return float(abs(sums[:, None] - targets).min(axis=0).max())


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["products", "uniform"]),
    st.integers(1, 13),
    st.integers(1, 6),
)
def test_covers_agrees_with_every_subset(seed: int, law: str, n: int, k: int) -> None:
    x = _sample(seed, law, n)
    radius = _radius(x, k)
    assert not figure_one.covers(x, k, min(radius, 9.0) * (1 - 1e-9))
    if radius < 1:
        assert figure_one.covers(x, k, radius * (1 + 1e-9))


@pytest.mark.parametrize(("k", "n"), [(3, 40), (4, 34), (6, 34), (9, 34), (20, 34)])
@pytest.mark.parametrize("few", [0, 1 << 25])
def test_both_exact_paths_decide_at_the_edge(
    monkeypatch: pytest.MonkeyPatch, k: int, n: int, few: int
) -> None:
    """Bounds and walk on the one hand, all sums on the other; the radius is found otherwise."""
    x = _sample(k, "products", n)
    live = x[x != 0]
    rest = range(max(0, k - (n - len(live))), min(k, len(live)) + 1)
    sums = np.sort([s for size in rest for s in map(math.fsum, itertools.combinations(live, size))])
    middles = (sums[1:] + sums[:-1]) / 2
    targets = np.append(middles[abs(middles) < 1], [-1.0, 1.0])
    after = np.searchsorted(sums, targets).clip(1, len(sums) - 1)
    radius = np.minimum(abs(sums[after] - targets), abs(sums[after - 1] - targets)).max()
    monkeypatch.setattr(figure_one, "FEW_SUMS", few)
    for factor in (0.5, 0.999, 1 - 1e-9):
        assert not figure_one.covers(x, k, radius * factor)
    for factor in (1 + 1e-9, 1.001, 2.0):
        assert figure_one.covers(x, k, radius * factor)


@pytest.mark.parametrize("law", ["products", "live products", "uniform"])
@pytest.mark.parametrize("k", [2, 3])
def test_smallest_cover_is_the_first_of_all(law: str, k: int) -> None:
    for seed in range(5):
        n = figure_one.smallest_cover(np.random.default_rng(seed), law, k, 0.25)
        x = _sample(seed, law, 256)
        kept = [x[:m] if law != "live products" else x[:m][x[:m] != 0] for m in (n - 1, n)]
        assert _radius(kept[0], k) > 0.25 >= _radius(kept[1], k)


@given(st.integers(1, 500), st.integers(1, 500))
def test_first_does_not_depend_on_the_guess(where: int, guess: int) -> None:
    asked: list[int] = []

    def holds(n: int) -> bool:
        asked.append(n)
        return n >= where

    assert figure_one.first(holds, guess) == where
    assert min(asked) >= 1


def test_single_products_near_the_ends_stand_for_all() -> None:
    """The same law as that of the whole sample, by a two-sample test; twice the n is seen."""
    tolerance = 1 / 80
    assert figure_one.EDGE * tolerance < 1
    ours, all_of_them = (
        [function(np.random.default_rng([tag, i]), "products", 1, tolerance) for i in range(120)]
        for tag, function in enumerate(
            (figure_one.smallest_cover_by_one, figure_one.smallest_cover)
        )
    )
    assert stats.ks_2samp(ours, all_of_them).pvalue > 0.01
    assert stats.ks_2samp(2 * np.array(ours), all_of_them).pvalue < 1e-6


@pytest.mark.parametrize(("n", "tolerance"), [(100, 1 / 5), (6000, 1 / 40)])
def test_only_the_ends_are_served_as_often_as_with_all_products(n: int, tolerance: float) -> None:
    rng, runs = np.random.default_rng(4), 3000

    def only_ends() -> bool:
        x = figure_one.draw(rng, "products", n)
        ends = x.max() >= 1 - tolerance and x.min() <= tolerance - 1
        return bool(ends and not figure_one.covers(x, 1, tolerance))

    whole = sum(only_ends() for _ in range(runs))
    law = "products", n, tolerance
    ours = sum(figure_one.serves_only_the_ends(rng, *law) for _ in range(runs))
    assert whole > 10
    assert stats.fisher_exact([[whole, ours], [runs - whole, runs - ours]]).pvalue > 1e-3


def test_a_cell_counts_its_samples_and_is_reproducible() -> None:
    def row(seed: int) -> dict[str, str]:
        return figure_one.cell(
            rng=np.random.default_rng(seed), law="products", z=10, k=3, trials=20, batch=0
        )

    counts = dict(pair.split(":") for pair in row(1)["covers"].split())
    assert sum(map(int, counts.values())) == 20
    assert row(1) == row(1) != row(2)


def test_the_grid_holds_as_many_samples_as_declared() -> None:
    grid = figure_one.grid({("products", 1000): 40, ("uniform", 10): 100})
    assert isinstance(grid, Grid)
    found: dict[tuple[object, ...], int] = {}
    for cell in grid.cells:
        key = cell["law"], cell["z"], cell["k"]
        found[key] = found.get(key, 0) + int(cell["trials"])
    assert set(found.values()) == {40, 100}
    assert {key[:2] for key in found} == {("products", 1000), ("uniform", 10)}


def test_subsets_reach_down_to_single_ones_and_up_to_a_half() -> None:
    for law, z in (("products", 10), ("products", 10_000), ("uniform", 100)):
        k = figure_one.sizes(law, z)
        assert k[0] == 1
        n = [
            figure_one.smallest_cover(np.random.default_rng(i), law, k[-1], 0.5 / z)
            for i in range(5)
        ]
        assert 0.3 < k[-1] / np.median(n) < 0.7
