"""The covering radius: against a fine scan of targets and against the sorted sums."""

import numpy as np
import numpy.typing as npt
import pytest

from slth.subset_sum import InstanceTooLarge, covering, covering_radius, solve_many, sums


def from_sums(x: npt.NDArray[np.float64], interval: tuple[float, float], size: int | None) -> float:
    """Try the ends of the interval and every midpoint of neighbouring sums inside it."""
    every = sums(x, size=size)
    middles = (every[1:] + every[:-1]) / 2
    inside = middles[(middles >= interval[0]) & (middles <= interval[1])]
    targets = np.concatenate((interval, inside))
    place = np.searchsorted(every, targets)
    below = every[np.maximum(place - 1, 0)]
    above = every[np.minimum(place, len(every) - 1)]
    return float(np.minimum(np.abs(targets - below), np.abs(targets - above)).max())


@pytest.mark.parametrize("n", range(12))
@pytest.mark.parametrize("interval", [(-1.0, 1.0), (-0.1, 0.05), (2.0, 50.0), (0.3, 0.3)])
def test_against_the_sorted_sums(n: int, interval: tuple[float, float]) -> None:
    x = np.random.default_rng(n).normal(size=n)
    for size in (None, *range(n + 1)):
        expected = from_sums(x, interval, size)
        assert covering_radius(x, interval=interval, size=size) == pytest.approx(
            expected, abs=1e-13
        )


@pytest.mark.parametrize("size", [None, 7])
def test_no_target_is_farther_and_one_is_as_far(size: int | None) -> None:
    x = np.random.default_rng(3).uniform(-1, 1, 14)
    radius = covering_radius(x, size=size)
    scanned = solve_many(x, np.linspace(-1, 1, 2001), size=size).errors.max()
    assert scanned <= radius
    assert radius - scanned <= 0.5e-3  # half a step of the scan
    assert covering_radius(x[:-1], size=size) > radius  # fewer samples cover less here


def test_stretch_by_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).uniform(-1, 1, 16)
    at_once = [covering_radius(x, size=size) for size in (None, 8)]
    monkeypatch.setattr(covering, "CHUNK", 100)
    assert [covering_radius(x, size=size) for size in (None, 8)] == at_once


def test_one_sum_very_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covering, "CHUNK", 10)
    assert covering_radius(np.ones(12), interval=(0.0, 12.0)) == 0.5
    assert covering_radius(np.ones(12), interval=(0.0, 12.0), size=6) == 6.0


def test_largest_case() -> None:
    x = np.random.default_rng(5).uniform(-1, 1, 26)
    radius = covering_radius(x, size=13)
    errors = solve_many(x, np.linspace(-1, 1, 500), size=13).errors
    assert errors.max() <= radius < 1e-3


def test_bad_input() -> None:
    with pytest.raises(InstanceTooLarge, match="the largest n whose sums can be enumerated is 27"):
        covering_radius(np.zeros(40))
    for interval in ((1.0, -1.0), (0.0,), (0.0, np.nan)):
        with pytest.raises(ValueError, match="interval"):
            covering_radius([0.5], interval=interval)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="size k=2 exceeds the n=1 available samples"):
        covering_radius([0.5], size=2)
