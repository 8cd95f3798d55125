"""Supermasks: a probability for every edge, and masks drawn from them."""

from dataclasses import dataclass
from typing import Literal, Unpack

import numpy as np
import torch
from torch import Tensor, nn

from slth.forms import choice, flag
from slth.learning.descent import Descent, How, check_data, cross_entropy
from slth.learning.found import Found, detached
from slth.learning.scaled import scaled_weights
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Mask, Subnetwork

_RATES = {"sgd": 100.0, "adam": 0.1}


@dataclass(frozen=True, eq=False)
class Supermask(Found):
    r"""A learned probability for every edge; ``subnetwork`` keeps those above one half.

    .. math::
        p = \sigma(s), \qquad m \sim \operatorname{Bernoulli}(p)
    """

    @property
    def probabilities(self) -> tuple[Tensor, ...]:
        """Per layer, the probability of every edge."""
        return tuple(score.sigmoid() for score in self.scores)

    def sample(self, rng: np.random.Generator) -> Subnetwork:
        """Draw a mask."""
        drawn = [rng.random(p.shape) < p.numpy() for p in self.probabilities]
        return Subnetwork(self.subnetwork.random_network, Mask(drawn))

    def expected(self) -> nn.Sequential:
        r"""Return the network with weights $W\odot p$: what masks average to, and no subnetwork."""
        network = self.subnetwork.random_network
        weights = [network.weights(index) * p.numpy() for index, p in enumerate(self.probabilities)]
        return network.architecture.module(weights)


def supermask(
    network: RandomNetwork,
    data: Dataset,
    *,
    optimizer: Literal["sgd", "adam"] = "adam",
    rescale: bool = True,
    **how: Unpack[How],
) -> Supermask:
    r"""Learn with what probability each edge is kept, drawing a mask in every step.

    .. math::
        v = W \odot m, \quad m \sim \operatorname{Bernoulli}(\sigma(s)), \qquad
        \partial s := \frac{\partial\mathcal L}{\partial v} \odot W \odot \sigma'(s)

    All probabilities start at one half.  The density is not prescribed: it is an outcome.

    Parameters
    ----------
    network : RandomNetwork
    data : Dataset
        Only its training part is looked at.
    optimizer : {"sgd", "adam"}
        SGD at the rate 100 with momentum 0.9, or Adam at 0.1; both rates stay as they are.
    rescale : bool
        Multiply the kept weights of a layer by (all / kept).  It is a positive factor for each
        layer and changes no prediction, only the search.
    **how : int, bool or path-like
        ``steps``, ``batch`` (250 here), ``seed``, ``progress`` and ``checkpoint`` of
        :class:`slth.learning.Descent`.

    Returns
    -------
    Supermask

    Raises
    ------
    ValueError
        If an argument is out of range, the data do not fit, or the checkpoint is of another
        search.

    Notes
    -----
    Zhou et al. 2019.

    Examples
    --------
    >>> from slth.targets import digits
    >>> net = RandomNetwork.dense(widths=(64, 30, 10), seed=0)
    >>> found = supermask(net, digits(), steps=20)
    >>> found.subnetwork == Subnetwork(net, Mask([p > 0.5 for p in found.probabilities]))
    True
    """
    choice(*_RATES)("optimizer", optimizer)
    flag("rescale", rescale)
    check_data(network, data)
    options: How = {"batch": 250, **how}
    descent = Descent(**options)
    weights = scaled_weights(network)
    scores = [torch.zeros(shape, requires_grad=True) for shape in network.shapes]
    generator = descent.generator(1)

    def loss(x: Tensor, y: Tensor, done: float) -> Tensor:
        kept = []
        for weight, score in zip(weights, scores, strict=True):
            p = score.sigmoid()
            mask = torch.bernoulli(p.detach(), generator=generator)
            factor = mask.numel() / mask.sum().clamp(min=1) if rescale else 1.0
            kept.append(factor * weight * (mask + (p - p.detach())))
        return cross_entropy(network, kept, x, y)

    chosen = (
        torch.optim.SGD(scores, _RATES["sgd"], momentum=0.9)
        if optimizer == "sgd"
        else torch.optim.Adam(scores, _RATES["adam"])
    )
    settings = ("supermask", network, optimizer, rescale)
    losses = descent.run(chosen, loss, data, generator, settings, cosine=False)
    rounded = Mask([(score > 0.0).numpy() for score in detached(scores)])
    return Supermask(Subnetwork(network, rounded), detached(scores), losses)
