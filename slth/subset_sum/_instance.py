"""Checks of what comes in, before any work starts."""

import math
import operator
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from .solution import OBJECTIVES

Array = npt.NDArray[Any]


def checked_samples(x: npt.ArrayLike, name: str, shapes: str, *dimensions: int) -> Array:
    """Return ``x`` as a real, finite array with one of the given numbers of dimensions."""
    array = np.asarray(x)
    if array.size == 0 and array.dtype == object:
        array = array.astype(np.float64)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim not in dimensions:
        raise ValueError(f"{name} must have shape {shapes}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds an entry that is not finite")
    return array


def checked_target(z: float) -> float:
    """Return the target as a finite float."""
    if np.ndim(z) != 0:
        raise ValueError(f"z must be a single number, not of shape {np.shape(z)}")
    value = float(z)
    if not math.isfinite(value):
        raise ValueError(f"z={z} is not finite")
    return value


def checked_interval(interval: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of a closed interval that is not empty."""
    ends = checked_samples(interval, "interval", "(2,)", 1).astype(np.float64)
    if len(ends) != 2 or not ends[0] <= ends[1]:
        raise ValueError(f"interval={interval} must be a pair (low, high) with low <= high")
    low, high = ends.tolist()
    return low, high


def check_scale(X: Array, Z: Array) -> None:
    """Refuse instances whose sums or errors leave the range of float64."""
    with np.errstate(over="ignore"):
        largest = X.shape[-1] * np.max(np.abs(X), initial=0.0) + np.max(np.abs(Z), initial=0.0)
    if not np.isfinite(largest):
        raise ValueError("the sums of these samples exceed the range of float64: rescale x and z")


def checked_size(size: SupportsIndex | None, n: int) -> int:
    """Return the number of terms, or -1 for any size."""
    if size is None:
        return -1
    k = operator.index(size)
    if k < 0:
        raise ValueError(f"size k={k} is negative")
    if k > n:
        raise ValueError(f"size k={k} exceeds the n={n} available samples")
    return k


def checked_tolerance(tolerance: float) -> float:
    """Return a finite tolerance >= 0."""
    value = float(tolerance)
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"tolerance={tolerance} must be a finite number >= 0")
    return value


def checked_objective(objective: str, size: int, tolerance: float | None) -> float:
    """Check that the three fit together; returns the tolerance, or -1 for none."""
    if objective not in OBJECTIVES:
        raise ValueError(f"objective={objective!r} is none of {', '.join(OBJECTIVES)}")
    if objective == "best":
        if tolerance is not None:
            raise ValueError(
                "objective 'best' returns the smallest error whatever it is and takes no "
                "tolerance; use 'feasible' or 'fewest'"
            )
        return -1.0
    if tolerance is None:
        raise ValueError(f"objective {objective!r} needs a tolerance")
    if objective == "fewest" and size >= 0:
        raise ValueError("objective 'fewest' chooses the number of terms itself: leave size out")
    return checked_tolerance(tolerance)
