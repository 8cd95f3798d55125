"""Two networks on the same images, and which of them is right more often."""

from scipy.stats import binomtest

from slth.arrays import Bools


def mcnemar(first: Bools, second: Bools) -> float:
    r"""Return the exact one-sided p-value of "the first is right no more often than the second".

    .. math::
        p = \Pr\big[\operatorname{Bin}(b + c, \tfrac12) \ge b\big]

    with $b$ the number of images that only the first gets right, and $c$ that only the second does.

    Parameters
    ----------
    first, second : ndarray of bool, shape (N,)
        Which images each gets right.

    Raises
    ------
    ValueError
        If the shapes differ.

    Notes
    -----
    McNemar 1947, with the exact binomial law.

    Examples
    --------
    >>> import numpy as np
    >>> mcnemar(np.array([True] * 10), np.array([False] * 10))
    0.0009765625
    """
    if first.shape != second.shape:
        raise ValueError(f"outcomes of shapes {first.shape} and {second.shape} are not paired")
    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    return float(binomtest(b, b + c, alternative="greater").pvalue) if b + c else 1.0
