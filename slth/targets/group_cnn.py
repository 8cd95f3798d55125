"""Group convolutional networks."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from slth.equivariance import EquivariantLinear, Lift, TurnPool
from slth.targets.data import Dataset, rotated_digits
from slth.targets.training import (
    SCALE,
    coefficients_divided_by_norm,
    divided_by_norm,
    initial,
    train,
)

_EPOCHS = 20
"""Group convolutions are slower than dense layers and learn faster."""


def group_cnn(
    space: str = "cyclic-images(4, 8x8, 3)",
    channels: Sequence[int] = (4, 4),
    seed: int = 0,
    *,
    data: Dataset | None = None,
) -> nn.Sequential:
    r"""Train a bias-free group convolutional network and divide each layer by its norm.

    .. math::
        f(\rho(g)x) = f(x) \quad\text{for all turns } g \text{ about the centre}

    Equivariant layers and ReLU, then the mean over turns and a dense layer.  The space
    ``"translations(8x8, 3)"`` makes it an ordinary convolutional network that knows no turns.

    Parameters
    ----------
    space : str
        A space of images, see :func:`slth.equivariance.space`.
    channels : sequence of int
        Channels after each equivariant layer.
    seed : int
        Initial weights and order of the batches; the global generator of torch is left alone.
    data : Dataset, optional
        Images of shape ``(N, 1, height, width)``, :func:`rotated_digits` by default.

    Returns
    -------
    torch.nn.Sequential
        Without gradients; takes images.

    Raises
    ------
    ValueError
        If there are no channels, or the space has other images than the data.

    Notes
    -----
    A target of Theorem 4 of Natale et al. 2024: a group convolutional network in the manner of
    Cohen and Welling (2016).  Training as for :func:`mlp`, with fewer epochs.

    Examples
    --------
    >>> import torch
    >>> from slth.targets import Dataset, rotated_digits
    >>> data = rotated_digits()
    >>> few = Dataset(data.x_train[:64], data.y_train[:64], data.x_test, data.y_test)
    >>> net = group_cnn(channels=(2,), data=few)  # in earnest: group_cnn(), 94 % of the test part
    >>> turned = torch.rot90(few.x_test, dims=(2, 3))
    >>> torch.allclose(net(turned), net(few.x_test), atol=1e-5)
    True
    """
    data = rotated_digits() if data is None else data
    lift = Lift(space)
    if not channels or any(number < 1 for number in channels):
        raise ValueError(f"a group_cnn needs positive numbers of channels, got {tuple(channels)}")
    if data.x_train.ndim != 4 or data.x_train.shape[2:] != lift.space.image:
        raise ValueError(f"{space} does not fit images of shape {tuple(data.x_train.shape[1:])}")
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = [lift]
    for inputs, outputs in pairwise([data.x_train.shape[1], *channels]):
        modules += [EquivariantLinear(space, inputs, outputs, generator=generator), nn.ReLU()]
    widths = (channels[-1] * data.x_train[0, 0].numel(), int(data.y_train.max()) + 1)
    net = nn.Sequential(*modules, TurnPool(space), nn.Flatten(), *initial(widths, generator))
    train(net, data, torch.Generator().manual_seed(seed), epochs=_EPOCHS, scale=SCALE)
    for module in net:
        if isinstance(module, EquivariantLinear):
            module.weight.data = coefficients_divided_by_norm(module)
        elif isinstance(module, nn.Linear):
            module.weight.data = divided_by_norm(module.weight.data)
    return net.requires_grad_(False)
