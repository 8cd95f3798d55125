"""Gates: noisy switches that pay for being open."""

from typing import Unpack

import torch
from torch import Tensor

from slth.forms import number
from slth.learning.descent import Descent, How, check_data, cross_entropy
from slth.learning.found import Found, detached
from slth.learning.scaled import scaled_weights
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Mask, Subnetwork

_NOISE = 0.5
_OPEN = 0.5


def gates(
    network: RandomNetwork,
    data: Dataset,
    penalty: float,
    *,
    learning_rate: float = 0.05,
    **how: Unpack[How],
) -> Found:
    r"""Learn a gate for every edge, with a price on the expected share of open ones.

    .. math::
        v = W \odot \operatorname{clip}(\mu + \tfrac12\xi, 0, 1), \quad \xi \sim \mathcal N(0,1),
        \qquad \mathcal L + \lambda \cdot \operatorname{mean} \Phi(2\mu)

    In the end the edges with $\mu > \frac12$ are kept.  The density is not prescribed: the price
    decides it.

    Parameters
    ----------
    network : RandomNetwork
    data : Dataset
        Only its training part is looked at.
    penalty : float
        $\lambda \ge 0$.
    learning_rate : float
        Of Adam.
    **how : int, bool or path-like
        ``steps``, ``batch``, ``seed``, ``progress`` and ``checkpoint`` of
        :class:`slth.learning.Descent`.

    Returns
    -------
    Found
        Whose scores are the $\mu$.

    Raises
    ------
    ValueError
        If an argument is out of range, the data do not fit, or the checkpoint is of another
        search.

    Notes
    -----
    Tsayag and Lindenbaum 2026 learn relaxed gates on frozen random weights, with a price on open
    ones; noise, price and rates here are our own.

    Examples
    --------
    >>> from slth.targets import digits
    >>> net = RandomNetwork.dense(widths=(64, 30, 10), seed=0)
    >>> few, many = (gates(net, digits(), price, steps=60).subnetwork for price in (5.0, 0.0))
    >>> few.density < many.density
    True
    """
    price = number(0.0)("penalty", penalty)
    rate = number(above=0.0)("learning_rate", learning_rate)
    check_data(network, data)
    descent = Descent(**how)
    weights = scaled_weights(network)
    means = [torch.full(shape, _OPEN, requires_grad=True) for shape in network.shapes]
    total = sum(mean.numel() for mean in means)
    generator = descent.generator(1)

    def loss(x: Tensor, y: Tensor, done: float) -> Tensor:
        noisy = [
            weight * (mean + _NOISE * torch.randn(mean.shape, generator=generator)).clamp(0.0, 1.0)
            for weight, mean in zip(weights, means, strict=True)
        ]
        opened = torch.stack([torch.special.ndtr(mean / _NOISE).sum() for mean in means]).sum()
        price_paid: Tensor = price * opened / total
        return cross_entropy(network, noisy, x, y) + price_paid

    settings = ("gates", network, price, rate)
    losses = descent.run(torch.optim.Adam(means, rate), loss, data, generator, settings)
    mask = Mask([(mean > _OPEN).numpy() for mean in detached(means)])
    return Found(Subnetwork(network, mask), detached(means), losses)
