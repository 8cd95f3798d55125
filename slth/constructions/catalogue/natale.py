"""A fixed number of random products for every weight."""

from collections.abc import Sequence
from typing import ClassVar

from slth.constructions.pair_construction import PairConstruction


class Natale(PairConstruction):
    r"""Each weight by a subset of exactly k products: random fixed-size subset sum.

    .. math::
        \Big|\sum_{h\in S} b_h\,a_h^\pm \mp w\Big| \le \tau, \qquad |S| = k

    Notes
    -----
    Theorem 3 of Natale et al. 2024.
    """

    summary: ClassVar[str] = "exactly size products for every weight"

    def sizes(self, given: Sequence[int | None]) -> list[int | None]:
        """Insist on sizes."""
        if None in given:
            raise ValueError("the construction 'natale' takes subsets of a fixed size: give size=k")
        return list(given)
