"""The farthest target from a set of points on a line, known by its gaps."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Gaps:
    """Points around and in [lo, hi].

    Attributes
    ----------
    lo, hi : Fraction
        Ends of the interval of targets.
    under, over : int or None
        Nearest points below ``lo`` and above ``hi``.
    first, last : int or None
        Outermost points inside the interval.
    widest : int
        Widest gap between neighbours from ``first`` to ``last``.
    """

    lo: Fraction
    hi: Fraction
    under: int | None
    first: int | None
    last: int | None
    over: int | None
    widest: int

    def radius(self) -> Fraction | None:
        """Largest distance of a target to the nearest point; None without any point."""
        if self.first is None or self.last is None:
            return _farthest(self.lo, self.hi, self.under, self.over)
        below = _farthest(self.lo, Fraction(self.first), self.under, self.first)
        above = _farthest(Fraction(self.last), self.hi, self.last, self.over)
        assert below is not None
        assert above is not None
        return max(below, Fraction(self.widest, 2), above)


def _farthest(lo: Fraction, hi: Fraction, under: int | None, over: int | None) -> Fraction | None:
    """Largest distance of a target in [lo, hi] to the nearer of two neighbours around it."""
    if under is None:
        return None if over is None else over - lo
    if over is None:
        return hi - under
    target = min(max(Fraction(under + over, 2), lo), hi)
    return min(target - under, over - target)
