"""Types of arrays, and the roundoff of their numbers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Floats32: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
SmallInts: TypeAlias = NDArray[np.int8]
Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint64]

FloatOrFloats: TypeAlias = np.float64 | NDArray[np.float64]
"""A float64 array, or a float64 scalar where every argument was a scalar."""

IntOrInts: TypeAlias = np.int64 | NDArray[np.int64]
"""An int64 array, or an int64 scalar where every argument was a scalar."""

ROUNDOFF = 2.0**-53
"""Largest relative error of one operation in float64."""

FLOAT32_ROUNDOFF = 2.0**-24
"""The same in float32."""
