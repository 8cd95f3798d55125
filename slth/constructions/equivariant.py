"""One equivariant layer of the target from two random ones: the building block of Theorem 4."""

import numpy as np
from numpy.typing import NDArray

from slth.constructions.dense import DenseMasks
from slth.constructions.pair import pair_masks
from slth.objectives import Objective


def equivariant_masks(
    weights: NDArray[np.floating],
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    tolerance: float,
    size: int | None = None,
    objective: Objective = "best",
    signed: bool = True,
) -> DenseMasks:
    r"""Prune the coefficients of two random layers until they compute an equivariant layer.

    .. math::
        \Big|\sum_{h\in S^\pm_{oij}} B_{ohj}\,A_{hi1}^\pm \mp W_{oij}\Big| \le \tau
        \qquad\text{for all } o, i, j

    The first layer keeps coefficients of the identity $b_1$ only, so that a hidden channel is
    a multiple of one input channel, and ReLU, which commutes with the group, splits it into its
    two halves.  What remains is a dense layer whose rows are the pairs $(o, j)$ of an output
    channel and a basis map, as for :func:`dense_masks`.  No basis map is looked at, so any
    layout of the basis will do (the kernel of a convolution has two axes) if its first element is
    the identity.  Only coefficients are removed, never single entries of a matrix, and so both
    layers stay equivariant.

    Parameters
    ----------
    weights : ndarray, shape (out, in, \*basis)
        The coefficients $W$ of the target layer.
    first : ndarray, shape (hidden, in, \*basis)
        The random layer $A$.
    second : ndarray, shape (out, hidden, \*basis)
        The random layer $B$.
    tolerance, size, objective, signed : float, int or None, str, bool
        As for :func:`dense_masks`.

    Returns
    -------
    DenseMasks
        In the shapes of the random layers.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TicketNotFound, InstanceTooLarge
        As for :func:`dense_masks`; a missed weight is named by its output, input and basis map.

    Notes
    -----
    Theorem 4 of Natale et al. 2024, whose proof the paper omits, after Ferbach et al. 2023.

    Examples
    --------
    One channel, two basis maps, one live hidden channel: both coefficients are products with the
    weight 0.5, by which the hidden channel reads its input through the identity.

    >>> A, B = np.array([[[0.5, 0.9]], [[-0.7, 0.3]]]), np.array([[[1.0, -0.5], [0.8, 0.2]]])
    >>> W = np.array([[[0.5, -0.25]]])
    >>> masks = equivariant_masks(W, A, B, tolerance=0.0, signed=False)
    >>> masks.first.tolist(), masks.second.tolist()
    ([[[True, False]], [[False, False]]], [[[True, True], [False, False]]])
    """
    basis = weights.shape[2:]
    if first.shape[2:] != basis or second.shape[2:] != basis:
        raise ValueError(
            f"random layers of shapes {first.shape} and {second.shape} have another basis than a "
            f"target layer of shape {weights.shape}"
        )
    return DenseMasks(
        *pair_masks(
            weights,
            first,
            second,
            tolerance=tolerance,
            size=size,
            objective=objective,
            signed=signed,
        ).layers
    )
