"""Initial weights and training that depend on a seed alone, and layers divided by their norms."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from slth.arrays import FLOAT32_ROUNDOFF
from slth.equivariance import EquivariantLinear
from slth.targets.data import Dataset
from slth.threads import one_thread

LEARNING_RATE = 1e-2
_BATCH = 64

SCALE = 8.0
"""Factor of inputs of unit norm in training: He's law expects inputs of size 1, their pixels are
much smaller.  ReLU is positively homogeneous, so it changes no prediction."""


def initial(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """He-initialised network, drawn from ``generator`` alone."""
    modules: list[nn.Module] = []
    for columns, rows in pairwise(widths):
        linear = nn.Linear(columns, rows, bias=False, device="meta")
        linear.weight = he((rows, columns), generator)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def he(shape: tuple[int, ...], generator: torch.Generator) -> nn.Parameter:
    """Draw normal weights of variance 2 over the number of inputs of an output."""
    return nn.Parameter(torch.randn(shape, generator=generator) * (2.0 / prod(shape[1:])) ** 0.5)


def train(
    net: nn.Sequential,
    data: Dataset,
    generator: torch.Generator,
    *,
    epochs: int,
    scale: float = 1.0,
    learning_rate: float = LEARNING_RATE,
) -> None:
    """Minimise the cross-entropy on the inputs times ``scale``: same seed, same bits."""
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    with one_thread():
        for _ in range(epochs):
            order = torch.randperm(len(data.x_train), generator=generator)
            for start in range(0, len(order), _BATCH):
                batch = order[start : start + _BATCH]
                outputs = net(scale * data.x_train[batch])
                loss = nn.functional.cross_entropy(outputs, data.y_train[batch])
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
            schedule.step()


def divided_by_norm(weight: Tensor) -> Tensor:
    """Return W/‖W‖₂ in float32, with norm at most 1 after rounding.

    Rounding changes each entry by a relative 2⁻²⁴ at most, hence the norm by at most
    2⁻²⁴‖W‖_F ≤ 2⁻²⁴√r‖W‖₂, r the rank.
    """
    exact = weight.double()
    slack = 1.0 + FLOAT32_ROUNDOFF * min(weight.shape) ** 0.5 + 1e-12
    norm = float(torch.linalg.matrix_norm(exact, 2))
    divided: Tensor = (exact / (norm * slack)).float()
    return divided


def coefficients_divided_by_norm(layer: EquivariantLinear) -> Tensor:
    """Return the coefficients over the layer's norm in float32, with norm at most 1 after rounding.

    Rounding changes each entry of the layer's matrix by at most 2⁻²⁴ times what the entry of the
    layer of absolute coefficients is, hence the norm by at most 2⁻²⁴ times that layer's norm.
    """
    exact = layer.weight.detach().double()
    norm = layer.space.norm_bound(exact.numpy())
    slack = 1.0 + FLOAT32_ROUNDOFF * layer.space.norm_bound(exact.abs().numpy()) / norm + 1e-9
    return (exact / (norm * slack)).float()
