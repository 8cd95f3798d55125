"""Any number of samples, within a tolerance: most are fixed at random, a window is searched."""

import math
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from slth.arrays import Floats
from slth.subset_sum._instance import (
    check_scale,
    checked_integer,
    checked_samples,
    checked_size,
    checked_target,
    checked_tolerance,
)
from slth.subset_sum.errors import SubsetNotFound
from slth.subset_sum.solution import Solution
from slth.subset_sum.solve import solve, solve_many

HALVINGS = 60  # of the interval of tilts


def solve_window(
    x: npt.ArrayLike,
    z: float,
    *,
    tolerance: float,
    rng: np.random.Generator | int,
    size: SupportsIndex | None = None,
    window: int = 40,
    attempts: int = 50,
) -> Solution:
    """Find a subset within a tolerance, of more samples than an exact search can handle.

    |Σ_S - z| ≤ tolerance, over |S| = k when ``size=k``, where S is fixed at random outside of a
    random window W of the samples, and S ∩ W is searched exhaustively.

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n,)
        Samples, finite; any number. Numbers as in :func:`solve`.
    z : float
        Target.
    tolerance : float
        Largest admissible error, itself admitted.
    rng : numpy.random.Generator or int
        Source of the random choices, or its seed.
    size : int, optional
        Number of terms k; any number, including none, if left out.
    window : int
        Number of samples in the window, or all if there are no more.
    attempts : int
        Number of independent windows at most.

    Returns
    -------
    Solution
        ``exact`` is False unless the window holds all samples: a better subset, or one with fewer
        terms, may well exist, whatever the error. ``window`` tells which samples were searched.

    Raises
    ------
    SubsetNotFound
        No window contains an answer, which does not mean that there is none; carries the smallest
        error of all windows.
    InstanceTooLarge
        The window itself is too large for :func:`solve`.
    ValueError
        Arguments that are not finite or do not fit.

    Notes
    -----
    Outside of the window, every x_i gets the score λ x_i + noise, and the samples with the largest
    scores are taken, with any size those with a positive one. Their sum grows with λ, which is
    bisected until z less this sum is about what half of the window adds up to; λ = 0, the fair
    choice, is tried first. About log2(1/tolerance) + 6 samples in the window are enough.

    Examples
    --------
    >>> x = np.random.default_rng(0).uniform(-1, 1, 10_000)
    >>> solution = solve_window(x, 0.3, size=5_000, tolerance=1e-9, rng=0)
    >>> solution.size, solution.error <= 1e-9, solution.exact
    (5000, True, False)
    """
    samples = checked_samples(x, "x", "(n,)", 1).astype(np.float64)
    target, limit = checked_target(z), checked_tolerance(tolerance)
    check_scale(samples, np.array([target]))
    n, k = len(samples), checked_size(size, len(samples))
    window, attempts = checked_integer(window, "window"), checked_integer(attempts, "attempts")
    if window < 1 or attempts < 1:
        raise ValueError(f"window={window} and attempts={attempts} must be at least 1")
    rng = np.random.default_rng(rng)
    if n <= window:
        return solve(samples, target, size=size, tolerance=limit, objective="feasible")
    best = math.inf
    for _ in range(attempts):
        order = rng.permutation(n)
        inside, outside = np.sort(order[:window]), order[window:]
        inner = _terms_inside(n, k, window) if k >= 0 else None
        expected = float(samples[inside].mean()) * (window / 2 if inner is None else inner)
        number = None if inner is None else k - inner
        rest = outside[_tilted(samples[outside], target - expected, number, rng)]
        remainder = -math.fsum([*samples[rest].tolist(), -target])
        part = solve_many(
            samples[inside], [remainder], size=inner, tolerance=limit, objective="feasible"
        ).masks[0]
        indices = np.sort(np.concatenate((rest, inside[part])))
        terms = samples[indices].tolist()
        error = abs(math.fsum([*terms, -target]))
        best = min(best, error)
        if error <= limit:
            mask = np.zeros(n, np.bool_)
            mask[indices] = True
            return Solution(
                indices, mask, math.fsum(terms), error, len(indices), "feasible", inside
            )
    raise SubsetNotFound(best, limit, windows=attempts)


def _terms_inside(n: int, size: int, window: int) -> int:
    """Leave a quarter of the terms, or of those left out, to the rest, to steer with.

    More where that is still more than half of the window.
    """
    few = min(size, n - size)
    inside = max(few - (n - window), min(window // 2, few - few // 4))
    return inside if 2 * size <= n else window - inside


def _tilted(
    x: Floats, goal: float, number: int | None, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Choose at random, ``number`` or any number, so that the sum is close to the goal."""
    noise = rng.logistic(size=len(x)) if number is None else rng.gumbel(size=len(x))
    scale = float(np.abs(x).max())
    unit = x / scale if scale > 0.0 else x
    near = math.sqrt(float(np.mean(unit**2))) * scale
    low, high = -1.0, 1.0
    best, closest = np.zeros(len(x), np.bool_), math.inf
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        scores = middle * unit + (1.0 - abs(middle)) * noise  # the tilt is middle / (1 - |middle|)
        if number is None:
            chosen = scores > 0.0
        else:
            chosen = np.zeros(len(x), np.bool_)
            chosen[np.argpartition(-scores, min(number, len(x) - 1))[:number]] = True
        excess = float(x[chosen].sum()) - goal
        if abs(excess) < closest:
            best, closest = chosen, abs(excess)
        if closest <= near:
            break
        low, high = (middle, high) if excess < 0.0 else (low, middle)
    return best
