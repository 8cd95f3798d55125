"""Instances whose lists of sums do not fit into memory: the sweep, and its exact comparison."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from slth.subset_sum import (
    InstanceTooLarge,
    Objective,
    SubsetNotFound,
    _kernels,
    _plan,
    solve,
    solve_many,
)
from slth.subset_sum._long import exact, settle, sweep

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]
EverySubset = Callable[[Floats, float], tuple[npt.NDArray[Any], Floats]]


@pytest.fixture
def tiny_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweep even what is small, in many blocks."""
    monkeypatch.setattr(settle, "EASY", 0)
    monkeypatch.setattr(sweep, "BLOCK", 50)


def swept(
    x: Floats,
    z: float,
    size: int | None = None,
    tolerance: float | None = None,
    objective: Objective = "best",
    threads: int = 1,
) -> tuple[npt.NDArray[np.bool_], float, float, bool]:
    k = -1 if size is None else size
    limit = -1.0 if tolerance is None else tolerance
    return settle.settle(x, z, k, limit, objective, threads)


@pytest.mark.usefixtures("tiny_blocks")
@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 8, 11])
def test_against_every_subset(n: int, law: Law, every_subset: EverySubset) -> None:
    rng = np.random.default_rng(n)
    x = law(rng, n)
    scale = min(float(np.abs(x).max(initial=0.0)), 1e300)
    z = float([0.7 * scale, math.fsum(x[: n // 2]), 3.0 * n * scale][n % 3])
    sizes, errors = every_subset(x, z)
    for size in (None, *range(n + 1)):
        mask, total, error, found = swept(x, z, size)
        assert found
        assert size is None or mask.sum() == size
        assert total == math.fsum(x[mask])
        assert error == abs(math.fsum([*x[mask], -z]))
        assert error == (errors if size is None else errors[sizes == size]).min()
        if size is not None:
            for tolerance in (float(rng.choice(errors)), error):
                mask, _, reached, found = swept(x, z, size, tolerance, "feasible")
                assert (mask.sum(), found) == (size, error <= tolerance)
                assert reached <= tolerance if found else reached == error
    for tolerance in (float(rng.choice(errors)), float(errors.min())):
        mask, _, error, found = swept(x, z, None, tolerance, "fewest")
        assert found
        assert mask.sum() == sizes[errors <= tolerance].min()
        assert error == errors[sizes == mask.sum()].min()
    if errors.min() > 0.0:
        below = math.nextafter(float(errors.min()), 0.0)
        objectives: tuple[Objective, Objective] = ("feasible", "fewest")
        for objective in objectives:
            _, _, error, found = swept(x, z, None, below, objective)
            assert not found
            assert error == errors.min()


@pytest.mark.usefixtures("tiny_blocks")
def test_the_sweep_itself_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not Python's integers, which take over only where too many subsets are equally good."""

    def refuse(*_: object) -> None:
        raise AssertionError

    for name in ("closest", "fewest"):
        monkeypatch.setattr(exact, name, refuse)
    rng = np.random.default_rng(0)
    for x in (rng.uniform(-1, 1, 14), rng.normal(size=14)):
        for size in (None, 3, 7, 12):
            assert swept(x, 0.2, size)[2] == solve(x, 0.2, size=size).error
    with pytest.raises(AssertionError):
        swept(np.append(np.full(12, 1e300), np.full(12, 5e-324)), 5e-324)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("size", [None, 5, 20, 31])
def test_against_two_lists(size: int | None, threads: int) -> None:
    rng = np.random.default_rng(size)
    for x in (rng.uniform(-1, 1, 40), rng.normal(size=40), rng.integers(-99, 99, 40) / 8):
        z = float(rng.normal())
        expected = solve(x, z, size=size)
        mask, total, error, _ = swept(x, z, size, threads=threads)
        assert error == expected.error
        assert total == math.fsum(x[mask])
        if (8.0 * x % 1.0).any():  # the integers allow of many answers
            np.testing.assert_array_equal(mask, expected.mask)
        tolerance = 1e-7
        mask, _, error, found = swept(x, z, size, tolerance, "feasible", threads)
        assert found == (expected.error <= tolerance)
        assert error <= max(tolerance, expected.error)


def test_results_do_not_depend_on_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "BLOCK", 1000)
    x = np.random.default_rng(8).integers(-999, 999, 32) / 64
    cases: list[tuple[float | None, Objective]] = [
        (None, "best"),
        (0.01, "feasible"),
        (0.001, "fewest"),
    ]
    for tolerance, objective in cases:
        masks = [swept(x, 0.3, None, tolerance, objective, threads)[0] for threads in (1, 2, 5)]
        np.testing.assert_array_equal(masks[0], masks[1])
        np.testing.assert_array_equal(masks[0], masks[2])


def test_a_coarse_grid_leaves_the_choice_to_exact_arithmetic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A grid of few bits makes many subsets equally good; the exact best one is still found."""
    monkeypatch.setattr(settle, "EASY", 0)
    monkeypatch.setattr(sweep, "BLOCK", 200)
    coarse = _kernels.grid_exponent

    def fewer_bits(x: Floats, terms: int) -> int:
        return coarse(x, terms) - 46

    x = np.random.default_rng(9).normal(size=18)
    numbers = []
    closest = sweep.closest

    def counted(*arguments: Any, **options: Any) -> list[int]:
        masks = closest(*arguments, **options)
        numbers.append(len(masks))
        return masks

    expected = [solve(x, 0.1, size=size) for size in (None, 9, 4)]
    monkeypatch.setattr(_kernels, "grid_exponent", fewer_bits)
    monkeypatch.setattr(sweep, "closest", counted)
    for size, best in zip((None, 9, 4), expected, strict=True):
        np.testing.assert_array_equal(swept(x, 0.1, size)[0], best.mask)
    assert min(numbers) > 10


@pytest.mark.parametrize("size", [None, 25])
def test_fifty_samples(size: int | None) -> None:
    """2^50 subsets: the planted one is found, and a batch of two is solved one by one."""
    rng = np.random.default_rng(10)
    x = rng.integers(-(2**51), 2**51, 50) / 2**51
    planted = rng.permutation(50) < 25
    batch = solve_many(x, [float(x[planted].sum()), 0.1], size=size)
    assert _plan.plan(50, 25, sized=True, lists=True, sweep=True).sweep
    assert batch.errors[0] == 0.0
    assert batch.sizes[0] == 25 or size is None
    assert 0.0 < batch.errors[1] < 1e-11


def test_sixty_samples() -> None:
    x = np.random.default_rng(11).uniform(-1, 1, 60)
    easy = solve(x, 0.3, tolerance=1e-10, objective="feasible")
    assert easy.exact
    assert easy.error <= 1e-10
    assert solve(x, 0.3, tolerance=1e-4, objective="fewest").size <= 5
    rest = float(x.sum()) - 0.3
    assert solve(x, rest, size=54).error == pytest.approx(solve(x, 0.3, size=6).error, abs=1e-14)
    with pytest.raises(SubsetNotFound):
        solve(x, 100.0, tolerance=1.0, objective="feasible")
    positive = float(x[x > 0].sum())
    np.testing.assert_array_equal(solve(x, 100.0).mask, x > 0)
    assert solve(x, 100.0).sum == pytest.approx(positive)


def test_too_many_candidates_are_refused() -> None:
    with pytest.raises(InstanceTooLarge, match="differ too much in scale"):
        solve(np.append(np.full(26, 1e300), np.full(26, 5e-324)), 5e-324)
