"""Quantities as lines of text."""

from collections.abc import Iterable, Mapping
from dataclasses import fields

from slth.networks.layers import Layer


def short(layer: Layer) -> str:
    """Leave out what has its usual value.

    Examples
    --------
    >>> from slth.networks.layers import Conv
    >>> short(Conv(1, 6, kernel=(5, 5), padding=(2, 2)))
    'Conv(inputs=1, outputs=6, kernel=(5, 5), padding=(2, 2))'
    """
    values = [(field, getattr(layer, field.name)) for field in fields(layer)]  # type: ignore[arg-type]
    told = [f"{field.name}={value}" for field, value in values if value != field.default]
    return f"{type(layer).__name__}({', '.join(told)})"


def by_layer(values: Iterable[str]) -> str:
    """Say a value once if all layers share it."""
    each = list(values)
    return each[0] if len(set(each)) == 1 else f"{', '.join(each)} (layer by layer)"


def lines(rows: Mapping[str, str | list[str]]) -> str:
    """Put one quantity on a line, a list on several."""
    told = []
    for name, text in rows.items():
        for line in [text] if isinstance(text, str) else text:
            told.append(f"  {name:<20}  {line}")
            name = ""
    return "\n".join(told)
