"""Biprop: a mask for the signs of random weights."""

from collections.abc import Sequence
from os import PathLike

import torch
from torch import Tensor

from slth.forms import number
from slth.learning.descent import Descent, check_data, cross_entropy
from slth.learning.found import Found, detached
from slth.learning.scaled import scaled_weights
from slth.learning.scores import Choice, Scope, initial_scores
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Mask, Subnetwork


def biprop(
    network: RandomNetwork,
    data: Dataset,
    density: float | Sequence[float],
    *,
    scope: Scope = "layer",
    anneal: bool = False,
    steps: int = 1500,
    batch: int = 128,
    learning_rate: float = 0.1,
    seed: int = 0,
    progress: bool = False,
    checkpoint: str | PathLike[str] | None = None,
) -> Found:
    r"""Learn scores as edge-popup does, for a network of which only the signs are used.

    .. math::
        v = \alpha\,\operatorname{sign}(W) \odot m(s), \qquad
        \alpha = \frac{\sum m|W|}{\sum m}, \qquad
        \partial s := \frac{\partial\mathcal L}{\partial v} \odot W \odot \operatorname{sign}(s)

    What is returned is a subnetwork of the network of signs, drawn with the same seed: the positive
    factors $\alpha$, one for each layer, change no prediction.  An empty layer has $\alpha=0$.

    Parameters
    ----------
    network : RandomNetwork
        Whose magnitudes guide the search.
    data : Dataset
        As for :func:`slth.learning.edge_popup`, like all that follows.
    density : float or sequence of float
        Fraction kept.
    scope : {"layer", "global"}
        Who competes with whom.
    anneal : bool
        Whether the density falls from 1.
    steps, batch, seed : int
        See :class:`slth.learning.Descent`.
    learning_rate : float
        Of SGD.
    progress : bool
        Whether a bar is shown.
    checkpoint : path-like, optional
        File from which an interrupted search goes on.

    Returns
    -------
    Found
        Of ``RandomNetwork(network.architecture, network.seed, "signs")``.

    Raises
    ------
    ValueError
        As :func:`slth.learning.edge_popup`.

    Notes
    -----
    Diffenderfer and Kailkhura 2021, MPT-1/32.

    Examples
    --------
    >>> from slth.targets import digits
    >>> net = RandomNetwork.dense(widths=(64, 30, 10), seed=0, law="normal")
    >>> found = biprop(net, digits(), 0.25, steps=20)
    >>> found.subnetwork.random_network.law, found.subnetwork.mask.kept
    ('signs', 555)
    """
    choose = Choice(network, density, scope, anneal)
    check_data(network, data)
    descent = Descent(steps, batch, seed, progress, checkpoint)
    rate = number(above=0.0)("learning_rate", learning_rate)
    weights = scaled_weights(network)
    scores = initial_scores(network, descent)

    def loss(x: Tensor, y: Tensor, done: float) -> Tensor:
        masks = [torch.from_numpy(layer) for layer in choose(scores, done)]
        kept = [
            _mean(weight, mask) * weight.sign() * mask
            + weight * (score.abs() - score.abs().detach())
            for weight, mask, score in zip(weights, masks, scores, strict=True)
        ]
        return cross_entropy(network, kept, x, y)

    optimizer = torch.optim.SGD(scores, rate, momentum=0.9, weight_decay=1e-4)
    settings = ("biprop", network, choose.densities, scope, anneal, rate)
    losses = descent.run(optimizer, loss, data, descent.generator(1), settings)
    signs = RandomNetwork(network.architecture, network.seed, "signs")
    return Found(Subnetwork(signs, Mask(choose(scores, 1.0))), detached(scores), losses)


def _mean(weight: Tensor, mask: Tensor) -> Tensor:
    """Return the mean size of the kept weights, 0 of none."""
    return (weight.abs() * mask).sum() / mask.sum().clamp(min=1)
