"""From a target network to its winning ticket."""

from collections.abc import Sequence
from typing import get_args

from torch import nn

from slth.constructions.dense import hidden_width
from slth.constructions.not_found import TicketNotFound
from slth.constructions.pair import pair_masks
from slth.constructions.plan import (
    LayerPlan,
    check_reach,
    per_layer,
    plan_layers,
    required_samples,
)
from slth.tickets import (
    Construction,
    Mask,
    Objective,
    RandomNetwork,
    Target,
    Ticket,
    WeightLaw,
    check_reading,
    layers,
    read,
    verify,
)
from slth.tickets.layers import Layer, Relu, Weighted
from slth.tickets.mask import Bytes

# Random weights of a network whose mask (one bit each) and weights (minutes) are still no trouble.
_MOST_PARAMETERS = 1 << 33


def prune(
    target: nn.Module,
    *,
    construction: Construction | None = None,
    epsilon: float | None = None,
    weight_tolerance: float | Sequence[float] | None = None,
    size: int | Sequence[int] | None = None,
    samples: int | Sequence[int] | None = None,
    seed: int = 0,
    law: WeightLaw = "uniform",
    objective: Objective = "best",
    nonnegative_inputs: bool = False,
    input_shape: Sequence[int] | None = None,
    progress: bool = False,
) -> Ticket:
    r"""Draw a random network, then find in it a ticket for the target.

    .. math::
        \sup_{\|x\|_2\le1} \|f(x) - g(x)\|_2 \le \varepsilon

    Each weighted layer of the target is replaced by two random layers of its kind, the first of
    them pointwise, with :math:`2d_{i-1}n_i` hidden channels (:math:`d_{i-1}n_i` where the inputs
    are non-negative, which is the case behind every ReLU), pruned as in
    :func:`slth.constructions.pair.pair_masks`.  Layers without weights stay where they are.
    The random network is drawn once, from ``seed`` and ``law``, knowing nothing of the target but
    the widths that were asked for.  If it holds no ticket, an exception says so.

    Parameters
    ----------
    target : torch.nn.Sequential
        See :func:`slth.tickets.read` for the modules that it may hold.
    construction : {"malach", "pensia", "natale"}, optional
        One product for every weight; any number of products; or exactly ``size`` of them.  By
        default what ``size`` says: 1, None or anything else.
    epsilon : float, optional
        Promise: the bound on the error of the whole network does not exceed it, in exact
        arithmetic; what float32 adds is in the certificate, see
        :attr:`slth.tickets.Certificate.float32_bound`.
    weight_tolerance : float or sequence of float, optional
        Instead of ``epsilon``: the largest admissible error of a single weight, for all layers or
        layer by layer.
    size : int or sequence of int, optional
        Exactly this many products for every weight (random fixed-size subset sum), for all layers
        or layer by layer.  A weight that is 0 is treated like every other: its products sum to 0 up
        to the tolerance.  Without a size it keeps none, which is exact.
    samples : int or sequence of int, optional
        Hidden channels :math:`n_i` per input and half, for all layers or layer by layer; as many as
        theory asks for by default.
    seed : int
        Seed of the random network.
    law : {"uniform", "normal"}
        Law of its weights.
    objective : {"best", "feasible", "fewest"}
        Among the subsets within tolerance: the one of smallest error, the first one found, or one
        with the fewest terms (``size`` must be None then).
    nonnegative_inputs : bool
        The domain is :math:`x \ge 0`: the negative half of the first layer is left out as well.
    input_shape : sequence of int, optional
        Shape of an input without the batch axis; needed where the first layer is a convolution.
    progress : bool
        Show progress bars.

    Returns
    -------
    Ticket
        It has passed :func:`slth.verify`.

    Raises
    ------
    ValueError
        If an argument is out of range, or the target has another form or does not compute what is
        read off it; before any work.
    TicketNotFound
        If some weight cannot be approximated in this random network.
    InstanceTooLarge
        If so many products are live that the solver cannot find the best (or shortest) subset.
    VerificationError
        If the certificate contradicts the construction (for an epsilon so small that float64
        cannot certify it).

    Notes
    -----
    Malach et al. 2020, Pensia et al. 2020, and Theorems 3 and 4 of Natale et al. 2024, with the
    target's actual norms in place of :math:`\|W_i\| \le 1` and exact subset sums in place of
    existence; for convolutions da Cunha et al. 2022.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> target = nn.Sequential(
    ...     nn.Conv2d(1, 2, 3, bias=False), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    ...     nn.Linear(8, 1, bias=False),
    ... )
    >>> ticket = prune(target, epsilon=0.05, size=3, input_shape=(1, 6, 6))
    >>> certificate = verify(ticket, target)
    >>> certificate.observed_error <= certificate.bound <= 0.05
    True
    """
    known = read(target)
    depth = len(known.coefficients)
    chosen, sizes = _sizes(construction, size, objective, depth)
    shape = layers.default_input_shape(known.layers) if input_shape is None else tuple(input_shape)
    plans = plan_layers(
        known,
        shape,
        epsilon=epsilon,
        weight_tolerance=weight_tolerance,
        sizes=sizes,
        nonnegative_inputs=nonnegative_inputs,
    )
    check_reading(target, known, shape)
    for index, plan in enumerate(plans):
        check_reach(plan, index, law)
    counts = _sample_counts(plans, samples, law)
    network = RandomNetwork(_random_layers(known, plans, counts), seed, law)
    if network.n_parameters > _MOST_PARAMETERS:
        raise ValueError(
            f"samples {tuple(counts)} make a random network of {network.n_parameters} parameters, "
            f"more than the {_MOST_PARAMETERS} that are allowed: take a larger size or epsilon"
        )
    packed: list[Bytes] = []
    for index, (plan, count) in enumerate(zip(plans, counts, strict=True)):
        try:
            packed += pair_masks(
                plan, network, index, count, objective=objective, progress=progress
            )
        except TicketNotFound as error:
            raise TicketNotFound(error.miss, index, _suggestion(plan, law)) from None
    ticket = Ticket(
        random_network=network,
        mask=Mask.from_packed(packed, network.shapes),
        target_digest=known.digest,
        random_digest=network.digest(),
        input_shape=shape,
        nonnegative_inputs=nonnegative_inputs,
        construction=chosen,
        objective=objective,
        sizes=tuple(sizes),
        weight_tolerances=tuple(plan.tolerance for plan in plans),
        epsilon=epsilon,
    )
    verify(ticket, target, observe=False)
    return ticket


