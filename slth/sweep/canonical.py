"""One way to write down a value: the scalars of a table, their JSON text and its digest."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

Scalar: TypeAlias = int | float | str | bool
Cell: TypeAlias = dict[str, Scalar]

_INT64 = np.iinfo(np.int64)


def canonical(value: Any) -> str:
    """Return the JSON text of a value that depends on nothing but the value.

    Keys are sorted, and floats are written with the fewest digits that name them.

    Parameters
    ----------
    value : object
        Scalars, in lists and dictionaries.

    Examples
    --------
    >>> canonical({"k": 2, "bias": 0.1}), canonical({"bias": 0.1, "k": 2})
    ('{"bias":0.1,"k":2}', '{"bias":0.1,"k":2}')
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def sha256(text: str) -> str:
    """Return SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def generator(seed: int, cell: Mapping[str, Scalar]) -> np.random.Generator:
    """Return the random generator of a cell, made from the seed and the cell alone.

    Parameters
    ----------
    seed : int
        The seed of the sweep.
    cell : mapping of str to Scalar
        The cell; the order of its keys does not matter.

    Examples
    --------
    >>> one, same = generator(0, {"k": 2, "bias": 0.1}), generator(0, {"bias": 0.1, "k": 2})
    >>> one.random() == same.random()
    True
    """
    digest = hashlib.sha256(canonical(dict(cell)).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, "<u4").tolist()])


def plain(key: str, value: Any) -> Scalar:
    """Return an entry of a table as a Python scalar that every file format can hold.

    Parameters
    ----------
    key : str
        The entry's column, for the message.
    value : object
        A Python or NumPy scalar.

    Raises
    ------
    TypeError
        If it is none, an integer that does not fit into 64 bits, or no valid text.

    Examples
    --------
    >>> plain("hits", np.int32(7))
    7
    """
    scalar = value.item() if isinstance(value, np.generic) else value
    if type(scalar) not in (int, float, str, bool):
        raise TypeError(
            f"'{key}' must be a number, a string or a boolean, got {type(value).__name__}"
        )
    if isinstance(scalar, int) and not _INT64.min <= scalar <= _INT64.max:
        raise TypeError(f"'{key}' must fit into 64 bits, got {scalar}")
    if isinstance(scalar, str) and not scalar.isprintable():
        raise TypeError(f"'{key}' must be printable text, got {scalar!r}")
    result: Scalar = scalar
    return result
