"""Scores of edges, and the mask that the largest of them make."""

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Literal

import torch
from torch import Tensor

from slth.arrays import Bools
from slth.forms import choice, flag, listed, number
from slth.learning.counts import kept_of, largest, largest_of_all
from slth.learning.descent import Descent, check_data, cross_entropy
from slth.learning.found import detached
from slth.learning.scaled import scaled_weights
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Mask

Scope = Literal["layer", "global"]

Effective = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of weights, mask, and a tensor of zeros that hands gradients on to |s|: weights that are used."""

_ANNEALED = 0.6
"""Share of the steps after which an annealed density stands."""


def initial_scores(network: RandomNetwork, descent: Descent) -> list[Tensor]:
    r"""Draw scores uniformly from $\pm1/\sqrt{\text{fan-in}}$, one for each weight."""
    generator = descent.generator(0)
    return [
        torch.empty(shape)
        .uniform_(-1.0, 1.0, generator=generator)
        .div_(sqrt(prod(shape[1:])))
        .requires_grad_()
        for shape in network.shapes
    ]


def compete(
    network: RandomNetwork,
    data: Dataset,
    choose: "Choice",
    learning_rate: float,
    descent: Descent,
    effective: Effective,
) -> tuple[Mask, tuple[Tensor, ...], tuple[float, ...]]:
    """Move the scores so that the network of the chosen edges does better; the weights stay.

    Parameters
    ----------
    network : RandomNetwork
    data : Dataset
    choose : Choice
        The mask that scores make.
    learning_rate : float
        Of SGD with momentum 0.9 and weight decay 1e-4.
    descent : Descent
    effective : callable
        See ``Effective``.

    Returns
    -------
    tuple
        Mask, scores, and the loss of each step.
    """
    check_data(network, data)
    rate = number(above=0.0)("learning_rate", learning_rate)
    weights, scores = scaled_weights(network), initial_scores(network, descent)

    def loss(x: Tensor, y: Tensor, done: float) -> Tensor:
        masks = [torch.from_numpy(layer) for layer in choose(scores, done)]
        kept = [
            effective(weight, mask, score.abs() - score.abs().detach())
            for weight, mask, score in zip(weights, masks, scores, strict=True)
        ]
        return cross_entropy(network, kept, x, y)

    optimizer = torch.optim.SGD(scores, rate, momentum=0.9, weight_decay=1e-4)
    settings = (effective.__module__, network, choose.densities, choose.scope, choose.anneal, rate)
    losses = descent.run(optimizer, loss, data, descent.generator(1), settings)
    return Mask(choose(scores, 1.0)), detached(scores), losses


class Choice:
    """The mask that scores make, as the steps go by."""

    def __init__(
        self, network: RandomNetwork, density: float | Sequence[float], scope: Scope, anneal: bool
    ) -> None:
        choice("layer", "global")("scope", scope)
        flag("anneal", anneal)
        self.shapes, self.scope, self.anneal = network.shapes, scope, anneal
        form = listed(density_form, len(self.shapes), len(self.shapes))
        if isinstance(density, Sequence):
            if scope == "global":
                raise ValueError(f"scope 'global' takes one density for all layers, got {density}")
            self.densities = form("density", density)
        else:
            self.densities = (density_form("density", density),) * len(self.shapes)

    def __call__(self, scores: Sequence[Tensor], done: float) -> list[Bools]:
        """Choose when so much of the search is done."""
        above = max(0.0, 1.0 - done / _ANNEALED) ** 3 if self.anneal else 0.0
        now = [density + (1.0 - density) * above for density in self.densities]
        sizes = [score.detach().abs().numpy() for score in scores]
        if self.scope == "layer":
            return [
                largest(size, kept_of(share, size.size))
                for size, share in zip(sizes, now, strict=True)
            ]
        comparable = [
            size * size.dtype.type(sqrt(prod(shape[1:])))
            for size, shape in zip(sizes, self.shapes, strict=True)
        ]
        total = sum(size.size for size in sizes)
        return largest_of_all(comparable, kept_of(now[0], total))


def density_form(name: str, value: object) -> float:
    """Take fractions that keep something."""
    density: float = number(above=0.0)(name, value)
    if density > 1.0:
        raise ValueError(f"{name} must be a fraction kept, in (0, 1], got {density}")
    return density
