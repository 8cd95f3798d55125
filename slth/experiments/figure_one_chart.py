r"""Figure 1 as a chart: what it shows as one table, how it is drawn, and the files to download.

``python -m slth.experiments.figure_one_chart`` draws it from the stored sweep.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from slth import claims, plotting, sweep
from slth.experiments import figure_one
from slth.theory import overparameterization as theory

FILES = ("figure-one.csv", "figure-one.svg", "figure-one.pdf")
CONFIDENCE = 0.99
COLUMNS = ("series", "k", "density", "overparameterization", "low", "high", "trials")


def smallest(table: pd.DataFrame, law: str, z: int) -> dict[int, NDArray[np.int64]]:
    """Return the smallest covering n of every sample, in order, for each size k.

    Parameters
    ----------
    table
        Of a grid of :mod:`slth.experiments.figure_one`.
    law, z
        As in its cells.
    """
    rows = table[(table.law == law) & (table.z == z)]
    found = {}
    for k, group in rows.groupby("k"):
        pairs = [pair.split(":") for text in group.covers for pair in text.split()]
        n, times = np.array(pairs, dtype=np.int64).T
        found[int(str(k))] = np.sort(np.repeat(n, times))
    return found


def quantile(n: NDArray[np.int64], level: float) -> tuple[float, float, float]:
    """Return the smallest n that this share of the samples reach, and its 99 % limits."""
    limits = claims.quantile_interval(n, level, CONFIDENCE)
    return float(n[int(np.ceil(level * len(n))) - 1]), limits.low, limits.high


def chart(table: pd.DataFrame, z: int) -> pd.DataFrame:
    r"""Return what the figure shows: lines and points of $(\gamma,m/m_t)$, row by row.

    Overparameterization is $4n$ for a multiplicity n: n products for each sign of each weight, of
    two random weights each.  Of measured points ``low`` and ``high`` limit the
    overparameterization, with 99 % confidence; the density is $k/n$.

    Parameters
    ----------
    table
        Of a grid of :mod:`slth.experiments.figure_one`.
    z
        Target weights over error.
    """
    measured = {law: smallest(table, law, z) for law in ("products", "uniform")}
    medians = {
        law: np.array([quantile(n, 0.5) for n in by_size.values()])
        for law, by_size in measured.items()
    }
    sparsest = min(0.5 / float(z) ** 2, 1.0 / medians["products"][0, 0])
    gamma = np.geomspace(sparsest, 0.5, 121)
    floor = theory.first_moment_floor(gamma[gamma * z > 1], z)
    reached = gamma[gamma * z > 1] * floor >= 1
    parts = [
        _rows("Theorem 3", gamma, 4 * theory.multiplicity(gamma, z)),
        _rows("closed form", gamma, 4 * theory.closed_form(gamma, z)),
        _rows("first moment", gamma[gamma * z > 1][reached], 4 * floor[reached]),
        _rows("Malach et al. 2020", *theory.malach_point(float(z))),
        _rows("Pensia et al. 2020", *theory.pensia_point(float(z))),
    ]
    for law, by_size in measured.items():
        k = np.array(list(by_size))
        n, low, high = 4 * medians[law].T
        trials = [len(values) for values in by_size.values()]
        parts.append(_rows(f"measured, {law}", 4 * k / n, n, k=k, low=low, high=high, trials=trials))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _rows(series: str, density: ArrayLike, factor: ArrayLike, **more: ArrayLike) -> pd.DataFrame:
    columns: Mapping[str, ArrayLike] = {"density": density, "overparameterization": factor, **more}
    return pd.DataFrame({name: np.atleast_1d(values) for name, values in columns.items()}).assign(
        series=series
    ).reindex(columns=COLUMNS)


def draw(chart: pd.DataFrame, z: int) -> Figure:
    """Draw the chart, with labels at the lines and points."""
    figure, axes = plotting.figure(height=5.6, width=5.6)
    groups = {str(name): rows for name, rows in chart.groupby("series")}
    red, grey = plotting.COLORS["red"], plotting.COLORS["grey"]
    lines = {"Theorem 3": (red, "-", 2.4), "closed form": (red, "--", 1.2), "first moment": (grey, ":", 1.8)}
    for name, (color, style, width) in lines.items():
        rows = groups[name]
        axes.plot(rows.density, rows.overparameterization, style, color=color, linewidth=width)
    for name, color, marker in (
        ("measured, uniform", plotting.COLORS["green"], "s"),
        ("measured, products", plotting.COLORS["blue"], "o"),
    ):
        rows = groups[name]
        _bars(axes, rows, color)
        axes.plot(rows.density, rows.overparameterization, marker, color=color, markersize=5.5,
                  markerfacecolor=color if marker == "o" else "white", markeredgewidth=1.3)
    for name in ("Malach et al. 2020", "Pensia et al. 2020"):
        axes.plot(groups[name].density, groups[name].overparameterization, "*", color="black", markersize=11)
    axes.set(xscale="log", yscale="log", xlabel=r"density $\gamma$ of the ticket", ylabel="overparameterization $m/m_t$")
    return figure


def _bars(axes: Axes, rows: pd.DataFrame, color: str) -> None:
    """Limits of n as slanted bars: along them k is constant, and so is density times n."""
    for density, factor, low, high in rows[
        ["density", "overparameterization", "low", "high"]
    ].itertuples(index=False):
        ends = np.array([low, high])
        axes.plot(density * factor / ends, ends, "-", color=color, linewidth=1.2)
