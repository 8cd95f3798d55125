"""All sums of one instance in order: the class lists of both halves, asked from Python."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slth.arrays import Ints
from slth.subset_sum import _kernels
from slth.subset_sum._plan import plan

REACH = 1 << 61  # beyond every sum


@dataclass(frozen=True, eq=False)
class Lists:
    """Sorted class lists of the two halves of v, and how to read them together.

    Build with :meth:`of`. ``rank`` and ``gather`` speak of the sums of ``size`` entries of v, or
    of any number if ``size = -1``.
    """

    n: int
    size: int
    counts: Ints
    offsets: Ints
    memory: Ints
    left: int
    right: int

    @classmethod
    def of(cls, v: Ints, size: int) -> "Lists":
        """Build the lists; raises InstanceTooLarge."""
        work = plan(len(v), size, sized=size >= 0, lists=True)
        offsets = np.empty(work.counts.shape[1], np.int64)
        memory = np.empty(work.words, np.int64)
        left, right = _kernels.grow_halves(v, 0, len(v), work.counts, size >= 0, offsets, memory)
        return cls(len(v), size, work.counts, offsets, memory, left, right)

    def rank(self, bound: int) -> tuple[int, int, int]:
        """Count the sums <= bound; also the largest of them, and the smallest of the others."""
        return _kernels.rank(
            self.memory, self.left, self.right, self.n, self.size, self.counts, self.offsets,
            min(max(bound, -REACH), REACH),
        )  # fmt: skip

    def gather(self, lo: int, hi: int, number: int) -> npt.NDArray[np.int64]:
        """Return the sums in [lo, hi], of which there are ``number``, in order."""
        found = np.empty(number, np.int64)
        _kernels.gather(
            self.memory, self.left, self.right, self.n, self.size, self.counts, self.offsets,
            lo, hi, found,
        )  # fmt: skip
        found.sort()
        return found
