"""What a file is, by its content: suffixes do not matter."""

import json
import zipfile
from pathlib import Path
from typing import Literal

FileKind = Literal["torch", "program", "tensors", "ticket", "unknown"]

# Larger headers are not read to find out what a file is.
_MOST = 100 << 20

# How people call them.
NAMES: dict[FileKind, str] = {
    "torch": "what torch.save wrote",
    "program": "an exported program",
    "tensors": "a safetensors file of tensors",
    "ticket": "a ticket",
    "unknown": "neither a ticket nor a target",
}


def file_kind(path: Path) -> FileKind:
    """Look into a file, without reading more of it than its index.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "target.pt"
    ...     _ = path.write_text("some text")
    ...     file_kind(path)
    'unknown'
    """
    with path.open("rb") as stream:
        start = stream.read(9)
        if start.startswith(b"PK"):
            return _archive(path)
        if start.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
            return "torch"  # as torch wrote until version 1.6
        length = int.from_bytes(start[:8], "little")
        if start[8:] != b"{" or length > _MOST:
            return "unknown"
        header = b"{" + stream.read(length - 1)
    try:
        metadata = json.loads(header).get("__metadata__")
    except (ValueError, RecursionError, AttributeError):
        return "unknown"
    return "ticket" if isinstance(metadata, dict) and "slth_ticket" in metadata else "tensors"


def _archive(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return "torch"  # a damaged one: torch says why
    program = any(
        name.endswith(("/archive_format", "serialized_exported_program.json")) for name in names
    )
    return "program" if program else "torch"
