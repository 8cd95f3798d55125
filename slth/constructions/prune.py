"""From a target network to its winning ticket."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
from torch import nn

from slth.constructions.dense import dense_masks, hidden_width
from slth.constructions.not_found import TicketNotFound
from slth.constructions.plan import LayerPlan, check_reach, plan_layers, required_samples
from slth.tickets import (
    Mask,
    Objective,
    RandomNetwork,
    Ticket,
    WeightLaw,
    linear_layers,
    target_digest,
    verify,
)

# Random weights of a network that still fits comfortably in memory, 4 bytes each.
_MOST_PARAMETERS = 1 << 28


def prune(
    target: nn.Module,
    *,
    epsilon: float | None = None,
    weight_tolerance: float | None = None,
    size: int | None = None,
    samples: int | Sequence[int] | None = None,
    seed: int = 0,
    law: WeightLaw = "uniform",
    objective: Objective = "best",
    nonnegative_inputs: bool = False,
    progress: bool = False,
) -> Ticket:
    r"""Draw a random network, then find in it a ticket for the target.

    .. math::
        \sup_{\|x\|_2\le1} \|f(x) - g(x)\|_2 \le \varepsilon

    Each layer :math:`d_{i-1} \to d_i` of the target is replaced by two random layers with
    :math:`2d_{i-1}n_i` hidden units (:math:`d_{i-1}n_i` where the inputs are non-negative, which is
    the case behind every ReLU), pruned as in :func:`slth.constructions.dense.dense_masks`.
    The random network is drawn once, from ``seed`` and ``law``, knowing nothing of the target but
    the widths that were asked for.  If it holds no ticket, an exception says so.

    Parameters
    ----------
    target : torch.nn.Sequential
        ``Linear(bias=False)`` and ``ReLU`` alternating.
    epsilon : float, optional
        Promise: the bound on the error of the whole network does not exceed it.
    weight_tolerance : float, optional
        Instead of ``epsilon``: the largest admissible error of a single weight.
    size : int, optional
        Exactly this many products for every weight (random fixed-size subset sum).
    samples : int or sequence of int, optional
        Hidden units :math:`n_i` per input and half, for all layers or layer by layer; as many as
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
    progress : bool
        Show progress bars.

    Returns
    -------
    Ticket
        It has passed :func:`slth.verify`.

    Raises
    ------
    ValueError
        If an argument is out of range or the target has another form; before any work.
    TicketNotFound
        If some weight cannot be approximated in this random network.
    InstanceTooLarge
        If so many products are live that the solver cannot find the best (or shortest) subset.
    VerificationError
        If the certificate contradicts the construction (for an epsilon so small that float64
        cannot certify it).

    Notes
    -----
    Theorem 3 of Natale et al. 2024, with the target's actual norms in place of
    :math:`\|W_i\| \le 1` and exact subset sums in place of existence.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> target = nn.Sequential(
    ...     nn.Linear(3, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False)
    ... )
    >>> ticket = prune(target, epsilon=0.05, size=3)
    >>> certificate = verify(ticket, target)
    >>> certificate.observed_error <= certificate.bound <= 0.05
    True
    """
    layers = linear_layers(target)
    _check_choice(size, objective)
    plans = plan_layers(
        layers,
        epsilon=epsilon,
        weight_tolerance=weight_tolerance,
        nonnegative_inputs=nonnegative_inputs,
    )
    for index, plan in enumerate(plans):
        check_reach(plan, index, size, law)
    counts = _sample_counts(plans, samples, size, law)
    network = RandomNetwork(_widths(plans, counts), seed, law)
    if network.n_parameters > _MOST_PARAMETERS:
        raise ValueError(
            f"samples {counts} make a random network of {network.n_parameters} parameters, more "
            f"than the {_MOST_PARAMETERS} that are allowed: take a larger size or epsilon"
        )
    masks: list[np.ndarray] = []
    for index, plan in enumerate(plans):
        try:
            found = dense_masks(
                plan.weights,
                network.weights(2 * index),
                network.weights(2 * index + 1),
                tolerance=plan.tolerance,
                size=size,
                objective=objective,
                signed=plan.signed,
                progress=progress,
            )
        except TicketNotFound as error:
            raise TicketNotFound(error.miss, index, _suggestion(plan, size, law)) from None
        masks += [found.first, found.second]
    ticket = Ticket(
        random_network=network,
        mask=Mask(masks),
        target_digest=target_digest(target),
        random_digest=network.digest(),
        nonnegative_inputs=nonnegative_inputs,
        objective=objective,
        size=size,
        weight_tolerances=tuple(plan.tolerance for plan in plans),
        epsilon=epsilon,
    )
    verify(ticket, target)
    return ticket


def _check_choice(size: int | None, objective: Objective) -> None:
    """Refuse an unknown objective, an impossible size, and the fewest terms of a fixed number."""
    if objective not in get_args(Objective):
        raise ValueError(f"objective must be one of {get_args(Objective)}, got {objective!r}")
    if size is not None and size < 1:
        raise ValueError(f"size must be at least 1, got k={size}")
    if size is not None and objective == "fewest":
        raise ValueError(f"objective 'fewest' chooses the number of terms: size k={size} fixes it")


def _sample_counts(
    plans: Sequence[LayerPlan],
    samples: int | Sequence[int] | None,
    size: int | None,
    law: WeightLaw,
) -> tuple[int, ...]:
    """Check the samples per input and half that were asked for, or ask theory, layer by layer."""
    if samples is None:
        return tuple(required_samples(plan, size, law) for plan in plans)
    counts = (samples,) * len(plans) if isinstance(samples, int) else tuple(samples)
    if len(counts) != len(plans):
        raise ValueError(f"{len(counts)} sample counts for a target of {len(plans)} layers")
    for count in counts:
        if count < 1:
            raise ValueError(f"samples must be at least 1, got n={count}")
        if size is not None and size > count:
            raise ValueError(f"size k={size} exceeds the n={count} available samples")
    return counts


def _suggestion(plan: LayerPlan, size: int | None, law: WeightLaw) -> int | None:
    """Ask theory for samples; None if it knows no number (the weight is out of reach)."""
    try:
        return required_samples(plan, size, law)
    except ValueError:
        return None


def _widths(plans: Sequence[LayerPlan], counts: Sequence[int]) -> tuple[int, ...]:
    """Widths of the random network: the target's, and a hidden layer between each two of them."""
    widths = [plans[0].weights.shape[1]]
    for plan, count in zip(plans, counts, strict=True):
        outputs, inputs = plan.weights.shape
        widths += [hidden_width(inputs, count, signed=plan.signed), outputs]
    return tuple(widths)
