"""Small targets for the constructions."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn


def random_target(widths: tuple[int, ...], scale: float, seed: int) -> nn.Sequential:
    """Bias-free ReLU network whose layers have spectral norm ``scale``."""
    rng = np.random.default_rng(seed)
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        weight = rng.standard_normal((outputs, inputs))
        weight *= scale / np.linalg.norm(weight, 2)
        linear = nn.Linear(inputs, outputs, bias=False)
        linear.weight = nn.Parameter(torch.tensor(weight.astype(np.float32)), requires_grad=False)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Spare the tiny convolutions of these tests the wait for a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(name="random_target")
def random_target_fixture() -> Callable[..., nn.Sequential]:
    return random_target
