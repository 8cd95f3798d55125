"""What a search costs, estimated before it starts and without looking at the random network."""

from bisect import bisect_left
from math import comb, inf

import numpy as np
from scipy.stats import binom

from slth.constructions.layer_plan import LayerPlan
from slth.constructions.subsets import MOST_FEASIBLE
from slth.objectives import Objective
from slth.subset_sum import Cost, cost

# Chance, for a whole layer, of more live products than the estimate reckons with.
_RARE = 1e-3

# Numbers of live products that are looked at, in place of all.
_POINTS = 25

# A feasible subset is found among as many samples as have about this many subsets that hit.
_HITS = 20.0


def layer_cost(plan: LayerPlan, samples: int, objective: Objective) -> Cost:
    """Estimate time and memory of a layer's search; infinite where the solver will refuse.

    The number of live products is binomial; time is the mean, memory the largest.

    Examples
    --------
    >>> from slth.networks.layers import Dense
    >>> plan = LayerPlan(Dense(8, 8), np.full((8, 8), 0.5, np.float32), False, 1e-4, None)
    >>> layer_cost(plan, 40, "best").seconds < 1 < layer_cost(plan, 90, "best").seconds
    True
    >>> layer_cost(plan, 90, "feasible").seconds < 1
    True
    """
    columns = plan.layer.shape[1] * plan.layer.groups * plan.halves
    low, high = binom.ppf([_RARE / columns, 1 - _RARE / columns], samples, 0.5).astype(int)
    live = np.unique(np.linspace(low, high, _POINTS).astype(int))
    costs = [_instance_cost(plan, m, objective) for m in live.tolist()]
    ends = np.append((live[1:] + live[:-1]) // 2, samples)
    chance = np.diff(binom.cdf(ends, samples, 0.5), prepend=0.0)
    seconds = plan.n_slopes * float(np.dot(chance, [one.seconds for one in costs]))
    return Cost(seconds, max(one.memory for one in costs))


def _instance_cost(plan: LayerPlan, live: int, objective: Objective) -> Cost:
    """Estimate what one weight costs among that many live products."""
    size = plan.size
    if live < (size or 1):
        return Cost(0.0, 0)
    if objective == "best":
        return cost(live, size)
    if objective == "fewest":
        terms = next((k for k in range(1, live) if comb(live, k) >= _subsets(plan)), live)
        return cost(live, terms)
    window = _window(plan, live)
    if size is not None:
        return cost(window, size)
    if window > MOST_FEASIBLE and live > MOST_FEASIBLE:
        return Cost(inf, 0)  # too few subsets among those that would be looked at
    return cost(max(window, min(live, 8)))


def _window(plan: LayerPlan, live: int) -> int:
    """Among how many samples a feasible subset is expected."""
    sizes = range(plan.size or 1, live)
    return bisect_left(sizes, _subsets(plan), key=lambda m: _count(m, plan.size)) + sizes.start


def _count(m: int, size: int | None) -> int:
    return 1 << m if size is None else comb(m, size)


def _subsets(plan: LayerPlan) -> float:
    """How many subsets there are for each one that hits; the density of sums is about one half."""
    return _HITS / min(plan.tolerance, 1.0)
