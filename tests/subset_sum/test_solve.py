"""One instance: against every subset, against an independent solver, and at the edges."""

import itertools
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from slth.subset_sum import InstanceTooLarge, Solution, SubsetNotFound, solve

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]
EverySubset = Callable[[Floats, float], tuple[npt.NDArray[Any], Floats]]


def check(solution: Solution, x: Floats, z: float) -> None:
    """Recompute from the mask everything that a solution says about itself."""
    assert solution.mask.dtype == np.bool_
    assert solution.mask.shape == x.shape
    assert solution.indices.dtype == np.int64
    np.testing.assert_array_equal(solution.indices, np.flatnonzero(solution.mask))
    assert solution.size == solution.mask.sum()
    assert solution.sum == math.fsum(x[solution.mask])
    assert solution.error == abs(math.fsum([*x[solution.mask], -z]))


def targets(rng: np.random.Generator, x: Floats) -> list[float]:
    """Return a target inside, one that a subset hits, and one out of reach."""
    scale = float(np.max(np.abs(x), initial=0.0))
    hit = math.fsum(x[rng.integers(0, 2, len(x)).astype(bool)])
    return [scale * float(rng.uniform(-1, 1)), hit, 3.0 * len(x) * scale]


@pytest.mark.parametrize("n", range(13))
def test_against_every_subset(n: int, law: Law, every_subset: EverySubset) -> None:
    rng = np.random.default_rng(n)
    x = law(rng, n)
    z = targets(rng, x)[n % 3]
    sizes, errors = every_subset(x, z)
    best = solve(x, z)
    check(best, x, z)
    assert best.error == errors.min()
    for k in range(n + 1):
        fixed = solve(x, z, size=k)
        check(fixed, x, z)
        assert fixed.size == k
        assert fixed.error == errors[sizes == k].min()
    for tolerance in (float(rng.choice(errors)), best.error):
        feasible = solve(x, z, tolerance=tolerance, objective="feasible")
        check(feasible, x, z)
        assert feasible.error <= tolerance
        fewest = solve(x, z, tolerance=tolerance, objective="fewest")
        check(fewest, x, z)
        assert fewest.size == sizes[errors <= tolerance].min()
        assert fewest.error == errors[sizes == fewest.size].min()
    k = n // 2
    least = errors[sizes == k].min()
    assert solve(x, z, size=k, tolerance=least, objective="feasible").error == least


@pytest.mark.parametrize("n", [13, 14, 15])
def test_longer_lists_against_every_subset(n: int, every_subset: EverySubset) -> None:
    rng = np.random.default_rng(n)
    x, z = rng.normal(size=n), float(rng.normal())
    sizes, errors = every_subset(x, z)
    assert solve(x, z).error == errors.min()
    for k in range(n + 1):
        assert solve(x, z, size=k).error == errors[sizes == k].min()


def by_milp(x: Floats, z: float, size: int | None) -> Floats:
    """Return the samples that HiGHS chooses when it minimises e subject to |Σ_S - z| <= e."""
    n = len(x)
    rows = [
        LinearConstraint(np.append(x, -1.0), ub=z),
        LinearConstraint(np.append(x, 1.0), lb=z),
    ]
    if size is not None:
        rows.append(LinearConstraint(np.append(np.ones(n), 0.0), lb=size, ub=size))
    result = milp(
        np.append(np.zeros(n), 1.0),
        integrality=np.append(np.ones(n), 0),
        bounds=Bounds(0, np.append(np.ones(n), np.inf)),
        constraints=rows,
        options={"mip_rel_gap": 0.0},
    )
    chosen: Floats = x[np.round(result.x[:n]).astype(bool)]
    return chosen


@pytest.mark.parametrize(("n", "size"), [(16, 8), (17, 5), (18, 14), (19, 3), (20, 4), (16, None)])
def test_against_a_mip_solver(n: int, size: int | None) -> None:
    rng = np.random.default_rng(n)
    x, z = rng.uniform(-1, 1, n), float(rng.uniform(-1, 1))
    ours = solve(x, z, size=size).error
    chosen = by_milp(x, z, size)
    assert size is None or len(chosen) == size
    theirs = abs(math.fsum([*chosen, -z]))
    assert ours <= theirs <= ours + 2e-6  # 1e-6: the feasibility tolerance of HiGHS


def greedy(x: Floats, z: float) -> float:
    rest = z
    for value in sorted(x, key=abs, reverse=True):
        if abs(rest - value) < abs(rest):
            rest -= value
    return abs(rest)


def test_brute_force_exposes_a_heuristic(every_subset: EverySubset) -> None:
    rng = np.random.default_rng(0)
    x, z = rng.uniform(-1, 1, 12), 0.3
    least = every_subset(x, z)[1].min()
    assert greedy(x, z) > least
    assert solve(x, z).error == least


# --- properties --------------------------------------------------------------------------------

dyadic = st.integers(-(2**12), 2**12).map(lambda numerator: numerator / 2**10)
instances = st.tuples(st.lists(dyadic, min_size=1, max_size=18), dyadic)


