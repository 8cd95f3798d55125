"""Rewrites: the same function from weights within reach, the same function without biases."""

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from slth.constructions import absorb_biases, append_ones, prune, rescale
from slth.tickets import verify

FAST = settings(max_examples=80, deadline=None)


def _weighted(network: nn.Sequential) -> list[nn.Linear | nn.Conv2d]:
    return [module for module in network if isinstance(module, nn.Linear | nn.Conv2d)]


def _inputs(shape: tuple[int, ...], seed: int = 0, batch: int = 5) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((batch, *shape)))


def _fill(network: nn.Sequential, seed: int, *, spread: float = 0.0) -> nn.Sequential:
    """Give every parameter Gaussian float32 values, layer by layer on another scale."""
    rng = np.random.default_rng(seed)
    for module in _weighted(network):
        scale = 10.0 ** rng.uniform(-spread, spread)
        for parameter in module.parameters():
            values = (scale * rng.standard_normal(tuple(parameter.shape))).astype(np.float32)
            parameter.data = torch.from_numpy(values).to(parameter.dtype)
    return network.requires_grad_(False)


@st.composite
def mlps(draw: st.DrawFn, *, biases: bool) -> tuple[nn.Sequential, tuple[int, ...]]:
    """Dense networks, ReLU between layers or not."""
    widths = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    modules: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        modules.append(nn.Linear(inputs, outputs, bias=biases and draw(st.booleans())))
        modules += draw(st.sampled_from([[nn.ReLU()], [], [nn.Dropout(), nn.ReLU()]]))
    return nn.Sequential(*modules).eval(), (widths[0],)


