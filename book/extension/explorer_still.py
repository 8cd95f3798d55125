"""What the explorers show without scripts: figures and tables, computed by ``slth``."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from matplotlib import pyplot
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from slth import plotting, subset_sum, sweep
from slth.experiments import figure_one, figure_one_chart
from slth.notebook import scientific
from slth.theory import coverage, lower_bound, overparameterization, rfss, rss

_DATA = Path(__file__).resolve().parents[2] / "data"


WEIGHTS, ERROR = 100, 0.01
"""What the explorer of density and overparameterization shows first, as Figure 1 does."""


@dataclass(frozen=True)
class Sums:
    """Settings of the explorer of subset sums, with the names that they have in its address."""

    n: int = 16
    k: int | None = None
    z: float = 0.3
    e: float = -3
    seed: int = 1


@dataclass(frozen=True)
class Cover:
    """Settings of the explorer of the covered set."""

    bits: int = 6
    row: int = 3
    run: int = 1


@dataclass(frozen=True)
class Trade:
    """Settings of the explorer of density and overparameterization: where its marker is."""

    g: float = -1
    logs: int = 2


@dataclass(frozen=True)
class Still:
    """A figure, what it shows in words, its caption, and a table in MyST Markdown."""

    figure: Figure
    words: str
    caption: str
    table: str


def sample(seed: int, n: int, stream: int = 0) -> NDArray[np.float64]:
    """Return the uniform sample that the explorer draws for a seed.

    The generator is sfc32, seeded by splitmix32, as in ``book/explorer/rng.js``.

    Parameters
    ----------
    seed
        Names the sample, 0 to 2^32 - 1.
    n
        Number of samples.
    stream
        Separates samples with one seed.

    Returns
    -------
    ndarray of float64, shape (n,)
    """
    word, other = _splitmix32(seed), _splitmix32(stream)
    a, b = next(word), next(word)
    c = next(word) ^ next(other)
    values = []
    for counter in range(1, 13 + n):
        result = (a + b + counter) & _WORD
        a, b = b ^ (b >> 9), (c + (c << 3)) & _WORD
        c = (((c << 21) | (c >> 11)) + result) & _WORD
        values.append((2 * result + 1) / 2**32 - 1)
    return np.array(values[12:])


_WORD = 2**32 - 1


def _splitmix32(seed: int) -> Iterator[int]:
    state = seed
    while True:
        state = (state + 0x9E3779B9) & _WORD
        word = ((state ^ (state >> 16)) * 0x21F0AAAD) & _WORD
        word = ((word ^ (word >> 15)) * 0x735A2D97) & _WORD
        yield word ^ (word >> 15)


def read(name: str, settings: str) -> Any:
    """Return the settings of an explorer, written as in an address; the others are its own.

    >>> read("subset-sums", "n=20&k=5")
    Sums(n=20, k=5, z=0.3, e=-3, seed=1)
    >>> read("coverage", "rows=4")
    Traceback (most recent call last):
        ...
    ValueError: there is no setting 'rows'; there are bits, row, run
    """
    kind = KINDS[name]
    names = [field.name for field in fields(kind)]
    values: dict[str, float] = {}
    for key, text in parse_qsl(settings, keep_blank_values=True, strict_parsing=bool(settings)):
        if key not in names:
            raise ValueError(f"there is no setting {key!r}; there are {', '.join(names)}")
        number = float(text)
        values[key] = int(number) if number.is_integer() else number
    return kind(**values)


def subset_sums(at: Sums) -> Still:
    """Return the best subset of one sample, all its sums, and the success curve."""
    x, epsilon = sample(at.seed, at.n), 10**at.e
    theory: Any = rss if at.k is None else rfss
    sized = () if at.k is None else (at.k,)
    best = subset_sum.solve(x, at.z, size=at.k)
    hits = subset_sum.count(x, at.z, tolerance=epsilon, size=at.k)
    numbers = np.arange(at.k or 2, 25)
    blue, red, green, grey = (plotting.COLORS[name] for name in ("blue", "red", "green", "grey"))
    with pyplot.rc_context():
        plotting.use_style()
        figure, (line, bars, curve) = plotting.figure(3, 1, height=7.6)
        bars.bar(
            range(1, at.n + 1),
            x,
            color=np.where(best.mask, blue, "white"),
            edgecolor=np.where(best.mask, blue, grey),
        )
        bars.set(title="kept (filled) and left out", xlabel="sample")
        for power, tint in zip((at.e + 1, at.e, at.e - 1), (0.45, 0.7, 1.0), strict=True):
            likely = theory.success_probability(numbers, *sized, at.z, 10**power)
            curve.plot(numbers, likely, color=green, alpha=tint)
            middle = min(int(np.searchsorted(likely, 0.5)), len(numbers) - 1)
            curve.annotate(
                rf"$10^{{{power:g}}}$",
                (numbers[middle], likely[middle]),
                (-7, 4),
                textcoords="offset points",
                color=plotting.INK["green"],
                ha="right",
            )
        curve.set(title=r"chance to hit within $\varepsilon$", xlabel="samples $n$", ylim=(0, 1.05))
        curve.set_xticks(range(4, 25, 4))
        line.hist(subset_sum.sums(x, size=at.k), bins=150, range=(-5, 5), color=blue, alpha=0.5)
        line.axvline(at.z, color=red)
        line.set(title="all sums, and the target", xlim=(-5, 5), yticks=[])
    pyplot.close(figure)
    rows = ["| numbers $n$ | subsets | expected hits | chance to hit |", "|--:|--:|--:|--:|"]
    for n in (8, 12, 16, 20, 24):
        expected = float(theory.expected_hits(n, *sized, at.z, epsilon))
        likely = float(theory.success_probability(n, *sized, at.z, epsilon))
        rows.append(f"| {n} | {_subsets(n, at.k):,} | {expected:,.2f} | {likely:.1%} |")
    kept = ", ".join(f"{i + 1}" for i in best.indices)
    words = (
        f"{at.n} bars between minus one and one, of which those numbered {kept} are filled. "
        f"Three rising curves of the chance to hit, each some numbers to the right of the "
        f"one before, for a tolerance ten times smaller. A bell-shaped histogram of all sums, and "
        f"a line at the target."
    )
    subsets = "subsets" if at.k is None else f"subsets of {at.k} numbers"
    caption = (
        f"The best of the {_subsets(at.n, at.k):,} {subsets} of one sample misses the target by "
        f"{scientific(best.error)}, and {hits} of them hit it within {epsilon:g}."
    )
    return Still(figure, words, caption, "\n".join(rows))


def _subsets(n: int, k: int | None) -> int:
    return 2**n if k is None else math.comb(n, k)


def coverage_film(at: Cover) -> Still:
    """Return the covered set after each sample, and the growth of the covered share."""
    window, epsilon = coverage.Window(512), 2.0**-at.bits
    sets = coverage.trajectory(sample(at.run, 24), window.near_zero(epsilon), window)
    sets = [one for one, before in zip(sets, [0, *sets], strict=False) if before != window.full]
    covered = np.array([window.as_array(one) for one in sets])
    shares = covered.mean(axis=1)
    fresh = covered & ~np.vstack([covered[:1], covered[:-1]])
    blue, orange, grey = (plotting.COLORS[name] for name in ("blue", "orange", "grey"))
    with pyplot.rc_context():
        plotting.use_style()
        figure, (film, share) = plotting.figure(1, 2, height=3.8, sharey=True, width_ratios=[3, 1])
        film.imshow(
            covered.astype(int) + fresh,
            cmap=ListedColormap(["white", blue, orange]),
            aspect="auto",
            interpolation="nearest",
            extent=(-1, 1, len(sets) - 0.5, -0.5),
        )
        film.hlines(np.arange(len(sets) - 1) + 0.5, -1, 1, color="white", linewidth=2)
        film.set(xlabel="target $z$", ylabel="samples $t$", xticks=[-1, -0.5, 0, 0.5, 1])
        film.grid(False)
        rows = np.arange(len(sets))
        share.semilogx(shares, rows, "o-", color=blue)
        doubling = rows[: at.bits + 1]
        share.semilogx(shares[0] * 2.0**doubling, doubling, "--", color=grey, zorder=3)
        share.set(xlabel="covered share")
    pyplot.close(figure)
    table = ["| samples $t$ | covered $v_t$ |", "|--:|--:|"]
    table += [f"| {t} | {one:.3f} |" for t, one in enumerate(shares)]
    words = (
        "Rows over the interval from minus one to one, one for each sample. The first has one "
        "short mark at zero; in each row a shifted copy of the marks above is added, until the "
        "last rows are solid. Beside them the covered share first doubles, then bends towards one."
    )
    caption = (
        f"The targets covered after each of {len(sets) - 1} samples, for a tolerance of "
        f"1/{2**at.bits}: covered before (blue), and newly covered by the copy (orange). "
        "Right: the covered share; dashed, doubling."
    )
    return Still(figure, words, caption, "\n".join(table))


def trade_off(at: Trade) -> Still:
    """Return the curves of Theorem 3, with two logarithms and one, and of Theorem 5; a table."""
    z, d = WEIGHTS / ERROR, math.isqrt(WEIGHTS)
    gamma = np.geomspace(z**-2, 0.5, 161)
    kept = np.unique(np.geomspace(WEIGHTS // 5, 10 * WEIGHTS, 60).astype(int))
    least = np.asarray(lower_bound.required_parameters(kept, ERROR, d))
    inside = 2 * kept <= least
    green, red, purple = (plotting.INK[name] for name in ("green", "red", "purple"))
    with pyplot.rc_context():
        plotting.use_style()
        figure, axes = plotting.figure(height=3.8)
        axes.loglog(gamma, 4 * overparameterization.multiplicity(gamma, z), color=red)
        axes.loglog(
            gamma, 4 * overparameterization.closed_form(gamma, z), "--", color=red, linewidth=1.2
        )
        axes.loglog(gamma, 4 * overparameterization.one_log_multiplicity(gamma, z), color=purple)
        axes.loglog((kept / least)[inside], (least / WEIGHTS)[inside], color=green)
        axes.set(xlim=(z**-2, 1), xlabel=r"density $\gamma$", ylabel="overparameterization $m/m_t$")
        plotting.direct_label(axes, 1e-5, 2e7, "Theorem 3", red)
        plotting.direct_label(axes, 2e-8, 2e6, "one logarithm", purple)
        plotting.direct_label(axes, 2e-5, 300, "Theorem 5", green)
    pyplot.close(figure)
    rows = [
        r"| density $\gamma$ | Theorem 3: $n$ | $k$ | $m/m_t$ | one log: $n$ | $k$ | $m/m_t$ |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for one in (0.5, 0.1, 0.01, 0.001):
        both = overparameterization.multiplicity, overparameterization.one_log_multiplicity
        found = [float(multiplicity(one, z)) for multiplicity in both]
        cells = [f"{n:,.0f} | {one * n:,.1f} | {4 * n:,.0f}" for n in found]
        rows.append(f"| {one:g} | {' | '.join(cells)} |")
    words = (
        "Overparameterization against density, both logarithmic. Theorem 3 falls along a nearly "
        "straight line by about one power of ten for each, with its closed form a little below. "
        "One logarithm runs parallel one to two powers of ten lower, and Theorem 5 lower still."
    )
    caption = (
        f"For {WEIGHTS} target weights and error {ERROR:g}: what Theorem 3 asks for "
        "(dashed: its closed form), the same with one logarithm, and Theorem 5, below which no "
        "network serves every target; constants are one."
    )
    return Still(figure, words, caption, "\n".join(rows))


KINDS: dict[str, type] = {"subset-sums": Sums, "coverage": Cover, "trade-off": Trade}
"""The settings of each explorer."""

STILLS: dict[str, Callable[[Any], Still]] = {
    "subset-sums": subset_sums,
    "coverage": coverage_film,
    "trade-off": trade_off,
}
"""What stands for each explorer."""


def measured() -> dict[str, list[list[int]]]:
    """Return, for each z, pairs of k and the n at which half of the gadgets serve every weight.

    These are the measured points of Figure 1, from the stored sweep.
    """
    table = sweep.load(figure_one.GRID, _DATA)
    found = {}
    for z in sorted(set(table[table.law == "products"].z)):
        rows = figure_one_chart.medians(table, "products", z)
        rows = rows[2 * rows.k <= rows.n]
        found[str(z)] = rows[["k", "n"]].astype(int).to_numpy().tolist()
    return found


def save(still: Still, path: Path) -> None:
    """Write the figure as SVG, and as PDF for print; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pyplot.rc_context():
        plotting.use_style()
        still.figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
        still.figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
