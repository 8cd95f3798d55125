"""Many instances: the same answers whatever the threads, the chunks and the layout."""

import _thread
import time

import numpy as np
import numpy.typing as npt
import pytest

from slth.subset_sum import Objective, _kernels, _plan, solve, solve_many

CASES: list[tuple[int | None, float | None, Objective]] = [
    (None, None, "best"),
    (3, None, "best"),
    (7, None, "best"),
    (None, 0.01, "feasible"),
    (7, 0.01, "feasible"),
    (None, 0.01, "fewest"),
]


@pytest.fixture(scope="module")
def batch() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (300, 15)), rng.uniform(-2, 2, 300)


@pytest.mark.parametrize(("size", "tolerance", "objective"), CASES)
def test_rows_are_independent(
    batch: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    size: int | None,
    tolerance: float | None,
    objective: Objective,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, Z = batch
    one = solve_many(X, Z, size=size, tolerance=tolerance, objective=objective, threads=1)
    assert one.objective == objective
    np.testing.assert_array_equal(one.sizes, one.masks.sum(axis=1))
    np.testing.assert_allclose(one.sums, np.sum(X * one.masks, axis=1), atol=1e-14)
    np.testing.assert_allclose(one.errors, np.abs(one.sums - Z), atol=1e-15)
    np.testing.assert_array_equal(one.found, one.errors <= (tolerance or np.inf))
    monkeypatch.setattr(_plan, "CHUNK_STEPS", (1, 20_000))
    for threads in (1, 2, 5):
        other = solve_many(
            X, Z, size=size, tolerance=tolerance, objective=objective, threads=threads
        )
        for name in ("masks", "sums", "errors", "found"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for row in range(0, len(Z), 50):
        if one.found[row]:
            alone = solve(X[row], Z[row], size=size, tolerance=tolerance, objective=objective)
            np.testing.assert_array_equal(alone.mask, one.masks[row])
            assert (alone.sum, alone.error) == (one.sums[row], one.errors[row])


def test_where_nothing_is_found_the_best_is_reported() -> None:
    rng = np.random.default_rng(1)
    X, Z = rng.normal(size=(50, 10)), rng.normal(size=50)
    best = solve_many(X, Z)
    tolerance = float(np.median(best.errors))
    objectives: tuple[Objective, Objective] = ("feasible", "fewest")
    for objective in objectives:
        batch = solve_many(X, Z, tolerance=tolerance, objective=objective)
        assert batch.found.sum() == 25
        np.testing.assert_array_equal(batch.errors[~batch.found], best.errors[~batch.found])


@pytest.mark.parametrize(("size", "tolerance", "objective"), CASES)
def test_one_row_for_all_targets(
    size: int | None, tolerance: float | None, objective: Objective
) -> None:
    rng = np.random.default_rng(2)
    for x in (rng.uniform(-1, 1, 14), rng.normal(size=14)):
        Z = rng.uniform(-1, 1, 30)
        shared, repeated = (
            solve_many(rows, Z, size=size, tolerance=tolerance, objective=objective)
            for rows in (x, np.tile(x, (30, 1)))
        )
        for name in ("masks", "sums", "errors", "found"):
            np.testing.assert_array_equal(getattr(shared, name), getattr(repeated, name))
        assert solve_many(x, Z[:1]).masks.shape == (1, 14)


def test_one_target_for_all_rows() -> None:
    X = np.random.default_rng(2).uniform(-1, 1, (30, 12))
    shared = solve_many(X, 0.25, size=5)
    np.testing.assert_array_equal(shared.masks, solve_many(X, np.full(30, 0.25), size=5).masks)
    assert len(solve_many(X[0], 0.25)) == 1


def test_any_layout_and_type() -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(-1, 1, (12, 10)).astype(np.float32)
    Z = rng.uniform(-1, 1, 12)
    expected = solve_many(X.astype(np.float64), Z, size=5).masks
    frozen = X.copy()
    frozen.setflags(write=False)
    for layout in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], frozen):
        np.testing.assert_array_equal(solve_many(layout, Z, size=5).masks, expected)
    integers = solve_many(np.arange(12).reshape(3, 4), np.array([3, 9, 30]), size=2)
    np.testing.assert_array_equal(integers.errors, [0.0, 0.0, 9.0])


def test_no_instances() -> None:
    batch = solve_many(np.empty((0, 5)), [])
    assert len(batch) == 0
    assert batch.masks.shape == (0, 5)
    assert solve_many(np.empty((3, 0)), [1.0, 2.0, 3.0]).errors.tolist() == [1.0, 2.0, 3.0]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="2 rows of samples do not fit 3 targets"):
        solve_many(np.zeros((2, 4)), np.zeros(3))
    with pytest.raises(ValueError, match=r"Z must have shape \(m,\) or \(\), not \(2, 1\)"):
        solve_many(np.zeros((2, 4)), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="Z holds an entry that is not finite"):
        solve_many(np.zeros((1, 4)), [np.inf])
    with pytest.raises(ValueError, match="threads=0 must be at least 1"):
        solve_many(np.zeros((1, 4)), [0.0], threads=0)


def test_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    solve_many(np.ones((4, 3)), np.zeros(4))
    assert capsys.readouterr().err == ""
    solve_many(np.ones((4, 3)), np.zeros(4), progress=True)
    assert "4/4" in capsys.readouterr().err


@pytest.mark.parametrize("threads", [1, 2])
def test_interrupt_stops_the_remaining_chunks(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def slow(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 5:
            _thread.interrupt_main()  # as Ctrl-C does
        time.sleep(0.01)

    monkeypatch.setattr(_plan, "CHUNK_STEPS", (1, 1))
    monkeypatch.setattr(_kernels, "solve_rows", slow)
    with pytest.raises(KeyboardInterrupt):
        solve_many(np.ones((500, 3)), np.zeros(500), threads=threads)
    assert 5 <= len(calls) < 100


def test_a_failing_chunk_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(_plan, "CHUNK_STEPS", (1, 1))
    monkeypatch.setattr(_kernels, "solve_rows", failing)
    with pytest.raises(MemoryError):
        solve_many(np.ones((50, 3)), np.zeros(50), threads=2)


@pytest.mark.parametrize(("n", "size"), [(20, 10), (32, 16), (44, -1), (48, -1), (130, 5)])
def test_memory_of_all_threads_stays_below_one_gibibyte(n: int, size: int) -> None:
    work = _plan.plan(n, size, sized=size >= 0, lists=True, threads=64)
    assert 8 * work.threads * (work.words + work.spare) < 2**30
    assert 8 * work.rows(10**9) * n <= 2**25
