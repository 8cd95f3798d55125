"""One weighted layer of the target, of whatever kind, from its pair of random layers."""

from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from slth.arrays import Bytes
from slth.constructions.dense import hidden_width
from slth.constructions.layer_plan import LayerPlan
from slth.constructions.not_found import TicketNotFound
from slth.constructions.subsets import choose
from slth.networks import RandomNetwork
from slth.networks.layers import Shape
from slth.objectives import Objective
from slth.tickets.mask import write_rows

# Random weights that are held at a time.
_BLOCK = 1 << 22


def pair_masks(
    plan: LayerPlan,
    network: RandomNetwork,
    index: int,
    samples: int,
    *,
    objective: Objective,
    progress: bool = False,
) -> tuple[Bytes, Bytes]:
    r"""Prune random layers :math:`2i` and :math:`2i+1` until they compute target layer :math:`i`.

    .. math::
        \Big|\sum_{h\in S^\pm_{ojb}} B_{ohb}\,A_{hj}^\pm \mp W_{ojb}\Big| \le \tau
        \qquad\text{for all outputs } o,\text{ inputs } j,\text{ basis elements } b

    The first layer keeps pointwise weights only (the first element of its basis), one for each
    hidden channel, so that ReLU acts on multiples of single input channels; then each coefficient
    of the target is a subset sum of its own, exactly as in :func:`dense_masks`, whose rows are
    replaced by pairs of an output and a basis element.  Groups of channels are treated one after
    the other, and their outputs block by block: no random layer is held whole.

    Parameters
    ----------
    plan : LayerPlan
        The target layer and what it is allowed.
    network : RandomNetwork
        It has ``samples`` hidden channels for each input and half between the two layers.
    index : int
        Number :math:`i` of the target layer.
    samples : int
    objective : {"best", "feasible", "fewest"}
    progress : bool
        Show a progress bar.

    Returns
    -------
    first, second : ndarray of uint8
        Packed masks, see :meth:`slth.tickets.Mask.packed`.

    Raises
    ------
    TicketNotFound, InstanceTooLarge
        As :func:`dense_masks`.

    Notes
    -----
    Dense layers: proof of Theorem 3 of Natale et al. 2024.  Convolutions, whose basis are the taps
    of the kernel: da Cunha et al. 2022.  Equivariant layers: Ferbach et al. 2023.
    """
    layer, second = plan.layer, network.weighted[2 * index + 1]
    incoming = _own_weights(plan, network, index, samples)
    used = np.zeros(len(incoming), np.bool_)
    packed = _nothing(second.shape)
    taps = prod(layer.basis)
    with tqdm(total=plan.n_slopes, unit="weight", disable=not progress) as bar:
        for rows in second.row_blocks(_BLOCK):
            units = second.group_inputs(rows)
            drawn = network.rows(2 * index + 1, rows.start, rows.stop)
            try:
                chosen = choose(
                    _by_rows(plan.weights[rows], taps),
                    incoming[units],
                    _by_rows(drawn, taps),
                    tolerance=plan.tolerance,
                    size=plan.size,
                    objective=objective,
                    signed=plan.signed,
                )
            except TicketNotFound as error:
                row, column = error.miss.index
                output, tap = divmod(row, taps)
                element = tuple(int(place) for place in np.unravel_index(tap, layer.basis))
                place = (rows.start + output, column, *element)
                raise TicketNotFound(replace(error.miss, index=place)) from None
            used[units] |= chosen.any(axis=0)
            chosen = chosen.reshape(len(drawn), taps, -1).swapaxes(1, 2)
            write_rows(packed, rows.start, chosen.reshape(drawn.shape))
            bar.update(plan.weights[rows].size * plan.halves)
    return _first_mask(plan, network, index, samples, used), packed


def _by_rows(coefficients: NDArray[np.float32], taps: int) -> NDArray[np.float32]:
    """Matrix with a row for each output and basis element, and a column for each channel."""
    outputs, channels = coefficients.shape[:2]
    split = coefficients.reshape(outputs, channels, taps)
    return split.swapaxes(1, 2).reshape(outputs * taps, channels)


def _own_weights(
    plan: LayerPlan, network: RandomNetwork, index: int, samples: int
) -> NDArray[np.float32]:
    """Pointwise weight of each hidden channel to the input channel that owns it."""
    first = network.weighted[2 * index]
    incoming = np.empty(first.outputs, np.float32)
    for rows in first.row_blocks(_BLOCK):
        drawn = network.rows(2 * index, rows.start, rows.stop)
        own = _owners(plan, rows, samples)
        incoming[rows] = drawn.reshape(*drawn.shape[:2], -1)[np.arange(len(own)), own, 0]
    return incoming


def _first_mask(
    plan: LayerPlan,
    network: RandomNetwork,
    index: int,
    samples: int,
    used: NDArray[np.bool_],
) -> Bytes:
    """Keep the pointwise weights of the used hidden channels."""
    first = network.weighted[2 * index]
    packed = _nothing(first.shape)
    for rows in first.row_blocks(_BLOCK):
        own = _owners(plan, rows, samples)
        keep = np.zeros((len(own), first.shape[1], prod(first.basis)), np.bool_)
        keep[np.arange(len(own)), own, 0] = used[rows]
        write_rows(packed, rows.start, keep)
    return packed


def _owners(plan: LayerPlan, rows: slice, samples: int) -> NDArray[np.int64]:
    """Input channel, counted within its group, that owns each hidden channel."""
    units = np.arange(rows.start, rows.stop)
    return units // hidden_width(1, samples, signed=plan.signed) % plan.layer.shape[1]


def _nothing(shape: Shape) -> Bytes:
    return np.zeros((prod(shape) + 7) // 8, np.uint8)
