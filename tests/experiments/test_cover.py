"""Cover times against a search that tries every n, and the batches of the sweep."""

import numpy as np
import pytest

from slth.experiments import cover, cover_density
from slth.subset_sum import covering_radius
from slth.sweep import run


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_cover_times_are_the_first_n(k: int) -> None:
    x = np.random.default_rng(k).uniform(-1, 1, 400)
    root = np.sqrt(k)
    found = cover.cover_times(lambda n: x[:n], k, [1, 2, 3, 4])
    for bits, n in found.items():
        radii = {a: covering_radius(x[:a], interval=(-root, root), size=k) for a in range(k, n + 1)}
        assert min(a for a, radius in radii.items() if radius <= 2.0**-bits) == n


def test_other_targets_take_another_time() -> None:
    x = np.random.default_rng(7).uniform(-1, 1, 4000)
    narrow = cover.cover_times(lambda n: x[:n], 2, [4], reach=1.0)[4]
    wide = cover.cover_times(lambda n: x[:n], 2, [4], reach=1.9)[4]
    assert narrow < cover.cover_times(lambda n: x[:n], 2, [4])[4] < wide


def test_the_bounds_decide_as_the_exact_radius(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(3).uniform(-1, 1, 200)
    exact = cover.cover_times(lambda n: x[:n], 4, range(2, 9))
    monkeypatch.setattr(cover, "MOST_SUMS", 0)
    assert cover.cover_times(lambda n: x[:n], 4, range(2, 9)) == exact


def test_a_cell_grows_one_sample() -> None:
    row = cover.cell(rng=np.random.default_rng(1), k=3, finest=6, sample=0)
    assert list(row) == ["bits_2", "bits_3", "bits_4", "bits_5", "bits_6"]
    assert sorted(row.values()) == list(row.values())
    shorter = cover.cell(rng=np.random.default_rng(1), k=3, finest=4, sample=0)
    assert shorter.items() <= row.items()


def test_the_grids_are_declared_and_run() -> None:
    assert cover.GRID.declaration == "slth.experiments.cover:GRID"
    assert cover_density.GRID.declaration == "slth.experiments.cover_density:GRID"
    table = run(cover.grid([2], 4, 3))
    assert table.columns.tolist() == ["k", "finest", "sample", "bits_2", "bits_3", "bits_4"]
    assert len(table.drop_duplicates(["bits_2", "bits_3", "bits_4"])) > 1


def test_a_density_cell_measures_the_covering_radius() -> None:
    x = np.random.default_rng(2).uniform(-1, 1, size=12)
    radius = covering_radius(x, interval=(-2.0, 2.0), size=4)
    row = cover_density.cell(rng=np.random.default_rng(2), n=12, k=4, sample=0)
    assert 2.0 ** (-row["millibits"] / 1000) == pytest.approx(radius, rel=1e-3)