@given(instances, st.data())
@settings(max_examples=50, deadline=None)
def test_symmetries(instance: tuple[list[float], float], data: st.DataObject) -> None:
    x, z = np.array(instance[0]), instance[1]
    n = len(x)
    k = data.draw(st.integers(0, n))
    c = data.draw(dyadic)
    order = data.draw(st.permutations(range(n)))
    for size in (k, None):
        error = solve(x, z, size=size).error
        assert solve(x[order], z, size=size).error == error
        assert solve(-x, -z, size=size).error == error
        assert solve(x * 2.0**-500, z * 2.0**-500, size=size).error == error * 2.0**-500
        assert solve(x * 2.0**500, z * 2.0**500, size=size).error == error * 2.0**500
        assert solve(x, float(x.sum()) - z, size=None if size is None else n - k).error == error
    assert solve(x + c, z + k * c, size=k).error == solve(x, z, size=k).error


@given(instances, st.data())
@settings(max_examples=50, deadline=None)
def test_no_subset_is_better(instance: tuple[list[float], float], data: st.DataObject) -> None:
    x, z = np.array(instance[0]), instance[1]
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(x), max_size=len(x))))
    rival = abs(float(x[chosen].sum()) - z)
    best = solve(x, z)
    fixed = solve(x, z, size=int(chosen.sum()))
    assert best.error <= fixed.error <= rival
    assert best.error == min(solve(x, z, size=k).error for k in range(len(x) + 1))
    assert solve(np.append(x, 0.0), z).error == best.error
    fewest = solve(x, z, tolerance=rival, objective="fewest")
    assert fewest.size <= chosen.sum()
    assert fewest.error <= rival


# --- edges -------------------------------------------------------------------------------------


def test_nothing_to_choose_from() -> None:
    for size in (None, 0):
        solution = solve([], 0.5, size=size)
        assert (solution.size, solution.sum, solution.error) == (0, 0.0, 0.5)


def test_everything_is_chosen() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 40)
    assert solve(x, 0.0, size=40).mask.all()
    assert not solve(x, 0.0, size=0).mask.any()


@pytest.mark.parametrize("z", [1e3, -1e3, 1e300, -1e300])
def test_targets_out_of_reach(z: float) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 21)
    ascending = np.sort(np.sign(z) * x)
    np.testing.assert_array_equal(solve(x, z).mask, np.sign(z) * x > 0)
    for k in (3, 10, 17):
        assert solve(x, z, size=k).sum == np.sign(z) * math.fsum(ascending[-k:])


def test_tolerances_far_beyond_the_samples() -> None:
    x = np.ones(6)
    assert solve(x, 1e3, tolerance=994.0, objective="feasible").size == 6
    assert solve(x, 1e3, tolerance=996.0, objective="fewest").size == 4
    assert solve(x, 1e3, tolerance=1e6, objective="fewest").size == 0
    for objective in ("feasible", "fewest"):
        with pytest.raises(SubsetNotFound) as failure:
            solve(x, 1e3, tolerance=math.nextafter(994.0, 0.0), objective=objective)
        assert failure.value.best_error == 994.0


@pytest.mark.parametrize("objective", ["feasible", "fewest"])
def test_the_tolerance_itself_is_admitted(objective: Any) -> None:
    rng = np.random.default_rng(1)
    for n in (4, 11, 20):
        x, z = rng.normal(size=n), float(rng.normal())
        least = solve(x, z).error
        assert solve(x, z, tolerance=least, objective=objective).error == least
        with pytest.raises(SubsetNotFound) as failure:
            solve(x, z, tolerance=math.nextafter(least, 0.0), objective=objective)
        assert failure.value.best_error == least
        assert failure.value.tolerance < least


def test_exact_hits_need_no_tolerance() -> None:
    x = np.arange(1.0, 31.0)
    assert solve(x, 465.0, tolerance=0.0, objective="feasible").error == 0.0
    assert solve(x, 59.0, tolerance=0.0, objective="fewest").size == 2
    with pytest.raises(SubsetNotFound, match=r"tolerance=0: the smallest error is 0\.5"):
        solve(x, 59.5, tolerance=0.0, objective="fewest")


def test_zeros_are_never_taken_without_need() -> None:
    x = np.array([0.0, 0.5, 0.0, 0.0, 0.25, 0.0])
    np.testing.assert_array_equal(solve(x, 0.75).indices, [1, 4])


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_few_terms_of_many_samples(size: int) -> None:
    rng = np.random.default_rng(size)
    x, z = rng.normal(size=40), float(rng.normal())
    least = min(abs(math.fsum([*terms, -z])) for terms in itertools.combinations(x, size))
    assert solve(x, z, size=size).error == least
    rest = math.fsum(x) - z
    assert solve(x, rest, size=40 - size).error == pytest.approx(least, abs=1e-14)


