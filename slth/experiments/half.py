r"""Where half of the trials succeed: the threshold $n_{50}$, and what chance leaves open of it."""

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from slth.claims import proportion_interval


class Threshold(NamedTuple):
    """Where the rate of success reaches one half.

    Attributes
    ----------
    least, half, most : int
        The first size at which one half is not excluded from above, at which it is measured, and
        at which it is certain, at the confidence asked for.
    """

    least: int
    half: int
    most: int

    def __str__(self) -> str:
        """Return ``half``, with what is left open in brackets."""
        return f"{self.half}" + (f" ({self.least}–{self.most})" if self.least < self.most else "")


def threshold(
    successes: Callable[[int], int], low: int, high: int, trials: int, confidence: float = 0.99
) -> Threshold:
    r"""Find the smallest n at which half of the trials succeed, $n_{50}$, by bisection.

    Parameters
    ----------
    successes : callable
        From n to the number of successes among all trials; it must not fall as n grows.
    low, high : int
        Where to look, both ends included; ``high`` is returned where one half is not reached.
    trials : int
        Trials of each n, >= 1.
    confidence : float
        Of the intervals that decide ``least`` and ``most``.

    Returns
    -------
    Threshold

    Examples
    --------
    >>> found = threshold(lambda n: 10 * n, 1, 100, 1000)
    >>> tuple(found), str(found)
    ((46, 50, 55), '50 (46–55)')
    """

    def first(holds: Callable[[int], bool]) -> int:
        return bisect_left(range(high), True, lo=low, key=holds)

    def interval(n: int) -> tuple[float, float]:
        found = proportion_interval(successes(n), trials, confidence)
        return found.low, found.high

    return Threshold(
        first(lambda n: interval(n)[1] >= 0.5),
        first(lambda n: 2 * successes(n) >= trials),
        first(lambda n: interval(n)[0] >= 0.5),
    )
