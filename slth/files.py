"""Files that appear whole or not at all."""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path, data: bytes, *, overwrite: bool = True) -> None:
    """Write a file: afterwards it is complete, or what was there before is unchanged.

    Where a file is overwritten, its mode stays, and a symbolic link is followed.  What is no
    ordinary file (a pipe, a device) has no whole to appear: it is written to.

    Raises
    ------
    FileExistsError
        If there is a file and ``overwrite`` is False, even one that has appeared just now.
    OSError
        If nothing can be written there.
    """
    if not overwrite:
        _write_aside(path, data, None, _claim)
        return
    mode = path.stat().st_mode if path.exists() else None
    if mode is None or stat.S_ISREG(mode):
        _write_aside(Path(os.path.realpath(path)), data, mode, os.replace)
    else:
        path.write_bytes(data)


def _write_aside(
    path: Path, data: bytes, mode: int | None, put: Callable[[Path, Path], None]
) -> None:
    """Write a file beside the place where it belongs, and put it there once it is complete."""
    aside = path.with_name(f".slth-{secrets.token_hex(8)}")  # the name may be as long as can be
    try:
        with open(aside, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if mode is not None:
            aside.chmod(stat.S_IMODE(mode))
        put(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _claim(aside: Path, path: Path) -> None:
    """Give a complete file its name, unless another has it: of many at once, one succeeds."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise FileExistsError(f"{path} exists by now, and was not overwritten") from None
    except OSError:  # a file system without links: take the name, then fill it
        path.open("xb").close()
        os.replace(aside, path)
