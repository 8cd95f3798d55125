"""What solving one instance costs, before it is solved."""

from dataclasses import dataclass
from functools import lru_cache

from slth.subset_sum._kernels import SMALL
from slth.subset_sum._plan import plan
from slth.subset_sum.errors import InstanceTooLarge

_SECONDS_PER_STEP = 2e-8
_SECONDS_PER_SWEEP = 30.0


@dataclass(frozen=True)
class Cost:
    """An estimate, the same on every machine.

    Attributes
    ----------
    seconds : float
        On one core of a laptop; infinite if the instance is refused.
    memory : int
        Bytes of working memory.
    """

    seconds: float
    memory: int


@lru_cache(1 << 12)
def cost(n: int, size: int | None = None) -> Cost:
    r"""Estimate what the best subset costs, of n samples.

    Time and memory grow with the number of sums of half of the samples, about $2^{n/2}$ for
    subsets of any size; at most four terms, chosen or left out, need no memory.

    Parameters
    ----------
    n : int
        Number of samples, >= 1.
    size : int, optional
        Number of terms, at most n; any number if left out.

    Returns
    -------
    Cost

    Notes
    -----
    Measured on the search of :func:`solve_many`.

    Examples
    --------
    >>> cost(24).seconds < 0.01 < cost(44).seconds
    True
    >>> cost(61), cost(61, size=2).memory
    (Cost(seconds=inf, memory=0), 0)
    """
    fixed = size is not None and min(size, n - size) <= SMALL
    k = -1 if size is None else size
    try:
        work = plan(n, k, sized=size is not None, lists=not fixed, sweep=True, threads=1)
    except InstanceTooLarge:
        return Cost(float("inf"), 0)
    seconds = _SECONDS_PER_SWEEP if work.sweep else work.steps * _SECONDS_PER_STEP
    return Cost(seconds, 8 * work.words)
