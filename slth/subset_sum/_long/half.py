"""The sums of half of the samples, kept as two short lists that generate them."""

from dataclasses import dataclass

import numpy as np

from slth.arrays import Ints
from slth.subset_sum._long import kernels

Classes = list[tuple[Ints, Ints]]  # per size: sums, ascending, and the masks that have them


@dataclass(frozen=True, eq=False)
class Half:
    """Sums of some integers, each the sum of an entry of ``a`` and one of ``b``.

    Attributes
    ----------
    n : int
        Number of integers.
    a, b : list of (sums, masks)
        Quarters: one list per number of terms, or a single one with all sums.
    split : int
        Number of integers in the first quarter.
    """

    n: int
    a: Classes
    b: Classes
    split: int

    @classmethod
    def of(cls, v: Ints, size: int) -> "Half":
        """Build the quarters, up to ``size`` terms or (-1) with all sums in one list."""
        split = len(v) // 2
        return cls(len(v), _classes(v[:split], size), _classes(v[split:], size), split)

    def pairs(self, size: int) -> list[tuple[tuple[Ints, Ints], tuple[Ints, Ints]]]:
        """Return the pairs of lists that generate the sums of ``size`` terms, or (-1) all."""
        if size < 0:
            return [(self.a[0], self.b[0])]
        first, last = max(0, size - len(self.b) + 1), min(size, len(self.a) - 1)
        return [(self.a[j], self.b[size - j]) for j in range(first, last + 1)]

    def subsets(self, total: int, size: int, most: int) -> list[int]:
        """Return the masks of subsets with this sum, of all or of more than ``most``."""
        found: list[int] = []
        places = np.empty((most + 1, 2), np.int64)
        for (a, a_masks), (b, b_masks) in self.pairs(size):
            number = min(kernels.matches(a, b, total, places), len(places))
            i, j = places[:number].T
            found += (a_masks[i] | b_masks[j] << self.split).tolist()
        return found


def _classes(v: Ints, size: int) -> Classes:
    sums, masks, terms = (np.zeros(1, np.int64) for _ in range(3))
    for i, value in enumerate(v):
        sums = np.concatenate((sums, sums + value))
        masks = np.concatenate((masks, masks + (1 << i)))
        terms = np.concatenate((terms, terms + (size >= 0)))
        if size >= 0:
            sums, masks, terms = (column[terms <= size] for column in (sums, masks, terms))
    classes = []
    for j in range(min(max(size, 0), len(v)) + 1):
        order = np.flatnonzero(terms == j)
        order = order[np.argsort(sums[order], kind="stable")]
        classes.append((sums[order], masks[order]))
    return classes