def _sizes(
    construction: Construction | None,
    size: int | Sequence[int] | None,
    objective: Objective,
    depth: int,
) -> tuple[Construction, list[int | None]]:
    """Check construction, sizes and objective, and fill in what follows from the others."""
    if construction not in (None, *get_args(Construction)):
        raise ValueError(
            f"construction must be one of {get_args(Construction)}, got {construction!r}"
        )
    if objective not in get_args(Objective):
        raise ValueError(f"objective must be one of {get_args(Objective)}, got {objective!r}")
    if construction is None:
        construction = "pensia" if size is None else "malach" if size == 1 else "natale"
    if construction == "natale" and size is None:
        raise ValueError("the construction 'natale' takes subsets of a fixed size: give size=k")
    if construction == "pensia" and size is not None:
        raise ValueError(f"the construction 'pensia' takes subsets of any size, not k={size}")
    if construction == "malach" and size not in (None, 1):
        raise ValueError(f"the construction 'malach' takes one product per weight, not k={size}")
    sizes = per_layer("sizes", 1 if construction == "malach" else size, depth)
    for one in sizes:
        if one is not None and one < 1:
            raise ValueError(f"size must be at least 1, got k={one}")
        if one is not None and objective == "fewest":
            raise ValueError(
                f"objective 'fewest' chooses the number of terms: size k={one} fixes it"
            )
    return construction, sizes


def _sample_counts(
    plans: Sequence[LayerPlan], samples: int | Sequence[int] | None, law: WeightLaw
) -> list[int]:
    """Check the samples per input and half that were asked for, or ask theory, layer by layer."""
    if samples is None:
        return [required_samples(plan, law) for plan in plans]
    counts = per_layer("sample counts", samples, len(plans))
    for count, plan in zip(counts, plans, strict=True):
        if count < 1:
            raise ValueError(f"samples must be at least 1, got n={count}")
        if plan.size is not None and plan.size > count:
            raise ValueError(f"size k={plan.size} exceeds the n={count} available samples")
    return counts


def _suggestion(plan: LayerPlan, law: WeightLaw) -> int | None:
    """Ask theory for samples; None if it knows no number (the weight is out of reach)."""
    try:
        return required_samples(plan, law)
    except ValueError:
        return None


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
