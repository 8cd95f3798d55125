"""Tensors: the answers of the compiled path, on every device there is."""

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from slth.subset_sum import (
    BatchSolution,
    InstanceTooLarge,
    Objective,
    _kernels,
    solve_many,
)
from slth.subset_sum._tensors import objectives, search, solve

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]
EverySubset = Callable[[Floats, float], tuple[npt.NDArray[Any], Floats]]


@pytest.fixture(params=["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])
def device(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def check(batch: BatchSolution, X: Floats, Z: Floats, expected: BatchSolution) -> None:
    """Compare with the compiled path, and recompute from the masks what can be recomputed."""
    assert batch.objective == expected.objective
    for name in ("masks", "sums", "errors", "sizes", "found"):
        one, two = getattr(batch, name), getattr(expected, name)
        assert (one.dtype, one.shape) == (two.dtype, two.shape)
    np.testing.assert_array_equal(batch.found, expected.found)
    np.testing.assert_array_equal(batch.sizes, batch.masks.sum(axis=1))
    for row, (x, z) in enumerate(zip(X, Z.tolist(), strict=True)):
        terms = x[batch.masks[row]].tolist()
        blur = 2.0**-100 * float(np.max(np.abs(x), initial=0.0))
        assert batch.sums[row] == pytest.approx(math.fsum(terms), rel=1e-15, abs=blur)
        assert batch.errors[row] == pytest.approx(abs(math.fsum([*terms, -z])), rel=1e-15, abs=blur)
    free = batch.found if batch.objective == "feasible" else np.zeros(len(batch), bool)
    np.testing.assert_array_equal(batch.errors[~free], expected.errors[~free])
    if batch.objective == "fewest":
        np.testing.assert_array_equal(batch.sizes[batch.found], expected.sizes[batch.found])


def compare(X: Floats, Z: Floats, device: str, **arguments: Any) -> BatchSolution:
    """Solve on tensors, twice, and on arrays."""
    tensors = torch.from_numpy(X).to(device), torch.from_numpy(Z).to(device)
    batch = solve_many(*tensors, **arguments)
    check(batch, X, Z, solve_many(X, Z, **arguments))
    np.testing.assert_array_equal(solve_many(*tensors, **arguments).masks, batch.masks)
    if (size := arguments.get("size")) is not None:
        assert (batch.sizes == size).all()
    if (tolerance := arguments.get("tolerance")) is not None:
        np.testing.assert_array_equal(batch.found, batch.errors <= tolerance)
    return batch


def instances(law: Law, n: int, rows: int) -> tuple[Floats, Floats]:
    """Draw rows of a law, with targets inside, hit exactly, and out of reach."""
    rng = np.random.default_rng(n)
    X = np.array([law(rng, n) for _ in range(rows)])
    scale = float(np.max(np.abs(X), initial=0.0))
    Z = rng.uniform(-1, 1, rows) * scale
    Z[::3] = solve_many(X, Z).sums[::3]
    Z[1::6] = 2.5 * n * min(scale, 1e300)
    return X, Z


@pytest.mark.parametrize("n", [0, 1, 2, 5, 10, 13])
def test_like_arrays(n: int, law: Law, device: str) -> None:
    X, Z = instances(law, n, 12)
    for size in (None, 0, n // 2, n - n // 3):
        best = compare(X, Z, device, size=size)
        reached = float(np.sort(best.errors)[6])
        for tolerance in (0.0, math.nextafter(reached, 0.0), reached):
            compare(X, Z, device, size=size, tolerance=tolerance, objective="feasible")
            if size is None:
                compare(X, Z, device, tolerance=tolerance, objective="fewest")


@pytest.mark.parametrize("n", [20, 21])
def test_long_lists(n: int, device: str) -> None:
    rng = np.random.default_rng(n)
    X, Z = rng.normal(size=(40, n)), rng.normal(size=40)
    best = compare(X, Z, device)
    fixed = compare(X, Z, device, size=n // 2)
    assert (best.errors <= fixed.errors).all()
    for tolerance in (0.01, float(np.median(best.errors))):
        compare(X, Z, device, tolerance=tolerance, objective="feasible")
        compare(X, Z, device, size=n // 2, tolerance=tolerance, objective="feasible")
        compare(X, Z, device, tolerance=tolerance, objective="fewest")


@pytest.mark.parametrize("size", [None, 3, 16, 27])
def test_the_longest(size: int | None, device: str) -> None:
    rng = np.random.default_rng(size)
    compare(rng.normal(size=(3, 32)), rng.normal(size=3), device, size=size)


def test_against_every_subset(law: Law, every_subset: EverySubset, device: str) -> None:
    X, Z = instances(law, 9, 3)
    x, z = torch.from_numpy(X).to(device), torch.from_numpy(Z).to(device)
    best, fixed = solve_many(x, z), solve_many(x, z, size=4)
    tolerance = float(np.median(fixed.errors))
    fewest = solve_many(x, z, tolerance=tolerance, objective="fewest")
    feasible = solve_many(x, z, size=4, tolerance=tolerance, objective="feasible")
    for row in range(len(Z)):
        sizes, errors = every_subset(X[row], float(Z[row]))
        assert best.errors[row] == errors.min()
        assert fixed.errors[row] == errors[sizes == 4].min()
        assert feasible.found[row] == (errors[sizes == 4].min() <= tolerance)
        if fewest.found[row]:
            assert fewest.sizes[row] == sizes[errors <= tolerance].min()
            assert fewest.errors[row] == errors[sizes == fewest.sizes[row]].min()
        else:
            assert fewest.errors[row] == errors.min() > tolerance


def test_feasible_takes_the_closest_of_the_shortest_prefix(device: str) -> None:
    rng = np.random.default_rng(0)
    X, Z = rng.uniform(-1, 1, (50, 14)), rng.uniform(-1, 1, 50)
    batch = compare(X, Z, device, tolerance=0.01, objective="feasible")
    prefix = solve_many(X[:, :8], Z)
    early = prefix.errors <= 0.01
    assert 0 < early.sum() < 50
    np.testing.assert_array_equal(batch.masks[early, :8], prefix.masks[early])
    assert not batch.masks[early, 8:].any()


def test_what_the_grid_cannot_settle(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    """Exact arithmetic decides; where nobody doubts the grid, some answers are wrong."""
    rng = np.random.default_rng(0)
    X = rng.choice([1e12, -1e12, 1e-12, 3e-12, -7e-12], (100, 8))
    Z = np.full(100, 4e-12)
    batch = compare(X, Z, device)
    monkeypatch.setattr(objectives.Chunk, "settled_as", lambda chunk, state, *_: state)
    careless = solve_many(torch.from_numpy(X).to(device), Z)
    assert (careless.errors > batch.errors).sum() > 10


def test_rivals_of_another_size(device: str) -> None:
    """Beside 1e12 the grid does not see 1e-6, so that sizes 1 and 2 seem equally far off."""
    X, Z = np.array([[1.0, 2.0], [1e12, 1e-6]]), np.array([3.0, 1e12 + 0.01])
    batch = compare(X, Z, device, tolerance=1e-9, objective="fewest")
    np.testing.assert_array_equal(batch.found, [True, False])
    np.testing.assert_array_equal(batch.masks, np.ones((2, 2)))


def test_float64_sums_would_choose_wrongly(device: str) -> None:
    x = torch.tensor([1.0, 2.0**-53, 1.0 - 2.0**-53, 2.0**-52], dtype=torch.float64, device=device)
    assert x[0] + x[1] == x[1] + x[2] == 1.0
    np.testing.assert_array_equal(np.flatnonzero(solve_many(x, 1.0, size=2).masks[0]), [1, 2])


def test_chunks_and_threads(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    rng = np.random.default_rng(2)
    X, Z = rng.uniform(-1, 1, (60, 12)), rng.uniform(-2, 2, 60)
    shared = torch.from_numpy(X[0]).to(device)
    cases: list[tuple[Objective, float | None]] = [
        ("best", None), ("feasible", 0.01), ("fewest", 0.001)
    ]  # fmt: skip
    threads = torch.get_num_threads()
    for objective, tolerance in cases:
        for x in (torch.from_numpy(X).to(device), shared):
            whole = solve_many(x, Z, tolerance=tolerance, objective=objective)
            with monkeypatch.context() as patch:
                patch.setattr(solve, "MEMORY", 7 * solve._instance_bytes(12, -1, sized=True))
                torch.set_num_threads(1)
                pieces = solve_many(x, Z, tolerance=tolerance, objective=objective)
                torch.set_num_threads(threads)
            for name in ("masks", "sums", "errors", "found"):
                np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    np.testing.assert_array_equal(
        solve_many(shared, Z, size=5).masks, solve_many(np.tile(X[0], (60, 1)), Z, size=5).masks
    )


def test_any_type(device: str) -> None:
    rng = np.random.default_rng(3)
    X = torch.from_numpy(rng.uniform(-1, 1, (12, 10)))
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        x = X.to(dtype)
        expected = solve_many(x.double().numpy(), np.full(12, 0.25), size=5)
        columns = x.t().contiguous().t().to(device).requires_grad_()
        for targets in (0.25, [0.25] * 12, torch.full((12,), 0.25), torch.tensor(0.25)):
            batch = solve_many(columns, targets, size=5)
            np.testing.assert_array_equal(batch.errors, expected.errors)
    for integers in (torch.arange(12).reshape(3, 4), np.arange(12).reshape(3, 4)):
        batch = solve_many(integers, torch.tensor([3, 9, 30]), size=2)
        np.testing.assert_array_equal(batch.errors, [0.0, 0.0, 9.0])


def test_tensors_are_searched_as_tensors(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError

    seen = set()
    closest = search.closest

    def watch(*arguments: Any) -> Any:
        seen.add(arguments[2].device.type)
        return closest(*arguments)

    monkeypatch.setattr(_kernels, "solve_rows", refuse)
    monkeypatch.setattr(objectives, "closest", watch)
    solve_many(torch.ones(2, 6, device=device), [1.0, 2.0])
    assert seen == {device}
    with pytest.raises(AssertionError):
        solve_many(np.ones((2, 6)), [1.0, 2.0])


def test_no_instances() -> None:
    batch = solve_many(torch.empty(0, 5), torch.empty(0))
    assert (len(batch), batch.masks.shape) == (0, (0, 5))
    assert solve_many(torch.empty(3, 0), [1.0, 2.0, 3.0]).errors.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("X", "Z", "arguments"),
    [
        (np.zeros((2, 4)), np.zeros(3), {}),
        (np.zeros((2, 4)), np.zeros((2, 1)), {}),
        (np.zeros((2, 4, 1)), np.zeros(2), {}),
        (np.zeros((2, 4), bool), np.zeros(2), {}),
        (np.zeros((2, 4), complex), np.zeros(2), {}),
        (np.full((1, 4), np.nan), np.zeros(1), {}),
        (np.zeros((1, 4)), np.full(1, np.inf), {}),
        (np.full((1, 4), 1e308), np.zeros(1), {}),
        (np.zeros((1, 4)), np.zeros(1), {"size": 5}),
        (np.zeros((1, 4)), np.zeros(1), {"size": -1}),
        (np.zeros((1, 4)), np.zeros(1), {"objective": "feasible"}),
        (np.zeros((1, 4)), np.zeros(1), {"tolerance": 0.1}),
        (np.zeros((1, 4)), np.zeros(1), {"tolerance": -0.1, "objective": "fewest"}),
        (np.zeros((1, 4)), np.zeros(1), {"objective": "nearest"}),
        (np.zeros((1, 4)), np.zeros(1), {"threads": 0}),
    ],
)
def test_bad_input_is_refused_as_for_arrays(
    X: npt.NDArray[Any], Z: npt.NDArray[Any], arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=" ") as expected:
        solve_many(X, Z, **arguments)
    with pytest.raises(ValueError, match=" ") as refusal:
        solve_many(torch.from_numpy(X), torch.from_numpy(Z), **arguments)
    assert str(refusal.value) == str(expected.value)


def test_what_only_tensors_are_refused() -> None:
    with pytest.raises(InstanceTooLarge, match=r"n=33 is too large for tensors: .* n is 32;"):
        solve_many(torch.zeros(1, 33), [0.0])
    with pytest.raises(ValueError, match=r"threads is for NumPy arrays; .*set_num_threads"):
        solve_many(torch.zeros(1, 3), [0.0], threads=1)


def test_progress_bar(capsys: pytest.CaptureFixture[str]) -> None:
    solve_many(torch.ones(4, 3), torch.zeros(4))
    assert capsys.readouterr().err == ""
    solve_many(torch.ones(4, 3), torch.zeros(4), progress=True)
    assert "4/4" in capsys.readouterr().err


MEASURE = r"""
import re, torch
from slth.subset_sum import solve_many
from slth.subset_sum._tensors import solve as tensors

def peak():
    return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1])

def solve(rows, n, size, objective):
    tolerance = None if objective == "best" else 0.0
    solve_many(torch.rand(rows, n), torch.rand(rows) - 100, size=size, objective=objective,
               tolerance=tolerance)

cases = [(96, 32, None, "fewest"), (96, 20, 10, "best"), (768, 21, None, "best")]
for megabytes, n, size, objective in cases:
    solve(1, n, size, objective)
    tensors.MEMORY = megabytes << 20
    sized = size is not None or objective == "fewest"
    rows = tensors.MEMORY // tensors._instance_bytes(n, size or -1, sized=sized)
    before = peak() if n == 32 else before
    solve(rows + 1, n, size, objective)
    print(tensors.MEMORY, peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_a_chunk() -> None:
    """Whole chunks of each kind, seen from outside; a fair part of the memory is really used."""
    command = [sys.executable, "-c", MEASURE]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == 3
    for memory, grown in (map(int, line.split()) for line in lines):
        assert memory / 4 < grown < memory * 4 / 3
    assert memory * 4 / 3 <= 2**30
