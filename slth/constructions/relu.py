"""The ReLU trick: how a random hidden layer becomes a bag of random products."""

import numpy as np
from numpy.typing import ArrayLike

from slth.arrays import Floats


def relu(x: ArrayLike) -> Floats:
    r"""Positive part $\sigma(x) = x^+ = \max(x, 0)$, so that $x = x^+ - (-x)^+$.

    Examples
    --------
    >>> x = np.array([-2.0, 0.0, 3.0])
    >>> relu(x) - relu(-x)
    array([-2.,  0.,  3.])
    """
    return np.maximum(np.asarray(x, dtype=np.float64), 0.0)


def gadget(x: ArrayLike, first: ArrayLike, second: ArrayLike) -> Floats:
    r"""Evaluate the hidden layer $\sum_h b_h\,\sigma(a_h x)$ on scalar inputs.

    Parameters
    ----------
    x : array_like
        Inputs, of any shape.
    first, second : array_like, shape (n,)
        The weights $a$ into and $b$ out of the hidden units.

    Returns
    -------
    ndarray of float64
        Outputs, of the shape of ``x``.

    Raises
    ------
    ValueError
        If the weights are not two vectors of one length.

    Examples
    --------
    The identity by two hidden units, $wx = \sigma(wx) - \sigma(-wx)$ with $w=1$:

    >>> gadget([-2.0, 3.0], first=[1.0, -1.0], second=[1.0, -1.0])
    array([-2.,  3.])
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"one weight in and one out per unit, got shapes {a.shape} and {b.shape}")
    return np.asarray(relu(np.multiply.outer(np.asarray(x, dtype=np.float64), a)) @ b)


def products(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    r"""Slopes that the hidden units contribute on either side of 0.

    .. math::
        \sum_h b_h\,\sigma(a_h x) = \Big(\sum_h b_h a_h^+\Big) x^+ + \Big(\sum_h b_h a_h^-\Big) x^-
        ,\qquad t^\pm = \max(\pm t, 0)

    Each unit is alive on one side and exactly 0 on the other.  To approximate $wx$, choose
    units whose products sum to $w$ on the positive side, and units whose products sum to
    $-w$ on the negative side: two subset sum problems over disjoint sets of units.

    Parameters
    ----------
    first : array_like, shape (n,)
        The weights $a$ into the hidden units.
    second : array_like, shape (..., n)
        The weights $b$ out of them, one row per output: all outputs share the hidden units.

    Returns
    -------
    positive, negative : ndarray of float64, shape (..., n)
        The products $b_h a_h^+$ and $b_h a_h^-$; exact when both factors are float32.

    Raises
    ------
    ValueError
        If the weights do not belong to the same hidden units.

    Notes
    -----
    The ReLU trick in the proof of Theorem 3 of Natale et al. 2024, after Malach et al. 2020.

    Examples
    --------
    >>> positive, negative = products([0.5, -0.25], [2.0, 4.0])
    >>> positive, negative
    (array([1., 0.]), array([0., 1.]))
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or b.ndim < 1 or b.shape[-1] != len(a):
        raise ValueError(f"weights of shapes {a.shape} and {b.shape} share no hidden units")
    return b * relu(a), b * relu(-a)
