"""Two random layers pruned until they compute one layer of the target, of whatever kind."""

from dataclasses import replace
from math import prod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from slth.arrays import Bytes
from slth.constructions.not_found import TicketNotFound
from slth.constructions.subsets import Choose, choose
from slth.networks.layers import Shape
from slth.networks.layers.base import group_inputs, row_blocks
from slth.objectives import Objective
from slth.tickets import Mask
from slth.tickets.mask import write_rows

# Random weights that are held at a time.
_BLOCK = 1 << 22


def hidden_width(inputs: int, samples: int, *, signed: bool) -> int:
    """Hidden units for a layer: ``samples`` for each input and each half that it can take.

    Theorem 3 has $2d_{i-1}n$ of them.  Where the inputs are known to be non-negative the
    negative half is left out, $d_{i-1}n$ are enough.

    Examples
    --------
    >>> hidden_width(64, 20, signed=True), hidden_width(64, 20, signed=False)
    (2560, 1280)
    """
    return inputs * samples * (2 if signed else 1)


class Rows(Protocol):
    """A random layer that is drawn in parts: an array will do, or a layer of a random network."""

    @property
    def shape(self) -> Shape:
        """Shape of the coefficients, output channels first."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.floating]:
        """Coefficients of some outputs."""


def pair_masks(
    weights: NDArray[np.floating],
    first: Rows,
    second: Rows,
    *,
    tolerance: float,
    size: int | None = None,
    objective: Objective = "best",
    signed: bool = True,
    groups: int = 1,
    choose: Choose = choose,
    progress: bool = False,
) -> Mask:
    r"""Prune two random layers until they compute a layer of the target.

    .. math::
        \Big|\sum_{h\in S^\pm_{ojb}} B_{ohb}\,A_{hj}^\pm \mp W_{ojb}\Big| \le \tau
        \qquad\text{for all outputs } o,\text{ inputs } j,\text{ basis elements } b

    The first layer keeps pointwise weights only (the first element of its basis), one for each
    hidden channel, so that ReLU acts on multiples of single input channels; then each coefficient
    of the target is a subset sum of its own.  Input $j$ owns $n$ hidden channels for
    its positive half and, if inputs are signed, the next $n$ for its negative half.  Groups
    of channels are treated one after the other, and their outputs block by block: no random layer
    need be held whole.  This is what ``prune`` runs for every layer, and what
    :func:`slth.constructions.dense_masks` and :func:`slth.constructions.equivariant_masks` run.

    Parameters
    ----------
    weights : ndarray, shape (out, in / groups, \*basis)
        The target layer $W$.
    first : array_like, shape (hidden, in / groups, \*basis of the first layer)
        The random layer $A$; ``hidden`` is a multiple of the number of (input, half) pairs.
    second : array_like, shape (out, hidden / groups, \*basis)
        The random layer $B$.
    tolerance, size, objective, signed : float, int or None, str, bool
        As for :func:`slth.constructions.dense_masks`.
    groups : int
        Groups of channels that do not see one another.
    choose : callable
        How subsets are chosen, see :func:`slth.constructions.subsets.choose`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Mask
        Of the two random layers.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TicketNotFound, InstanceTooLarge
        As :func:`slth.constructions.dense_masks`.

    Notes
    -----
    Dense layers: proof of Theorem 3 of Natale et al. 2024.  Convolutions, whose basis are the taps
    of the kernel: da Cunha et al. 2022.  Equivariant layers: Ferbach et al. 2023.
    """
    samples = _samples(weights, first, second, groups, signed)
    basis, taps = weights.shape[2:], prod(weights.shape[2:])
    own = np.arange(first.shape[0]) // hidden_width(1, samples, signed=signed) % weights.shape[1]
    incoming = _own_weights(first, own, groups)
    used = np.zeros(len(incoming), np.bool_)
    packed = _nothing(second.shape)
    slopes = weights.size * (1 + signed)
    with tqdm(total=slopes, unit="weight", disable=not progress) as bar:
        for rows in row_blocks(second.shape, groups, _BLOCK):
            units = group_inputs(second.shape, groups, rows)
            drawn = second[rows]
            try:
                chosen = choose(
                    _by_rows(weights[rows], taps),
                    incoming[units],
                    _by_rows(drawn, taps),
                    tolerance=tolerance,
                    size=size,
                    objective=objective,
                    signed=signed,
                )
            except TicketNotFound as error:
                row, column = error.miss.index
                output, tap = divmod(row, taps)
                element = tuple(int(place) for place in np.unravel_index(tap, basis))
                place = (rows.start + output, column, *element)
                raise TicketNotFound(replace(error.miss, index=place)) from None
            used[units] |= chosen.any(axis=0)
            chosen = chosen.reshape(len(drawn), taps, -1).swapaxes(1, 2)
            write_rows(packed, rows.start, chosen.reshape(drawn.shape))
            bar.update(weights[rows].size * (1 + signed))
    return Mask.from_packed(
        [_first_mask(first.shape, own, used, groups), packed], [first.shape, second.shape]
    )


def _samples(
    weights: NDArray[np.floating], first: Rows, second: Rows, groups: int, signed: bool
) -> int:
    """Read the number of hidden channels per (input, half) off the shapes."""
    hidden, columns = first.shape[0], weights.shape[1]
    fits = first.shape[1] == columns and second.shape[:2] == (len(weights), hidden // groups)
    if not fits or second.shape[2:] != weights.shape[2:]:
        raise ValueError(
            f"random layers of shapes {first.shape} and {second.shape} do not fit a target layer "
            f"of shape {weights.shape}"
        )
    samples, rest = divmod(hidden, groups * hidden_width(columns, 1, signed=signed))
    if rest or samples == 0:
        raise ValueError(
            f"{hidden} hidden units cannot be shared evenly among {groups * columns} inputs with "
            f"{1 + signed} half-lines each"
        )
    return samples


def _by_rows(coefficients: NDArray[np.floating], taps: int) -> NDArray[np.floating]:
    """Matrix with a row for each output and basis element, and a column for each channel."""
    outputs, channels = coefficients.shape[:2]
    split = coefficients.reshape(outputs, channels, taps)
    return split.swapaxes(1, 2).reshape(outputs * taps, channels)


def _own_weights(first: Rows, own: NDArray[np.int64], groups: int) -> NDArray[np.floating]:
    """Pointwise weight of each hidden channel to the input channel that owns it."""
    parts = []
    for rows in row_blocks(first.shape, groups, _BLOCK):
        drawn = first[rows]
        flat = drawn.reshape(*drawn.shape[:2], -1)
        parts.append(flat[np.arange(len(drawn)), own[rows], 0])
    return np.concatenate(parts)


def _first_mask(
    shape: Shape, own: NDArray[np.int64], used: NDArray[np.bool_], groups: int
) -> Bytes:
    """Keep the pointwise weights of the used hidden channels."""
    packed = _nothing(shape)
    for rows in row_blocks(shape, groups, _BLOCK):
        count = rows.stop - rows.start
        keep = np.zeros((count, shape[1], prod(shape[2:])), np.bool_)
        keep[np.arange(count), own[rows], 0] = used[rows]
        write_rows(packed, rows.start, keep)
    return packed


def _nothing(shape: Shape) -> Bytes:
    return np.zeros((prod(shape) + 7) // 8, np.uint8)
