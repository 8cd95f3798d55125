"""What to do about a search that is out of reach, or takes too long."""

from dataclasses import replace
from itertools import islice

import numpy as np

from slth.constructions.cost import layer_cost
from slth.constructions.layer_plan import LayerPlan, required_samples
from slth.networks import WeightLaw
from slth.objectives import Objective

# A remedy should leave time for the other layers.
_SHARE = 0.5

# More samples than this would help on paper only.
_PRACTICAL = 10_000


def remedies(plan: LayerPlan, law: WeightLaw, objective: Objective, budget: float) -> str:
    """Name the changes of one argument with which this layer is within the budget of seconds.

    Each of them has been planned; where none is enough, a larger tolerance always is.

    Examples
    --------
    >>> from slth.networks.layers import Dense
    >>> plan = LayerPlan(Dense(8, 8), np.full((8, 8), 0.5, np.float32), False, 1e-4, None)
    >>> remedies(plan, "uniform", "best", 60.0)
    "what helps: objective='feasible', or size=3, or size=5"
    """
    weights = (plan.weights / max(plan.largest, 1.0)).astype(np.float32)
    changes: list[tuple[str, LayerPlan, Objective]] = [
        ("objective='feasible'", plan, "feasible"),
        *(
            (f"size={k}", replace(plan, size=k), objective)
            for k in (3, 5, 8)
            if k > (plan.size or 0)
        ),
        ("no size", replace(plan, size=None), "feasible"),
        (
            "rescale(target), which brings weights below 1",
            replace(plan, weights=weights),
            objective,
        ),
        *(
            (
                f"an epsilon {factor:,} times as large",
                replace(plan, tolerance=factor * plan.tolerance),
                objective,
            )
            for factor in (10, 1000, 1_000_000)
        ),
    ]
    helpful = (words for words, changed, other in changes if _fits(changed, law, other, budget))
    listed = ", or ".join(islice(helpful, 3)) or "a much larger epsilon"
    return f"what helps: {listed}"


def _fits(plan: LayerPlan, law: WeightLaw, objective: Objective, budget: float) -> bool:
    if objective == "fewest" and plan.size is not None:
        return False
    try:
        samples = required_samples(plan, law)
    except ValueError:
        return False
    if samples > _PRACTICAL:
        return False
    return layer_cost(plan, samples, objective).seconds <= _SHARE * budget
