"""One random product for every weight."""

from collections.abc import Sequence
from typing import ClassVar

from slth.constructions.pair_construction import PairConstruction


class Malach(PairConstruction):
    r"""Each weight by a single product of two random weights.

    .. math::
        |b_h\,a_h^\pm \mp w| \le \tau

    Notes
    -----
    Malach et al. 2020.
    """

    summary: ClassVar[str] = "one product for every weight"

    def sizes(self, given: Sequence[int | None]) -> list[int | None]:
        """Take one product for every weight, and refuse others."""
        if any(size not in (None, 1) for size in given):
            raise ValueError(
                f"the construction 'malach' takes one product per weight, not k={_said(given)}"
            )
        return [1] * len(given)


def _said(sizes: Sequence[int | None]) -> object:
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)
