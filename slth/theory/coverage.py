r"""The coverage recursion behind random subset sum, on a grid of cells, and the bounds it leads to.

A set of covered cells is a Python integer whose bit i is cell i, the leftmost cell first; adding
one sample is a shift and an "or".  Samples are rounded to multiples of a cell, and then everything
is exact: volumes are integers over the number of cells.  For Uniform[-1, 1], a window whose cells
divide 1, and a set made of cells, the rounding leaves the expected growth exactly as it is.

Lueker 1998; da Cunha, d'Amore, Giroire, Lesfari, Natale and Viennot, "Revisiting the random subset
sum problem", ESA 2023.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slth.arrays import FloatOrFloats, IntOrInts
from slth.theory._common import as_floats, as_ints, between, integers

MOST_CELLS_OF_ALL_SETS = 20  # a million sets, 41 shifts each


@dataclass(frozen=True)
class Window:
    r"""$[-r,r]$ cut into equal cells; the targets that the recursion looks at.

    Parameters
    ----------
    cells : int
        Number of cells, even, so that 0 lies between two of them.
    half_width : float
        r > 0.

    Raises
    ------
    ValueError
        If the number of cells is odd or below 2, or the half width is not positive and finite.

    Examples
    --------
    >>> window = Window(8)
    >>> window.cell, window.shifts([0.3, -5.0]).tolist()
    (0.25, [1, -8])
    >>> window.as_array(window.near_zero(0.5)).astype(int)
    array([0, 0, 1, 1, 1, 1, 0, 0])
    """

    cells: int
    half_width: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a window that zero does not halve."""
        if self.cells < 2 or self.cells % 2:
            raise ValueError(f"a window needs an even number of cells >= 2, got {self.cells}")
        between(self.half_width, "half_width", 0.0, np.inf)

    @property
    def cell(self) -> float:
        """Width of a cell."""
        return 2.0 * self.half_width / self.cells

    @property
    def full(self) -> int:
        """The set of all cells."""
        return (1 << self.cells) - 1

    def near_zero(self, epsilon: float) -> int:
        """Return $f_0$, the cells within epsilon of the empty sum; epsilon is a number of cells."""
        count = round(float(between(epsilon, "epsilon", 0.0, self.half_width)) / self.cell)
        if count < 1 or not np.isclose(count * self.cell, epsilon, rtol=1e-12, atol=0.0):
            raise ValueError(f"epsilon={epsilon} is not a multiple of the cell width {self.cell}")
        return ((1 << 2 * count) - 1) << (self.cells // 2 - count)

    def shifts(self, x: ArrayLike) -> IntOrInts:
        """Round samples to whole cells; beyond the window's width all shifts are alike."""
        scaled = np.rint(np.asarray(x, dtype=np.float64) / self.cell)
        return as_ints(np.clip(scaled, -self.cells, self.cells))

    def shift_probabilities(
        self, cdf: Callable[[NDArray[np.float64]], ArrayLike]
    ) -> NDArray[np.float64]:
        """Law of :meth:`shifts` for a law without atoms: entry i is the shift by i - cells."""
        edges = np.asarray(np.arange(0.5 - self.cells, self.cells) * self.cell, dtype=np.float64)
        return np.diff(np.concatenate([[0.0], np.asarray(cdf(edges)), [1.0]]))

    def as_array(self, covered: int) -> NDArray[np.bool_]:
        """Return a set of cells as a Boolean array, from left to right."""
        packed = np.frombuffer(covered.to_bytes((self.cells + 7) // 8, "little"), np.uint8)
        return np.unpackbits(packed, count=self.cells, bitorder="little").astype(bool)


def trajectory(x: ArrayLike, start: int, window: Window) -> list[int]:
    r"""$f_{t+1}(z)=f_t(z)\vee f_t(z-X_{t+1})$ for z in the window, and 0 outside it.

    Parameters
    ----------
    x : array_like of float, shape (t,)
        Samples, rounded to whole cells.
    start : int
        $f_0$ as a set of cells, usually ``window.near_zero(epsilon)``.
    window : Window
        The targets.

    Returns
    -------
    list of int
        $f_0,\dots,f_t$, shape (t + 1,).

    Raises
    ------
    ValueError
        If the start is empty or not within the window, or x is not one row of samples.

    Notes
    -----
    After the recursion of da Cunha et al. 2023.  Cells that leave the window are lost.

    Examples
    --------
    >>> window = Window(8)
    >>> [f"{f:08b}"[::-1] for f in trajectory([0.5, -1.0], window.near_zero(0.25), window)]
    ['00011000', '00011110', '11111110']
    """
    shifts = np.asarray(window.shifts(x))
    if shifts.ndim != 1:
        raise ValueError(f"x must be one row of samples, got shape {shifts.shape}")
    if not 0 < start <= window.full:
        raise ValueError("start must be a non-empty set of cells of the window")
    full, sets = window.full, [start]
    for shift in shifts.tolist():
        now = sets[-1]
        moved = now << shift if shift >= 0 else now >> -shift
        sets.append(now | moved & full)
    return sets


def volumes(x: ArrayLike, start: int, window: Window) -> NDArray[np.float64]:
    r"""$v_t$, the covered fraction of the window after t samples, for many rows of samples.

    Parameters
    ----------
    x : array_like of float, shape (trials, t)
        Samples, rounded to whole cells.
    start, window : int, Window
        As in :func:`trajectory`.

    Returns
    -------
    float64 array, shape (trials, t + 1)
        Multiples of 1 / cells, exactly.

    Raises
    ------
    ValueError
        As :func:`trajectory`.

    Examples
    --------
    >>> window = Window(8)
    >>> volumes([[0.5, -1.0]], window.near_zero(0.25), window)
    array([[0.25 , 0.5  , 0.875]])
    """
    rows = np.asarray(x, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"x must have shape (trials, t), got {rows.shape}")
    counts = [[f.bit_count() for f in trajectory(row, start, window)] for row in rows]
    return np.array(counts, dtype=np.float64).reshape(len(rows), -1) / window.cells


def gains_of_all_sets(cells: int) -> NDArray[np.int64]:
    r"""$|(A+d)\cap W\setminus A|$ in cells for every set A of cells of the window and every shift.

    Parameters
    ----------
    cells : int
        Number of cells, 1 to 20.

    Returns
    -------
    int64 array, shape (2**cells, 2 * cells + 1)
        Row A (bit i of the row number is cell i), column d + cells.

    Raises
    ------
    ValueError
        If there are too many sets.

    Notes
    -----
    Times ``Window.shift_probabilities`` it is the expected growth of every set, with no sampling.

    Examples
    --------
    >>> gains_of_all_sets(2)[0b01]
    array([0, 0, 0, 1, 0])
    """
    count = int(integers(cells, "cells", 1))
    if count > MOST_CELLS_OF_ALL_SETS:
        raise ValueError(
            f"2^{count} sets are too many; at most {MOST_CELLS_OF_ALL_SETS} cells are enumerated"
        )
    sets = np.arange(1 << count, dtype=np.int64)
    free = ~sets & ((1 << count) - 1)
    shifted = [sets << d if d >= 0 else sets >> -d for d in range(-count, count + 1)]
    return np.stack([np.bitwise_count(s & free).astype(np.int64) for s in shifted], axis=1)


def growth_probability(growth: ArrayLike, drift: ArrayLike = 0.25) -> FloatOrFloats:
    r"""$\Pr[R\ge\beta]\ge1-\frac{1-r}{1-\beta}$ for $0\le R\le1$ with $\mathbb E[R]\ge r$.

    Parameters
    ----------
    growth : array_like of float
        beta, 0 <= beta < r: how much larger the covered set is to become.
    drift : array_like of float
        r in (0, 1): 1/4 while at most half of the window is covered.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Markov's inequality for 1 - R.

    Examples
    --------
    >>> float(growth_probability(0.125))  # one in seven
    0.1428571428571429
    """
    mean = between(drift, "drift", 0.0, 1.0)
    beta = between(growth, "growth", 0.0, 1.0, closed="low")
    if np.any(beta >= mean):
        raise ValueError(f"growth={growth!r} must be below the drift {drift!r}")
    return as_floats(1.0 - (1.0 - mean) / (1.0 - beta))


def failure_by_successes(n: ArrayLike, volume: ArrayLike, growth: float) -> FloatOrFloats:
    r"""$\Pr[v_n<\frac12]\le\exp(-2(np-s)^2/n)$ with $s=\lceil\log_{1+\beta}\frac1{2v_0}\rceil$.

    Parameters
    ----------
    n : array_like of int
        Samples, >= 0.
    volume : array_like of float
        v_0 in (0, 1/2].
    growth : float
        beta; a success multiplies the volume by 1 + beta, with probability p at least
        ``growth_probability(growth)``.

    Returns
    -------
    float64, broadcast shape
        1 where np < s.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Phase 1 of the proof: Hoeffding's inequality on the number of successes.

    Examples
    --------
    >>> failure_by_successes([10, 400, 500], 2**-8, 0.125).round(2)
    array([1.  , 0.32, 0.03])
    """
    start = between(volume, "volume", 0.0, 0.5, closed="high")
    wanted = np.ceil(-np.log(2 * start) / np.log1p(growth))
    return _hoeffding(n, growth_probability(growth), wanted)


def failure_by_bits(n: ArrayLike, volume: ArrayLike) -> FloatOrFloats:
    r"""$\Pr[v_n<\frac12]\le\exp\big(-\frac{(n-4L)^2}{8n}\big)$ with $L=\log_2\frac1{2v_0}$.

    Parameters
    ----------
    n : array_like of int
        Samples, >= 0.
    volume : array_like of float
        v_0 in (0, 1/2].

    Returns
    -------
    float64, broadcast shape
        1 where n < 4L.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project: $\log_2(1+R)\ge R$ on [0, 1], so that up to one half each sample adds
    between 0 and 1 bits to $\log_2v$ and at least 1/4 on average; Azuma's inequality, for a count
    to which each sample after that adds 1/4.

    Examples
    --------
    >>> failure_by_bits([10, 50, 100], 2**-8).round(2)
    array([1. , 0.3, 0. ])
    """
    start = between(volume, "volume", 0.0, 0.5, closed="high")
    return _hoeffding(n, 0.25, -np.log2(2 * start))


def failure_bound(
    n: int, uncovered: float, phase_one: Callable[[NDArray[np.int64]], FloatOrFloats]
) -> float:
    r"""$\Pr[1-v_n\ge u]\le\min_{m\le n}\Pr[v_m<\frac12]+\frac1{2u}(\frac34)^{n-m}$.

    Parameters
    ----------
    n : int
        Samples, >= 0.
    uncovered : float
        The uncovered fraction u in (0, 1] that is too much.
    phase_one : callable
        Bound on the failure of phase 1 after m samples, for an array of m.

    Returns
    -------
    float
        At most 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Phase 2 of the proof: $\mathbb E[1-v]$ shrinks by 3/4 with each sample once $v\ge\frac12$;
    Markov's inequality.  The split between the phases is the best one.

    Examples
    --------
    >>> from functools import partial
    >>> first = partial(failure_by_bits, volume=2**-8)
    >>> round(failure_bound(100, 2**-9, first), 3)
    0.078
    """
    samples = int(integers(n, "n", 0))
    too_much = float(between(uncovered, "uncovered", 0.0, 1.0, closed="high"))
    first = np.arange(samples + 1)
    second = 0.75 ** (samples - first) / (2 * too_much)
    return float(min(1.0, np.min(phase_one(first) + second)))


def _hoeffding(n: ArrayLike, mean: FloatOrFloats | float, wanted: FloatOrFloats) -> FloatOrFloats:
    """Bound the chance that n terms in [0, 1] with at least this mean sum to less than wanted."""
    samples = integers(n, "n", 0)
    excess = np.maximum(samples * np.asarray(mean) - np.asarray(wanted), 0.0)
    return as_floats(np.exp(-2.0 * excess**2 / np.maximum(samples, 1)))
