"""The 0/1 mask that turns a random network into a ticket."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Mask:
    r"""Which parameters of a random network are kept: one 0/1 array per layer.

    .. math::
        \gamma = \frac{\#\{\text{kept}\}}{\#\{\text{all}\}} \quad\text{(density)}, \qquad
        1 - \gamma \quad\text{(sparsity)}

    Parameters
    ----------
    layers : iterable of array_like
        One array per layer, of any shape, whose entries are exactly 0 or 1 (or booleans).  Stored
        as read-only boolean copies.

    Raises
    ------
    ValueError
        If there is no layer, a layer is empty, or an entry is anything but 0 or 1.

    Examples
    --------
    >>> mask = Mask(([[1, 0], [0, 0]], [[1, 1]]))
    >>> mask.kept, mask.total, mask.density
    (3, 6, 0.5)
    >>> Mask(([[0.5, 1.0]],))
    Traceback (most recent call last):
        ...
    ValueError: a mask keeps or removes: layer 0 has the entry 0.5, which is neither 0 nor 1
    """

    layers: tuple[NDArray[np.bool_], ...]

    def __init__(self, layers: Iterable[ArrayLike]) -> None:
        checked = tuple(_boolean(index, layer) for index, layer in enumerate(layers))
        if not checked:
            raise ValueError("a mask needs at least one layer")
        object.__setattr__(self, "layers", checked)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each layer."""
        return tuple(layer.shape for layer in self.layers)

    @property
    def kept(self) -> int:
        """Number of kept parameters."""
        return sum(int(np.count_nonzero(layer)) for layer in self.layers)

    @property
    def total(self) -> int:
        """Number of all parameters, kept or removed."""
        return sum(layer.size for layer in self.layers)

    @property
    def density(self) -> float:
        """Fraction kept."""
        return self.kept / self.total

    @property
    def sparsity(self) -> float:
        """Fraction removed."""
        return (self.total - self.kept) / self.total

    def packed(self) -> tuple[NDArray[np.uint8], ...]:
        """Eight entries per byte, row-major, first entry in the highest bit, zero padded."""
        return tuple(np.packbits(layer) for layer in self.layers)

    @classmethod
    def unpack(
        cls, packed: Sequence[NDArray[np.uint8]], shapes: Sequence[tuple[int, ...]]
    ) -> "Mask":
        """Invert :meth:`packed`.

        Raises
        ------
        ValueError
            If the number of layers or of bytes does not fit the shapes, or a padding bit is set.
        """
        if len(packed) != len(shapes):
            raise ValueError(f"{len(packed)} packed layers for {len(shapes)} shapes")
        layers = []
        for index, (data, shape) in enumerate(zip(packed, shapes, strict=True)):
            size = prod(shape)
            if data.dtype != np.uint8 or data.shape != ((size + 7) // 8,):
                raise ValueError(
                    f"layer {index} of shape {shape} needs {(size + 7) // 8} bytes, "
                    f"got {data.dtype} of shape {data.shape}"
                )
            bits = np.unpackbits(data)
            if bits[size:].any():
                raise ValueError(f"layer {index} has a padding bit set")
            layers.append(bits[:size].reshape(shape))
        return cls(layers)

    def __eq__(self, other: object) -> bool:
        """Two masks are equal when they keep the same parameters of the same shapes."""
        if not isinstance(other, Mask):
            return NotImplemented
        return self.shapes == other.shapes and all(
            np.array_equal(mine, theirs)
            for mine, theirs in zip(self.layers, other.layers, strict=True)
        )

    def __hash__(self) -> int:
        """Hash consistent with equality."""
        return hash((self.shapes, tuple(layer.tobytes() for layer in self.packed())))

    def __repr__(self) -> str:
        """Shapes and counts rather than the entries."""
        return f"Mask(shapes={self.shapes}, kept={self.kept}, density={self.density:.4g})"


def _boolean(index: int, layer: ArrayLike) -> NDArray[np.bool_]:
    """Read-only boolean copy of one layer, refusing entries that are neither 0 nor 1."""
    array = np.asarray(layer)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"layer {index} of a mask holds {array.dtype}, not 0/1 numbers")
    if array.size == 0:
        raise ValueError(f"layer {index} of a mask is empty")
    wrong = (array != 0) & (array != 1)
    if wrong.any():
        raise ValueError(
            f"a mask keeps or removes: layer {index} has the entry {array[wrong][0]}, "
            "which is neither 0 nor 1"
        )
    boolean = array.astype(np.bool_)
    boolean.flags.writeable = False
    return boolean
