"""Layers one after the other: shapes, signs, and how they are stored."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import chain, product
from math import prod
from typing import Any

from slth import equivariance, forms
from slth.networks.layers.base import Layer, Shape, Unweighted, Weighted
from slth.networks.layers.conv import Conv
from slth.networks.layers.dense import Dense
from slth.networks.layers.equivariant import Equivariant, GroupPool, Lift, TurnPool
from slth.networks.layers.unweighted import AvgPool, Flatten, GlobalAvgPool, MaxPool, Relu

_LARGEST_SQUARE, _LARGEST_SIDE = 1024, 64

# In one input or in what a layer makes of it.
_MOST_NUMBERS = 1 << 24

_KINDS: tuple[type[Layer], ...] = (
    Dense,
    Conv,
    Equivariant,
    Relu,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Flatten,
    Lift,
    GroupPool,
    TurnPool,
)


def to_json(layer: Layer) -> dict[str, Any]:
    """Describe a layer by its kind and its numbers.

    Examples
    --------
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
    kinds = {kind.__name__: kind for kind in _KINDS}
    given = description.get("kind") if isinstance(description, Mapping) else description
    kind = kinds[forms.choice(*kinds)(f"{name}.kind", given)]
    fields = forms.record({"kind": forms.choice(*kinds), **kind.forms})(name, description)
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


def weighted(layers: Sequence[Layer]) -> tuple[Weighted, ...]:
    """Leave out the layers without weights."""
    return tuple(layer for layer in layers if isinstance(layer, Weighted))


def default_input_shape(layers: Sequence[Layer]) -> Shape:
    """Read the shape of an input off the first layer, where it tells.

    Raises
    ------
    ValueError
        If it does not: a convolution takes images of any size.

    Examples
    --------
    >>> default_input_shape([Dense(3, 2)])
    (3,)
    >>> space = "translations(8x8, 3)"
    >>> default_input_shape([Lift(space), Equivariant(2, 4, space)])
    (2, 8, 8)
    """
    first = next(iter(weighted(layers)), None)
    if first is None or first.input_shape is None:
        kind = type(first).__name__
        raise ValueError(f"the first layer is a {kind}: give input_shape=(channels, height, width)")
    if isinstance(layers[0], Lift):
        return (first.inputs, *layers[0].image)
    return first.input_shape


def smallest_input_shape(layers: Sequence[Layer]) -> Shape:
    """Find a shape that the layers take: the one they say, or that of a small image.

    Square images come first, the smallest before the others.

    Raises
    ------
    ValueError
        If they take no square images up to 1024 by 1024 pixels, and no others up to 64 by 64.

    Examples
    --------
    >>> smallest_input_shape([Conv(3, 4, kernel=(3, 3)), Relu(), Flatten(), Dense(144, 10)])
    (3, 8, 8)
    """
    first = weighted(layers)[0]
    if first.input_shape is not None:
        return default_input_shape(layers)
    squares = ((side, side) for side in range(1, _LARGEST_SQUARE + 1))
    for image in chain(squares, product(range(1, _LARGEST_SIDE + 1), repeat=2)):
        with suppress(ValueError):
            shapes(layers, (first.inputs, *image))
            return (first.inputs, *image)
    raise ValueError("the layers take no small images: give input_shape=(channels, height, width)")


def shapes(layers: Sequence[Layer], input_shape: Shape) -> tuple[Shape, ...]:
    """Shapes of the input of every layer and of the output.

    Raises
    ------
    ValueError
        If some layer does not take what the layer before it returns, or makes more than
        :math:`2^{24}` numbers of one input.

    Examples
    --------
    >>> shapes([Conv(1, 4, kernel=(3, 3)), Relu(), Flatten(), Dense(144, 10)], (1, 8, 8))
    ((1, 8, 8), (4, 6, 6), (4, 6, 6), (144,), (10,))
    """
    result = [input_shape]
    for index, layer in enumerate(layers):
        try:
            result.append(layer.output_shape(result[-1]))
        except ValueError as error:
            raise ValueError(f"layer {index} ({type(layer).__name__}) {error}") from None
    if (largest := max(result, key=prod)) and prod(largest) > _MOST_NUMBERS:
        raise ValueError(
            f"input or output of layer {max(0, result.index(largest) - 1)} have shape {largest}: "
            "at most 2^24 numbers"
        )
    return tuple(result)


def signed(layers: Sequence[Layer], *, nonnegative_inputs: bool) -> tuple[bool, ...]:
    """Whether the inputs of each weighted layer may be negative.

    Examples
    --------
    >>> signed([Dense(3, 2), Relu(), Dense(2, 2), Dense(2, 1)], nonnegative_inputs=False)
    (True, False, True)
    """
    result, nonnegative = [], nonnegative_inputs
    for layer in layers:
        if isinstance(layer, Unweighted):
            nonnegative = layer.is_nonnegative(nonnegative)
        else:
            result.append(not nonnegative)
            nonnegative = False
    return tuple(result)
