"""What the constructions of Malach, Pensia and Natale share: a random pair for every layer."""

from collections.abc import Sequence
from typing import Any

from slth.arrays import Bytes
from slth.constructions.arguments import COUNT, per_layer
from slth.constructions.construction import Construction, Request
from slth.constructions.cost import layer_cost
from slth.constructions.layer_plan import LayerPlan, check_reach, plan_layers, required_samples
from slth.constructions.not_found import TicketNotFound
from slth.constructions.pair import hidden_width, pair_masks
from slth.constructions.plan import Plan
from slth.constructions.remedies import remedies
from slth.constructions.subsets import Choose, choose
from slth.networks import RandomNetwork, WeightLaw
from slth.networks.pairs import paired
from slth.objectives import Objective
from slth.subset_sum import Cost
from slth.tickets import Mask, PairPromise, Ticket
from slth.weight_laws import CONTINUOUS_LAWS

# Seconds up to which the best subsets are sought unless another objective was asked for.
BEST_WITHIN = 10.0

# Random weights of a network whose mask (one bit each) and weights (minutes) are still no trouble.
_MOST_PARAMETERS = 1 << 33


class PairConstruction(Construction):
    r"""Two random layers for each layer of the target, a subset sum for each of its weights.

    .. math::
        \Big|\sum_{h\in S^\pm_{ojb}} B_{ohb}\,A_{hj}^\pm \mp W_{ojb}\Big| \le \tau
        \qquad\text{for all outputs } o,\text{ inputs } j,\text{ basis elements } b

    What differs from one to another is which sizes of subsets there are, :meth:`sizes`, and, if
    need be, how a subset is chosen, :meth:`choose`, and what is promised, :meth:`promise`.

    Notes
    -----
    Dense layers: proof of Theorem 3 of Natale et al. 2024.  Convolutions, whose basis are the taps
    of the kernel: da Cunha et al. 2022.  Equivariant layers: Ferbach et al. 2023.
    """

    choose: Choose = staticmethod(choose)

    def sizes(self, given: Sequence[int | None]) -> list[int | None]:
        """Fill in the sizes of subsets, layer by layer, or refuse what was given.

        Raises
        ------
        ValueError
            If this construction has no subsets of these sizes.
        """
        return list(given)

    def promise(self, plan: Plan) -> PairPromise:
        """Say what is promised of a ticket that is found."""
        return PairPromise(
            construction=self.name(),
            objective=plan.objective,
            sizes=tuple(layer.size for layer in plan.layers),
            weight_tolerances=tuple(layer.tolerance for layer in plan.layers),
            epsilon=plan.epsilon,
        )

    def plan(self, request: Request) -> Plan:
        """Decide tolerances, samples and objective layer by layer, and estimate the cost."""
        target, law, objective = request.target, request.law, request.objective
        _check_law(law)
        sizes = self.sizes(request.sizes)
        if objective == "fewest" and sizes[0] is not None:
            raise ValueError(
                f"objective 'fewest' chooses the number of terms: size k={sizes[0]} fixes it"
            )
        given = None if request.samples is None else _counts(request.samples, sizes)
        plans = plan_layers(
            target,
            request.input_shape,
            epsilon=request.epsilon,
            weight_tolerance=request.weight_tolerance,
            sizes=sizes,
            nonnegative_inputs=request.nonnegative_inputs,
        )
        for index, one in enumerate(plans):
            check_reach(one, index, law)
        counts = given or [_needed(one, index, law) for index, one in enumerate(plans)]
        random = paired(
            target.architecture,
            lambda layer, index: hidden_width(
                layer.inputs, counts[index], signed=plans[index].signed
            ),
        )
        network = RandomNetwork(random, request.seed, law)
        if network.n_parameters > _MOST_PARAMETERS:
            raise ValueError(
                f"samples {tuple(counts)} make a random network of {network.n_parameters} "
                f"parameters, more than the {_MOST_PARAMETERS} that are allowed: take a larger "
                "size or epsilon, or rescale the target"
            )

        def costs(objective: Objective) -> tuple[Cost, ...]:
            return tuple(layer_cost(*one, objective) for one in zip(plans, counts, strict=True))

        if objective is None:
            seconds = sum(cost.seconds for cost in costs("best"))
            objective = "best" if seconds <= min(BEST_WITHIN, request.budget) else "feasible"
        return Plan(
            target=target,
            layers=plans,
            samples=tuple(counts),
            network=network,
            construction=self,
            objective=objective,
            input_shape=request.input_shape,
            nonnegative_inputs=request.nonnegative_inputs,
            epsilon=request.epsilon,
            costs=costs(objective),
            budget=request.budget,
        )

    def find(self, plan: Plan, *, progress: bool) -> Ticket:
        """Prune pair after pair."""
        network = plan.network
        packed: list[Bytes] = []
        for index, layer in enumerate(plan.layers):
            try:
                mask = pair_masks(
                    layer.weights,
                    network.layer(2 * index),
                    network.layer(2 * index + 1),
                    tolerance=layer.tolerance,
                    size=layer.size,
                    objective=plan.objective,
                    signed=layer.signed,
                    groups=layer.layer.groups,
                    choose=self.choose,
                    progress=progress,
                )
            except TicketNotFound as error:
                advice = _suggestion(layer, network.law)
                raise TicketNotFound(error.miss, index, advice) from None
            packed += mask.packed()
        return Ticket(
            random_network=network,
            mask=Mask.from_packed(packed, network.shapes),
            target_digest=plan.target.digest,
            random_digest=network.digest(),
            input_shape=plan.input_shape,
            nonnegative_inputs=plan.nonnegative_inputs,
            promise=self.promise(plan),
        )


def _check_law(law: WeightLaw) -> None:
    """Refuse weights whose products are whole numbers.

    Raises
    ------
    ValueError
        If the law has no density.

    Examples
    --------
    >>> _check_law("signs")
    Traceback (most recent call last):
        ...
    ValueError: weights of the law 'signs' are whole numbers, and so are sums of their products:
    they do not come close to every weight of a target, as those of 'uniform' and 'normal' do
    """
    if law not in CONTINUOUS_LAWS:
        raise ValueError(
            f"weights of the law {law!r} are whole numbers, and so are sums of their products: "
            "they do not come close to every weight of a target, as those of "
            f"{' and '.join(map(repr, CONTINUOUS_LAWS))} do"
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


def _suggestion(plan: LayerPlan, law: WeightLaw) -> int | None:
    """Ask theory for samples; None if it knows no number (the weight is out of reach)."""
    try:
        return required_samples(plan, law)
    except ValueError:
        return None


def _counts(samples: Any, sizes: Sequence[int | None]) -> list[int]:
    """Check the samples per input and half that were asked for, layer by layer."""
    counts = per_layer("sample counts", "samples", samples, len(sizes), COUNT)
    for count, size in zip(counts, sizes, strict=True):
        if size is not None and size > count:
            raise ValueError(f"size k={size} exceeds the n={count} available samples")
    return counts
