"""What is decided before the random network is drawn: widths, and what the search will cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from torch import nn

from slth.constructions.arguments import POSITIVE, WHOLE, per_layer, plain, shape
from slth.constructions.cost import layer_cost
from slth.constructions.dense import hidden_width
from slth.constructions.layer_plan import LayerPlan, check_reach, plan_layers, required_samples
from slth.constructions.remedies import remedies
from slth.forms import choice, flag, integer, optional
from slth.networks import RandomNetwork, Target, WeightLaw, layers, read
from slth.networks.layers import Layer, Relu, Shape, Weighted
from slth.objectives import OBJECTIVES, Objective
from slth.subset_sum import Cost
from slth.tickets import Construction
from slth.weight_laws import WEIGHT_LAWS

# Seconds up to which the best subsets are sought unless another objective was asked for.
BEST_WITHIN = 10.0

# Random weights of a network whose mask (one bit each) and weights (minutes) are still no trouble.
_MOST_PARAMETERS = 1 << 33

# Random weights that are drawn and searched at a time need about this many bytes each.
_BLOCK_BYTES = 32 << 22


class TooCostly(ValueError):  # noqa: N818
    """The search would take longer, or more memory, than it is allowed; nothing was begun."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What :func:`slth.prune` is about to do.

    Attributes
    ----------
    target : Target
    layers : tuple of LayerPlan
        Weights, tolerance and size of each weighted layer.
    samples : tuple of int
        Hidden channels per input and half, layer by layer.
    network : RandomNetwork
        Described, not drawn.
    construction, objective : str
        As they were asked for, or chosen.
    input_shape : tuple of int
    nonnegative_inputs : bool
    epsilon : float or None
    costs : tuple of Cost
        Of the search, layer by layer.
    budget : float
        Seconds that the search may take.
    """

    target: Target
    layers: tuple[LayerPlan, ...]
    samples: tuple[int, ...]
    network: RandomNetwork
    construction: Construction
    objective: Objective
    input_shape: Shape
    nonnegative_inputs: bool
    epsilon: float | None
    costs: tuple[Cost, ...]
    budget: float

    @property
    def instances(self) -> int:
        """Number of subset sum problems."""
        return sum(layer.n_slopes for layer in self.layers)

    @property
    def seconds(self) -> float:
        """Estimated time of the search on one core; infinite where the solver would refuse."""
        return sum(cost.seconds for cost in self.costs)

    @property
    def memory(self) -> int:
        """Estimated bytes: lists of the solver, packed masks, and what is drawn at a time."""
        return (
            max(cost.memory for cost in self.costs) + self.network.n_parameters // 8 + _BLOCK_BYTES
        )

    def check(self) -> None:
        """Refuse a search that would not end in time, and say what helps.

        Raises
        ------
        TooCostly
            If it would not.
        """
        if self.seconds <= self.budget:
            return
        worst = max(range(len(self.costs)), key=lambda index: self.costs[index].seconds)
        layer = self.layers[worst]
        what = (
            f"{layer.n_slopes} subset sums within {layer.tolerance:.3g} among about "
            f"{self.samples[worst] // 2} live products each"
        )
        takes = (
            f"take about {_time(self.seconds)}, more than the {_time(self.budget)} allowed"
            if self.seconds < float("inf")
            else f"are out of reach of the objective {self.objective!r}"
        )
        advice = remedies(layer, self.network.law, self.objective, self.budget)
        raise TooCostly(f"target layer {worst}: {what} {takes}; {advice}")


def plan(
    target: nn.Module,
    *,
    construction: Construction | None = None,
    epsilon: float | None = None,
    weight_tolerance: float | Sequence[float] | None = None,
    size: int | Sequence[int] | None = None,
    samples: int | Sequence[int] | None = None,
    seed: int = 0,
    law: WeightLaw = "uniform",
    objective: Objective | None = None,
    nonnegative_inputs: bool = False,
    input_shape: Sequence[int] | None = None,
    budget: float = 3600.0,
) -> Plan:
    r"""Decide everything that :func:`slth.prune` decides before it draws the random network.

    Layer by layer the tolerance of a weight, the samples :math:`n_i` that theory asks for, and
    what the exact search costs: :math:`2 d_{i-1} d_i` subset sums among about :math:`n_i/2` live
    products.  Nothing is drawn and nothing is searched; the same arguments give the same plan on
    every machine.

    Parameters
    ----------
    target : torch.nn.Sequential
        See :func:`slth.networks.read`; this and all other arguments as for :func:`slth.prune`.

    Returns
    -------
    Plan
        Where its ``seconds`` exceed the budget, :meth:`Plan.check` refuses it, as ``prune`` does.

    Raises
    ------
    ValueError
        If an argument is out of range, the target has another form, or a weight is out of reach.

    Notes
    -----
    Theorem 3 of Natale et al. 2024 with actual norms; the success law of ``slth.theory.rfss`` for
    the widths; the costs are measured.

    Examples
    --------
    >>> target = nn.Sequential(nn.Linear(8, 4, bias=False))
    >>> _ = target[0].weight.data.fill_(0.25)
    >>> plan(target, epsilon=0.1, size=3).objective
    'best'
    >>> _ = target[0].weight.data.fill_(1.5)
    >>> plan(target, epsilon=1e-4).objective
    'feasible'
    """
    known = read(target)
    depth = len(known.coefficients)
    chosen, sizes = _sizes(construction, size, depth)
    if objective is not None:
        choice(*OBJECTIVES)("objective", objective)
    if objective == "fewest" and sizes[0] is not None:
        raise ValueError(
            f"objective 'fewest' chooses the number of terms: size k={sizes[0]} fixes it"
        )
    choice(*WEIGHT_LAWS)("law", law)
    given = None if samples is None else _counts(samples, sizes)
    default = layers.default_input_shape(known.layers) if input_shape is None else input_shape
    inputs = shape(default)
    nonnegative = flag("nonnegative_inputs", nonnegative_inputs)
    promise = optional(POSITIVE)("epsilon", plain(epsilon))
    plans = plan_layers(
        known,
        inputs,
        epsilon=promise,
        weight_tolerance=weight_tolerance,
        sizes=sizes,
        nonnegative_inputs=nonnegative,
    )
    for index, one in enumerate(plans):
        check_reach(one, index, law)

    counts = given or [_needed(one, index, law) for index, one in enumerate(plans)]
    network = RandomNetwork(
        _random_layers(known, plans, counts), integer(0, 2**64 - 1)("seed", plain(seed)), law
    )
    if network.n_parameters > _MOST_PARAMETERS:
        raise ValueError(
            f"samples {tuple(counts)} make a random network of {network.n_parameters} parameters, "
            f"more than the {_MOST_PARAMETERS} that are allowed: take a larger size or epsilon, or "
            "rescale the target"
        )
    limit = POSITIVE("budget", plain(budget))

    def costs(objective: Objective) -> tuple[Cost, ...]:
        return tuple(layer_cost(*one, objective) for one in zip(plans, counts, strict=True))

    if objective is None:
        seconds = sum(cost.seconds for cost in costs("best"))
        objective = "best" if seconds <= min(BEST_WITHIN, limit) else "feasible"
    return Plan(
        target=known,
        layers=plans,
        samples=tuple(counts),
        network=network,
        construction=chosen,
        objective=objective,
        input_shape=inputs,
        nonnegative_inputs=nonnegative,
        epsilon=promise,
        costs=costs(objective),
        budget=limit,
    )


def _needed(plan: LayerPlan, index: int, law: WeightLaw) -> int:
    """Ask theory for samples; say of which layer it knows no number, and what helps."""
    try:
        return required_samples(plan, law)
    except ValueError:
        terms = "products" if plan.size is None else f"k={plan.size} products"
        raise ValueError(
            f"target layer {index}: no number of samples that is practical puts {terms} within "
            f"{plan.tolerance:.3g} of the weight {plan.largest:.6g}; "
            f"{remedies(plan, law, 'best', float('inf'))}"
        ) from None


def _sizes(
    construction: Construction | None, size: Any, depth: int
) -> tuple[Construction, list[int | None]]:
    """Check construction and sizes, and fill in what follows from the others."""
    if construction is not None:
        choice(*get_args(Construction))("construction", construction)
    sizes = per_layer("sizes", "size", size, depth, optional(WHOLE))
    if construction == "malach" and size is None:
        sizes = [1] * depth
    if None in sizes and any(sizes):
        raise ValueError(f"sizes {tuple(sizes)}: give one for each layer, or none at all")
    if construction is None:
        construction = "pensia" if None in sizes else "malach" if set(sizes) == {1} else "natale"
    if construction == "natale" and None in sizes:
        raise ValueError("the construction 'natale' takes subsets of a fixed size: give size=k")
    if construction == "pensia" and None not in sizes:
        raise ValueError(f"the construction 'pensia' takes subsets of any size, not k={size}")
    if construction == "malach" and set(sizes) != {1}:
        raise ValueError(f"the construction 'malach' takes one product per weight, not k={size}")
    return construction, sizes


def _counts(samples: Any, sizes: Sequence[int | None]) -> list[int]:
    """Check the samples per input and half that were asked for, layer by layer."""
    counts = per_layer("sample counts", "samples", samples, len(sizes), WHOLE)
    for count, size in zip(counts, sizes, strict=True):
        if size is not None and size > count:
            raise ValueError(f"size k={size} exceeds the n={count} available samples")
    return counts


def _random_layers(
    target: Target, plans: Sequence[LayerPlan], counts: Sequence[int]
) -> tuple[Layer, ...]:
    """Put a random pair with a ReLU in the place of each weighted layer."""
    result: list[Layer] = []
    pairs = zip(plans, counts, strict=True)
    for layer in target.layers:
        if isinstance(layer, Weighted):
            plan, count = next(pairs)
            first, second = layer.pair(hidden_width(layer.inputs, count, signed=plan.signed))
            result += [first, Relu(), second]
        else:
            result.append(layer)
    return tuple(result)


def _time(seconds: float) -> str:
    """Say a time in the unit that suits it.

    Examples
    --------
    >>> [_time(seconds) for seconds in (0.2, 90.0, 1e5, 1e9)]
    ['0.2 s', '90 s', '28 h', '32 years']
    """
    for unit, length in (("years", 31_557_600.0), ("days", 86_400.0), ("h", 3600.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 2 else f"{seconds:.2g} s"
