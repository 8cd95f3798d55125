"""Tickets made by hand, so that the judge is tested without the constructions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from slth.tickets import Mask, RandomNetwork, Ticket, target_digest


@dataclass(frozen=True)
class HandMade(RandomNetwork):
    """A network whose weights are written down instead of drawn."""

    matrices: tuple[NDArray[np.float32], ...] = ()

    def weights(self, layer: int) -> NDArray[np.float32]:
        return self.matrices[layer].copy()


def module(*matrices: ArrayLike) -> nn.Sequential:
    """Bias-free ReLU network with given float32 weights."""
    modules: list[nn.Module] = []
    for matrix in matrices:
        weight = torch.tensor(np.asarray(matrix, dtype=np.float32))
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        linear.weight = nn.Parameter(weight, requires_grad=False)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def hand_made(
    matrices: Sequence[ArrayLike],
    masks: Sequence[ArrayLike],
    target: nn.Module,
    *,
    tolerance: float = 0.0,
    nonnegative: bool = False,
    size: int | None = None,
    epsilon: float | None = None,
) -> Ticket:
    """Ticket from explicit random weights, masks and target."""
    weights = tuple(np.asarray(matrix, dtype=np.float32) for matrix in matrices)
    widths = (weights[0].shape[1], *(matrix.shape[0] for matrix in weights))
    network = HandMade(widths, 0, "uniform", weights)
    return Ticket(
        random_network=network,
        mask=Mask(masks),
        target_digest=target_digest(target),
        random_digest=network.digest(),
        nonnegative_inputs=nonnegative,
        objective="best",
        size=size,
        weight_tolerances=(tolerance,) * (len(weights) // 2),
        epsilon=epsilon,
    )


@pytest.fixture(name="module")
def module_fixture() -> Callable[..., nn.Sequential]:
    return module


@pytest.fixture(name="hand_made")
def hand_made_fixture() -> Callable[..., Ticket]:
    return hand_made
