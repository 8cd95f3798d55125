r"""Coverage by disjoint blocks: how many blocks until every target is hit by a subset of one block.

The proof of Corollary 1 of Natale et al. (2024) looks at these subsets only.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.subset_sum import sums
from slth.sweep import Grid

Stretches: TypeAlias = NDArray[np.float64]  # shape (m, 2): left and right ends


def cell(
    *, rng: np.random.Generator, block: int, k: int, epsilon: float, reach: float, sample: int
) -> dict[str, int]:
    r"""Count the blocks that together hit every target in [-reach, reach] within epsilon.

    Parameters
    ----------
    rng : numpy.random.Generator
        The cell's own generator.
    block, k : int
        Samples of a block, and size of the subsets.
    epsilon, reach : float
        Tolerance, and the largest target.
    sample : int
        Number of the sample.

    Returns
    -------
    dict
        ``blocks``: the number.
    """
    left, number = np.array([[-reach, reach]]), 0
    while len(left):
        points = sums(rng.uniform(-1, 1, size=block), size=k)
        left = _common(left, _open_stretches(points, reach, epsilon))
        number += 1
    return {"blocks": number}


def uncovered(points: ArrayLike, reach: float, epsilon: float) -> float:
    """Return the fraction of [-reach, reach] that is farther than epsilon from all points.

    Examples
    --------
    >>> uncovered([-0.5, 0.5], 1.0, 0.25)
    0.5
    """
    stretches = _open_stretches(points, reach, epsilon)
    return float(np.diff(stretches).sum() / (2 * reach))


def _open_stretches(points: ArrayLike, reach: float, epsilon: float) -> Stretches:
    """Return the parts of [-reach, reach] farther than epsilon from all points, in order."""
    ends = np.concatenate(([-np.inf], np.sort(np.asarray(points, dtype=np.float64)), [np.inf]))
    left = np.maximum(ends[:-1] + epsilon, -reach)
    right = np.minimum(ends[1:] - epsilon, reach)
    return np.stack((left, right), axis=1)[left < right]


def _common(one: Stretches, other: Stretches) -> Stretches:
    """Return the intersection of two ordered lists of disjoint stretches."""
    first = np.searchsorted(other[:, 1], one[:, 0], side="right")
    number = np.maximum(np.searchsorted(other[:, 0], one[:, 1], side="left") - first, 0)
    i = np.repeat(np.arange(len(one)), number)
    j = np.arange(len(i)) + np.repeat(first - np.cumsum(number) + number, number)
    return np.stack(
        (np.maximum(one[i, 0], other[j, 0]), np.minimum(one[i, 1], other[j, 1])), axis=1
    )


def grid(settings: Iterable[tuple[int, int, float, float]], samples: int) -> Grid:
    """Declare the sweep over these (block, k, epsilon, reach), with so many samples each."""
    names = ("block", "k", "epsilon", "reach")
    cells = [
        dict(zip(names, setting, strict=True)) | {"sample": sample}
        for setting in settings
        for sample in range(samples)
    ]
    return Grid("blocks", cell, tuple(cells), seed=2026)
