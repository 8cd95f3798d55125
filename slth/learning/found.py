"""What a search found, and how it came there."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from slth.tickets import Subnetwork


@dataclass(frozen=True, eq=False)
class Found:
    """A subnetwork of a random network, and the way to it.

    Attributes
    ----------
    subnetwork : Subnetwork
        Of the raw random network: seed, law and mask.
    scores : tuple of torch.Tensor of float32
        Per layer, what the mask was read off.
    losses : tuple of float
        On the batch of each step.
    """

    subnetwork: Subnetwork
    scores: tuple[Tensor, ...] = field(repr=False)
    losses: tuple[float, ...] = field(repr=False)

    @property
    def empty_layers(self) -> tuple[int, ...]:
        """Layers of which nothing is kept: every output behind them is 0."""
        return tuple(
            index for index, share in enumerate(self.subnetwork.mask.densities) if share == 0.0
        )


def detached(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Copy tensors without their gradients."""
    return tuple(tensor.detach().clone() for tensor in tensors)
