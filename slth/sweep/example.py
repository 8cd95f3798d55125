"""The smallest sweep: how often coins of different bias come up heads.

``python -m slth.sweep slth.sweep.example:GRID --data _build`` runs it.
"""

import numpy as np

from slth.sweep.grid import Grid

TOSSES = 1000


def cell(*, rng: np.random.Generator, bias: float, batch: int) -> dict[str, int]:
    """Toss a coin; batches of one bias differ in their generator alone.

    Parameters
    ----------
    rng : numpy.random.Generator
        The cell's own generator.
    bias : float
        Probability of heads.
    batch : int
        Number of the batch.
    """
    return {"tosses": TOSSES, "heads": int(np.count_nonzero(rng.random(TOSSES) < bias))}


GRID = Grid("coins", cell, Grid.product(bias=[0.25, 0.5, 0.75], batch=range(4)), seed=0)
