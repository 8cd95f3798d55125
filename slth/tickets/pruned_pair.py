"""Two pruned random layers that stand for one layer of the target, as the judge sees them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from slth.arrays import FLOAT32_ROUNDOFF, ROUNDOFF, Floats, Ints
from slth.networks.layers import Weighted
from slth.tickets.subnetwork import Subnetwork

# Random weights that are regenerated at a time, and hidden values that are held at a time.
_BLOCK = 1 << 22
_HIDDEN = 1 << 24


class VerificationError(ValueError):
    """A ticket is not what it says it is; the message says why."""


@dataclass(frozen=True, eq=False)
class PrunedPair:
    r"""The pruned layers $A = S_{2i-1}\odot M_{2i-1}$ and $B = S_{2i}\odot M_{2i}$.

    When every hidden channel of $A$ keeps at most one weight, a pointwise one,

    .. math::
        B\,\sigma(Ax) = W^+x^+ + W^-x^-, \qquad W^\pm_{oib} = \sum_h B_{ohb}\,A_{hi}^\pm,
        \quad t^\pm = \max(\pm t, 0).

    Attributes
    ----------
    slopes : ndarray of float64, shape (2, out, in / groups, \*basis)
        $W^+$ and $W^-$.
    sizes : ndarray of int64, same shape
        Number of terms behind each slope.
    magnitudes : ndarray of float64, shape (out, in / groups, \*basis)
        Sums of the absolute values of the terms, both halves together.
    terms : int
        Largest number of kept weights behind one output.
    """

    slopes: Floats
    sizes: Ints
    magnitudes: Floats
    terms: int
    _subnetwork: Subnetwork
    _index: int
    _first: "_First"

    @classmethod
    def of(cls, subnetwork: Subnetwork, index: int) -> "PrunedPair":
        """Regenerate the pair for target layer ``index`` (from 0) from seed and mask, in parts.

        Raises
        ------
        VerificationError
            If the first layer is not channel-blocked, or a hidden channel is kept on one side only.
        """
        first = _First.of(subnetwork, index)
        second = _second(subnetwork, index)
        group = len(first.inputs) // second.groups
        channels = subnetwork.random_network.weighted[2 * index].shape[1]
        shape = (second.outputs, channels, *second.basis)
        cells = prod(shape[1:])
        slopes, sizes = np.zeros((2, shape[0], cells)), np.zeros((2, shape[0], cells), np.int64)
        magnitudes = np.zeros((shape[0], cells))
        served = np.zeros(len(first.inputs), np.int64)
        terms = 0
        for rows, keep, weights in _kept(subnetwork, 2 * index + 1):
            row, unit, tap = np.nonzero(keep.reshape(len(keep), group, -1))
            unit += second.group_inputs(rows).start
            served += np.bincount(unit, minlength=len(served))
            terms = max(terms, int(np.bincount(row).max(initial=0)))
            incoming = first.weights[unit]
            cell = row * cells + first.inputs[unit] * (cells // channels) + tap
            values = weights * np.abs(incoming)
            for half, live in enumerate((incoming > 0, incoming < 0)):
                places, block = cell[live], (len(keep), cells)
                slopes[half, rows] = _totals(places, block, values[live])
                sizes[half, rows] = _totals(places, block)
                magnitudes[rows] += _totals(places, block, np.abs(values[live]))
        _check_both_sides(index, first.inputs >= 0, served)
        return cls(
            slopes.reshape(2, *shape),
            sizes.reshape(2, *shape),
            magnitudes.reshape(shape),
            terms,
            subnetwork,
            index,
            first,
        )

    def run(self, x: Tensor) -> Tensor:
        """Evaluate the two layers on a batch in float64, through the hidden channels.

        Parameters
        ----------
        x : torch.Tensor of float64, shape (batch, in, ...)
        """
        values = np.count_nonzero(self._first.inputs >= 0) * prod(x.shape[2:])
        most = max(1, _HIDDEN // max(1, int(values)))
        return torch.cat([self._run(part) for part in torch.split(x, most)])

    def _run(self, x: Tensor) -> Tensor:
        second, first = _second(self._subnetwork, self._index), self._first
        width = x.shape[1] // second.groups
        outputs, hidden, group = [], x, slice(0)
        for rows, keep, weights in _kept(self._subnetwork, 2 * self._index + 1):
            if second.group_inputs(rows) != group:
                group = second.group_inputs(rows)
                offset = rows.start // (second.outputs // second.groups) * width
                used = first.used(group)
                hidden = first.run(x[:, offset : offset + width], group, used)
            pruned = np.zeros(keep.shape)
            pruned[keep] = weights
            outputs.append(second.apply(torch.from_numpy(pruned[:, used]), hidden))
        return torch.cat(outputs, dim=1)

    def rounding(self, layer: Weighted, weights: Floats) -> float:
        """Bound what float64 loses in a layer, relative to the norm of its input.

        A sum of m products of float64 numbers, in any order, is off by at most about m·u times the
        sum of their absolute values.  The factor 4 covers both networks, the formation of the
        error coefficients and the terms of second order.
        """
        roundings = layer.roundings(max(self.terms, weights[0].size)) + 2
        norm = _norm(layer, self.magnitudes + np.abs(weights))
        return 4.0 * roundings * ROUNDOFF * norm

    def float32_loss(self, layer: Weighted) -> float:
        """Bound what float32 loses in the pair, relative to the norm of its input.

        Each kept weight of the second layer multiplies a product that has been rounded already.
        """
        return relative_loss(layer.roundings(self.terms) + 1) * _norm(layer, self.magnitudes)


@dataclass(frozen=True, eq=False)
class _First:
    """What is kept of the first layer of a pair.

    ``inputs``: the channel that a hidden channel reads, counted within its group; -1 for none.
    ``weights``: with which weight; 0 for none.
    """

    inputs: Ints
    weights: Floats

    @classmethod
    def of(cls, subnetwork: Subnetwork, index: int) -> "_First":
        hidden = subnetwork.random_network.weighted[2 * index].outputs
        inputs, kept = np.full(hidden, -1), np.zeros(hidden)
        for rows, keep, weights in _kept(subnetwork, 2 * index):
            unit, channel, tap = np.nonzero(keep.reshape(*keep.shape[:2], -1))
            counts = np.bincount(unit)
            if (counts > 1).any():
                crowded = int(np.argmax(counts > 1))
                raise VerificationError(
                    f"target layer {index}: hidden unit {rows.start + crowded} keeps "
                    f"{counts[crowded]} weights, so the first random layer is not channel-blocked"
                )
            if tap.any():
                raise VerificationError(
                    f"target layer {index}: hidden unit {rows.start + unit[np.argmax(tap > 0)]} "
                    "keeps a coefficient of another basis element than the identity"
                )
            inputs[rows.start + unit], kept[rows.start + unit] = channel, weights
        return cls(inputs, kept)

    def used(self, group: slice) -> NDArray[np.bool_]:
        """Which hidden channels of a group keep a weight; one that does not where none does."""
        used = self.inputs[group] >= 0
        used[:1] |= not used.any()  # a convolution needs a channel; all its weights are 0
        return used

    def run(self, x: Tensor, group: slice, used: NDArray[np.bool_]) -> Tensor:
        """Values of the used hidden channels of a group, from the inputs of the group."""
        inputs, weights = self.inputs[group][used], self.weights[group][used]
        factors = torch.from_numpy(weights).reshape(-1, *[1] * (x.dim() - 2))
        return torch.relu(x[:, torch.from_numpy(inputs)] * factors)


def relative_loss(roundings: int) -> float:
    r"""Compute $\gamma_m = mu/(1-mu)$ of float32: what m roundings can do to a number.

    Examples
    --------
    >>> relative_loss(100)
    5.960...e-06
    """
    lost = roundings * FLOAT32_ROUNDOFF
    return lost / (1.0 - lost) if lost < 1.0 else inf


def _norm(layer: Weighted, magnitudes: Floats) -> float:
    """Bound the operator norm of coefficients that are at most so large."""
    largest = magnitudes.reshape(*magnitudes.shape[:2], -1).max(axis=2)
    return float(layer.basis_norm * np.linalg.norm(largest))


def _second(subnetwork: Subnetwork, index: int) -> Weighted:
    return subnetwork.random_network.weighted[2 * index + 1]


def _kept(subnetwork: Subnetwork, layer: int) -> Iterator[tuple[slice, NDArray[np.bool_], Floats]]:
    """Rows of a random layer in blocks: which weights are kept, and these weights in float64."""
    for rows in subnetwork.random_network.weighted[layer].row_blocks(_BLOCK):
        keep = subnetwork.mask.rows(layer, rows.start, rows.stop)
        weights = subnetwork.random_network.rows(layer, rows.start, rows.stop)
        yield rows, keep, weights[keep].astype(np.float64)


def _totals(places: Ints, shape: tuple[int, int], values: Floats | None = None) -> Floats:
    """Sum the values, or count, per cell of an array."""
    return np.asarray(np.bincount(places, values, prod(shape)), np.float64).reshape(shape)


def _check_both_sides(index: int, reads: NDArray[np.bool_], served: Ints) -> None:
    """Refuse a hidden unit that is kept on one side only."""
    odd = reads != (served > 0)
    if odd.any():
        unit = int(np.argmax(odd))
        raise VerificationError(
            f"target layer {index}: hidden unit {unit} keeps {int(reads[unit])} inputs and "
            f"{served[unit]} outputs: a unit must be kept on both sides or on neither"
        )
