"""Many instances on tensors: grids, verdicts and reports as everywhere, the search on a device.

All that decides exactness is shared with the compiled path: the 64-bit grid of an instance, the
verdict whether its answer is settled there, sums and errors from the masks. In between, the device
adds, sorts and compares integers, and so rounds nothing.
"""

from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from slth.arrays import Bools, Floats, SmallInts
from slth.objectives import Objective
from slth.subset_sum import _kernels
from slth.subset_sum._tensors.objectives import ANSWERS, Chunk
from slth.subset_sum.errors import InstanceTooLarge

LARGEST = 32
MEMORY = 768 << 20  # bytes for the tensors of a chunk


def solve_on(
    device: torch.device, X: npt.NDArray[Any], Z: Floats, size: int, tolerance: float,
    objective: Objective, progress: bool,
) -> tuple[Bools, Floats, Floats, SmallInts]:  # fmt: skip
    """Masks, sums, errors and states from the search on a device, chunk by chunk.

    Raises
    ------
    InstanceTooLarge
        For more than ``LARGEST`` samples.
    """
    m, n = len(Z), X.shape[1]
    if n > LARGEST:
        raise InstanceTooLarge(
            f"n={n} is too large for tensors: the largest n is {LARGEST}; NumPy arrays go further"
        )
    masks, states = np.empty((m, n), np.bool_), np.empty(m, np.int8)
    sums, errors = np.empty(m), np.empty(m)
    complement = 2 * size > n  # choose what to leave out, as ``grid_rows`` does
    terms = n - size if complement else size
    step = max(1, MEMORY // _instance_bytes(n, terms, sized=size >= 0 or objective == "fewest"))
    with tqdm(total=m, disable=not progress, unit="instances") as bar:
        for start in range(0, m, step):
            rows = slice(start, min(start + step, m))
            samples = np.require(X if len(X) != m else X[rows], np.float64, ["C", "W"])
            chunk = Chunk.of(samples, Z[rows], tolerance, size, device)
            codes, states[rows] = ANSWERS[objective](chunk, terms)
            masks[rows] = (codes[:, None] >> np.arange(n) & 1) != complement
            _kernels.report_rows(samples, Z[rows], masks[rows], sums[rows], errors[rows])
            bar.update(rows.stop - start)
    return masks, sums, errors, states


def _instance_bytes(n: int, size: int, *, sized: bool) -> int:
    """Bound the tensors of one instance: all its lists, and the work on one pair of them."""
    words = 2 * n
    for half, lists in (n // 2, 4), (n - n // 2, 2):
        most = half if size < 0 else min(size, half)
        lengths = [comb(half, j) for j in range(most + 1)] if sized else [1 << half]
        words += lists * sum(lengths) + 8 * max(lengths)
    return 8 * words
