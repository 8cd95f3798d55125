"""What counts as a target, and its fingerprint."""

import hashlib
import json
import struct
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from slth.tickets import linear_layers, target_digest


def network(*widths: int, seed: int = 0) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for columns, rows in pairwise(widths):
        linear = nn.Linear(columns, rows, bias=False)
        linear.weight.data = torch.randn(rows, columns, generator=generator)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def test_reads_the_weights() -> None:
    net = network(4, 3, 2)
    layers = linear_layers(net)
    assert [layer.shape for layer in layers] == [(3, 4), (2, 3)]
    x = torch.randn(4, generator=torch.Generator().manual_seed(1))
    by_hand = layers[1] @ np.maximum(layers[0] @ x.numpy(), 0)
    np.testing.assert_allclose(by_hand, net(x).detach().numpy(), rtol=1e-5)


def test_the_weights_are_copies() -> None:
    net = network(4, 3)
    linear_layers(net)[0][:] = 0
    assert linear_layers(net)[0].any()


def test_digest_from_the_definition() -> None:
    net = network(2, 2, 1)
    flat = [value for layer in linear_layers(net) for value in layer.ravel().tolist()]
    text = json.dumps(["linear-relu", [[2, 2], [1, 2]]]).encode()
    assert target_digest(net) == hashlib.sha256(text + struct.pack("<6f", *flat)).hexdigest()


def test_digest_does_not_depend_on_storage() -> None:
    net = network(4, 3, 2)
    digest = target_digest(net)
    assert target_digest(network(4, 3, 2).double()) == digest
    transposed = network(4, 3, 2)
    first = transposed[0]
    assert isinstance(first, nn.Linear)
    first.weight.data = first.weight.data.T.contiguous().T
    assert target_digest(transposed) == digest


def test_digest_tells_targets_apart() -> None:
    same_numbers = network(4, 3, 2)
    first = same_numbers[0]
    assert isinstance(first, nn.Linear)
    first.weight.data[0, 0] = torch.nextafter(first.weight.data[0, 0], torch.tensor(9.0))
    digests = [target_digest(net) for net in (network(4, 3, 2), network(4, 3, 2, seed=1))]
    assert len({*digests, target_digest(same_numbers)}) == 3


class Odd(nn.Module):
    """Neither Linear nor ReLU."""


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
        (linear(2, 2), "must be a non-empty nn.Sequential, got Linear"),
        (nn.Sequential(), "non-empty"),
        (nn.Sequential(linear(2, 2), nn.ReLU()), "begin and end with a Linear"),
        (nn.Sequential(nn.Linear(2, 2)), "module 0 of the target has a bias"),
        (nn.Sequential(linear(2, 2), nn.Tanh(), linear(2, 2)), "module 1 .* ReLU, got Tanh"),
        (nn.Sequential(Odd()), "module 0 .* Linear, got Odd"),
        (nn.Sequential(linear(2, 3), nn.ReLU(), linear(4, 1)), "takes 4 inputs.*3 outputs"),
        (nn.Sequential(linear(2, 2, float("nan"))), "not finite"),
        (nn.Sequential(double(0.1)), "float32 cannot hold exactly"),
        (nn.Sequential(double(1e300)), "float32 cannot hold exactly"),
    ],
)
def test_refuses_other_networks(target: nn.Module, message: str) -> None:
    for function in (linear_layers, target_digest):
        with pytest.raises(ValueError, match=message):
            function(target)
