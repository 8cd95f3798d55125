"""The three objectives on a chunk of instances, as the compiled path defines them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from slth.arrays import Floats, Ints, SmallInts
from slth.subset_sum import _kernels
from slth.subset_sum._tensors.search import NOTHING, Half, closest

States = npt.NDArray[np.integer]


class Found(NamedTuple):
    """``search.Nearest`` as arrays."""

    w: Ints
    second: Ints
    code: Ints


class Chunk(NamedTuple):
    """Instances on their grids."""

    V: torch.Tensor  # int64, (rows, n), on the device
    windows: Ints  # (5, rows): t, lo, hi, slack, outer

    @classmethod
    def of(
        cls, X: Floats, Z: Floats, tolerance: float, size: int,
        device: torch.device,
    ) -> "Chunk":  # fmt: skip
        """Put samples, one row per instance or one for all, and targets on their grids."""
        V, windows = np.empty(X.shape, np.int64), np.empty((5, len(Z)), np.int64)
        _kernels.grid_rows(X, Z, tolerance, size, V, windows)
        return cls(torch.from_numpy(V).to(device).expand(len(Z), -1), windows)

    def part(self, rows: Ints, columns: int) -> "Chunk":
        """Return some instances, with the first columns only."""
        V = self.V[torch.from_numpy(rows).to(self.V.device), :columns]
        return Chunk(V, self.windows[:, rows])

    def halves(self, *, sized: bool) -> tuple[Half, Half]:
        """Return the two halves of the columns."""
        n = self.V.shape[1]
        first, second = range(n // 2), range(n // 2, n)
        return Half(self.V, first, sized=sized), Half(self.V, second, sized=sized)

    def closest(self, halves: tuple[Half, Half], size: int) -> Found:
        """Search the halves for the subsets closest to the targets."""
        t = torch.from_numpy(self.windows[0]).to(self.V.device)
        return Found(*(values.cpu().numpy() for values in closest(*halves, t, size)))

    def settle(self, found: Found) -> SmallInts:
        """Return the state of each instance whose best subset is known."""
        states = np.empty(len(found.w), np.int8)
        _kernels.settle_rows(found.w, found.second, self.windows, states)
        return states

    def settled_as(self, state: int, distance: Ints, second: Ints) -> States:
        """Return the state, but where rounding to the grid may have put the wrong subset first."""
        slack = self.windows[3]
        doubtful = (slack > 0) & (second - distance <= 2 * slack)
        return np.where(doubtful, _kernels.UNSETTLED, state)


Answer = tuple[Ints, States]  # codes of the subsets, and states


def best(chunk: Chunk, size: int) -> Answer:
    """Subset closest to the target."""
    found = chunk.closest(chunk.halves(sized=size >= 0), size)
    return found.code, chunk.settled_as(_kernels.FOUND, np.abs(found.w), found.second)


def first_within(chunk: Chunk, size: int) -> Answer:
    """Closest subset of the shortest prefix that holds one within the tolerance.

    The prefixes are those of the compiled path, which takes any subset within the tolerance.
    """
    m, n = chunk.V.shape
    codes, states = np.zeros(m, np.int64), np.full(m, _kernels.FOUND)
    rows, columns = np.arange(m), max(8, size + min(size, 4))
    while len(rows) > 0:
        columns = min(columns, n)
        part = chunk.part(rows, columns)
        found = part.closest(part.halves(sized=size >= 0), size)
        _, lo, hi, _, outer = part.windows
        missed = np.abs(found.w) > np.minimum(hi, -lo) - outer
        codes[rows] = found.code
        rows = rows[missed]
        if columns == n:
            states[rows] = part.settle(found)[missed]
            break
        columns += max(4, columns // 4)
    return codes, states


def fewest_within(chunk: Chunk, size: int) -> Answer:
    """Best subset of each size in turn, up to the first size that meets the tolerance."""
    m, n = chunk.V.shape
    codes, states = np.zeros(m, np.int64), np.empty(m, np.int8)
    rows = np.arange(m)
    least, second = np.full((2, m), NOTHING)
    halves = chunk.halves(sized=True)
    for terms in range(n + 1):
        found = chunk.closest(halves, terms)
        distance = np.abs(found.w)
        closer = distance < least
        rivals = np.where(closer, [least, found.second], [second, distance])
        least, second = np.minimum(least, distance), rivals.min(axis=0)
        _, lo, hi, _, outer = chunk.windows
        near = (found.w >= lo - outer) & (found.w <= hi + outer)
        codes[rows] = np.where(closer, found.code, codes[rows])
        states[rows[near]] = chunk.settle(found)[near]
        left = np.flatnonzero(~near)
        if len(left) < len(rows):
            rows, least, second = rows[left], least[left], second[left]
            chunk = chunk.part(left, n)
            for half in halves:
                half.keep(torch.from_numpy(left).to(chunk.V.device))
        if len(rows) == 0:
            break
    states[rows] = chunk.settled_as(_kernels.NOT_FOUND, least, second)
    return codes, states


ANSWERS: dict[str, Callable[[Chunk, int], Answer]] = {
    "best": best,
    "feasible": first_within,
    "fewest": fewest_within,
}
