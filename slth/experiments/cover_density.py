r"""Direct coverage at a fixed density: how finely the sums of k of n samples cover all targets.

The subsets grow with the sample, $k=\gamma n$, so that no sample contains the next; each is drawn
by itself, and the number that is found is the precision, not n.
"""

from collections.abc import Iterable

import numpy as np

from slth.subset_sum import covering_radius
from slth.sweep import Grid

SIZES = tuple((n, n // 2) for n in range(6, 27, 2)) + tuple((n, n // 4) for n in range(8, 33, 4))


def cell(*, rng: np.random.Generator, n: int, k: int, sample: int) -> dict[str, int]:
    r"""Precision with which the k-subset sums of n samples cover $[-\sqrt k,\sqrt k]$.

    Parameters
    ----------
    rng : numpy.random.Generator
        The cell's own generator.
    n, k : int
        Samples, and size of the subsets.
    sample : int
        Number of the sample.

    Returns
    -------
    dict
        ``millibits``: $-1000\log_2$ of the covering radius, rounded to an integer.
    """
    root = np.sqrt(k)
    radius = covering_radius(rng.uniform(-1, 1, size=n), interval=(-root, root), size=k)
    return {"millibits": round(-1000 * float(np.log2(radius)))}


def grid(sizes: Iterable[tuple[int, int]], samples: int) -> Grid:
    """Declare the sweep over these (n, k), with so many samples each."""
    cells = [{"n": n, "k": k, "sample": s} for n, k in sizes for s in range(samples)]
    return Grid("cover-density", cell, tuple(cells), seed=2025)


GRID = grid(SIZES, 250)
