"""Meet in the middle on tensors: the closest subset of each row, in 64-bit integers.

Horowitz and Sahni as in the compiled search, with bisection in place of walkers: the sums of one
half are sorted, one list per size ("class"), and every sum of the other half looks up the two
entries that bring it closest to the target, from below and from above.
"""

from math import comb
from typing import NamedTuple

import torch
from torch import Tensor

FENCE = 3 << 61  # |t| <= 2**61 + 5, |sum| <= 2**60: farther from every t - sum than any other sum
NOTHING = (1 << 63) - 1


class Nearest(NamedTuple):
    """The best subset of each row; int64 tensors of shape (rows,)."""

    w: Tensor  # its sum less the target
    second: Tensor  # the smallest distance of all other subsets; NOTHING if there are none
    code: Tensor  # its members: bit i stands for column i


class Half:
    """Some columns of V: the sums of their subsets, class by class, built when first needed.

    Class j holds the sums of j entries, or class 0 those of any number if not ``sized``.
    """

    def __init__(self, V: Tensor, bits: range, *, sized: bool) -> None:
        powers = torch.tensor([[1 << bit for bit in bits]], dtype=torch.int64, device=V.device)
        self.values = torch.cat([V[:, bits.start : bits.stop], powers])
        self.sized = sized
        self._sums: list[Tensor] = []
        self._sorted: dict[int, tuple[Tensor, Tensor]] = {}

    def sums(self, j: int) -> tuple[Tensor, Tensor]:
        """Return the sums of class j, (rows, subsets), and the codes of its subsets, (subsets,)."""
        while len(self._sums) <= j:
            self._sums.append(self._next_class())
        return self._sums[j][:-1], self._sums[j][-1]  # the sums of powers of two are the codes

    def ascending(self, j: int) -> tuple[Tensor, Tensor]:
        """Return the sums of class j in order, between two fences, and where each one stood."""
        if j not in self._sorted:
            sums, places = torch.sort(self.sums(j)[0], dim=1, stable=True)
            low, high = (sums.new_full((len(sums), 1), fence) for fence in (-FENCE, FENCE))
            self._sorted[j] = torch.cat([low, sums, high], 1), places
        return self._sorted[j]

    def keep(self, rows: Tensor) -> None:
        """Forget all but the given rows."""
        powers = torch.tensor([len(self.values) - 1], device=rows.device)
        with_powers = torch.cat([rows, powers])
        self.values = self.values[with_powers]
        self._sums = [sums[with_powers] for sums in self._sums]
        for j, (sums, places) in self._sorted.items():
            self._sorted[j] = sums[rows], places[rows]

    def _next_class(self) -> Tensor:
        V, j = self.values, len(self._sums)
        columns = range(V.shape[1])
        sums = V.new_zeros(len(V), 1)
        if not self.sized:
            for e in columns:
                sums = torch.cat([sums, sums + V[:, e : e + 1]], 1)
        elif j > 0:  # by their largest member e; the others are the first subsets of class j - 1
            less = self._sums[-1]
            parts = [less[:, : comb(e, j - 1)] + V[:, e : e + 1] for e in columns[j - 1 :]]
            sums = torch.cat(parts, 1)
        return sums


def closest(first: Half, second: Half, t: Tensor, size: int) -> Nearest:
    """Subset of both halves together with the sum closest to t, of ``size`` terms (-1: any).

    Among equal sums the first in the order of the classes wins, whatever the device.
    """
    nl, nr = first.values.shape[1], second.values.shape[1]
    splits = [(j, size - j) for j in range(max(0, size - nr), min(nl, size) + 1)]
    found: Nearest | None = None
    for i, j in splits if size >= 0 else [(0, 0)]:
        other = _closest_pair(first, i, second, j, t[:, None])
        found = other if found is None else _better(found, other)
    assert found is not None
    return found


def _closest_pair(first: Half, i: int, second: Half, j: int, t: Tensor) -> Nearest:
    ascending, places = first.ascending(i)
    sums, codes = second.sums(j)
    wanted = t - sums
    above = torch.searchsorted(ascending, wanted)  # ascending[above - 1] < wanted <= [above]
    over = ascending.gather(1, above).sub_(wanted)
    under = wanted - ascending.gather(1, above - 1)
    distances = torch.minimum(over, under)
    row = distances.argmin(1, keepdim=True)
    column = above.gather(1, row) - (under.gather(1, row) < over.gather(1, row)).long()
    aim = wanted.gather(1, row)
    w = ascending.gather(1, column) - aim
    rival = distances.scatter_(1, row, NOTHING).amin(1, keepdim=True)
    for beside in (column - 1, column + 1):
        cell = ascending.gather(1, beside)
        away = torch.where(cell.abs() < FENCE, (cell - aim).abs(), NOTHING)
        rival = torch.minimum(rival, away)
    code = first.sums(i)[1][places.gather(1, column - 1)] + codes[row]
    return Nearest(w[:, 0], rival[:, 0], code[:, 0])


def _better(one: Nearest, two: Nearest) -> Nearest:
    first = one.w.abs() <= two.w.abs()
    beaten = torch.where(first, two.w, one.w).abs()
    return Nearest(
        torch.where(first, one.w, two.w),
        torch.minimum(beaten, torch.minimum(one.second, two.second)),
        torch.where(first, one.code, two.code),
    )
