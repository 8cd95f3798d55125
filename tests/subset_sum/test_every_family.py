"""Every solver against all subset sums in Python's integers, instance after instance.

A seeded share runs with the tests; ``python tests/subset_sum/test_every_family.py 1000000 7`` runs
as many instances as it is told, from a seed, and prints how many of each family it has checked.
"""

import math
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from slth.objectives import OBJECTIVES
from slth.subset_sum import (
    BatchSolution,
    Objective,
    SubsetNotFound,
    count,
    covering_radius,
    solve,
    solve_many,
)
from slth.subset_sum._long import settle

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator
LARGEST_N = 9
TARGETS = 8  # per choice of samples
RARE = 16  # one in so many groups is also solved on tensors, and by the sweep


def signed(rng: Rng, x: npt.NDArray[Any]) -> Floats:
    return np.asarray(rng.choice([-1.0, 1.0], len(x)) * x, np.float64)


SAMPLES: dict[str, Callable[[Rng, int], npt.NDArray[np.floating[Any]]]] = {
    "uniform": lambda rng, n: rng.uniform(-1, 1, n),
    "positive": lambda rng, n: rng.uniform(0, 1, n),
    "negative": lambda rng, n: -rng.uniform(0, 1, n),
    "products": lambda rng, n: rng.normal(size=n) * rng.normal(size=n).astype(np.float32),
    "small integers": lambda rng, n: rng.integers(-4, 5, n).astype(np.float64),
    "integers to 2^53": lambda rng, n: rng.integers(-(2**53), 2**53, n).astype(np.float64),
    "duplicates": lambda rng, n: rng.choice([0.1, -0.1, 0.3, 0.0], n),
    "powers of two": lambda rng, n: signed(rng, 2.0 ** np.arange(n)),
    "tiny scale": lambda rng, n: rng.uniform(-1, 1, n) * 2.0 ** -rng.integers(900, 1060),
    "huge scale": lambda rng, n: rng.uniform(-1, 1, n) * 2.0 ** rng.integers(900, 1015),
    "denormal": lambda rng, n: rng.integers(-9, 10, n) * 5e-324,
    "denormal beside huge": lambda rng, n: rng.choice([5e-324, -3e-320, 1e300, -1e300], n),
    "far scales": lambda rng, n: signed(rng, 10.0 ** rng.integers(-300, 300, n)),
    "near scales": lambda rng, n: signed(rng, 2.0 ** rng.integers(-60, 1, n)),
    "grid units beside 1": lambda rng, n: np.append(
        signed(rng, 2.0 ** -rng.integers(50, 62, max(0, n - 1))), [1.0] * min(n, 1)
    ),
    "nearly equal": lambda rng, n: 1.0 + rng.integers(0, 4, n) * 2.0**-52,
    "zeros": lambda rng, n: np.where(rng.random(n) < 0.7, 0.0, signed(rng, np.ones(n))),
}


def in_range(rng: Rng, x: Floats) -> float:
    return float(rng.uniform(-1, 1) * (np.abs(x).sum() or 1.0))


def a_sum(rng: Rng, x: Floats) -> float:
    return math.fsum(x[rng.random(len(x)) < 0.5].tolist())


def beside_a_sum(rng: Rng, x: Floats) -> float:
    return math.nextafter(a_sum(rng, x), rng.choice([-math.inf, math.inf]))


def between_sums(rng: Rng, x: Floats) -> float:
    return (a_sum(rng, x) + a_sum(rng, x)) / 2


def tiny(rng: Rng, x: Floats) -> float:
    return float(rng.choice([-1, 1]) * max(5e-324, 10.0 ** -rng.uniform(1, 324)))


def below_a_grid_unit(rng: Rng, x: Floats) -> float:
    unit = math.ldexp(1.0, max(-1000, math.frexp(float(np.max(np.abs(x), initial=0.0)))[1] - 57))
    part = float(rng.choice([0.125, 0.25, 0.5, 0.75, 1.0, 1.5]))
    part = math.nextafter(part, rng.choice([0.0, part, 2.0]))
    return float(rng.choice([-1, 1]) * part * unit * 2.0 ** rng.integers(-6, 3))


