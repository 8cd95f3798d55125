"""Types of arrays, and the roundoff of their numbers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
SmallInts: TypeAlias = NDArray[np.int8]
Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint64]

ROUNDOFF = 2.0**-53
"""Largest relative error of one operation in float64."""

FLOAT32_ROUNDOFF = 2.0**-24
"""The same in float32."""