@st.composite
def convolutions(draw: st.DrawFn, channels: int, *, biases: bool) -> nn.Conv2d:
    """Convolutions of every kind that has a tap inside the image."""
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
    kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    most = [d * ((k - 1) // 2) for k, d in zip(kernel, dilation, strict=True)]
    padding: Any = draw(st.one_of(st.just("valid"), st.tuples(*(st.integers(0, m) for m in most))))
    stride: Any = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    if kernel[0] % 2 == kernel[1] % 2 == 1 and draw(st.booleans()):
        padding, stride = "same", 1
    return nn.Conv2d(
        channels,
        groups * draw(st.integers(1, 2)),
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=biases and draw(st.booleans()),
        padding_mode=draw(st.sampled_from(["zeros", "circular"])),
    )


def _pools(*, biases: bool) -> list[nn.Module]:
    """Pooling that maps ones to ones, and one that does not."""
    return [
        nn.MaxPool2d(2),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.AvgPool2d(2),
        nn.AvgPool2d((3, 2), stride=1, padding=0 if biases else 1),
        nn.AdaptiveAvgPool2d(1),
    ]


@st.composite
def convnets(draw: st.DrawFn, *, biases: bool) -> tuple[nn.Sequential, tuple[int, ...]]:
    """Convolutions, ReLU and pooling, then perhaps Flatten and dense layers."""
    shape = (draw(st.integers(1, 3)), draw(st.integers(4, 9)), draw(st.integers(4, 9)))
    modules: list[nn.Module] = []
    x = torch.zeros(1, *shape)

    def add(module: nn.Module) -> None:
        nonlocal x
        try:
            x = module(x)
        except RuntimeError:  # the image is too small for it
            assume(False)
        assume(x.numel() > 0)
        modules.append(module)

    for _ in range(draw(st.integers(0, 3))):
        add(draw(convolutions(x.shape[1], biases=biases)))
        if draw(st.booleans()):
            add(nn.ReLU())
        if draw(st.booleans()):
            add(draw(st.sampled_from(_pools(biases=biases))))
    if draw(st.booleans()):
        add(nn.Flatten())
        for _ in range(draw(st.integers(1, 2))):
            width = draw(st.integers(1, 4))
            add(nn.Linear(x.shape[1], width, bias=biases and draw(st.booleans())))
            add(nn.ReLU())
    assume(_weighted(nn.Sequential(*modules)))
    return nn.Sequential(*modules), shape


# rescale


@FAST
@given(
    st.one_of(mlps(biases=False), convnets(biases=False)),
    st.integers(0, 2**32),
    st.sampled_from([1.0, 0.3, 1e-3, 50.0]),
)
def test_rescaled_network_is_the_target_bit_for_bit(
    drawn: tuple[nn.Sequential, tuple[int, ...]], seed: int, largest: float
) -> None:
    target, shape = drawn
    _fill(target, seed, spread=4.0)
    rescaled = rescale(target, largest=largest, input_shape=shape)
    x = _inputs(shape, seed)
    exact, scaled = copy.deepcopy(target).double(), copy.deepcopy(rescaled.network).double()
    assert torch.equal(exact(x), rescaled.factor * scaled(x))
    for before, after, scale in zip(
        _weighted(target), _weighted(rescaled.network), rescaled.scales, strict=True
    ):
        assert after.weight.dtype == torch.float32
        assert not after.weight.requires_grad
        assert torch.equal(after.weight.double(), scale * before.weight.double())
        assert float(after.weight.abs().max()) <= largest or rescaled.factor == 1.0


@FAST
@given(
    st.lists(st.floats(2.0**-40, 2.0**40), min_size=1, max_size=4),
    st.lists(st.sampled_from([0.125, 0.5, 0.7, 1.0, 3.0]), min_size=4, max_size=4),
)
def test_scales_are_the_best_ones(sizes: list[float], largest: list[float]) -> None:
    """No other powers of two with product 1 have a smaller largest ratio (brute force)."""
    sizes = [float(np.float32(size)) for size in sizes]
    reaches = largest[: len(sizes)]
    rescaled = rescale(_diagonal(sizes), largest=reaches)
    scales = np.array(rescaled.scales)
    ratios = scales * np.array(sizes) / reaches
    if rescaled.factor > 1:
        assert np.all((ratios > 0.5) & (ratios <= 1.0))
        assert rescaled.factor == 1 / np.prod(scales)
        balanced = _best_ratio(sizes, reaches)
        assert balanced > 1.0
    else:
        assert rescaled.factor == np.prod(scales) == 1.0
        assert ratios.max() <= 2.0 * ratios.min()
        assert ratios.max() == _best_ratio(sizes, reaches)
        again = rescale(rescaled.network, largest=reaches)
        assert again.scales == (1.0,) * len(sizes)


def _diagonal(sizes: Sequence[float]) -> nn.Sequential:
    modules: list[nn.Module] = []
    for size in sizes:
        linear = nn.Linear(2, 2, bias=False)
        linear.weight = nn.Parameter(torch.diag(torch.tensor([size, -size / 3])))
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1]).requires_grad_(False)


def _best_ratio(sizes: Sequence[float], reaches: Sequence[float]) -> float:
    """Try all exponents near the real-valued optimum, the last one fixed by the others."""
    ratios = np.array(sizes) / np.array(reaches)
    centre = np.round(np.log2(ratios).mean() - np.log2(ratios)).astype(int)
    best = np.inf
    for change in itertools.product(range(-2, 3), repeat=len(ratios) - 1):
        exponents = centre.copy()
        exponents[:-1] += np.array(change, dtype=int)
        exponents[-1] = -exponents[:-1].sum()
        best = min(best, float((ratios * 2.0**exponents).max()))
    return best


def test_a_layer_of_zeros_has_no_say() -> None:
    assert rescale(_diagonal([8.0, 0.0, 1 / 16])).scales == (1 / 16, 1.0, 16.0)
    assert rescale(_diagonal([0.0])).scales == (1.0,)


