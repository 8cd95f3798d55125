"""Argument checks and the integer search that the theory modules share."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.arrays import FloatOrFloats, IntOrInts


def as_floats(value: ArrayLike) -> FloatOrFloats:
    """Return ``value`` as float64: a scalar where it has no axes, an array otherwise."""
    result: FloatOrFloats = np.asarray(value, dtype=np.float64)[()]
    return result


def as_ints(value: ArrayLike) -> IntOrInts:
    """Return ``value`` as int64: a scalar where it has no axes, an array otherwise."""
    result: IntOrInts = np.asarray(value, dtype=np.int64)[()]
    return result


def integers(value: ArrayLike, name: str, minimum: int) -> NDArray[np.int64]:
    """Return ``value`` as int64 after checking that it holds integers not below ``minimum``."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or np.any(array != np.floor(array)):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    if np.any(array < minimum):
        raise ValueError(f"{name} must be at least {minimum}, got {array.min()}")
    return array.astype(np.int64)


def between(
    value: ArrayLike, name: str, low: float, high: float, *, closed: str = ""
) -> NDArray[np.float64]:
    """Return ``value`` as float64 after checking low < value < high.

    ``closed`` names the ends ("low", "high" or both) that are allowed themselves.
    """
    array = np.asarray(value, dtype=np.float64)
    above = array >= low if "low" in closed else array > low
    below = array <= high if "high" in closed else array < high
    if not np.all(above & below):
        left, right = "[" if "low" in closed else "(", "]" if "high" in closed else ")"
        raise ValueError(f"{name} must lie in {left}{low:g}, {high:g}{right}, got {value!r}")
    return array


def sizes_and_samples(k: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Check 1 <= k <= n and return both broadcast against one another."""
    sizes, samples = np.broadcast_arrays(integers(k, "size k", 1), integers(n, "n", 1))
    if np.any(sizes > samples):
        worst = np.argmax(sizes - samples)
        raise ValueError(
            f"size k={sizes.flat[worst]} exceeds the n={samples.flat[worst]} available samples"
        )
    return sizes, samples


def by_size(
    function: Callable[[NDArray[np.float64], int], NDArray[np.float64]], x: ArrayLike, k: ArrayLike
) -> FloatOrFloats:
    """Evaluate ``function(x, k)``, vectorised in x only, over broadcast arrays x and k >= 1."""
    points, sizes = np.broadcast_arrays(np.asarray(x, dtype=np.float64), integers(k, "size k", 1))
    values = np.empty(points.shape)
    for size in np.unique(sizes):
        here = sizes == size
        values[here] = function(points[here], int(size))
    return as_floats(values)


def smallest_integer(
    holds: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
) -> IntOrInts:
    """Smallest integer in [low, high] at which a monotone condition holds, elementwise.

    The condition must hold at ``high`` and must not switch off again once it holds.
    """
    low, high = (bound.copy() for bound in np.broadcast_arrays(low, high))
    while np.any(low < high):
        middle = low + (high - low) // 2
        true = holds(middle)
        high = np.where(true, middle, high)
        low = np.where(true, low, np.minimum(middle + 1, high))
    return as_ints(high)
