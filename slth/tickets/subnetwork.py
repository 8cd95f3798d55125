"""A random network and what is kept of it."""

from dataclasses import dataclass

from torch import nn

from slth.forms import instance
from slth.networks import RandomNetwork
from slth.tickets.mask import Mask


@dataclass(frozen=True)
class Subnetwork:
    r"""A pruned random network, which nobody says anything about.

    .. math::
        S_t \odot M_t, \qquad S_t \in \{0,1\}^{m_t \times m_{t-1}}

    Parameters
    ----------
    random_network : RandomNetwork
        The network that was drawn.
    mask : Mask
        The parameters that are kept.

    Raises
    ------
    ValueError
        If the shapes of the two differ.

    Examples
    --------
    >>> net = RandomNetwork.dense(widths=(1, 2, 1), seed=3)
    >>> Subnetwork(net, Mask([[[1], [0]], [[1, 0]]])).density
    0.5
    """

    random_network: RandomNetwork
    mask: Mask

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        instance(RandomNetwork)("random_network", self.random_network)
        instance(Mask)("mask", self.mask)
        if self.mask.shapes != self.random_network.shapes:
            raise ValueError(
                f"the mask has shapes {self.mask.shapes}, "
                f"the random network {self.random_network.shapes}"
            )

    @property
    def density(self) -> float:
        """Kept parameters per random parameter, all layers counted."""
        return self.mask.density

    def network(self) -> nn.Sequential:
        """Return the pruned random network as an ordinary module, float32, without gradients.

        The weights are the random ones where the mask keeps them and 0 elsewhere.
        ``network().double()`` has the same weights.
        """
        weights = []
        for index in range(self.random_network.depth):
            weights.append(self.random_network.weights(index))
            weights[-1] *= self.mask.layer(index)
        return self.random_network.architecture.module(weights)