def beyond_all_sums(rng: Rng, x: Floats) -> float:
    return float(rng.choice([-1, 1]) * min(2.5 * np.abs(x).sum() + 1e-300, 1e300))


TARGET: dict[str, Callable[[Rng, Floats], float]] = {
    f.__name__: f
    for f in (
        in_range, a_sum, beside_a_sum, between_sums, tiny, below_a_grid_unit,
        beyond_all_sums,
    )
}  # fmt: skip


@dataclass(frozen=True)
class Exact:
    """All sums of some samples as integers, and their distances from targets.

    The sums are those of the masks 0, 1, 2, ..., in units of 1 / scale.
    """

    x: Floats
    scale: int
    sums: list[int]
    sizes: list[int]

    @classmethod
    def of(cls, x: Floats, *others: float) -> "Exact":
        ratios = [value.as_integer_ratio() for value in (*x.tolist(), *others)]
        scale = max((denominator for _, denominator in ratios), default=1)
        sums = [0]
        for numerator, denominator in ratios[: len(x)]:
            step = numerator * (scale // denominator)
            sums += [total + step for total in sums]
        return cls(x, scale, sums, [mask.bit_count() for mask in range(len(sums))])

    def distances(self, z: float) -> list[int]:
        numerator, denominator = z.as_integer_ratio()
        target = numerator * (self.scale // denominator)
        return [abs(total - target) for total in self.sums]

    def radius(self, low: float, high: float, admitted: list[int]) -> Fraction:
        """Farthest target: an end of the interval or a middle of neighbours; in half units."""
        lo, hi = (2 * int(Fraction(end) * self.scale) for end in (low, high))
        sums = sorted({2 * self.sums[m] for m in admitted})
        ends = [min(abs(total - end) for total in sums) for end in (lo, hi)]
        middles = [(b - a) // 2 for a, b in pairwise(sums) if lo < (a + b) // 2 < hi]
        return Fraction(max(*ends, *middles), 2 * self.scale)


Answers = tuple[bool, set[int]]  # whether the tolerance is met, and the masks that are right


def answers(
    objective: Objective, tolerance: float, admitted: list[int], sizes: list[int],
    distances: list[int], errors: list[float],
) -> Answers:  # fmt: skip
    """Say what each objective promises, word by word."""
    good = [m for m in admitted if objective == "best" or errors[m] <= tolerance]
    if good and objective == "feasible":
        return True, set(good)
    if good and objective == "fewest":
        fewest = min(sizes[m] for m in good)
        candidates = [m for m in good if sizes[m] == fewest]
    else:
        candidates = admitted
    least = min(distances[m] for m in candidates)
    return bool(good), {m for m in candidates if distances[m] == least}


def number(mask: npt.NDArray[np.bool_]) -> int:
    return sum(1 << int(i) for i in np.flatnonzero(mask))


@dataclass(frozen=True)
class Group:
    """Some samples, targets, one tolerance and one size for all."""

    family: str
    targets: list[str]
    x: Floats
    Z: Floats
    tolerance: float
    size: int

    @classmethod
    def draw(cls, rng: Rng) -> "Group":
        family = str(rng.choice(list(SAMPLES)))
        n = int(rng.integers(0, LARGEST_N + 1))
        x = np.asarray(SAMPLES[family](rng, n), np.float64)
        targets = [str(rng.choice(list(TARGET))) for _ in range(TARGETS)]
        Z = np.array([TARGET[target](rng, x) for target in targets])
        z = float(rng.choice(Z))
        near = abs(a_sum(rng, x) - z)
        tolerance = [
            0.0, 0.0, near, math.nextafter(near, 0.0), math.nextafter(near, math.inf), abs(z),
            abs(tiny(rng, x)), float(rng.uniform(0, 1) * np.max(np.abs(x), initial=0.0)),
            abs(below_a_grid_unit(rng, x)), sys.float_info.max,
        ][rng.integers(10)]  # fmt: skip
        return cls(family, targets, x, Z, tolerance, int(rng.integers(n + 1)))

    def check(self, rare: bool = False) -> None:
        """Compare everything that is asked about these samples with all their sums."""
        exact = Exact.of(self.x, *self.Z.tolist())
        every = [exact.distances(z) for z in self.Z.tolist()]
        errors = [[distance / exact.scale for distance in row] for row in every]
        for size in (None, self.size):
            admitted = [m for m, terms in enumerate(exact.sizes) if size in (None, terms)]
            for z, row in zip(self.Z.tolist(), errors, strict=True):
                hits = sum(row[m] <= self.tolerance for m in admitted)
                assert count(self.x, z, tolerance=self.tolerance, size=size) == hits, (self, z)
            for objective in OBJECTIVES if size is None else OBJECTIVES[:2]:
                limit = None if objective == "best" else self.tolerance
                right = [
                    answers(objective, self.tolerance, admitted, exact.sizes, *row)
                    for row in zip(every, errors, strict=True)
                ]
                self._solve(objective, size, limit, right, errors[0])
                if rare:
                    self._solve_elsewhere(objective, size, limit, right)
            self._cover(exact, admitted, size)

    def _solve(
        self, objective: Objective, size: int | None, limit: float | None, right: list[Answers],
        errors: list[float],
    ) -> None:  # fmt: skip
        """All targets at once, and the first one alone, whose error is correctly rounded."""
        arguments: Any = {"objective": objective, "size": size, "tolerance": limit}
        self._compare(solve_many(self.x, self.Z, **arguments), right)
        found, masks = right[0]
        if found:
            solution = solve(self.x, float(self.Z[0]), **arguments)
            assert number(solution.mask) in masks, (self, objective)
            assert solution.error == errors[number(solution.mask)], (self, objective)
        else:
            with pytest.raises(SubsetNotFound) as refusal:
                solve(self.x, float(self.Z[0]), **arguments)
            assert refusal.value.best_error == errors[min(masks)], (self, objective)

    def _solve_elsewhere(
        self, objective: Objective, size: int | None, limit: float | None, right: list[Answers]
    ) -> None:
        """On tensors; and by the sweep, which only what does not fit into memory needs."""
        tensor = torch.from_numpy(self.x)
        batch = solve_many(tensor, self.Z, objective=objective, size=size, tolerance=limit)
        self._compare(batch, right)
        if len(self.x) > 1:
            chosen = settle._by_sweep(
                self.x, float(self.Z[0]), -1 if size is None else size,
                -1.0 if limit is None else limit, objective, 1,
            )  # fmt: skip
            if chosen is not None:
                assert sum(1 << i for i in chosen) in right[0][1], (self, objective)

    def _compare(self, batch: BatchSolution, right: list[Answers]) -> None:
        for r, (found, masks) in enumerate(right):
            m = number(batch.masks[r])
            assert m in masks, (self, batch.objective, self.Z[r], m)
            assert batch.found[r] == found, (self, batch.objective, self.Z[r], m)
            assert batch.sizes[r] == m.bit_count()

    def _cover(self, exact: Exact, admitted: list[int], size: int | None) -> None:
        low, high = sorted(self.Z[:2].tolist())
        radius = covering_radius(self.x, interval=(low, high), size=size)
        expected = exact.radius(low, high, admitted)
        largest = float(np.max(np.abs(self.x), initial=0.0))
        if all(math.remainder(value, math.ulp(largest)) == 0.0 for value in self.x.tolist()):
            assert radius == float(expected), (self, low, high, size)
        else:
            allowed = len(self.x) ** 2 * Fraction(largest) / 2**57 + Fraction(math.ulp(radius))
            assert abs(Fraction(radius) - expected) <= allowed, (self, low, high, size)


def check(instances: int, seed: int) -> Counter[tuple[str, str]]:
    """Draw and check so many instances; returns how many there were of each kind."""
    checked: Counter[tuple[str, str]] = Counter()
    rng = np.random.default_rng(seed)
    for place in range(-(-instances // TARGETS)):
        group = Group.draw(rng)
        group.check(rare=place % RARE == 0)
        checked.update((group.family, target) for target in group.targets)
    return checked


@pytest.mark.parametrize("seed", [1, 2])
def test_a_share_of_every_family(seed: int) -> None:
    checked = check(2000, seed)
    assert checked.total() == 2000
    assert {family for family, _ in checked} == set(SAMPLES)


if __name__ == "__main__":
    for (family, target), times in sorted(check(*map(int, sys.argv[1:])).items()):
        print(f"{times:8} {family}: {target}")
