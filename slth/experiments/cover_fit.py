r"""How cover times grow: the exponent alpha in $y=a+c\,b^\alpha$, with its standard error."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

Floats = NDArray[np.float64]


def exponent(b: ArrayLike, y: ArrayLike) -> float:
    r"""Least squares' alpha in $y=a+c\,b^\alpha$, a and c free.

    Parameters
    ----------
    b, y
        Shape (points,), b > 0.

    Examples
    --------
    >>> b = np.arange(3.0, 15.0)
    >>> round(exponent(b, 2 + 3 * b**2), 3)
    2.0
    """
    x, values = np.asarray(b, np.float64), np.asarray(y, np.float64)

    def misfit(alpha: float) -> float:
        design = np.stack((np.ones_like(x), x**alpha), axis=1)
        rest = values - design @ np.linalg.lstsq(design, values)[0]
        return float(rest @ rest)

    return float(minimize_scalar(misfit, bounds=(0.05, 5.0), method="bounded").x)


def resampled(
    points: Callable[[Sequence[Floats]], tuple[Floats, Floats]],
    tables: Sequence[Floats],
    rng: np.random.Generator,
    repeats: int = 200,
) -> dict[str, float]:
    """Return the exponent of measured points, and its standard error from resampled tables.

    Parameters
    ----------
    points
        Makes b and y of the tables.
    tables
        Each with one row per sample.
    rng
        Draws rows with replacement.
    repeats
        Resampled tables.

    Returns
    -------
    dict
        ``measured``, ``standard_error``, and ``trials``, the number of samples.
    """
    draws = [
        exponent(*points([t[rng.integers(len(t), size=len(t))] for t in tables]))
        for _ in range(repeats)
    ]
    return {
        "measured": exponent(*points(tables)),
        "standard_error": float(np.std(draws, ddof=1)),
        "trials": min(map(len, tables)),
    }
