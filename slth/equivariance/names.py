"""Feature spaces by name, so that a file can say which one it means."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from slth.equivariance.regular import (
    cyclic,
    cyclic_images,
    dihedral_images,
    translations,
    trivial,
)
from slth.equivariance.space import Space
from slth.equivariance.tensors import graphs, sets

# What each family's arguments look like, in order.
_FAMILIES: dict[str, tuple[Callable[..., Space], tuple[str, ...]]] = {
    "trivial": (trivial, ()),
    "cyclic": (cyclic, ("N",)),
    "translations": (translations, ("HxW", "kernel")),
    "cyclic-images": (cyclic_images, ("rotations", "HxW", "kernel")),
    "dihedral-images": (dihedral_images, ("HxW", "kernel")),
    "sets": (sets, ("points",)),
    "graphs": (graphs, ("points",)),
}


def space(name: str) -> Space:
    """Return the feature space of that name; the same object for the same name.

    Parameters
    ----------
    name : str
        ``"trivial"``, ``"cyclic(N)"``, ``"translations(HxW, kernel)"``,
        ``"cyclic-images(rotations, HxW, kernel)"``, ``"dihedral-images(HxW, kernel)"``,
        ``"sets(points)"`` or ``"graphs(points)"``.

    Raises
    ------
    ValueError
        If there is no such family, or its arguments are of another form or out of range.

    Examples
    --------
    >>> p4 = space("cyclic-images(4, 8x8, 3)")
    >>> p4.dim, p4.size, p4.basis_norm
    (256, 36, 36.0)
    >>> space("dihedral(8x8)")
    Traceback (most recent call last):
        ...
    ValueError: no feature space 'dihedral(8x8)': give one of trivial, cyclic(N), \
translations(HxW, kernel), cyclic-images(rotations, HxW, kernel), dihedral-images(HxW, kernel), \
sets(points), graphs(points)
    """
    match = re.fullmatch(r"([a-z-]+)(?:\((.+)\))?", "".join(name.split()))
    family, listed = match.groups() if match else ("", None)
    given = listed.split(",") if listed else []
    forms = _FAMILIES[family][1] if family in _FAMILIES else None
    if forms is None or len(given) != len(forms):
        raise _unknown(name)
    return _build(family, *map(partial(_value, name), given, forms))


def _value(name: str, text: str, form: str) -> int | tuple[int, ...]:
    """Read one argument: ``8x8`` where height and width are asked for, else one number."""
    numbers = text.split("x") if form == "HxW" else [text]
    if len(numbers) != (2 if form == "HxW" else 1) or not all(map(str.isdecimal, numbers)):
        raise _unknown(name)
    values = tuple(map(int, numbers))
    return values if form == "HxW" else values[0]


@cache
def _build(family: str, *arguments: Any) -> Space:
    return _FAMILIES[family][0](*arguments)


def _unknown(name: str) -> ValueError:
    forms = [
        f"{family}({', '.join(form)})".removesuffix("()") for family, (_, form) in _FAMILIES.items()
    ]
    return ValueError(f"no feature space {name!r}: give one of {', '.join(forms)}")
