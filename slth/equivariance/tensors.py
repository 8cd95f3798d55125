"""Permutations of n points, on sets and on graphs."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from slth.arrays import Ints
from slth.equivariance.space import Space, permutation_matrix


def sets(points: int) -> Space:
    r"""All permutations of points, one number per point; the basis is $I, \mathbf{11}^\top$.

    Layers are those of DeepSets (Zaheer et al. 2017).
    """
    return _tensors(f"sets({points})", points, 1)


def graphs(points: int) -> Space:
    """All permutations of points, one number per ordered pair: the features of a graph.

    The basis has one map for each partition of the four indices of a map from pairs to pairs: 15
    for four or more points (Maron et al. 2019).
    """
    return _tensors(f"graphs({points})", points, 2)


def _tensors(name: str, points: int, order: int) -> Space:
    r"""Tensors with ``order`` indices in $[n]$, all permuted alike.

    .. math::
        (b_\pi)_{ij} = 1 \text{ if the indices } (i_1,\dots,i_k,j_1,\dots,j_k)
        \text{ agree within each block of } \pi, \text{ else } 0

    The orbits of pairs $(i, j)$ belong to the partitions $\pi$ with at most $n$
    blocks, where indices agree within blocks and *nowhere else*.  The map $b_\pi$ sums the
    indicators of the orbits of $\pi$ and of all coarser partitions.  A triangular matrix
    leads from one to the other, so the $b_\pi$ are a basis, too; unlike the indicators of
    orbits they include the identity.
    """
    if points < 1:
        raise ValueError(f"points must be at least 1, got {points}")
    partitions = [p for p in _partitions(2 * order) if max(p) < points]
    straight = (*range(order), *range(order))
    # The identity first: i = j.  A single point has one partition, of which this is true as well.
    partitions.sort(key=lambda partition: points > 1 and partition != straight)
    coordinates = np.arange(points**order).reshape((points,) * order)
    return Space(
        name=name,
        generators=tuple(
            permutation_matrix(coordinates[np.ix_(*[moved] * order)].ravel())
            for moved in _generators(points)
        ),
        basis=tuple(_agreeing(partition, coordinates, order) for partition in partitions),
        # The cycle of all points shifts a single index, but no axis of a matrix.
        grid=(1, 1, points) if order == 1 else (points**order, 1, 1),
    )


def _partitions(number: int) -> Iterator[tuple[int, ...]]:
    """Partitions of ``number`` things as block numbers, each new block taking the next number."""
    if number == 0:
        yield ()
        return
    for partition in _partitions(number - 1):
        for block in range(max(partition, default=-1) + 2):
            yield (*partition, block)


def _agreeing(partition: tuple[int, ...], coordinates: Ints, order: int) -> csr_array:
    """Return the 0/1 matrix of the index tuples that agree within each block."""
    points = len(coordinates)
    values = np.indices((points,) * (max(partition) + 1)).reshape(max(partition) + 1, -1)
    indices = values[list(partition)]
    rows, columns = coordinates[tuple(indices[:order])], coordinates[tuple(indices[order:])]
    entries = np.ones(len(rows), dtype=np.int64)
    return csr_array((entries, (rows, columns)), shape=(coordinates.size,) * 2)


def _generators(points: int) -> list[Ints]:
    """Exchange of the first two points, and the cycle of all of them."""
    everything = np.arange(points)
    swap = np.concatenate([everything[:2][::-1], everything[2:]])
    return [move for move in (swap, np.roll(everything, 1)) if points > 1]
