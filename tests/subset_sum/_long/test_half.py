"""Half of the samples, as lists that generate all its sums."""

import numpy as np

from slth.subset_sum._long.half import Half


def test_halves_list_every_subset_with_a_sum() -> None:
    v = np.array([3, 1, 2, 3, -1, 0, 4])
    masks = np.arange(1 << 7)
    chosen = (masks[:, None] >> np.arange(7) & 1).astype(bool)
    for size in (-1, *range(8)):
        half = Half.of(v, size)
        for total in range(-2, 14):
            fits = (chosen @ v == total) & ((size < 0) | (chosen.sum(axis=1) == size))
            assert sorted(half.subsets(total, size, 200)) == masks[fits].tolist()
            assert len(half.subsets(total, size, 1)) >= min(2, fits.sum())
