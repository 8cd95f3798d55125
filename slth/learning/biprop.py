"""Biprop: a mask for the signs of random weights."""

from collections.abc import Sequence
from typing import Unpack

from torch import Tensor

from slth.learning.descent import Descent, How
from slth.learning.found import Found
from slth.learning.scores import Choice, Scope, compete
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Subnetwork


def biprop(
    network: RandomNetwork,
    data: Dataset,
    density: float | Sequence[float],
    *,
    scope: Scope = "layer",
    anneal: bool = False,
    learning_rate: float = 0.1,
    **how: Unpack[How],
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
    learning_rate : float
        Of SGD.
    **how : int, bool or path-like
        ``steps``, ``batch``, ``seed``, ``progress`` and ``checkpoint`` of
        :class:`slth.learning.Descent`.

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
    found = compete(network, data, choose, learning_rate, Descent(**how), _signs)
    signs = RandomNetwork(network.architecture, network.seed, "signs")
    return Found(Subnetwork(signs, found[0]), *found[1:])


def _signs(weight: Tensor, mask: Tensor, soft: Tensor) -> Tensor:
    """Return the signs of the kept weights times their mean size, which is 0 if none is kept."""
    mean = (weight.abs() * mask).sum() / mask.sum().clamp(min=1)
    return mean * weight.sign() * mask + weight * soft
