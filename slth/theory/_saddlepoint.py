r"""How many subsets of a given sample hit a target, by the saddlepoint approximation.

The number of k-subsets with sum near z is close to $e^{\psi}/2\pi\sqrt{\det\psi''}$ per unit of
length, with $\psi=\min_{t,\lambda}\sum_i\ln(1+e^{tx_i+\lambda})-tz-\lambda k$; for subsets of any
size $\lambda=0$ throughout and the denominator is $\sqrt{2\pi\psi''}$.  Unlike the normal one, this
knows when a sample is too poor to reach z.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from slth.theory.entropy import log2_binomial

_STEPS = 25
_SETTLED = 1e-7


def log_hits(
    x: NDArray[np.float64], z: float, epsilon: float, size: int | None
) -> NDArray[np.float64]:
    """Ln of the expected number of hits for each row of x (samples along the last axis).

    Newton's method on the convex problem above, with the steps cut back; where no subset reaches z
    the minimum runs away to minus infinity and so does the result.
    """
    n = x.shape[-1]
    level = 0.0 if size is None else np.log(size / (n - size))
    rate = 0.5 if size is None else size / n
    scale = np.sqrt(np.mean(x**2, axis=-1))
    unit = x / scale[:, None]  # rows of unit second moment: one step size suits all
    target = z / scale
    tilt, shift = np.zeros(x.shape[:1]), np.full(x.shape[:1], level)
    moving = np.arange(len(x))
    for _ in range(_STEPS):
        rows = unit if len(moving) == len(x) else unit[moving]
        share = expit(tilt[moving, None] * rows + shift[moving, None])
        spread = share * (1 - share)
        slope = np.einsum("ij,ij->i", share, rows) - target[moving]
        second = np.einsum("ij,ij,ij->i", spread, rows, rows) + 1e-12
        if size is None:
            step_tilt, step_shift = np.clip(slope / second, -1.0, 1.0), np.zeros(len(moving))
        else:
            first = np.sum(spread, axis=-1) + 1e-12
            mixed = np.einsum("ij,ij->i", spread, rows)
            excess = np.sum(share, axis=-1) - size
            determinant = np.maximum(first * second - mixed**2, 1e-12 * first * second)
            step_tilt = (first * slope - mixed * excess) / determinant
            step_shift = (second * excess - mixed * slope) / determinant
            cut = 1.0 / np.maximum(1.0, np.maximum(np.abs(step_tilt), np.abs(step_shift)))
            step_tilt, step_shift = cut * step_tilt, cut * step_shift
        tilt[moving] -= step_tilt
        shift[moving] -= step_shift
        # Newton's method squares the error: the step after this one would change no digit.
        moving = moving[np.maximum(np.abs(step_tilt), np.abs(step_shift)) > _SETTLED]
        if len(moving) == 0:
            break

    linear = tilt[:, None] * unit + shift[:, None]
    share = expit(linear)
    spread = share * (1 - share)
    second = np.sum(spread * unit**2, axis=-1)
    psi = np.sum(np.logaddexp(0.0, linear), axis=-1) - tilt * target
    if size is not None:
        # Relative to the same approximation of the number of all k-subsets, which is known exactly.
        first, mixed = np.sum(spread, axis=-1), np.sum(spread * unit, axis=-1)
        psi = psi - shift * size - n * np.log1p(np.exp(level)) + level * size
        psi = psi + log2_binomial(n, size) * np.log(2.0)
        second = np.maximum(first * second - mixed**2, 0.0) / (n * rate * (1 - rate))
    with np.errstate(divide="ignore"):
        density = psi - np.log(2 * np.pi * second) / 2 - np.log(scale)
    return np.where(second > 1e-9, density + np.log(2 * epsilon), -np.inf)
