"""The container of a stored ticket: safetensors, written atomically, checked when read."""

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from slth.arrays import Bytes
from slth.files import write_atomically
from slth.forms import short, unfit

FORMAT_VERSION = 3

# Of a layer's bits, at most so many times the bytes that a file holds for them.
_MOST_INFLATION = 32

# In format 2 every ticket made the promise of the pairs, and its fields stood beside the others.
_PROMISED = ("construction", "objective", "sizes", "weight_tolerances", "epsilon")
_KEY = "slth_ticket"


class TicketFileError(ValueError):
    """A file is not a ticket that this version can read; the message says why."""


def write(
    path: Path,
    header: Mapping[str, Any],
    arrays: Sequence[NDArray[np.uint8]],
    *,
    overwrite: bool = True,
) -> None:
    """Write header and packed layers to ``path``: afterwards the file is complete or unchanged."""
    content = {**header, "format_version": FORMAT_VERSION}
    content["checksum"] = _checksum(content, arrays)
    # One metadata entry only: safetensors does not fix the order of several.
    data = save(
        {_tensor_name(index): array for index, array in enumerate(arrays)},
        metadata={_KEY: json.dumps(content, sort_keys=True, allow_nan=False)},
    )
    write_atomically(path, data, overwrite=overwrite)


def read(path: Path) -> tuple[dict[str, Any], list[NDArray[np.uint8]]]:
    """Read what :func:`write` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TicketFileError
        If the file is truncated, corrupted, no ticket, or of another format.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no ticket file {path}")
    try:
        # The library checks that the tensors fill the file, each with the bytes of its shape.
        with safe_open(path, framework="numpy") as stored:
            metadata = stored.metadata() or {}
            if _KEY not in metadata:
                raise TicketFileError(f"{path} is a safetensors file but holds no ticket")
            content, version, checksum = _header(path, metadata[_KEY])
            tensors = {name: _packed(path, stored, name) for name in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise TicketFileError(f"{path} is truncated or no safetensors file: {error}") from error
    if version not in (2, FORMAT_VERSION):
        why = (
            "format 1 knew dense layers only, prune the target again"
            if version == 1
            else "it was written by another version"
        )
        raise TicketFileError(
            f"{path} has ticket format {short(version)}, this version of slth reads 2 "
            f"and {FORMAT_VERSION}: {why}"
        )
    names = [_tensor_name(index) for index in range(len(tensors))]
    if set(names) != set(tensors):
        raise TicketFileError(
            f"{path} holds the tensors {short(sorted(tensors))}, expected {short(names)}"
        )
    arrays = [tensors[name] for name in names]
    if checksum != _checksum({**content, "format_version": version}, arrays):
        raise TicketFileError(f"{path} is corrupted: its checksum does not match its content")
    if version == 2:
        promised = {name: content.pop(name) for name in _PROMISED if name in content}
        content["promise"] = {"kind": "pairs", **promised}
    return content, arrays


def deflated(packed: Bytes) -> Bytes:
    """Compress the bits of a layer, where that helps.

    Examples
    --------
    >>> len(deflated(np.zeros(1000, np.uint8))), len(deflated(np.arange(9, dtype=np.uint8)))
    (32, 9)
    """
    least = -(-len(packed) // _MOST_INFLATION)
    small = zlib.compress(packed.tobytes(), 9).ljust(least, b"\0")
    return packed if len(small) >= len(packed) else np.frombuffer(small, np.uint8)


def inflated(stored: Sequence[Bytes], shapes: Sequence[tuple[int, ...]]) -> list[Bytes]:
    """Invert :func:`deflated` for the layers of a mask, whose shapes bound what comes out.

    Raises
    ------
    ValueError
        If a layer is neither its bits nor these compressed.
    """
    if len(stored) != len(shapes):
        raise ValueError(f"{len(stored)} packed layers for {len(shapes)} shapes")
    return [
        _inflated(index, data, (prod(shape) + 7) // 8)
        for index, (data, shape) in enumerate(zip(stored, shapes, strict=True))
    ]


def _inflated(index: int, data: Bytes, size: int) -> Bytes:
    if not len(data) < size <= _MOST_INFLATION * len(data):
        return data
    engine = zlib.decompressobj()
    try:
        bits = engine.decompress(data.tobytes(), size + 1)
    except zlib.error as error:
        raise ValueError(f"layer {index} needs {size} bytes and has no such: {error}") from None
    if len(bits) != size or not engine.eof or any(engine.unused_data):
        raise ValueError(f"layer {index} needs {size} bytes and inflates to others")
    return np.frombuffer(bits, np.uint8)


def _header(path: Path, text: str) -> tuple[dict[str, Any], object, object]:
    """Parse a header: what it says of the ticket, the format, and the checksum."""
    try:
        content = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        if not isinstance(content, dict):
            raise unfit("the header", content, "an object")
        for name in ("format_version", "checksum"):
            if name not in content:
                raise ValueError(f"there is no {name}")
    except (ValueError, RecursionError) as error:
        raise TicketFileError(f"{path} has an unreadable ticket header: {error}") from error
    return content, content.pop("format_version"), content.pop("checksum")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse objects that say a thing twice: readers would differ."""
    content = dict(pairs)
    if len(content) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{short(twice)} stands twice")
    return content


def _no_constant(name: str) -> None:
    """Refuse what Python reads, but JSON does not know."""
    raise ValueError(f"{name} is no JSON")


def _packed(path: Path, stored: Any, name: str) -> NDArray[np.uint8]:
    """Read one layer, if it consists of bytes."""
    part = stored.get_slice(name)
    if part.get_dtype() != "U8" or len(part.get_shape()) != 1:
        raise TicketFileError(
            f"{path} holds {short(name)} of type {part.get_dtype()} and shape "
            f"{short(part.get_shape())}, expected a row of bytes (U8)"
        )
    layer: NDArray[np.uint8] = stored.get_tensor(name)
    return layer


def _tensor_name(index: int) -> str:
    return f"mask.{index:04d}"


def _checksum(content: Mapping[str, Any], arrays: Sequence[NDArray[np.uint8]]) -> str:
    """SHA-256 over the header without the checksum itself and over every packed layer."""
    sha = hashlib.sha256(json.dumps(dict(content), sort_keys=True).encode())
    for array in arrays:
        sha.update(f"{array.dtype}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()
