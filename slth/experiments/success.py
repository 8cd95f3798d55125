r"""How often some k-subset of n samples hits a target, from below the threshold to above it.

A cell draws samples, solves each exactly for its best error, and counts how many errors are at most
$\varepsilon$ at which $nH_2(\frac kn)-\log\frac k\varepsilon$ takes each of the values
:data:`LEVELS`: bits above the hypothesis of Theorem 2 of Natale et al. 2024 with $c_{hyp}=1$.
``python -m slth.sweep slth.experiments.success:GRID`` computes the whole grid.
"""

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slth import subset_sum
from slth.sweep import Grid
from slth.theory.entropy import binary_entropy
from slth.theory.laws import Normal, SumLaw, Uniform

LAWS: dict[str, SumLaw] = {"uniform": Uniform(), "gaussian": Normal(std=3**-0.5)}
"""Two laws with the same variance, 1/3."""

LEVELS = np.concatenate([np.arange(-3.0, 6.0, 0.5), np.arange(6.0, 14.5, 1.0)])
"""Bits above the hypothesis at which successes are counted."""

TRIALS = 2000
"""Samples per cell."""

SETTINGS = (
    *((2 * k, k) for k in (4, 6, 8, 10, 12, 14, 16)),
    *((4 * k, k) for k in (2, 3, 4, 5, 6, 7, 8)),
    *((8 * k, k) for k in (2, 3, 4, 5)),
    *((16 * k, k) for k in (2, 3, 4)),
    *((32 * k, k) for k in (2, 3)),
)
"""Pairs (n, k) of the full grid: five densities, with as many sizes as can be solved quickly."""


def tolerances(n: int, k: int) -> NDArray[np.float64]:
    r"""$\varepsilon=k\,2^{b-nH_2(k/n)}$ for each level b.

    Parameters
    ----------
    n, k : int
        Samples and subset size, 1 <= k < n.

    Returns
    -------
    float64, shape of LEVELS

    Examples
    --------
    >>> bool(tolerances(16, 8)[LEVELS == 0.0] == 8 * 2.0**-16)
    True
    """
    return np.asarray(k * np.exp2(LEVELS - n * float(binary_entropy(k / n))))


def cell(
    *, rng: np.random.Generator, law: str, n: int, k: int, end: int, batch: int
) -> dict[str, int | str]:
    r"""Count the samples with a hit at each level; the target is 0 or (``end`` = 1) $\sqrt k$.

    Parameters
    ----------
    rng : numpy.random.Generator
        The cell's own generator.
    law : str
        A key of :data:`LAWS`.
    n, k : int
        Samples and subset size.
    end : int
        Target in units of $\sqrt k$.
    batch : int
        Number of the batch; batches of one setting differ in their generator alone.
    """
    samples = LAWS[law].sample(rng, (TRIALS, n))
    errors = subset_sum.solve_many(samples, end * np.sqrt(k), size=k).errors
    hits = np.count_nonzero(errors[:, None] <= tolerances(n, k), axis=0)
    return {"trials": TRIALS, "hits": json.dumps(hits.tolist())}


def grid(
    settings: Iterable[tuple[int, int]], batches: int, seed: int = 7, name: str = "success"
) -> Grid:
    """Declare a grid: both laws, both targets, the given (n, k) and so many batches of each.

    Parameters
    ----------
    settings : iterable of tuple of int, int
        Pairs (n, k).
    batches : int
        Batches of :data:`TRIALS` samples.
    seed : int
        Of the grid.
    name : str
        Stem of the grid's files.

    Examples
    --------
    >>> len(grid([(16, 8)], batches=2).cells)
    8
    """
    return Grid(
        name,
        cell,
        tuple(
            {"law": law, "n": n, "k": k, "end": end, "batch": batch}
            for law in LAWS
            for n, k in settings
            for end in (0, 1)
            for batch in range(batches)
        ),
        seed,
    )


def successes(table: pd.DataFrame) -> pd.DataFrame:
    """Sum up the batches: one row per law, n, k, end and level, with trials and hits.

    Parameters
    ----------
    table : pandas.DataFrame
        What :func:`slth.sweep.run` or :func:`slth.sweep.load` returned for such a grid.

    Returns
    -------
    pandas.DataFrame
        The columns law, n, k, end, level, epsilon, trials, hits.  Levels at which the tolerance
        reaches one are left out.
    """
    rows = []
    for (law, n, k, end), batches in table.groupby(["law", "n", "k", "end"], sort=False):
        hits = np.sum([json.loads(text) for text in batches["hits"]], axis=0)
        part = pd.DataFrame({"level": LEVELS, "epsilon": tolerances(n, k), "hits": hits})
        part = part.assign(law=law, n=n, k=k, end=end, trials=batches["trials"].sum())
        rows.append(part[part["epsilon"] < 1])
    columns = ["law", "n", "k", "end", "level", "epsilon", "trials", "hits"]
    return pd.concat(rows, ignore_index=True)[columns]


GRID = grid(SETTINGS, batches=10)