def closest_of_few(ordered: Floats, z: float, size: int, first: int = 0) -> float:
    """Least error of ``size`` >= 2 terms from ``first`` on: a binary search for the last one."""
    n = len(ordered)
    if size > 2:
        return min(
            closest_of_few(ordered, z - ordered[i], size - 1, i + 1)
            for i in range(first, n - size + 1)
        )
    one = np.arange(first, n - 1)
    place = np.searchsorted(ordered, z - ordered[one])
    errors = [
        np.abs(ordered[one] + ordered[np.clip(two, one + 1, n - 1)] - z)
        for two in (place - 1, place)
    ]
    return float(np.min(errors))


@pytest.mark.parametrize(("n", "size"), [(100_000, 2), (2_000, 3), (120, 4)])
def test_few_terms_of_very_many(n: int, size: int) -> None:
    x = np.random.default_rng(n).normal(size=n)
    least = closest_of_few(np.sort(x), 0.3, size)
    solution = solve(x, 0.3, size=size)
    assert (solution.size, solution.exact) == (size, True)
    assert solution.error == pytest.approx(least, abs=1e-14)
    rest = solve(x, math.fsum(x) - 0.3, size=n - size)
    assert rest.size == n - size
    assert rest.error == pytest.approx(least, abs=1e-12)


def test_four_of_five_hundred_hit_a_planted_sum() -> None:
    x = np.random.default_rng(12).integers(-(2**50), 2**50, 500) / 2**50
    solution = solve(x, float(x[[7, 77, 377, 477]].sum()), size=4)
    assert solution.error == 0.0
    assert solution.size == 4


def test_five_terms_of_many_samples_hit_a_planted_sum() -> None:
    x = np.random.default_rng(5).integers(-(2**40), 2**40, 60) / 2**40
    solution = solve(x, float(x[[3, 17, 31, 40, 59]].sum()), size=5)
    assert solution.error == 0.0
    assert solution.size == 5


def test_a_long_planted_instance() -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(-(2**50), 2**50, 42) / 2**50
    planted = rng.permutation(42) < 21
    for size in (21, None):
        solution = solve(x, float(x[planted].sum()), size=size)
        assert solution.error == 0.0
        np.testing.assert_array_equal(solution.mask, planted)  # 2^42 sums on a grid of 2^50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": [0.1] * 10, "z": 0.5, "size": 12}, "size k=12 exceeds the n=10 available samples"),
        ({"x": [], "z": 0.5, "size": 1}, "size k=1 exceeds the n=0 available samples"),
        ({"x": [0.1], "z": 0.5, "size": -1}, "size k=-1 is negative"),
        ({"x": [0.1, np.nan], "z": 0.5}, "x holds an entry that is not finite"),
        ({"x": [0.1, np.inf], "z": 0.5}, "x holds an entry that is not finite"),
        ({"x": [0.1], "z": np.nan}, "z=nan is not finite"),
        ({"x": [0.1], "z": [0.5, 0.6]}, "z must be a single number"),
        ({"x": [[0.1]], "z": 0.5}, r"x must have shape \(n,\), not \(1, 1\)"),
        ({"x": ["a"], "z": 0.5}, "x must hold real numbers"),
        ({"x": [1j], "z": 0.5}, "x must hold real numbers"),
        ({"x": [1e308] * 4, "z": 0.5}, "exceed the range of float64"),
        ({"x": [0.1], "z": 0.5, "tolerance": 0.1}, "takes no tolerance"),
        ({"x": [0.1], "z": 0.5, "objective": "feasible"}, "'feasible' needs a tolerance"),
        ({"x": [0.1], "z": 0.5, "objective": "fewest"}, "'fewest' needs a tolerance"),
        ({"x": [0.1], "z": 0.5, "objective": "least"}, "is none of best, feasible, fewest"),
        ({"x": [0.1], "z": 0.5, "objective": "feasible", "tolerance": -1.0}, "finite number >= 0"),
        (
            {"x": [0.1], "z": 0.5, "objective": "feasible", "tolerance": np.nan},
            "finite number >= 0",
        ),
        (
            {"x": [0.1], "z": 0.5, "objective": "fewest", "tolerance": 1.0, "size": 1},
            "leave size out",
        ),
    ],
)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        solve(**arguments)


@pytest.mark.parametrize(
    ("n", "size", "fits"),
    [(61, None, 60), (61, 30, 60), (10**5, 50_000, 50_003), (10**4, 4, 7443), (150, 6, 112)],
)
def test_too_large_names_what_works(n: int, size: int | None, fits: int) -> None:
    largest = f"the largest n that can be solved exactly is {fits}; .* solve_window"
    with pytest.raises(InstanceTooLarge, match=largest):
        solve(np.zeros(n), 0.0, size=size)


def test_failure_travels_between_processes() -> None:
    failure = pickle.loads(pickle.dumps(SubsetNotFound(0.5, 0.1, 7)))
    assert (failure.best_error, failure.tolerance, failure.windows) == (0.5, 0.1, 7)
    assert "in 7 random windows" in str(failure)