def test_rescale_leaves_the_target_alone_and_untied() -> None:
    shared = _diagonal([8.0])[0]
    target = nn.Sequential(_diagonal([1.0])[0], nn.ReLU(), shared, nn.ReLU(), shared)
    before = copy.deepcopy(target.state_dict())
    rescaled = rescale(target)
    after = target.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    x = _inputs((2,))
    assert rescaled.factor == 64.0
    assert torch.equal(target.double()(x), 64.0 * rescaled.network.double()(x))


def test_a_rescaled_target_has_a_ticket_where_the_target_has_none() -> None:
    target = _diagonal([3.5, 0.1])
    with pytest.raises(ValueError, match="out of reach"):
        prune(target, epsilon=0.1, size=3)
    rescaled = rescale(target)
    assert rescaled.factor == 1.0
    ticket = prune(rescaled.network, epsilon=0.1, size=3)
    assert verify(ticket, rescaled.network).bound <= 0.1


@pytest.mark.parametrize(
    ("target", "largest", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2)), 1.0, "module 0 .* has a bias.* absorb_biases"),
        (_diagonal([1.0]), 0.0, "largest must be finite and > 0"),
        (_diagonal([1.0]), float("nan"), "largest must be finite and > 0"),
        (_diagonal([1.0]), [1.0, 1.0], "2 values of largest for a target of 1"),
        (_diagonal([float("inf")]), 1.0, "not finite"),
        (_diagonal([1.0]), 1e-38, "does not fit into float32"),
        (_diagonal([1e38] * 9), 1.0, "beyond float64"),
    ],
)
def test_rescale_refuses(target: nn.Sequential, largest: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rescale(target, largest=largest)


# absorb_biases


@FAST
@given(st.one_of(mlps(biases=True), convnets(biases=True)), st.integers(0, 2**32))
def test_the_network_without_biases_is_the_target(
    drawn: tuple[nn.Sequential, tuple[int, ...]], seed: int
) -> None:
    target, shape = drawn
    assume(any(module.bias is not None for module in _weighted(target)))
    _fill(target, seed).double()
    rewritten = absorb_biases(target, input_shape=shape).double()
    assert all(module.bias is None for module in _weighted(rewritten))
    assert not any(parameter.requires_grad for parameter in rewritten.parameters())
    x = _inputs(shape, seed)
    expected = target(x)
    size = max(1.0, float(_magnitude(target, x)))
    torch.testing.assert_close(rewritten(append_ones(x)), expected, rtol=0.0, atol=2.0**-46 * size)


def _magnitude(target: nn.Sequential, x: Tensor) -> Tensor:
    """Largest value that the sums inside can pass through: all signs positive."""
    positive = copy.deepcopy(target)
    for parameter in positive.parameters():
        parameter.data = parameter.data.abs()
    largest: Tensor = positive(x.abs()).max()
    return largest


def test_a_lenet_with_biases() -> None:
    torch.manual_seed(0)
    target = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 10),
    ).double().eval()  # fmt: skip
    rewritten = absorb_biases(target, input_shape=(1, 8, 8)).double()
    x = _inputs((1, 8, 8))
    torch.testing.assert_close(rewritten(append_ones(x)), target(x), rtol=0.0, atol=1e-14)
    assert [tuple(module.weight.shape) for module in _weighted(rewritten)] == [
        (7, 2, 5, 5), (17, 7, 3, 3), (21, 68), (10, 21)
    ]  # fmt: skip


def test_the_constant_ends_where_the_last_bias_is() -> None:
    target = nn.Sequential(
        nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 1, False)
    )
    shapes = [tuple(module.weight.shape) for module in _weighted(absorb_biases(target))]
    assert shapes == [(3, 3), (4, 3), (1, 4)]


