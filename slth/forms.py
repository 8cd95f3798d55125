"""What values must look like: descriptions against which files and arguments are checked.

A form takes a field's name and its value, and returns the value in the package's own type, or
raises a ``ValueError`` that says which field must be what, and what it was instead.
"""

import re
import reprlib
from collections.abc import Callable, Mapping
from math import inf, isfinite
from numbers import Real
from typing import Any

import numpy as np

Form = Callable[[str, object], Any]

# Sizes beyond this are mistakes, and their products are no numbers that libraries count in.
LARGEST = 1 << 48


def integer(least: int = 0, most: int = LARGEST) -> Form:
    """Take whole numbers of any integer type, booleans excepted.

    Examples
    --------
    >>> integer(1)("inputs", np.int64(3))
    3
    >>> integer(1)("inputs", True)
    Traceback (most recent call last):
        ...
    ValueError: inputs must be an integer >= 1, got True
    """

    def read(name: str, value: object) -> int:
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise unfit(name, value, f"an integer >= {least}")
        if value > most:
            raise unfit(name, value, f"at most {_power(most)}")
        return int(value)

    return read


def number(least: float = -inf, *, above: float = -inf) -> Form:
    """Take finite real numbers, booleans excepted.

    Examples
    --------
    >>> number(above=0)("epsilon", 0.5)
    0.5
    >>> number(above=0)("epsilon", float("inf"))
    Traceback (most recent call last):
        ...
    ValueError: epsilon must be finite and > 0, got inf
    """
    bound = f" and > {above:g}" if above > -inf else f" and >= {least:g}" if least > -inf else ""

    def read(name: str, value: object) -> float:
        if not isinstance(value, bool) and isinstance(value, Real):
            try:
                exact = float(value)
            except OverflowError:
                exact = inf
            if isfinite(exact) and exact >= least and exact > above:
                return exact
        raise unfit(name, value, f"finite{bound}" if bound else "a finite number")

    return read


def flag(name: str, value: object) -> bool:
    """Take booleans."""
    if not isinstance(value, bool | np.bool_):
        raise unfit(name, value, "True or False")
    return bool(value)


def choice(*names: str) -> Form:
    """Take one of some words."""

    def read(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in names:
            raise unfit(name, value, f"one of {names}")
        return value

    return read


def instance(kind: type) -> Form:
    """Take objects of a class."""

    def read(name: str, value: object) -> object:
        if not isinstance(value, kind):
            raise unfit(name, value, f"a {kind.__name__}")
        return value

    return read


def text(most: int, pattern: str | None = None) -> Form:
    """Take printable text of limited length, all of which matches a regular expression.

    Examples
    --------
    >>> text(4, "[0-9a-f]*")("digest", "abx")
    Traceback (most recent call last):
        ...
    ValueError: digest must be text like [0-9a-f]*, got 'abx'
    """
    expected = f"at most {most} printable characters" if pattern is None else f"text like {pattern}"

    def read(name: str, value: object) -> str:
        fits = isinstance(value, str) and len(value) <= most and value.isprintable()
        if not fits or (pattern is not None and re.fullmatch(pattern, str(value)) is None):
            raise unfit(name, value, expected)
        return str(value)

    return read


def optional(form: Form) -> Form:
    """Take None, and what another form takes."""
    return lambda name, value: None if value is None else form(name, value)


def listed(form: Form, least: int = 0, most: int = 1 << 12) -> Form:
    """Take lists and tuples of one form, as tuples.

    Examples
    --------
    >>> listed(integer(), 2, 2)("stride", [1, 2])
    (1, 2)
    >>> listed(integer(), 2, 2)("stride", [1, 2.5])
    Traceback (most recent call last):
        ...
    ValueError: stride[1] must be an integer >= 0, got 2.5
    """
    count = f"{least} entries" if least == most else f"{least} to {most} entries"

    def read(name: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise unfit(name, value, f"a list of {count}")
        if not least <= len(value) <= most:
            raise ValueError(f"{name} must be a list of {count}, got {len(value)}")
        return tuple(form(f"{name}[{index}]", entry) for index, entry in enumerate(value))

    return read


def record(forms: Mapping[str, Form]) -> Form:
    """Take mappings with exactly the fields that have a form.

    Examples
    --------
    >>> record({"seed": integer()})("ticket", {"seed": 1, "sed": 1})
    Traceback (most recent call last):
        ...
    ValueError: ticket has an unknown field 'sed', expected are seed
    """

    def read(name: str, value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise unfit(name, value, f"a record of {', '.join(forms)}")
        for field in forms:
            if field not in value:
                raise ValueError(f"{name} lacks the field {field!r}")
        for field in value:
            if field not in forms:
                raise ValueError(
                    f"{name} has an unknown field {short(field)}, expected are {', '.join(forms)}"
                )
        return {field: form(f"{name}.{field}", value[field]) for field, form in forms.items()}

    return read


def unfit(name: str, value: object, expected: str) -> ValueError:
    """Say which field must be what, and what it is instead."""
    return ValueError(f"{name} must be {expected}, got {short(value)}")


def short(value: object) -> str:
    """Write a value down in a few words, however large, deep or odd it is.

    Examples
    --------
    >>> short(10**400), short([[[[1]]]]), short("x" * 1000)
    ('an integer of 1329 bits', '[[...]]', "'xxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxx'")
    >>> short(np.zeros((2, 3)))
    '<ndarray of shape (2, 3)>'
    """
    return _SHORT.repr(value)


class _Short(reprlib.Repr):
    """Python's own shortened notation, which relies on no unknown object to describe itself."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother = 2, 42, 42
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 3

    def repr_int(self, x: int, level: int) -> str:
        """Count the bits of numbers that fill a line."""
        return f"an integer of {x.bit_length()} bits" if x.bit_length() > 99 else str(x)

    def repr_instance(self, x: Any, level: int) -> str:
        """Name kind and shape."""
        if isinstance(x, np.generic):
            return str(self.repr1(x.item(), level))
        if x is None or type(x) in (bool, float, complex):
            return repr(x)
        if type(x) is bytes:
            return repr(x[: self.maxother])
        try:
            shape = x.shape
        except Exception:  # not every tensor has one
            shape = None
        sized = f" of shape {tuple(shape)}" if isinstance(shape, tuple) else ""
        return f"<{type(x).__name__}{sized}>"


_SHORT = _Short()


def _power(value: int) -> str:
    """Write powers of two, and their predecessors, as such."""
    for over, sign in ((0, ""), (1, " - 1")):
        power = value + over
        if value > 1 << 16 and power & (power - 1) == 0:
            return f"2^{power.bit_length() - 1}{sign}"
    return str(value)
