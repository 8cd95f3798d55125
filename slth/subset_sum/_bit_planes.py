"""Compiled recursion on sets of grid cells, one bit per cell: Lueker's f_t.

Separate from the other compiled functions and sharing none with them, so that Numba's cache, which
watches only this file, never holds stale code.
"""

import numpy as np
import numpy.typing as npt

from slth.arrays import Words
from slth.subset_sum._compiled import compiled


@compiled
def _add_shifted(sink: Words, source: Words, cells: int) -> None:
    """Unite ``sink`` with ``source`` moved up by so many cells; what leaves the plane is lost."""
    size = sink.size
    words, bits = cells >> 6, np.uint64(cells & 63)
    rest = np.uint64(64) - bits
    if bits == 0:
        for w in range(max(0, words), min(size, size + words)):
            sink[w] |= source[w - words]
        return
    if 0 <= words < size:
        sink[words] |= source[0] << bits
    elif words == -size - 1:
        return
    for w in range(max(0, words + 1), min(size, size + words)):
        sink[w] |= (source[w - words] << bits) | (source[w - words - 1] >> rest)
    last = size + words  # receives only the top of the last word
    if 0 <= last < size:
        sink[last] |= source[size - 1] >> rest


@compiled
def reach(shifts: npt.NDArray[np.int64], origin: int, planes: Words, sized: bool) -> None:
    """Mark the cells of all sums, starting from the empty sum in cell ``origin`` of plane 0.

    ``sized``: plane j holds the sums of j shifts; else plane 0 holds all, plane 1 is spare.
    """
    planes[0, origin >> 6] = np.uint64(1) << np.uint64(origin & 63)
    for i in range(shifts.size):
        if sized:
            for j in range(min(i + 1, planes.shape[0] - 1), 0, -1):
                _add_shifted(planes[j], planes[j - 1], shifts[i])
        else:
            planes[1] = planes[0]
            _add_shifted(planes[0], planes[1], shifts[i])


@compiled
def gaps(plane: Words, lo: int, hi: int, none: int) -> tuple[int, int, int, int, int]:
    """Find the marked cells under, first, last, over of [lo, hi], and the widest gap inside.

    ``under < lo`` and ``over > hi`` are the nearest outside; ``none`` stands for no such cell.
    """
    under, first, last, over, widest = none, none, none, none, 0
    for w in range(plane.size):
        word = plane[w]
        if word == 0:
            continue
        for bit in range(64):
            if not (word >> np.uint64(bit)) & np.uint64(1):
                continue
            cell = 64 * w + bit
            if cell < lo:
                under = cell
            elif cell > hi:
                return under, first, last, cell, widest
            else:
                if first == none:
                    first = cell
                else:
                    widest = max(widest, cell - last)
                last = cell
    return under, first, last, over, widest
