"""Optimal in exact arithmetic: where float64 sums, or 64 bits, are not enough."""

import math
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from slth.subset_sum import (
    InstanceTooLarge,
    SubsetNotFound,
    count,
    solve,
    solve_many,
)
from slth.subset_sum._long import exact

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]
EverySubset = Callable[[Floats, float], tuple[npt.NDArray[Any], Floats]]


def test_small_terms_beside_large_ones() -> None:
    x = np.array([1e12, -1e12, 1e-12, 3e-12, 5e-12, 1e12, 7e-12, -1e-12])
    solution = solve(x, 8e-12)
    assert solution.error < 1e-27
    assert solve(x, 1e12, size=2).error == 1e-12


def test_float64_sums_would_choose_wrongly() -> None:
    """In float64, 1 + 2^-53 = 1: two pairs seem to hit, and only one of them does."""
    x = np.array([1.0, 2.0**-53, 1.0 - 2.0**-53, 2.0**-52])
    assert x[0] + x[1] == x[1] + x[2] == 1.0
    np.testing.assert_array_equal(solve(x, 1.0, size=2).indices, [1, 2])
    assert count(x, 1.0, size=2, tolerance=0.0) == 1
    np.testing.assert_array_equal(solve([1.0, 2.0**-60, 2.0**-61], 1.0, size=2).indices, [0, 2])


@pytest.mark.parametrize(("quarters", "chosen"), [(1, []), (3, [1]), (-1, []), (5, [1])])
def test_targets_between_neighbours_of_the_finest_grid(quarters: int, chosen: list[int]) -> None:
    unit = 2.0**-56  # one step of the 64-bit grid beside 1
    np.testing.assert_array_equal(solve([1.0, unit], quarters * unit / 4).indices, chosen)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("part", [1e-34, 1e-18, 2.0**-1000, 5e-324 * 2**56])
def test_targets_far_below_a_grid_unit(part: float, sign: float) -> None:
    """No sum is there, however near the grid puts the target to 0."""
    z = sign * part * 2.0**-56
    for x in ([1.0], [1.0, -1.0, 0.5], [-1.0, 2.0**-56]):
        hits = [subset for subset in ([], x[:2]) if math.fsum([*subset, -z]) == 0.0]
        assert count(x, z, tolerance=0.0) == len(hits) == 0
        for size in range(len(x) + 1):
            assert count(x, z, tolerance=0.0, size=size) == 0
        assert count(x, z, tolerance=abs(z)) >= 1
        assert count(x, z, tolerance=math.nextafter(abs(z), 0.0)) == 0
        for objective in ("feasible", "fewest"):
            arguments: Any = {"objective": objective, "tolerance": 0.0}
            with pytest.raises(SubsetNotFound) as refusal:
                solve(x, z, **arguments)
            assert refusal.value.best_error == abs(z)
            assert not solve_many(np.array([x]), [z], **arguments).found[0]
            assert not solve_many(torch.tensor([x]).double(), [z], **arguments).found[0]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_targets_one_bit_from_the_middle_of_two_sums(sign: float) -> None:
    """Counted from below, the place of a negative target within its grid unit has no such bits."""
    unit = 2.0**-56
    middle = unit / 2
    for z, chosen in (
        (math.nextafter(middle, 0.0), []), (math.nextafter(middle, 1.0), [1]),
    ):  # fmt: skip
        x = [1.0, sign * unit]
        solution = solve(x, sign * z)
        assert solution.indices.tolist() == chosen
        assert count(x, sign * z, tolerance=solution.error) == 1


def test_the_largest_tolerance() -> None:
    """The next float after it would be infinite."""
    largest = sys.float_info.max
    assert count([1.0], 1e308, tolerance=largest) == 2
    solution = solve([1.0], -1e308, tolerance=largest, objective="fewest")
    assert solution.size == 0


def test_thousands_of_random_instances(law: Law) -> None:
    """No subset of any row beats the answer, by exact comparison."""
    rng = np.random.default_rng(7)
    n, rows = 9, 40
    X = np.array([law(rng, n) for _ in range(rows)])
    masks = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
    scale = np.abs(X).max()
    Z = rng.uniform(-1, 1, rows) * min(scale, 1e300)
    best, fixed = solve_many(X, Z), solve_many(X, Z, size=5)
    for row in range(rows):
        x = [Fraction(value) for value in X[row].tolist()]
        sums = [Fraction(0)]
        for value in x:
            sums += [partial + value for partial in sums]
        z = Fraction(float(Z[row]))
        errors = [abs(total - z) for total in sums]
        reached = abs(sum((x[i] for i in np.flatnonzero(best.masks[row])), Fraction(0)) - z)
        assert reached == min(errors)
        assert best.errors[row] == float(reached)
        of_five = min(e for e, mask in zip(errors, masks, strict=True) if mask.sum() == 5)
        reached = abs(sum((x[i] for i in np.flatnonzero(fixed.masks[row])), Fraction(0)) - z)
        assert reached == of_five


@pytest.mark.parametrize("n", [3, 8, 13, 16])
def test_no_subset_is_better_in_integers(n: int, law: Law) -> None:
    """All sums per size, in Python's integers; a hundred thousand instances pass as well."""
    rng = np.random.default_rng(n)
    rows = 24 if n < 10 else 3
    X = np.array([law(rng, n) for _ in range(rows)])
    Z = np.array([math.fsum(x[rng.random(n) < 0.5]) for x in X])
    Z[::2] *= 0.99
    size = int(rng.integers(n + 1))
    best, fixed = solve_many(X, Z), solve_many(X, Z, size=size)
    for row in range(rows):
        v, target, _ = exact.to_integers(X[row].tolist(), float(Z[row]), 0.0)
        sums: list[list[int]] = [[-target]]
        for value in v:
            longer = [[total + value for total in totals] for totals in sums]
            sums = [one + two for one, two in zip([*sums, []], [[], *longer], strict=True)]
        least = [min(map(abs, totals)) for totals in sums]
        for batch, expected in ((best, min(least)), (fixed, least[size])):
            chosen = np.flatnonzero(batch.masks[row])
            assert abs(sum(v[i] for i in chosen) - target) == expected
        assert fixed.sizes[row] == size


def test_beyond_both_arithmetics() -> None:
    x = np.append(np.full(24, 1e300), np.full(24, 5e-324))
    with pytest.raises(InstanceTooLarge, match="reaches n=42 at most"):
        solve(x, 5e-324)
    assert solve(x[8:40], 5e-324).error == 0.0
