r"""Figure 1 as a chart: what it shows as one table, how it is drawn, and the files to download.

``python -m slth.experiments.figure_one_chart`` draws it anew from the stored sweep.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike, NDArray

from slth import claims, plotting, sweep
from slth.arrays import Floats
from slth.experiments import figure_one
from slth.theory import overparameterization as theory

Z = 10_000
CONFIDENCE = 0.99
COLUMNS = ("series", "k", "density", "overparameterization", "low", "high", "trials")


def smallest(table: pd.DataFrame, law: str, z: int) -> dict[int, NDArray[np.int64]]:
    """Return the smallest covering n of every sample, in order, for each size k.

    Parameters
    ----------
    table : pandas.DataFrame
        Of a grid of :mod:`slth.experiments.figure_one`.
    law, z : str or int
        As in its cells.
    """
    found = {}
    for k, rows in table[(table.law == law) & (table.z == z)].groupby("k"):
        pairs = [pair.split(":") for text in rows.covers for pair in text.split()]
        n, times = np.array(pairs, dtype=np.int64).T
        found[int(str(k))] = np.sort(np.repeat(n, times))
    return found


def quantile(n: NDArray[np.int64], level: float) -> tuple[float, float, float]:
    """Return the n at which this share of the samples serves all weights, and its 99 % limits.

    Examples
    --------
    >>> quantile(np.arange(1, 101), 0.5)
    (50.0, 37.0, 64.0)
    """
    limits = claims.quantile_interval(n, level, CONFIDENCE)
    return float(np.sort(n)[int(np.ceil(level * len(n))) - 1]), limits.low, limits.high


def medians(table: pd.DataFrame, law: str, z: int) -> pd.DataFrame:
    """Return a row for each size k: ``n`` at which half of the samples serve all weights.

    ``low`` and ``high`` are its 99 % limits; ``trials`` counts the samples.
    """
    found = smallest(table, law, z)
    rows = [(k, *quantile(n, 0.5), len(n)) for k, n in found.items()]
    return pd.DataFrame(rows, columns=["k", "n", "low", "high", "trials"])


def chart(table: pd.DataFrame, z: int) -> pd.DataFrame:
    r"""Return what the figure shows, lines and points of $(\gamma,m/m_t)$ row by row.

    Overparameterization is $4n$: n products for each sign of each weight, of two random weights
    each.  Density is $k/n$.  For measured points ``low`` and ``high`` are limits of the
    overparameterization.

    Parameters
    ----------
    table : pandas.DataFrame
        Of a grid of :mod:`slth.experiments.figure_one`.
    z : int
        Target weights over error.
    """
    products, uniform = (medians(table, law, z) for law in ("products", "uniform"))
    gamma = np.geomspace(min(0.5 / z**2, 1 / products.n[0]), 0.5, 161)
    wide = gamma[gamma * z > 1]
    floor = np.asarray(theory.first_moment_floor(wide, z))
    whole = wide * floor >= 1  # subsets of less than one number make no sense
    parts = [
        _rows("Theorem 3", gamma, 4 * theory.multiplicity(gamma, z)),
        _rows("closed form", gamma, 4 * theory.closed_form(gamma, z)),
        _rows("one logarithm", gamma, 4 * theory.one_log_multiplicity(gamma, z)),
        _rows("first moment", wide[whole], 4 * floor[whole]),
        _rows("Malach et al. 2020", *theory.malach_point(float(z))),
        _rows("Pensia et al. 2020", *theory.pensia_point(float(z))),
    ]
    for name, found in (("products", products), ("uniform", uniform)):
        found = found[2 * found.k <= found.n]
        part = _rows(f"measured, {name}", found.k / found.n, 4 * found.n)
        part = part.assign(k=found.k, low=4 * found.low, high=4 * found.high, trials=found.trials)
        parts.append(part)
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)


def _rows(series: str, density: ArrayLike, factor: ArrayLike) -> pd.DataFrame:
    columns = {"density": np.atleast_1d(density), "overparameterization": np.atleast_1d(factor)}
    return pd.DataFrame(columns).assign(series=series)


def draw(chart: pd.DataFrame) -> Figure:
    """Draw the chart, and below it the part with two and more numbers per weight enlarged.

    Lines and points carry their labels, and differ in shape as they do in colour.

    Parameters
    ----------
    chart : pandas.DataFrame
        What :func:`chart` returned.
    """
    series = {str(name): rows for name, rows in chart.groupby("series")}
    figure, (whole, part) = plotting.figure(2, 1, height=7.2, width=5.2)
    for axes in (whole, part):
        for name, (color, style, width) in _LINES.items():
            places = _places(series[name])
            axes.plot(*places, color=plotting.COLORS[color], linestyle=style, linewidth=width)
        for name, (label, marker, face) in _POINTS.items():
            rows = series[name]
            for low, high, k in zip(rows.low, rows.high, rows.k, strict=True):
                ends = np.array([low, high])  # of n; along the bar k is constant
                axes.plot(4 * k / ends, ends, color="black", linewidth=1.4)
            axes.plot(
                *_places(rows), marker, color="black", markersize=6, mfc=face, mew=1.4, label=label
            )
        for name, color in _EARLIER.items():
            axes.plot(
                *_places(series[name]), "*", color=plotting.COLORS[color], markersize=14, mew=0
            )
        axes.set(xscale="log", yscale="log", ylabel="overparameterization $m/m_t$")
        axes.set_xlabel(r"density $\gamma$ of the ticket")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
    products, theorem = series["measured, products"].density, series["Theorem 3"]
    near = theorem[theorem.density > products.iloc[1] / 2].overparameterization.max()
    dense = series["Pensia et al. 2020"].overparameterization.iloc[0]
    whole.set(xlim=(products.iloc[0] / 1000, 2), ylim=(dense / 12, None))
    part.set(xlim=(products.iloc[1] / 2, 0.7), ylim=(dense / 1.8, 1.5 * near))
    (left, right), (low, high) = part.get_xlim(), part.get_ylim()
    whole.indicate_inset((left, low, right - left, high - low), edgecolor="black", linewidth=0.8)
    _label(whole, part, series)
    return figure


_LINES: dict[str, tuple[str, Any, float]] = {
    "Theorem 3": ("red", "-", 2.6),
    "closed form": ("red", (0, (5, 2)), 1.2),
    "one logarithm": ("purple", "-", 2.0),
    "first moment": ("grey", (0, (1, 1)), 1.8),
}
_POINTS = {
    "measured, uniform": ("plain numbers", "s", "white"),
    "measured, products": ("products", "o", "black"),
}
_PENSIA = "Pensia et al. 2020"
_EARLIER = {"Malach et al. 2020": "orange", _PENSIA: "blue"}


def _places(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    return rows.density.to_numpy(), rows.overparameterization.to_numpy()


def _label(whole: Axes, part: Axes, series: dict[str, pd.DataFrame]) -> None:
    """Write the labels; offsets are in points, and their sign decides on the side."""

    def write(axes: Axes, text: str, name: str, at: int, x: float, y: float, color: str) -> None:
        density, factor = _places(series[name])
        side = "left" if x > 0 else "right" if x < 0 else "center"
        place = (float(density[at]), float(factor[at]))
        axes.annotate(text, place, (x, y), textcoords="offset points", color=color, ha=side)

    def index(name: str, share: float) -> int:
        """Place of a line at this share of the enlarged part's width."""
        left, right = np.log(part.get_xlim())
        return int(np.searchsorted(series[name].density, np.exp(left + share * (right - left))))

    theorem, closed = "Theorem 3, $c_{amp}=1$", r"$4\log^2z\,/H_2(\gamma)$"
    products, uniform = "measured, products", "measured, uniform"
    red, purple, grey = (plotting.INK[name] for name in ("red", "purple", "grey"))
    write(whole, theorem, "Theorem 3", len(series["Theorem 3"]) // 2, 6, 5, red)
    one = "one logarithm, $C=1$"
    write(whole, one, "one logarithm", len(series["one logarithm"]) * 5 // 8, -9, -14, purple)
    write(whole, "one product\nper weight", products, 0, -8, -10, "black")
    write(whole, "one plain number\nper weight", uniform, 0, -8, -14, "black")
    for (name, color), place in zip(_EARLIER.items(), ((-9, -4), (-1, -19)), strict=True):
        write(whole, name, name, 0, *place, plotting.INK[color])
    write(part, theorem, "Theorem 3", index("Theorem 3", 0.5), 4, 7, red)
    write(part, closed, "closed form", index("closed form", 0.95), -6, -17, red)
    write(part, "one expected hit", "first moment", index("first moment", 0.03), 1, -50, grey)
    write(part, one, "one logarithm", index("one logarithm", 0.75), -14, -24, purple)
    write(part, _PENSIA, _PENSIA, 0, -9, -4, plotting.INK[_EARLIER[_PENSIA]])
    write(part, "$k=2$", uniform, 1, 8, 2, "black")
    for at in range(1, 4):
        k = f"{series[products].k.iloc[at]:.0f}"
        write(part, f"$k={k}$" if at == 1 else f"${k}$", products, at, 6, 5, "black")
    part.legend(loc="lower left", handletextpad=0.1)


def export(folder: Path, z: int = Z) -> list[Path]:
    """Write the chart of the stored sweep as a table, as SVG and as PDF.

    The same data give the same bytes: the files hold no date.
    """
    shown = chart(sweep.load(figure_one.GRID, _DATA), z)
    plotting.use_style()
    paths = [folder / f"figure-one.{kind}" for kind in ("csv", "svg", "pdf")]
    shown.to_csv(paths[0], index=False, float_format="%.6g", lineterminator="\n")
    with pyplot.rc_context({"pdf.fonttype": 42}):  # whole outlines, which every program embeds
        figure = draw(shown)
        figure.savefig(paths[1], metadata={"Date": None})
        figure.savefig(paths[2], metadata={"CreationDate": None})
    pyplot.close(figure)
    return paths


_DATA = Path(__file__).parents[2] / "data"

if __name__ == "__main__":
    print(*export(Path(sys.argv[1] if len(sys.argv) > 1 else "book/_static")), sep="\n")
