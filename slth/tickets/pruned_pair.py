"""Two pruned random layers that stand for one layer of the target, as the judge sees them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slth.tickets.ticket import Ticket

Array = NDArray[np.float64]

HALVES = ("positive", "negative")

_UNIT_ROUNDOFF = 2.0**-53


@dataclass(frozen=True, eq=False)
class PrunedPair:
    r"""The pruned matrices :math:`A = S_{2i-1}\odot M_{2i-1}` and :math:`B = S_{2i}\odot M_{2i}`.

    When every row of :math:`A` keeps at most one entry,

    .. math::
        B\,\sigma(Ax) = W^+x^+ + W^-x^-, \qquad W^\pm = B\,A^\pm, \quad t^\pm = \max(\pm t, 0).

    Attributes
    ----------
    first, second : scipy.sparse.csr_array of float64, shapes (hidden, in) and (out, hidden)
        :math:`A` and :math:`B`; the stored entries are exactly the kept parameters.
    """

    first: csr_array
    second: csr_array

    @classmethod
    def of(cls, ticket: Ticket, index: int) -> "PrunedPair":
        """Regenerate the pair for target layer ``index`` (from 0) from seed and mask."""
        pruned = []
        for layer in (2 * index, 2 * index + 1):
            keep = ticket.mask.layers[layer]
            weights = ticket.random_network.weights(layer)[keep].astype(np.float64)
            pruned.append(csr_array((weights, np.nonzero(keep)), shape=keep.shape))
        return cls(*pruned)

    def defect(self) -> str | None:
        """Say why the pair is no channel-blocked gadget, or None if it is one."""
        inputs = np.diff(self.first.indptr)
        outputs = np.bincount(self.second.indices, minlength=self.second.shape[1])
        if (inputs > 1).any():
            unit = int(np.argmax(inputs > 1))
            return (
                f"hidden unit {unit} keeps {inputs[unit]} inputs, "
                "so the first random layer is not channel-blocked"
            )
        if ((inputs > 0) != (outputs > 0)).any():
            unit = int(np.argmax((inputs > 0) != (outputs > 0)))
            return (
                f"hidden unit {unit} keeps {inputs[unit]} inputs and {outputs[unit]} outputs: "
                "a unit must be kept on both sides or on neither"
            )
        return None

    def compact(self) -> "PrunedPair":
        """Leave out the hidden units that keep no input."""
        used = np.flatnonzero(np.diff(self.first.indptr))
        return PrunedPair(self.first[used], self.second[:, used])

    def slopes(self, signed: bool) -> Array:
        """:math:`W^+` and, for signed inputs, :math:`W^-`: shape ``(halves, out, in)``."""
        return np.asarray(_slopes(self.first, self.second, signed))

    def subset_sizes(self, signed: bool) -> NDArray[np.int64]:
        """Count the terms behind each slope, shape ``(halves, out, in)``."""
        sizes = _slopes(self.first.sign(), abs(self.second).sign(), signed)
        return np.asarray(sizes, dtype=np.int64)

    def run(self, points: Array) -> Array:
        """Evaluate the two layers on the columns of ``points``, through the hidden units."""
        return np.asarray(self.second @ np.maximum(self.first @ points, 0.0))

    def rounding(self, weight: Array) -> float:
        """Bound what float64 loses in a layer, relative to the norm of its input.

        A sum of m products of float64 numbers, in any order, is off by at most about m·u times the
        sum of their absolute values.  The factor 4 covers both networks, the formation of the
        error matrix and the terms of second order.
        """
        terms = max(int(np.diff(self.second.indptr).max(initial=0)), weight.shape[1]) + 2
        magnitude = (abs(self.second) @ abs(self.first)).toarray() + np.abs(weight)
        return float(4.0 * terms * _UNIT_ROUNDOFF * np.linalg.norm(magnitude))


def _slopes(first: csr_array, second: csr_array, signed: bool) -> Array:
    halves = [first.maximum(0), (-first).maximum(0)] if signed else [first.maximum(0)]
    return np.stack([(second @ half).toarray() for half in halves])
