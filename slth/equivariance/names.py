"""Feature spaces by name, so that a file can say which one it means."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from math import prod
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
from slth.forms import short, unfit


@dataclass(frozen=True)
class _Family:
    """How a space is built, what its arguments look like, and how large it is at most."""

    build: Callable[..., Space]
    arguments: tuple[str, ...]
    extent: Callable[..., int]


# The extent counts the ones of the basis, and eight numbers for each coordinate.
_FAMILIES = {
    "trivial": _Family(trivial, (), lambda: 9),
    "cyclic": _Family(cyclic, ("N",), lambda order: order * (order + 8)),
    "translations": _Family(
        translations, ("HxW", "kernel"), lambda image, kernel: prod(image) * (kernel**2 + 8)
    ),
    "cyclic-images": _Family(
        cyclic_images,
        ("rotations", "HxW", "kernel"),
        lambda turns, image, kernel: turns * prod(image) * (turns * kernel**2 + 8),
    ),
    "dihedral-images": _Family(
        dihedral_images, ("HxW", "kernel"), lambda image, kernel: 64 * prod(image) * (kernel**2 + 1)
    ),
    "sets": _Family(sets, ("points",), lambda points: points**2 + 9 * points),
    # One, seven, six and one partitions of four indices into one to four blocks.
    "graphs": _Family(graphs, ("points",), lambda n: n**4 + 6 * n**3 + 15 * n**2 + n),
}

# Of a named space: a name is short, what it stands for is not.  That many cost about 200 MB.
MOST_EXTENT = 1 << 21

# Spaces that are kept; a file may name many.
_KEPT = 32


def space(name: str) -> Space:
    """Return the feature space of that name; the same object as long as it is kept.

    Parameters
    ----------
    name : str
        ``"trivial"``, ``"cyclic(N)"``, ``"translations(HxW, kernel)"``,
        ``"cyclic-images(rotations, HxW, kernel)"``, ``"dihedral-images(HxW, kernel)"``,
        ``"sets(points)"`` or ``"graphs(points)"``.

    Raises
    ------
    ValueError
        If there is no such family, its arguments are of another form or out of range, or the
        space is too large to be built for the sake of a name.

    Examples
    --------
    >>> p4 = space("cyclic-images(4, 8x8, 3)")
    >>> p4.dim, p4.n_maps, p4.basis_norm
    (256, 36, 36.0)
    >>> space("dihedral(8x8)")
    Traceback (most recent call last):
        ...
    ValueError: no feature space 'dihedral(8x8)': give one of trivial, cyclic(N), \
translations(HxW, kernel), cyclic-images(rotations, HxW, kernel), dihedral-images(HxW, kernel), \
sets(points), graphs(points)
    """
    family, arguments = _parsed(name)
    if extent(name) > MOST_EXTENT:
        raise ValueError(
            f"{short(name)} would take {extent(name):.3g} numbers: spaces of at most "
            f"{MOST_EXTENT:,} are known by name"
        )
    return _build(family, *arguments)


def extent(name: str) -> int:
    """Bound how many numbers it takes to write a named space down, without building it.

    Raises
    ------
    ValueError
        If there is no such space.

    Examples
    --------
    >>> extent("cyclic(60000)"), extent("cyclic-images(4, 8x8, 3)")
    (3600480000, 11264)
    """
    family, arguments = _parsed(name)
    return _FAMILIES[family].extent(*arguments)


def _parsed(name: str) -> tuple[str, tuple[Any, ...]]:
    """Split a name into family and arguments."""
    if not isinstance(name, str):
        raise unfit("the name of a feature space", name, "text")
    match = re.fullmatch(r"([a-z-]+)(?:\((.+)\))?", "".join(name.split()))
    family, listed = match.groups() if match else ("", None)
    given = listed.split(",") if listed else []
    forms = _FAMILIES[family].arguments if family in _FAMILIES else None
    if forms is None or len(given) != len(forms):
        raise _unknown(name)
    return family, tuple(map(partial(_value, name), given, forms))


def _value(name: str, text: str, form: str) -> int | tuple[int, ...]:
    """Read one argument: ``8x8`` where height and width are asked for, else one number."""
    if re.fullmatch("[0-9]{1,9}x[0-9]{1,9}" if form == "HxW" else "[0-9]{1,9}", text) is None:
        raise _unknown(name)
    values = tuple(map(int, text.split("x")))
    return values if form == "HxW" else values[0]


@lru_cache(_KEPT)
def _build(family: str, *arguments: Any) -> Space:
    return _FAMILIES[family].build(*arguments)


def _unknown(name: str) -> ValueError:
    forms = [
        f"{family}({', '.join(known.arguments)})".removesuffix("()")
        for family, known in _FAMILIES.items()
    ]
    return ValueError(f"no feature space {short(name)}: give one of {', '.join(forms)}")
