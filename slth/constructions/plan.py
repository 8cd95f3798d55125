"""What is decided before the random network is drawn: widths, and what the search will cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from slth.constructions.arguments import COUNT, POSITIVE, per_layer, plain, shape
from slth.constructions.construction import Construction, Request
from slth.constructions.construction import construction as named
from slth.constructions.layer_plan import LayerPlan
from slth.constructions.remedies import remedies
from slth.forms import choice, flag, integer, optional
from slth.networks import RandomNetwork, Target, WeightLaw, read
from slth.networks.layers import Shape
from slth.objectives import OBJECTIVES, Objective
from slth.subset_sum import Cost
from slth.weight_laws import WEIGHT_LAWS

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
    construction : Construction
    objective : str
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
    construction: str | None = None,
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

    Layer by layer the tolerance of a weight, the samples $n_i$ that theory asks for, and
    what the exact search costs: $2 d_{i-1} d_i$ subset sums among about $n_i/2$ live
    products.  Nothing is drawn and nothing is searched; the same arguments give the same plan on
    every machine.

    Parameters
    ----------
    target : torch.nn.Module
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
    known = read(target, input_shape)
    depth = len(known.coefficients)
    sizes = per_layer("sizes", "size", size, depth, optional(COUNT))
    if None in sizes and any(sizes):
        raise ValueError(f"sizes {tuple(sizes)}: give one for each layer, or none at all")
    if construction is None:
        construction = "pensia" if None in sizes else "malach" if set(sizes) == {1} else "natale"
    if objective is not None:
        choice(*OBJECTIVES)("objective", objective)
    choice(*WEIGHT_LAWS)("law", law)
    default = known.architecture.default_input_shape() if input_shape is None else input_shape
    return named(construction).plan(
        Request(
            target=known,
            epsilon=optional(POSITIVE)("epsilon", plain(epsilon)),
            weight_tolerance=weight_tolerance,
            sizes=sizes,
            samples=samples,
            seed=integer(0, 2**64 - 1)("seed", plain(seed)),
            law=law,
            objective=objective,
            nonnegative_inputs=flag("nonnegative_inputs", nonnegative_inputs),
            input_shape=shape(default),
            budget=POSITIVE("budget", plain(budget)),
        )
    )


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
