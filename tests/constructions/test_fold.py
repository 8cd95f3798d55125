"""Batch normalisation folded into the layer before it: the same function, in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from slth.constructions import absorb_biases, append_ones, fold_batch_norms, rescale


def trained_norm(norm: Any, rng: np.random.Generator) -> Any:
    """Statistics and scales as training leaves them, some of them negative."""
    size = norm.num_features
    norm.running_mean.copy_(torch.from_numpy(rng.normal(0, 1, size)))
    norm.running_var.copy_(torch.from_numpy(rng.uniform(0.01, 4, size)))
    if norm.affine:
        norm.weight.data.copy_(torch.from_numpy(rng.normal(0, 1, size)))
        norm.bias.data.copy_(torch.from_numpy(rng.normal(0, 1, size)))
    return norm


def random_network(seed: int) -> tuple[nn.Sequential, tuple[int, ...]]:
    """Dense or convolutional network with normalisations, with and without biases and affines."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    modules: list[nn.Module] = []
    width = int(rng.integers(1, 4))
    if seed % 2:
        shape: tuple[int, ...] = (width, 6, 5)
        for _ in range(int(rng.integers(1, 3))):
            outputs = int(rng.integers(1, 4))
            modules += [
                nn.Conv2d(width, outputs, 3, padding=1, bias=bool(rng.integers(2))),
                trained_norm(nn.BatchNorm2d(outputs, affine=bool(rng.integers(2))), rng),
                nn.ReLU(),
            ]
            width = outputs
        modules += [nn.MaxPool2d(2), nn.Flatten()]
        width *= 6
    else:
        shape = (width,)
    for outputs in rng.integers(1, 5, size=2).tolist():
        norm = trained_norm(nn.BatchNorm1d(outputs, affine=bool(rng.integers(2))), rng)
        linear = nn.Linear(width, outputs, bias=bool(rng.integers(2)))
        modules += [nn.Sequential(linear, nn.Dropout()), norm, nn.ReLU()]
        width = outputs
    modules.append(nn.Linear(width, 2))
    return nn.Sequential(*modules), shape


@pytest.mark.parametrize("seed", range(24))
def test_the_folded_network_computes_the_same(seed: int) -> None:
    net, shape = random_network(seed)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    folded = fold_batch_norms(net)
    assert net.training
    assert all(torch.equal(net.state_dict()[name], value) for name, value in before.items())
    assert not any("Norm" in type(module).__name__ for module in folded)
    x = torch.randn(9, *shape, dtype=torch.float64)
    expected = net.eval().double()(x)
    assert torch.allclose(folded.double()(x), expected, rtol=1e-5, atol=1e-5)
    absorbed = absorb_biases(folded.float(), shape)
    rescaled = rescale(absorbed, input_shape=(shape[0] + 1, *shape[1:]))
    again = rescaled.factor * rescaled.network.double()(append_ones(x))
    assert torch.allclose(again, expected, rtol=1e-5, atol=1e-5)


def test_folding_rounds_once() -> None:
    """In float32 throughout, the scale would already be off in its last bit."""
    norm: Any = nn.BatchNorm1d(1)
    norm.running_var.fill_(3.0)
    norm.running_mean.fill_(1 / 3)
    linear = nn.Linear(1, 1)
    linear.weight.data.fill_(0.1)
    linear.bias.data.fill_(0.7)
    net = nn.Sequential(linear, norm)
    [weight, bias] = fold_batch_norms(net.requires_grad_(False)).parameters()
    scale = 1 / np.sqrt(3.0 + norm.eps)
    assert float(weight) == np.float32(float(linear.weight) * scale)
    exact = (float(linear.bias) - float(norm.running_mean)) * scale
    assert float(bias) == pytest.approx(exact, rel=2**-24)


def _flawed(change: str) -> nn.Sequential:
    norm: Any = nn.BatchNorm1d(2, track_running_stats=change != "statistics")
    linear = nn.Linear(3, 2)
    net = nn.Sequential(linear, norm, nn.ReLU())
    if change == "negative":
        norm.running_var.fill_(-1.0)
    elif change == "hook":
        norm.register_forward_hook(lambda *_: torch.zeros(1))
    elif change == "order":
        net = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), norm)
    elif change == "first":
        net = nn.Sequential(norm, nn.Linear(2, 2))
    elif change == "width":
        net[0] = nn.Linear(3, 4)
    elif change == "none":
        net = nn.Sequential(nn.Linear(3, 2))
    elif change == "huge":
        norm.weight.data.fill_(3e38)
        linear.weight.data.fill_(1e3)
    return net


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("statistics", r"module 1 of the target \(BatchNorm1d\) keeps no statistics"),
        ("negative", "has statistics that are no finite means and variances"),
        ("hook", r"module 1 of the target \(BatchNorm1d\) .*hook"),
        ("order", r"module 2 of the target \(BatchNorm1d\) follows no Linear or Conv2d"),
        ("first", r"module 0 of the target \(BatchNorm1d\) follows no Linear or Conv2d"),
        ("width", "has 4 outputs, the normalisation behind it 2"),
        ("none", "has no batch normalisation: there is nothing to fold"),
        ("huge", "not finite"),
    ],
)
def test_what_cannot_be_folded_is_refused(change: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fold_batch_norms(_flawed(change))
