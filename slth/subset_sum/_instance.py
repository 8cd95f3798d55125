"""Checks of what comes in, before any work starts."""

import math
import operator
import sys
from collections.abc import Iterable
from numbers import Integral
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from slth.objectives import OBJECTIVES

Array = npt.NDArray[Any]
LARGEST_INTEGER = 2.0**53  # float64 holds all integers up to here


def checked_samples(x: npt.ArrayLike, name: str, shapes: str, *dimensions: int) -> Array:
    """Return ``x`` as a real, finite array with one of the given numbers of dimensions.

    Its entries are what the caller wrote: what float64 would round is refused, and so is a mask
    that hides entries. Tensors are read on any device, without their gradients.
    """
    array = _as_array(x, name)
    if array.dtype == object:
        array = _from_objects(array, name)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must hold real numbers, not {array.dtype}")
    if array.ndim not in dimensions:
        raise ValueError(f"{name} must have shape {shapes}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds an entry that is not finite")
    if array.dtype.itemsize > 8:
        return _from_long_doubles(array, name)
    written = isinstance(x, list | tuple)  # beside a float, NumPy has rounded its integers
    if array.dtype.itemsize == 8 and (array.dtype.kind in "iu" or written):
        large = (array >= LARGEST_INTEGER) | (array <= -LARGEST_INTEGER)
        if large.any():
            _check_integers(np.asarray(x, object)[large] if written else array[large], name)
    return array


def tensor_device(x: object) -> Any:
    """Return the device of a torch tensor, or None; torch is never imported just to ask."""
    torch = sys.modules.get("torch")
    return x.device if torch is not None and isinstance(x, torch.Tensor) else None


def _as_array(x: Any, name: str) -> Array:
    if type(x) is np.ndarray:
        return x
    parts = x if isinstance(x, list | tuple) else [x]
    if any(isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part) for part in parts):
        raise ValueError(f"{name} has masked entries: leave them out, or fill them in")
    try:
        return np.asarray(x if tensor_device(x) is None else _read(x))
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{name} must hold real numbers, in the shape of an array: {error}"
        ) from error


def _read(tensor: Any) -> Array:
    torch = sys.modules["torch"]
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_nested:
        raise TypeError("a sparse, quantized or nested tensor is to be made dense first")
    wide = torch.float64 if tensor.is_floating_point() else tensor.dtype
    array: Array = tensor.detach().resolve_conj().resolve_neg().to("cpu", wide).numpy()
    return array


def _from_objects(array: Array, name: str) -> Array:
    """Return Python's integers, of any length, as float64."""
    for entry in array.flat:
        if not isinstance(entry, Integral):
            raise ValueError(f"{name} must hold real numbers, not objects such as {entry!r}")
    _check_integers(array.flat, name)
    return array.astype(np.float64)


def _from_long_doubles(array: Array, name: str) -> Array:
    with np.errstate(over="ignore"):
        values = array.astype(np.float64)
    lost = array[values != array]
    if lost.size > 0:
        raise ValueError(_inexact(name, lost.flat[0]))
    return values


def _check_integers(entries: Iterable[Any], name: str) -> None:
    for entry in entries:
        if isinstance(entry, Integral):
            value = int(entry)
            spare = max(0, value.bit_length() - 53)
            if value >> spare << spare != value or value.bit_length() > 1024:
                raise ValueError(_inexact(name, value if spare < 99 else f"2^{spare + 53}"))


def _inexact(name: str, entry: object) -> str:
    return (
        f"{name} holds {entry!s}, which float64 would round, and the answers are exact: round it "
        "yourself first, or scale x and z down by a power of two"
    )


def _checked_number(value: Any, name: str) -> float:
    """Return one real number, finite or not, as it was written."""
    if isinstance(value, float):
        return value
    array = _as_array(value, name)
    if array.ndim != 0:
        raise ValueError(f"{name} must be a single number, not of shape {array.shape}")
    if array.dtype.kind not in "iufO":
        raise ValueError(f"{name}={value!r} must be a real number, not {type(value).__name__}")
    if array.dtype.kind == "f" and not np.isfinite(array):
        return float(array)
    return float(checked_samples(value, name, "()", 0))


def checked_target(z: float) -> float:
    """Return the target as a finite float."""
    value = _checked_number(z, "z")
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


def checked_integer(value: SupportsIndex, name: str) -> int:
    """Return an integer of any type."""
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"{name}={value!r} must be an integer") from None


def checked_size(size: SupportsIndex | None, n: int) -> int:
    """Return the number of terms, or -1 for any size."""
    if size is None:
        return -1
    k = checked_integer(size, "size")
    if k < 0:
        raise ValueError(f"size k={k} is negative")
    if k > n:
        raise ValueError(f"size k={k} exceeds the n={n} available samples")
    return k


def checked_tolerance(tolerance: float) -> float:
    """Return a finite tolerance >= 0."""
    value = _checked_number(tolerance, "tolerance")
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
