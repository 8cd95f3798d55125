"""Every kind of layer that this folder holds, and how layers are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from torch import nn

from slth import equivariance, forms
from slth.folders import classes_in, module_names
from slth.networks.layers.base import Layer

_FOLDER = __name__.rpartition(".")[0]

KINDS: Mapping[str, type[Layer]] = {
    kind.__name__: kind
    for name in module_names(_FOLDER)
    if name not in ("base", "kinds")
    for kind in classes_in(f"{_FOLDER}.{name}", Layer)
}
"""Name of each kind of layer."""

READERS: Mapping[type[nn.Module], type[Layer]] = {
    kind.reads: kind for kind in KINDS.values() if kind.reads is not None
}
"""Kind of layer for each class of torch modules that is understood."""


def to_json(layer: Layer) -> dict[str, Any]:
    """Describe a layer by its kind and its numbers.

    Examples
    --------
    >>> from slth.networks.layers import Dense
    >>> to_json(Dense(3, 2))
    {'kind': 'Dense', 'inputs': 3, 'outputs': 2}
    """
    return {"kind": type(layer).__name__, **asdict(layer)}  # type: ignore[call-overload]


def from_json(description: object, name: str = "layer") -> Layer:
    """Invert :func:`to_json`; ``name`` is what errors call the layer.

    Raises
    ------
    ValueError
        If there is no such layer.

    Examples
    --------
    >>> from_json({"kind": "Dense", "inputs": 3, "outputs": 2})
    Dense(inputs=3, outputs=2)
    """
    given = description.get("kind") if isinstance(description, Mapping) else description
    kind = KINDS[forms.choice(*KINDS)(f"{name}.kind", given)]
    fields = forms.record({"kind": forms.choice(*KINDS), **kind.forms})(name, description)
    del fields["kind"]
    try:
        return kind(**fields)
    except ValueError as error:
        raise ValueError(f"{name} ({kind.__name__}): {error}") from None


def check_spaces(descriptions: Sequence[object]) -> None:
    """Refuse descriptions of layers whose spaces are too large together, before one is built.

    Raises
    ------
    ValueError
        If they are, or if there is no such space.

    Examples
    --------
    >>> check_spaces([{"kind": "GroupPool", "space": "sets(1200)"}, {"kind": "Relu"}])
    >>> check_spaces([{"kind": "GroupPool", "space": f"sets({n})"} for n in (1200, 1201)])
    Traceback (most recent call last):
        ...
    ValueError: the layers name spaces that would take 2,904,010 numbers together, at most \
2,097,152 are built
    """
    names = {
        name
        for layer in descriptions
        if isinstance(layer, Mapping) and isinstance(name := layer.get("space"), str)
    }
    total = sum(map(equivariance.extent, names))
    if total > equivariance.MOST_EXTENT:
        raise ValueError(
            f"the layers name spaces that would take {total:,} numbers together, at most "
            f"{equivariance.MOST_EXTENT:,} are built"
        )
