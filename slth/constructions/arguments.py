"""What callers hand over, as the plain numbers that are computed with and stored."""

from typing import Any

from slth.forms import Form, integer, listed, number

COUNT = integer(1)
POSITIVE = number(above=0.0)
_SHAPE = listed(COUNT, 1)


def plain(value: Any) -> Any:
    """Return numbers and arrays of NumPy and torch as those of Python, and leave others alone.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.int64(3)), plain(np.array([1.5, 2.0])), plain((np.float32(0.5), None))
    (3, [1.5, 2.0], [0.5, None])
    """
    if hasattr(value, "tolist"):
        return value.tolist()
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def per_layer(names: str, name: str, value: Any, depth: int, form: Form) -> list[Any]:
    """Read "one value, or one for each layer".

    Raises
    ------
    ValueError
        If there is another number of values, or one has not the form.

    Examples
    --------
    >>> per_layer("sample counts", "samples", 30, 2, COUNT)
    [30, 30]
    >>> per_layer("sample counts", "samples", (20, 40), 2, COUNT)
    [20, 40]
    """
    values = plain(value)
    if not isinstance(values, list):
        values = [values] * depth
    if len(values) != depth:
        raise ValueError(f"{len(values)} {names} for a target of {depth} layers with weights")
    return [form(name, entry) for entry in values]


def shape(value: Any) -> tuple[int, ...]:
    """Read the shape of an input: one integer, or several.

    Examples
    --------
    >>> shape(3), shape([1, 28, 28])
    ((3,), (1, 28, 28))
    """
    sides = plain(value)
    read: tuple[int, ...] = _SHAPE("input_shape", [sides] if isinstance(sides, int) else sides)
    return read
