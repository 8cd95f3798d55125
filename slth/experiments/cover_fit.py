r"""How cover times grow: the exponent alpha in $y=a+c\,b^\alpha$, with its standard error."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from slth.arrays import Floats
from slth.theory.entropy import binary_entropy

Points = Callable[[Sequence[Floats]], tuple[Floats, Floats]]


def exponent(b: ArrayLike, y: ArrayLike) -> float:
    r"""Least squares' alpha in $y=a+c\,b^\alpha$, a and c free.

    Parameters
    ----------
    b, y : array_like
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
    points: Points,
    tables: Sequence[Floats],
    rng: np.random.Generator,
    repeats: int = 200,
) -> dict[str, float]:
    """Return the exponent of measured points, and its standard error from resampled tables.

    Parameters
    ----------
    points : Points
        Makes b and y of the tables.
    tables : sequence of array of float64
        Each with one row per sample.
    rng : numpy.random.Generator
        Draws rows with replacement.
    repeats : int
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


def families(
    times: pd.DataFrame, radii: pd.DataFrame, rng: np.random.Generator, repeats: int = 200
) -> dict[str, dict[str, float]]:
    r"""Exponents of $nH_2(\frac kn)=a+c\,b^\alpha$, $b=\log_2\frac k\varepsilon$, of all families.

    Growing samples with k terms: where the median is at least 2 k.  Samples of density 1/4 and
    1/2: b from the median covering radius.

    Parameters
    ----------
    times : pandas.DataFrame
        A table of :mod:`slth.experiments.cover`.
    radii : pandas.DataFrame
        A table of :mod:`slth.experiments.cover_density`.
    rng, repeats : numpy.random.Generator or int
        As for :func:`resampled`.

    Returns
    -------
    dict
        From the name of a family to what :func:`resampled` returns.
    """
    columns = [name for name in times.columns if name.startswith("bits_")]
    precision = np.array([float(name.removeprefix("bits_")) for name in columns])
    fits = {}
    for k, rows in times[times.k > 1].groupby("k"):
        table = rows[columns].to_numpy(np.float64)
        keep = np.median(table, axis=0) >= 2 * k
        bits = table[:, keep] * np.asarray(binary_entropy(np.minimum(k / table[:, keep], 1.0)))
        b = precision[keep] + np.log2(k)
        fits[f"k = {k}"] = resampled(_means(b), [bits], rng, repeats)
    for part in (4, 2):
        own = radii[(radii.n == part * radii.k) & (radii.n >= 8)].groupby(["n", "k"])
        y = np.array([n * float(binary_entropy(k / n)) for n, k in own.groups])
        seen = [np.log2(k) + rows.millibits.to_numpy() / 1000 for (_, k), rows in own]
        fits[f"density 1/{part}"] = resampled(_medians(y), seen, rng, repeats)
    return fits


def _means(b: Floats) -> Points:
    return lambda tables: (b, tables[0].mean(axis=0))


def _medians(y: Floats) -> Points:
    return lambda tables: (np.array([np.median(table) for table in tables]), y)
