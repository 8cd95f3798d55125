"""Small targets for the constructions."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from slth.threads import one_thread


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


def random_convolutions(seed: int, *, norm: float = 0.5) -> tuple[nn.Sequential, tuple[int, ...]]:
    """Small network of convolutions, pooling and matrices, and the shape of its inputs."""
    rng = np.random.default_rng(seed)
    channels, size = int(rng.integers(1, 3)), rng.integers(5, 8, 2).tolist()
    shape = (2 * channels, *size)
    modules: list[nn.Module] = []
    for _ in range(int(rng.integers(1, 3))):
        groups, outputs = int(rng.integers(1, 3)), 2 * int(rng.integers(1, 3))
        conv = nn.Conv2d(
            2 * channels,
            outputs,
            tuple(rng.integers(1, 4, 2).tolist()),
            tuple(rng.integers(1, 3, 2).tolist()),
            padding=1,
            groups=groups,
            bias=False,
        )
        modules += [conv, nn.ReLU()]
        channels = outputs // 2
    pools = (nn.MaxPool2d(2, stride=1), nn.AvgPool2d((1, 2), 1), nn.AdaptiveAvgPool2d(1))
    modules += [pools[int(rng.integers(3))], nn.Flatten()]
    width = nn.Sequential(*modules)(torch.zeros(1, *shape)).shape[1]
    modules += [nn.Linear(width, 3, bias=False)]
    for module in modules:
        if isinstance(module, nn.Linear | nn.Conv2d):
            weight = rng.standard_normal(tuple(module.weight.shape))
            weight *= norm / np.linalg.norm(weight.reshape(len(weight), -1), 2)
            module.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float32), False)
    return nn.Sequential(*modules), shape


@pytest.fixture(autouse=True, scope="session")
def single_thread() -> Iterator[None]:
    """Spare the tiny convolutions of these tests the wait for a second thread."""
    with one_thread():
        yield


@pytest.fixture(name="random_target")
def random_target_fixture() -> Callable[..., nn.Sequential]:
    return random_target


@pytest.fixture(name="random_convolutions", scope="session")
def random_convolutions_fixture() -> Callable[..., tuple[nn.Sequential, tuple[int, ...]]]:
    return random_convolutions
