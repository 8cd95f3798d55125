"""The container of a stored ticket: safetensors, written atomically, checked when read."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from slth.tickets.atomic import write_atomically

FORMAT_VERSION = 2
_KEY = "slth_ticket"


class TicketFileError(ValueError):
    """A file is not a ticket that this version can read; the message says why."""


def write(path: Path, header: Mapping[str, Any], arrays: Sequence[NDArray[np.uint8]]) -> None:
    """Write header and packed layers to ``path``: afterwards the file is complete or unchanged."""
    content = {**header, "format_version": FORMAT_VERSION}
    content["checksum"] = _checksum(content, arrays)
    # One metadata entry only: safetensors does not fix the order of several.
    data = save(
        {_tensor_name(index): array for index, array in enumerate(arrays)},
        metadata={_KEY: json.dumps(content, sort_keys=True, allow_nan=False)},
    )
    write_atomically(path, data)


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
        with safe_open(path, framework="numpy") as stored:
            metadata = stored.metadata() or {}
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise TicketFileError(f"{path} is truncated or no safetensors file: {error}") from error
    if _KEY not in metadata:
        raise TicketFileError(f"{path} is a safetensors file but holds no ticket")
    try:
        content = json.loads(metadata[_KEY])
        version = content.pop("format_version")
        checksum = content.pop("checksum")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise TicketFileError(f"{path} has an unreadable ticket header: {error!r}") from error
    if version != FORMAT_VERSION:
        why = (
            "format 1 knew dense layers only, prune the target again"
            if version == 1
            else "it was written by another version"
        )
        raise TicketFileError(
            f"{path} has ticket format {version!r}, this version of slth reads {FORMAT_VERSION}: "
            f"{why}"
        )
    names = [_tensor_name(index) for index in range(len(tensors))]
    if set(names) != set(tensors):
        raise TicketFileError(f"{path} holds the tensors {sorted(tensors)}, expected {names}")
    arrays = [tensors[name] for name in names]
    if checksum != _checksum({**content, "format_version": version}, arrays):
        raise TicketFileError(f"{path} is corrupted: its checksum does not match its content")
    return content, arrays


def _tensor_name(index: int) -> str:
    return f"mask.{index:04d}"


def _checksum(content: Mapping[str, Any], arrays: Sequence[NDArray[np.uint8]]) -> str:
    """SHA-256 over the header without the checksum itself and over every packed layer."""
    sha = hashlib.sha256(json.dumps(dict(content), sort_keys=True).encode())
    for array in arrays:
        sha.update(f"{array.dtype}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()
