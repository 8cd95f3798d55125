"""Any number of random products for every weight."""

from collections.abc import Sequence
from typing import ClassVar

from slth.constructions.pair_construction import PairConstruction


class Pensia(PairConstruction):
    r"""Each weight by a subset of products, of whatever size: random subset sum.

    .. math::
        \Big|\sum_{h\in S} b_h\,a_h^\pm \mp w\Big| \le \tau

    Notes
    -----
    Pensia et al. 2020.
    """

    summary: ClassVar[str] = "any number of products for every weight"

    def sizes(self, given: Sequence[int | None]) -> list[int | None]:
        """Refuse sizes."""
        if any(size is not None for size in given):
            size = given[0] if len(set(given)) == 1 else tuple(given)
            raise ValueError(f"the construction 'pensia' takes subsets of any size, not k={size}")
        return list(given)
