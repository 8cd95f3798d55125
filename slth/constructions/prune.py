"""From a target network to its winning ticket."""

from collections.abc import Sequence

from torch import nn

from slth.constructions.plan import plan
from slth.networks import WeightLaw, check_reading
from slth.objectives import Objective
from slth.tickets import Ticket, verify


def prune(
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
    progress: bool = False,
) -> Ticket:
    r"""Draw a random network, then find in it a ticket for the target.

    .. math::
        \sup_{\|x\|_2\le1} \|f(x) - g(x)\|_2 \le \varepsilon

    Each weighted layer of the target is replaced by two random layers of its kind, the first of
    them pointwise, with $2d_{i-1}n_i$ hidden channels ($d_{i-1}n_i$ where the inputs
    are non-negative, which is the case behind every ReLU), pruned as in
    :func:`slth.constructions.pair_masks`.  Layers without weights stay where they are.
    The random network is drawn once, from ``seed`` and ``law``, knowing nothing of the target but
    the widths that were asked for.  If it holds no ticket, an exception says so.

    Parameters
    ----------
    target : torch.nn.Module
        See :func:`slth.networks.read` for the modules that it may hold.
    construction : str, optional
        One of :func:`~slth.constructions.construction_names`: "malach" takes one product for every
        weight, "pensia" any number of products, "natale" exactly ``size`` of them.  By default what
        ``size`` says: 1, None or anything else.
    epsilon : float, optional
        Promise: the bound on the error of the whole network does not exceed it, in exact
        arithmetic; what float32 adds is in the certificate, as ``float32_bound``.
    weight_tolerance : float or sequence of float, optional
        Instead of ``epsilon``: the largest admissible error of a single weight, for all layers or
        layer by layer.
    size : int or sequence of int, optional
        Exactly this many products for every weight (random fixed-size subset sum), for all layers
        or layer by layer.  A weight that is 0 is treated like every other: its products sum to 0 up
        to the tolerance.  Without a size it keeps none, which is exact.
    samples : int or sequence of int, optional
        Hidden channels $n_i$ per input and half, for all layers or layer by layer; as many as
        theory asks for by default.
    seed : int
        Seed of the random network.
    law : {"uniform", "normal"}
        Law of its weights.
    objective : {"best", "feasible", "fewest"}, optional
        Among the subsets within tolerance: the one of smallest error, the first one found, or one
        with the fewest terms (``size`` must be None then).  By default the best, if the plan finds
        them in ten seconds, and otherwise the first; the ticket says which.
    nonnegative_inputs : bool
        The domain is $x \ge 0$: the negative half of the first layer is left out as well.
    input_shape : sequence of int, optional
        Shape of an input without the batch axis; needed where the first layer is a convolution, or
        the target is no Sequential of plain layers.
    budget : float
        Seconds, on one core and estimated before the search, that it may take at most.
    progress : bool
        Show progress bars.

    Returns
    -------
    Ticket
        It has passed :func:`slth.verify`.

    Raises
    ------
    ValueError
        If an argument is out of range, the target has another form or does not compute what is
        read off it, or a weight is out of reach; before any work.
    TooCostly
        If the search would exceed the budget; before any work, naming what helps.
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
    target's actual norms in place of $\|W_i\| \le 1$ and exact subset sums in place of
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
    made = plan(
        target,
        construction=construction,
        epsilon=epsilon,
        weight_tolerance=weight_tolerance,
        size=size,
        samples=samples,
        seed=seed,
        law=law,
        objective=objective,
        nonnegative_inputs=nonnegative_inputs,
        input_shape=input_shape,
        budget=budget,
    )
    made.check()
    check_reading(target, made.target, made.input_shape)
    ticket = made.construction.find(made, progress=progress)
    verify(ticket, target, observe=False)
    return ticket
