"""What counts as a target, and its fingerprint."""

import hashlib
import json
import struct
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from slth.networks import read
from slth.networks.layers import AvgPool, Conv, Dense, Flatten, GlobalAvgPool, MaxPool, Relu


def network(*widths: int, seed: int = 0) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for columns, rows in pairwise(widths):
        linear = nn.Linear(columns, rows, bias=False)
        linear.weight.data = torch.randn(rows, columns, generator=generator)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def lenet() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 5, padding="same", bias=False), nn.ReLU(inplace=True)),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(4, 6, (3, 2), (1, 2), (1, 0), groups=2, bias=False, padding_mode="circular"),
        nn.ReLU(),
        nn.Dropout2d(),
        nn.AvgPool2d((2, 1)),
        nn.Sequential(nn.Identity(), nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())),
        nn.Dropout(0.3),
        nn.Linear(6, 3, bias=False),
    )


def test_reads_the_weights() -> None:
    net = network(4, 3, 2)
    known = read(net)
    assert known.layers == (Dense(4, 3), Relu(), Dense(3, 2))
    assert known.n_parameters == 18
    first, second = known.coefficients
    x = torch.randn(4, generator=torch.Generator().manual_seed(1))
    by_hand = second @ np.maximum(first @ x.numpy(), 0)
    np.testing.assert_allclose(by_hand, net(x).detach().numpy(), rtol=1e-5)


def test_reads_convolutions_and_pooling() -> None:
    net = lenet().eval()
    known = read(net)
    assert known.layers == (
        Conv(2, 4, (5, 5), padding=(2, 2)),
        Relu(),
        MaxPool((3, 3), (2, 2), (1, 1)),
        Conv(4, 6, (3, 2), (1, 2), (1, 0), groups=2, padding_mode="circular"),
        Relu(),
        AvgPool((2, 1), (2, 1)),
        GlobalAvgPool(),
        Flatten(),
        Dense(6, 3),
    )
    coefficients = [torch.from_numpy(array) for array in known.coefficients]
    assert [array.shape for array in known.coefficients] == [(4, 2, 5, 5), (6, 2, 3, 2), (3, 6)]
    x = torch.randn(5, 2, 9, 8, generator=torch.Generator().manual_seed(1))
    y = known.architecture.evaluate(lambda layer, i, x: layer.apply(coefficients[i], x), x)
    torch.testing.assert_close(y, net(x))


def test_the_weights_are_copies() -> None:
    net = network(4, 3)
    read(net).coefficients[0][:] = 0
    assert read(net).coefficients[0].any()


def test_digest_from_the_definition() -> None:
    net = network(2, 2, 1)
    flat = [value for array in read(net).coefficients for value in array.ravel().tolist()]
    dense = [{"kind": "Dense", "inputs": 2, "outputs": outputs} for outputs in (2, 1)]
    text = json.dumps([dense[0], {"kind": "Relu"}, dense[1]]).encode()
    assert read(net).digest == hashlib.sha256(text + struct.pack("<6f", *flat)).hexdigest()


@pytest.mark.parametrize("make", [lambda: network(4, 3, 2), lenet])
def test_digest_does_not_depend_on_storage(make: Callable[[], nn.Sequential]) -> None:
    digest = read(make()).digest
    assert read(make().double()).digest == digest
    moved = make()
    for parameter in moved.parameters():
        parameter.data = parameter.data.transpose(0, 1).contiguous().transpose(0, 1)
    assert read(moved).digest == digest
    assert read(nn.Sequential(nn.Identity(), make())).digest == digest


def test_digest_does_not_depend_on_the_sign_of_zero() -> None:
    zero, minus = network(2, 2, 1), network(2, 2, 1)
    for net, value in ((zero, 0.0), (minus, -0.0)):
        assert isinstance(net[0], nn.Linear)
        net[0].weight.data[1, 0] = value
    assert read(zero).digest == read(minus).digest


def test_digest_tells_targets_apart() -> None:
    same_numbers = network(4, 3, 2)
    first = same_numbers[0]
    assert isinstance(first, nn.Linear)
    first.weight.data[0, 0] = torch.nextafter(first.weight.data[0, 0], torch.tensor(9.0))
    linear = network(4, 3, 2)
    del linear[1]
    strided, padded = lenet(), lenet()
    setattr(strided[2], "stride", (2, 2))  # noqa: B010 - torch's annotation forbids the assignment
    setattr(padded[2], "padding", (0, 0))  # noqa: B010
    targets = [network(4, 3, 2), network(4, 3, 2, seed=1), same_numbers, linear]
    digests = [read(net).digest for net in (*targets, lenet(), strided, padded)]
    assert len({*digests}) == len(digests)


class Odd(nn.Module):
    """Nothing that is supported."""


def linear(columns: int, rows: int, value: float = 1.0) -> nn.Linear:
    module = nn.Linear(columns, rows, bias=False)
    module.weight.data.fill_(value)
    return module


def double(value: float) -> nn.Linear:
    module = linear(1, 1).double()
    module.weight.data.fill_(value)
    return module


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (linear(2, 2), "must be an nn.Sequential, got Linear"),
        (nn.Sequential(), "no layer with weights"),
        (nn.Sequential(nn.ReLU()), "no layer with weights"),
        (nn.Sequential(nn.Linear(2, 2)), r"module 0 .*\(Linear\) has a bias; .*absorb_biases"),
        (nn.Sequential(nn.Conv2d(1, 1, 1)), r"module 0 .*\(Conv2d\) has a bias"),
        (
            nn.Sequential(linear(2, 2), nn.Tanh()),
            "module 1 .* is a Tanh; supported are Conv2d, ",
        ),
        (nn.Sequential(nn.Sequential(linear(2, 2), Odd())), r"module 0\.1 .* is a Odd"),
        (nn.Sequential(nn.BatchNorm2d(3)), "is a BatchNorm2d; .*fold the normalisation"),
        (nn.Sequential(linear(2, 2, float("nan"))), r"\(Linear\) has a weight that is not finite"),
        (nn.Sequential(double(0.1)), "float32 cannot hold exactly"),
        (nn.Sequential(double(1e300)), "float32 cannot hold exactly"),
        (nn.Sequential(nn.MaxPool2d(2, ceil_mode=True)), "ceil_mode"),
        (nn.Sequential(nn.MaxPool2d(2, dilation=2)), "dilation"),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), "return_indices"),
        (nn.Sequential(nn.AvgPool2d(2, divisor_override=3)), "divisor_override"),
        (nn.Sequential(nn.AvgPool2d(2, padding=1, count_include_pad=False)), "uncounted padding"),
        (nn.Sequential(nn.AdaptiveAvgPool2d(2)), "output size 2; supported is 1"),
        (nn.Sequential(nn.Flatten(0)), "must flatten everything but the batch axis"),
        (
            nn.Sequential(nn.Conv2d(1, 1, 2, padding="same", bias=False)),
            r"module 0 .*\(Conv2d\) pads an even kernel on one side only",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 1, 1, padding=1, bias=False, padding_mode="circular")),
            "circular padding .* repeats outputs",
        ),
        (
            nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False, padding_mode="reflect")),
            "padding_mode must be one of .*'reflect'",
        ),
        (nn.Sequential(nn.Conv1d(1, 1, 3, bias=False)), "is a Conv1d"),
    ],
)
def test_refuses_other_networks(target: nn.Module, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(target)
