"""The 0/1 mask that turns a random network into a ticket."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, prod

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import entr
from torch import Tensor

from slth.arrays import Bools, Bytes
from slth.forms import integer, listed, short, unfit
from slth.networks.module_fields import dense_tensor

_SHAPE = listed(integer(1), 1, 32)


@dataclass(frozen=True, eq=False, init=False)
class Mask:
    r"""Which parameters of a random network are kept: one 0/1 array per layer, one bit an entry.

    .. math::
        \gamma = \frac{\#\{\text{kept}\}}{\#\{\text{all}\}} \quad\text{(density)}, \qquad
        1 - \gamma \quad\text{(sparsity)}

    Parameters
    ----------
    layers : iterable of array_like
        One array per layer, with at least one axis, whose entries are exactly 0 or 1 (or booleans);
        tensors of any type and device.

    Attributes
    ----------
    shapes : tuple of tuple of int
        Shape of each layer.

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

    shapes: tuple[tuple[int, ...], ...]
    _packed: tuple[Bytes, ...]

    def __init__(self, layers: Iterable[ArrayLike]) -> None:
        if not isinstance(layers, Iterable) or isinstance(layers, Mapping):
            raise unfit("layers", layers, "a list of arrays")
        checked = [_boolean(index, layer) for index, layer in enumerate(layers)]
        self._set([np.packbits(layer) for layer in checked], [layer.shape for layer in checked])

    @classmethod
    def from_packed(cls, packed: Sequence[Bytes], shapes: Sequence[tuple[int, ...]]) -> "Mask":
        """Invert :meth:`packed`; the arrays are not copied, and become read-only.

        Raises
        ------
        ValueError
            If the number of layers or of bytes does not fit the shapes, or a padding bit is set.
        """
        if len(packed) != len(shapes):
            raise ValueError(f"{len(packed)} packed layers for {len(shapes)} shapes")
        for index, (data, shape) in enumerate(zip(packed, shapes, strict=True)):
            if not isinstance(data, np.ndarray):
                raise unfit(f"packed[{index}]", data, "an array of bytes")
            size = prod(_SHAPE(f"shapes[{index}]", shape))
            if data.dtype != np.uint8 or data.shape != ((size + 7) // 8,):
                raise ValueError(
                    f"layer {index} of shape {shape} needs {(size + 7) // 8} bytes, "
                    f"got {data.dtype} of shape {data.shape}"
                )
            if size % 8 and data[-1] << (size % 8) & 0xFF:
                raise ValueError(f"layer {index} has a padding bit set")
        mask = cls.__new__(cls)
        mask._set(packed, shapes)
        return mask

    def _set(self, packed: Sequence[Bytes], shapes: Sequence[tuple[int, ...]]) -> None:
        if not shapes:
            raise ValueError("a mask needs at least one layer")
        for data in packed:
            data.flags.writeable = False
        object.__setattr__(self, "shapes", tuple(tuple(shape) for shape in shapes))
        object.__setattr__(self, "_packed", tuple(packed))

    @property
    def layers(self) -> tuple[Bools, ...]:
        """All layers unpacked: one byte per entry."""
        return tuple(self.layer(index) for index in range(len(self.shapes)))

    def layer(self, index: int) -> Bools:
        """Unpack one layer."""
        return self.rows(index, 0, self.shapes[index][0])

    def rows(self, index: int, start: int, stop: int) -> Bools:
        """Unpack the entries ``start`` to ``stop - 1`` along the first axis of one layer.

        Examples
        --------
        >>> Mask([[[1, 0], [0, 0], [1, 1]]]).rows(0, 1, 3)
        array([[False, False],
               [ True,  True]])
        """
        shape = self.shapes[index]
        row = prod(shape[1:])
        first, last = start * row, stop * row
        bits = np.unpackbits(self._packed[index][first // 8 : (last + 7) // 8])
        part = bits[first % 8 : first % 8 + last - first]
        return part.view(np.bool_).reshape(stop - start, *shape[1:])

    @property
    def kept(self) -> int:
        """Number of kept parameters."""
        return sum(int(np.bitwise_count(data).sum(dtype=np.int64)) for data in self._packed)

    @property
    def total(self) -> int:
        """Number of all parameters, kept or removed."""
        return sum(prod(shape) for shape in self.shapes)

    @property
    def density(self) -> float:
        """Fraction kept."""
        return self.kept / self.total

    @property
    def sparsity(self) -> float:
        """Fraction removed."""
        return (self.total - self.kept) / self.total

    @property
    def densities(self) -> tuple[float, ...]:
        """Fraction kept of each layer."""
        return tuple(
            int(np.bitwise_count(data).sum(dtype=np.int64)) / prod(shape)
            for data, shape in zip(self._packed, self.shapes, strict=True)
        )

    @property
    def entropy_bytes(self) -> float:
        r"""Bytes that masks of these densities take on average, however they are written down.

        .. math::
            \frac18\sum_t n_t H_2(\gamma_t), \qquad
            H_2(\gamma) = -\gamma\log_2\gamma - (1-\gamma)\log_2(1-\gamma)

        Examples
        --------
        >>> round(Mask([np.arange(1000) < 500, np.zeros(1000)]).entropy_bytes, 6)
        125.0
        """
        kept = np.array(self.densities)
        sizes = np.array([prod(shape) for shape in self.shapes])
        return float(sizes @ (entr(kept) + entr(1.0 - kept)) / (8.0 * log(2.0)))

    def packed(self) -> tuple[Bytes, ...]:
        """Eight entries per byte, row-major, first entry in the highest bit, zero padded."""
        return self._packed

    def digest(self) -> str:
        """SHA-256 over shapes and bits, in hexadecimal."""
        sha = hashlib.sha256(str(self.shapes).encode())
        for packed in self._packed:
            sha.update(packed.tobytes())
        return sha.hexdigest()

    def __eq__(self, other: object) -> bool:
        """Two masks are equal when they keep the same parameters of the same shapes."""
        if not isinstance(other, Mask):
            return NotImplemented
        return self.shapes == other.shapes and all(
            np.array_equal(mine, theirs)
            for mine, theirs in zip(self._packed, other._packed, strict=True)
        )

    def __hash__(self) -> int:
        """Hash consistent with equality."""
        return hash((self.shapes, tuple(data.tobytes() for data in self._packed)))

    def __repr__(self) -> str:
        """Shapes and counts rather than the entries."""
        return f"Mask(shapes={self.shapes}, kept={self.kept}, density={self.density:.4g})"


def write_rows(packed: Bytes, start: int, rows: Bools) -> None:
    """Set the bits of some rows of a packed layer whose bits there are still 0.

    Parameters
    ----------
    packed : ndarray of uint8
        The layer, in the layout of :meth:`Mask.packed`.
    start : int
        Index of the first row.
    rows : ndarray of bool, shape (number of rows, ...)

    Examples
    --------
    >>> packed = np.zeros(2, np.uint8)
    >>> write_rows(packed, 1, np.array([[True, False, True]]))
    >>> Mask.from_packed([packed], [(3, 3)]).layer(0).astype(int)
    array([[0, 0, 0],
           [1, 0, 1],
           [0, 0, 0]])
    """
    first = start * prod(rows.shape[1:])
    bits = np.packbits(np.concatenate([np.zeros(first % 8, np.bool_), rows.ravel()]))
    packed[first // 8 : first // 8 + len(bits)] |= bits


def _boolean(index: int, layer: ArrayLike) -> Bools:
    """Boolean form of one layer, refusing entries that are neither 0 nor 1."""
    if isinstance(layer, Tensor):
        tensor = dense_tensor(f"layer {index} of a mask", layer).detach().cpu()
        layer = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
    try:
        array = np.asarray(layer)
    except Exception as error:  # what an array may be made of can refuse in its own words
        raise ValueError(f"layer {index} of a mask is no array: {short(layer)}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"layer {index} of a mask holds {array.dtype}, not 0/1 numbers")
    if array.size == 0 or array.ndim == 0:
        raise ValueError(f"layer {index} of a mask is empty or has no axis")
    wrong = (array != 0) & (array != 1)
    if wrong.any():
        raise ValueError(
            f"a mask keeps or removes: layer {index} has the entry {array[wrong][0]}, "
            "which is neither 0 nor 1"
        )
    return array.astype(np.bool_)
