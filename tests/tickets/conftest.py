"""Tickets made by hand, so that the judge is tested without the constructions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from slth.networks import RandomNetwork, read
from slth.networks.layers import Shape
from slth.networks.pairs import paired
from slth.threads import one_thread
from slth.tickets import Mask, PairPromise, Ticket


@dataclass(frozen=True)
class HandMade(RandomNetwork):
    """A network whose weights are written down instead of drawn."""

    matrices: tuple[NDArray[np.float32], ...] = ()

    def rows(self, layer: int, start: int, stop: int) -> NDArray[np.float32]:
        return self.matrices[layer][start:stop].copy()


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
    input_shape: Shape | None = None,
) -> Ticket:
    """Ticket from explicit random weights, masks and target."""
    weights = tuple(np.asarray(matrix, dtype=np.float32) for matrix in matrices)
    known = read(target)
    random = paired(known.architecture, lambda layer, index: weights[2 * index].shape[0])
    network = HandMade(random, 0, "uniform", weights)
    depth = len(known.coefficients)
    return Ticket(
        random_network=network,
        mask=Mask(masks),
        target_digest=known.digest,
        random_digest=network.digest(),
        input_shape=input_shape or random.default_input_shape(),
        nonnegative_inputs=nonnegative,
        promise=PairPromise(
            construction="pensia" if size is None else "natale",
            objective="best",
            sizes=(size,) * depth,
            weight_tolerances=(tolerance,) * depth,
            epsilon=epsilon,
        ),
    )


def promising(ticket: Ticket, **changes: Any) -> Ticket:
    """Let a ticket promise something else."""
    return replace(ticket, promise=replace(ticket.promise, **changes))


@pytest.fixture(autouse=True, scope="session")
def single_thread() -> Iterator[None]:
    """Spare the tiny convolutions of these tests the wait for a second thread."""
    with one_thread():
        yield


@pytest.fixture(name="module")
def module_fixture() -> Callable[..., nn.Sequential]:
    return module


@pytest.fixture(name="hand_made")
def hand_made_fixture() -> Callable[..., Ticket]:
    return hand_made
