"""Any number of samples within a tolerance: a window is searched, and the result says so."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from slth.subset_sum import InstanceTooLarge, Solution, SubsetNotFound, solve, solve_window


def check(solution: Solution, x: npt.NDArray[np.float64], z: float, tolerance: float) -> None:
    assert solution.window is not None
    assert not solution.exact
    assert solution.objective == "feasible"
    np.testing.assert_array_equal(solution.window, np.unique(solution.window))
    np.testing.assert_array_equal(solution.indices, np.flatnonzero(solution.mask))
    assert solution.size == solution.mask.sum()
    assert solution.sum == math.fsum(x[solution.mask])
    assert solution.error == abs(math.fsum([*x[solution.mask], -z]))
    assert solution.error <= tolerance


@pytest.mark.parametrize("n", [50, 60, 1000, 20_000])
def test_targets_across_the_whole_range(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.uniform(-1, 1, n)
    for share in (0.0, 0.5, -0.8):  # of what the positive or the negative samples add up to
        z = abs(share) * float(x[x * share > 0].sum()) + 0.1
        for size in (None, n // 2):
            solution = solve_window(x, z, size=size, tolerance=1e-6, rng=0)
            check(solution, x, z, 1e-6)
            assert size is None or solution.size == size
            assert len(solution.window) == 40  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [5, 12, 30, 970, 988, 995])
def test_few_terms_or_few_left_out(size: int) -> None:
    x = np.random.default_rng(size).normal(size=1000)
    z = 0.3 if size < 500 else float(x.sum()) - 0.3
    solution = solve_window(x, z, size=size, tolerance=1e-3, rng=1)
    check(solution, x, z, 1e-3)
    assert solution.size == size


def test_the_size_of_the_issue() -> None:
    x = np.random.default_rng(2).uniform(-1, 1, 100_000)
    for seed in range(3):
        solution = solve_window(x, 0.3, size=50_000, tolerance=1e-9, rng=seed)
        check(solution, x, 0.3, 1e-9)
        assert solution.size == 50_000


def test_other_laws() -> None:
    check(solve_window(np.ones(500), 123.0, tolerance=0.0, rng=0), np.ones(500), 123.0, 0.0)
    x = np.random.default_rng(3).uniform(0, 1, 300)
    check(solve_window(x, 1.0, tolerance=1e-6, rng=0), x, 1.0, 1e-6)
    z = 0.99 * float(x.sum())
    check(solve_window(x, z, tolerance=1e-6, rng=0), x, z, 1e-6)
    tiny = 1e-300 * x
    check(solve_window(tiny, 3e-299, tolerance=1e-307, rng=0), tiny, 3e-299, 1e-307)


def test_the_seed_decides() -> None:
    x = np.random.default_rng(4).uniform(-1, 1, 500)
    one, same, other = (
        solve_window(x, 0.0, size=200, tolerance=1e-6, rng=seed)
        for seed in (5, np.random.default_rng(5), 6)
    )
    np.testing.assert_array_equal(one.mask, same.mask)
    assert (one.mask != other.mask).any()
    assert one.window is not None
    assert 150 < (one.mask[np.setdiff1d(np.arange(500), one.window)]).sum() < 200


def test_a_window_that_holds_all_is_exact() -> None:
    x = np.random.default_rng(5).uniform(-1, 1, 30)
    solution = solve_window(x, 0.3, size=15, tolerance=1e-4, rng=0)
    assert solution.exact
    assert solution.window is None
    np.testing.assert_array_equal(
        solution.mask, solve(x, 0.3, size=15, tolerance=1e-4, objective="feasible").mask
    )


def test_failure_tells_what_was_tried() -> None:
    x = np.random.default_rng(6).uniform(-1, 1, 100)
    with pytest.raises(SubsetNotFound, match="in 3 random windows") as failure:
        solve_window(x, 1000.0, tolerance=0.5, rng=0, attempts=3)
    assert failure.value.windows == 3
    nearest = 1000.0 - float(x[x > 0].sum())
    assert nearest <= failure.value.best_error < nearest + 2.0


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="window=0 and attempts=50 must be at least 1"):
        solve_window(np.zeros(50), 0.0, tolerance=0.1, rng=0, window=0)
    with pytest.raises(ValueError, match="size k=51 exceeds the n=50"):
        solve_window(np.zeros(50), 0.0, tolerance=0.1, rng=0, size=51)
    with pytest.raises(ValueError, match="finite number >= 0"):
        solve_window(np.zeros(50), 0.0, tolerance=-0.1, rng=0)
    with pytest.raises(InstanceTooLarge, match="largest n that can be solved exactly is 60"):
        solve_window(np.zeros(100), 0.0, tolerance=0.1, rng=0, window=70)