@pytest.mark.parametrize("size", range(3, 12))
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
def test_the_tap_reads_ones_whatever_the_size(size: int, stride: int) -> None:
    """Every padding that a tap can take, for each image size: the constant stays exactly 1."""
    for kernel, dilation in itertools.product(range(1, 8), range(1, 4)):
        for padding in range(dilation * ((kernel - 1) // 2) + 1):
            if size + 2 * padding < dilation * (kernel - 1) + 1:
                continue
            layers = [nn.Conv2d(1, 1, kernel, stride, padding, dilation), nn.Conv2d(1, 1, 1)]
            rewritten = absorb_biases(nn.Sequential(*layers), (1, size, size))
            carried = rewritten[0](torch.ones(1, 2, size, size))[:, 1]
            assert (carried == 1).all()


@pytest.mark.parametrize(
    ("kernel", "padding", "dilation"), [(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 2, 1), (3, 3, 2)]
)
def test_too_much_padding_is_refused_for_a_reason(kernel: int, padding: int, dilation: int) -> None:
    """For some image, each tap meets the padding: no bias-free kernel can do it."""
    conv = nn.Conv2d(1, 1, kernel, padding=padding, dilation=dilation)
    with pytest.raises(ValueError, match=r"layer 0 \(Conv\) cannot .* no tap of a kernel"):
        absorb_biases(nn.Sequential(conv), (1, 9, 9))
    ones = torch.ones(1, 1, 9, 9)
    for tap in range(kernel):
        weight = torch.zeros(1, 1, kernel, kernel)
        weight[..., tap, tap] = 1.0
        seen = nn.functional.conv2d(ones, weight, padding=padding, dilation=dilation)
        assert not (seen == 1).all()


@pytest.mark.parametrize(
    ("target", "shape", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2, bias=False)), None, "no bias: there is nothing to absorb"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), None, "give input_shape"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), (2, 8, 8), "takes images with 1 channels"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.Linear(6, 2)), (1, 8, 8), "put a Flatten before it"),
        (nn.Sequential(nn.Linear(2, 2), nn.Conv2d(1, 1, 3)), None, "takes images"),
        (
            nn.Sequential(nn.Conv2d(1, 2, 3), nn.AvgPool2d(3, padding=1), nn.Conv2d(2, 2, 1)),
            (1, 8, 8),
            r"layer 1 \(AvgPool\) averages over its padding",
        ),
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh()), None, "module 1 of the target is a Tanh"),
    ],
)
def test_absorb_refuses(target: nn.Sequential, shape: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        absorb_biases(target, shape)


def test_append_ones_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"got \(3,\)"):
        append_ones(torch.zeros(3))


def test_absorbing_leaves_the_target_alone() -> None:
    target = nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.ReLU(), nn.Conv2d(4, 1, 1))
    before = copy.deepcopy(target.state_dict())
    absorb_biases(target, (2, 6, 6))
    after = target.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert target[0].groups == 2


def test_a_target_with_biases_gets_its_ticket() -> None:
    """Absorbed, rescaled, pruned: within factor · bound · ‖(x, 1)‖ of the target with biases."""
    torch.manual_seed(1)
    target = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    rescaled = rescale(absorb_biases(target), largest=0.9)
    ticket = prune(rescaled.network, epsilon=0.05, size=3)
    bound = rescaled.factor * verify(ticket, rescaled.network).bound
    x = append_ones(_inputs((3,), batch=50))
    with torch.no_grad():
        error = rescaled.factor * ticket.network().double()(x) - target(x[:, :3])
    assert (error.norm(dim=1) <= bound * x.norm(dim=1)).all()


def test_an_average_may_count_its_padding_behind_the_last_bias() -> None:
    target = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AvgPool2d(3, padding=1))
    rewritten = absorb_biases(target, (1, 8, 8)).double()
    x = _inputs((1, 8, 8))
    torch.testing.assert_close(rewritten(append_ones(x)), target.double()(x), rtol=0, atol=1e-14)


def test_images_may_be_flattened_first() -> None:
    target = nn.Sequential(nn.Flatten(), nn.Linear(12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3, 2))
    rewritten = absorb_biases(target, (3, 2, 2)).double()
    x = _inputs((3, 2, 2))
    torch.testing.assert_close(rewritten(append_ones(x)), target.double()(x), rtol=0, atol=1e-14)
