"""Bounds of the covering radius: around the exact value, tighter with more cells, any n."""

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from slth.subset_sum import (
    InstanceTooLarge,
    _bit_planes,
    covering_bounds,
    covering_radius,
    covering_radius_bounds,
    solve_many,
)

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]


def exact_radius(x: Floats, low: float, high: float, size: int | None) -> Fraction:
    """All sums, in exact arithmetic."""
    sums = {(0, Fraction(0))}
    for value in x.tolist():
        sums |= {(terms + 1, total + Fraction(value)) for terms, total in sums}
    points = sorted({total for terms, total in sums if size is None or terms == size})
    lo, hi = Fraction(low), Fraction(high)
    middles = [(a + b) / 2 for a, b in itertools.pairwise(points)]
    targets = [lo, hi, *(z for z in middles if lo <= z <= hi)]
    return max(min(abs(z - point) for point in points) for z in targets)


@pytest.mark.parametrize("n", [0, 1, 2, 5, 8])
def test_the_exact_radius_lies_between(n: int, law: Law) -> None:
    rng = np.random.default_rng(n)
    x = law(rng, n)
    scale = min(max(float(np.abs(x).max(initial=0.0)), 1e-300), 1e300)
    for low, high in ((-scale, scale), (0.1 * scale, 0.15 * scale), (scale, 9.0 * scale)):
        for size in (None, *range(n + 1)):
            radius = exact_radius(x, low, high, size)
            for cells in (1, 37, 4096):
                lower, upper = covering_radius_bounds(
                    x, interval=(low, high), size=size, cells=cells
                )
                assert 0.0 <= lower <= radius <= upper


@pytest.mark.parametrize("size", [None, 1, 4, 9, 15, 17])
def test_more_cells_tighten_the_bounds(size: int | None) -> None:
    x = np.random.default_rng(3).normal(size=18)
    radius = covering_radius(x, size=size)
    for cells in (2**8, 2**14, 2**20):
        lower, upper = covering_radius_bounds(x, size=size, cells=cells)
        assert lower <= radius + 1e-14  # the accuracy of covering_radius
        assert upper >= radius - 1e-14
        assert upper - lower <= 18 * 2.0 / cells  # twice n / 4 cells of at most 2 / cells, or less
    assert upper - lower < 0.05 * radius


@pytest.mark.parametrize(("n", "size"), [(100, None), (100, 50), (300, 5), (1000, None)])
def test_many_samples(n: int, size: int | None) -> None:
    x = np.random.default_rng(n).uniform(-1, 1, n)
    coarse = covering_radius_bounds(x, size=size, cells=2**10)
    fine = covering_radius_bounds(x, size=size, cells=2**16)
    assert 0.0 < fine[0] <= fine[1] < coarse[1]
    assert fine[1] < (4e-3 if n == 1000 else 1e-3)


def test_the_bounds_hold_at_sampled_targets() -> None:
    """Best errors, solved exactly, never exceed the upper bound and pass the lower one."""
    x = np.random.default_rng(5).uniform(-1, 1, 30)
    lower, upper = covering_radius_bounds(x, size=3, cells=2**20)
    errors = solve_many(x, np.linspace(-1, 1, 20_001), size=3).errors
    assert lower <= errors.max() + 5e-5  # half a step of the scan
    assert errors.max() <= upper < 1.2 * lower


def test_a_grid_that_keeps_only_sums_near_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(6).uniform(-1, 1, 14)
    for size in (None, 7):
        radius = covering_radius(x, size=size)
        whole = covering_radius_bounds(x, size=size, cells=2**16)
        with monkeypatch.context() as patch:
            patch.setattr(covering_bounds, "MOST_STEPS", 1)
            lower, upper = covering_radius_bounds(x, size=size, cells=2**16)
        assert lower == 1.0 / (2**14 if size is None else math.comb(14, 7))
        assert lower < whole[0] <= radius <= whole[1] <= upper < 10.0 * radius


def test_a_wrong_shift_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its last sample an instance covers less, and the lower bound says so."""
    x = np.random.default_rng(7).uniform(-1, 1, 12)
    reach = _bit_planes.reach

    def forgetful(shifts: npt.NDArray[np.int64], *rest: Any) -> None:
        reach(shifts[:-1], *rest)

    monkeypatch.setattr(_bit_planes, "reach", forgetful)
    assert covering_radius_bounds(x)[0] > covering_radius(x)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_bit_planes_against_sets(length: int) -> None:
    rng = np.random.default_rng(length)
    for _ in range(30):
        shifts = rng.integers(-length, length + 1, 6)
        origin = int(rng.integers(length))
        words = length // 64 + 1
        planes = np.zeros((4, words), np.uint64)
        _bit_planes.reach(shifts, origin, planes, True)
        cells: list[set[int]] = [{origin}, set(), set(), set()]
        for shift in shifts.tolist():
            for j in (3, 2, 1):
                moved = {cell + shift for cell in cells[j - 1]}
                cells[j] |= {cell for cell in moved if 0 <= cell < 64 * words}
        for plane, expected in zip(planes, cells, strict=True):
            bits = np.unpackbits(plane.view(np.uint8), bitorder="little")
            assert set(np.flatnonzero(bits).tolist()) == expected


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="must not be a single point"):
        covering_radius_bounds([0.1], interval=(0.5, 0.5))
    with pytest.raises(ValueError, match="low <= high"):
        covering_radius_bounds([0.1], interval=(1.0, 0.5))
    with pytest.raises(ValueError, match="cells=0 must be at least 1"):
        covering_radius_bounds([0.1], cells=0)
    x = np.random.default_rng(0).uniform(-1, 1, 1000)
    with pytest.raises(InstanceTooLarge, match=r"needs .* GiB; cells=\d+ works"):
        covering_radius_bounds(x, size=500, cells=1 << 24)
