"""What the explorer shows without scripts: two figures and two tables, computed by ``slth``."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from numpy.typing import NDArray

from slth import plotting, subset_sum, sweep
from slth.experiments import figure_one, figure_one_chart
from slth.notebook import scientific
from slth.theory import lower_bound, overparameterization, rss

_DATA = Path(__file__).resolve().parents[2] / "data"

SEED, SAMPLES, TARGET, TOLERANCE = 1, 16, 0.3, 1e-3
"""What the explorer of subset sums shows first."""

WEIGHTS, ERROR = 100, 0.01
"""What the explorer of density and overparameterization shows first."""


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


def subset_sums() -> Still:
    """Return the best subset of one sample, all its sums, and the success curve."""
    x = sample(SEED, SAMPLES)
    best = subset_sum.solve(x, TARGET)
    hits = subset_sum.count(x, TARGET, tolerance=TOLERANCE)
    numbers = np.arange(2, 25)
    tolerances = (1e-2, 1e-3, 1e-4)
    chance = {one: rss.success_probability(numbers, TARGET, one) for one in tolerances}
    blue, red, green, grey = (plotting.COLORS[name] for name in ("blue", "red", "green", "grey"))
    with pyplot.rc_context():
        plotting.use_style()
        figure, (line, bars, curve) = plotting.figure(3, 1, height=7.6)
        bars.bar(
            range(1, SAMPLES + 1),
            x,
            color=np.where(best.mask, blue, "white"),
            edgecolor=np.where(best.mask, blue, grey),
        )
        bars.set(title="kept (filled) and left out", xlabel="sample")
        for one, tint in zip(tolerances, (0.45, 0.7, 1.0), strict=True):
            curve.plot(numbers, chance[one], color=green, alpha=tint)
            middle = int(np.searchsorted(chance[one], 0.5))
            curve.annotate(
                rf"$10^{{{round(math.log10(one))}}}$",
                (numbers[middle], 0.5),
                (-7, 4),
                textcoords="offset points",
                color=green,
                ha="right",
            )
        curve.set(title=r"chance to hit within $\varepsilon$", xlabel="samples $n$", ylim=(0, 1.05))
        line.hist(subset_sum.sums(x), bins=150, range=(-5, 5), color=blue, alpha=0.5)
        line.axvline(TARGET, color=red)
        line.set(title="all sums, and the target", xlim=(-5, 5), yticks=[])
    pyplot.close(figure)
    rows = ["| numbers $n$ | subsets | expected hits | chance to hit |", "|--:|--:|--:|--:|"]
    for n in (8, 12, 16, 20, 24):
        expected = float(rss.expected_hits(n, TARGET, TOLERANCE))
        probability = float(rss.success_probability(n, TARGET, TOLERANCE))
        rows.append(f"| {n} | {2**n:,} | {expected:,.2f} | {probability:.1%} |")
    kept = ", ".join(f"{i + 1}" for i in best.indices)
    side = "right" if x.sum() / 2 < TARGET else "left"
    words = (
        f"Sixteen bars between minus one and one, of which those numbered {kept} are filled. "
        f"Three rising curves of the chance to hit, each about four numbers to the right of the "
        f"one before, for a tolerance ten times smaller. A bell-shaped histogram of all sums, with "
        f"the target to the {side} of its peak."
    )
    caption = (
        f"The best of the {2**SAMPLES:,} subsets of one sample misses the target by "
        f"{scientific(best.error)}, and {hits} subsets hit it within {TOLERANCE:g}."
    )
    return Still(figure, words, caption, "\n".join(rows))


def trade_off() -> Still:
    """Return the curves of Theorem 3, with two logarithms and one, and of Theorem 5; a table."""
    z, d = WEIGHTS / ERROR, math.isqrt(WEIGHTS)
    gamma = np.geomspace(z**-2, 0.5, 161)
    kept = np.unique(np.geomspace(WEIGHTS // 5, 10 * WEIGHTS, 60).astype(int))
    least = np.asarray(lower_bound.required_parameters(kept, ERROR, d))
    inside = 2 * kept <= least
    green, red = plotting.COLORS["green"], plotting.COLORS["red"]
    purple = figure_one_chart.PURPLE
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


STILLS = {"subset-sums": subset_sums, "trade-off": trade_off}
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
