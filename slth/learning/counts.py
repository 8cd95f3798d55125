"""Which scores are the largest: exact counts, ties broken by index."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slth.arrays import Bools


def largest(scores: NDArray[np.float32], count: int) -> Bools:
    r"""Keep exactly ``count`` scores, the largest; of equal ones, those that come first.

    .. math::
        m_i = 1 \iff \#\{j : s_j > s_i \text{ or } (s_j = s_i,\ j < i)\} < c

    A threshold alone does not count: it keeps all scores that tie with it, or none.

    Parameters
    ----------
    scores : ndarray of float32, any shape
        None of them nan.
    count : int
        $0 \le c \le$ ``scores.size``.

    Returns
    -------
    ndarray of bool, of the same shape

    Raises
    ------
    ValueError
        If the count is out of range.

    Examples
    --------
    >>> largest(np.float32([1.0, 1.0, 1.0, 0.4, 0.2]), 2)
    array([ True,  True, False, False, False])
    """
    flat = scores.ravel()
    if not 0 <= count <= flat.size:
        raise ValueError(f"count must be between 0 and {flat.size}, got {count}")
    if count == 0:
        return np.zeros(scores.shape, np.bool_)
    threshold = np.partition(flat, flat.size - count)[flat.size - count]
    kept = flat > threshold
    ties = np.flatnonzero(flat == threshold)
    kept[ties[: count - np.count_nonzero(kept)]] = True
    result: Bools = kept.reshape(scores.shape)
    return result


def largest_of_all(scores: Sequence[NDArray[np.float32]], count: int) -> list[Bools]:
    """Keep exactly ``count`` scores of all layers together; earlier layers win ties.

    Examples
    --------
    >>> largest_of_all([np.float32([3, 1]), np.float32([[2, 1]])], 3)
    [array([ True,  True]), array([[ True, False]])]
    """
    kept = largest(np.concatenate([layer.ravel() for layer in scores]), count)
    ends = np.cumsum([layer.size for layer in scores])[:-1]
    return [
        part.reshape(layer.shape) for part, layer in zip(np.split(kept, ends), scores, strict=True)
    ]


def kept_of(density: float, total: int) -> int:
    """Return the number of weights that a density keeps, to the nearest, half to even.

    Examples
    --------
    >>> kept_of(0.3, 10)
    3
    """
    return round(density * total)
