"""One pair of layers: the constructions are one, and blocks do not show."""

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from slth.constructions import (
    TicketNotFound,
    dense,
    dense_masks,
    equivariant,
    equivariant_masks,
    hidden_width,
    pair,
    pair_construction,
    prune,
    subsets,
)
from slth.networks import RandomNetwork
from slth.networks.layers import Relu, Weighted
from slth.tickets import Mask, Objective, pruned_pair


def layer(seed: int, outputs: int, inputs: int, *kernel: int, groups: int = 1) -> nn.Module:
    """Make a matrix, or a convolution where there is a kernel, with weights up to 0.3."""
    module: nn.Linear | nn.Conv2d = nn.Linear(inputs, outputs, bias=False)
    if kernel:
        module = nn.Conv2d(inputs, outputs, (kernel[0], kernel[1]), groups=groups, bias=False)
    weight = np.random.default_rng(seed).uniform(-0.3, 0.3, tuple(module.weight.shape))
    module.weight = nn.Parameter(torch.tensor(weight, dtype=torch.float32), requires_grad=False)
    return module


CHOICES = st.sampled_from([(None, "best"), (None, "feasible"), (None, "fewest"), (2, "best")])


@given(
    seed=st.integers(0, 10**6),
    outputs=st.integers(1, 4),
    inputs=st.integers(1, 4),
    choice=CHOICES,
    nonnegative=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_a_matrix_is_a_convolution_on_one_pixel(
    seed: int, outputs: int, inputs: int, choice: tuple[int | None, Objective], nonnegative: bool
) -> None:
    """Mask for mask, bit for bit."""
    size, objective = choice
    arguments = {
        "weight_tolerance": 9.0 if objective == "best" else 0.1,
        "samples": 30,
        "seed": seed,
        "size": size,
        "objective": objective,
        "nonnegative_inputs": nonnegative,
    }
    dense = nn.Sequential(layer(seed, outputs, inputs))
    conv = nn.Sequential(layer(seed, outputs, inputs, 1, 1))
    outcomes: list[tuple[object, ...]] = []
    for target, shape in ((dense, (inputs,)), (conv, (inputs, 1, 1))):
        try:
            ticket = prune(target, input_shape=shape, **arguments)  # type: ignore[arg-type]
            outcomes.append(tuple(layer.tobytes() for layer in ticket.mask.packed()))
        except TicketNotFound as missed:
            place = missed.miss.index[:2]
            outcomes.append((place, missed.miss.half, missed.miss.error, missed.miss.live))
    assert outcomes[0] == outcomes[1]


@given(
    seed=st.integers(0, 10**6),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    groups=st.integers(1, 3),
    choice=CHOICES,
    signed=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_a_kernel_is_a_matrix_per_group(
    seed: int,
    channels: tuple[int, int],
    kernel: tuple[int, int],
    groups: int,
    choice: tuple[int | None, Objective],
    signed: bool,
) -> None:
    """Reordered by hand, the random kernels give the masks of the dense construction."""
    size, objective = choice
    samples = 30
    outputs, inputs = channels[0] * groups, channels[1] * groups
    conv = layer(seed, outputs, inputs, *kernel, groups=groups)
    try:
        ticket = prune(
            nn.Sequential(conv),
            weight_tolerance=9.0 if objective == "best" else 0.3,
            samples=samples,
            seed=seed,
            size=size,
            objective=objective,
            nonnegative_inputs=not signed,
            input_shape=(inputs, 4, 4),
        )
    except TicketNotFound:
        return  # the test above looks at failures
    assert isinstance(conv, nn.Conv2d)
    hidden = hidden_width(channels[1], samples, signed=signed)
    weights = conv.weight.numpy()
    first, second = (ticket.random_network.weights(i) for i in range(2))
    keep_first, keep_second = ticket.mask.layers
    for group in range(groups):
        rows, units = (slice(n * group, n * (group + 1)) for n in (channels[0], hidden))
        matrix, random = (
            w[rows].transpose(0, 2, 3, 1).reshape(-1, w.shape[1]) for w in (weights, second)
        )
        masks = dense_masks(
            matrix,
            first[units, :, 0, 0],
            random,
            tolerance=9.0 if objective == "best" else 0.3,
            size=size,
            objective=objective,
            signed=signed,
        )
        np.testing.assert_array_equal(keep_first[units, :, 0, 0], masks.first)
        found = keep_second[rows].transpose(0, 2, 3, 1).reshape(-1, hidden)
        np.testing.assert_array_equal(found, masks.second)


def small_network(seed: int = 0) -> nn.Sequential:
    return nn.Sequential(
        layer(seed, 4, 2, 3, 2, groups=2),
        nn.ReLU(),
        nn.Flatten(),
        layer(seed, 5, 24),
    )


def masks(target: nn.Sequential, **arguments: object) -> Sequence[bytes]:
    ticket = prune(
        target,
        weight_tolerance=0.02,
        samples=60,
        input_shape=(2, 4, 4),
        **arguments,  # type: ignore[arg-type]
    )
    return [layer.tobytes() for layer in ticket.mask.packed()]


@pytest.mark.parametrize("block", [1, 500, 10**4])
def test_blocks_do_not_show(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = masks(small_network(), objective="feasible")
    monkeypatch.setattr(pair, "_BLOCK", block)
    assert masks(small_network(), objective="feasible") == whole


def test_the_early_search_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the first few products are searched on their own makes no difference."""
    target = small_network(1)
    whole = masks(target, objective="feasible")
    for few in (8, 12, 40):
        monkeypatch.setattr(subsets, "_FIRST_FEASIBLE", few)
        assert masks(target, objective="feasible") == whole


def test_names_the_tap_that_is_out_of_reach() -> None:
    target = small_network()
    conv = target[0]
    assert isinstance(conv, nn.Conv2d)
    conv.weight[3, 0, 2, 1] = -7.0
    with pytest.raises(
        TicketNotFound, match=r"target layer 0, weight \(3, 0, 2, 1\) = -7, (nega|posi)tive half"
    ) as caught:
        masks(target, objective="fewest")
    assert caught.value.miss.index == (3, 0, 2, 1)
    assert caught.value.miss.samples == 60


def test_only_one_pointwise_weight_per_hidden_channel_is_kept() -> None:
    ticket = prune(
        small_network(), epsilon=0.5, size=3, input_shape=(2, 4, 4), objective="feasible"
    )
    for first, second in zip(*[iter(ticket.mask.layers)] * 2, strict=True):
        reads = first.reshape(len(first), -1).sum(axis=1)
        assert set(reads.tolist()) <= {0, 1}
        if second.shape[1] == len(first):  # one group
            serves = second.any(axis=tuple(axis for axis in range(second.ndim) if axis != 1))
            np.testing.assert_array_equal(reads == 1, serves)
    kept = sum(int(mask.sum()) for mask in ticket.mask.layers[1::2])
    assert kept == 3 * (2 * 24 + 120)  # signed kernel entries twice
    assert isinstance(ticket.mask, Mask)
    random = ticket.random_network
    assert isinstance(random, RandomNetwork)
    assert [isinstance(part, Weighted) for part in random.layers] == [1, 0, 1, 0, 0, 1, 0, 1]
    assert random.layers[1] == Relu()


def test_memory_is_bounded_by_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A random layer of 236 MB is pruned and judged in a fraction of that."""
    target = nn.Sequential(layer(0, 256, 16, 3, 3))
    arguments: dict[str, Any] = {"weight_tolerance": 0.02, "objective": "feasible", "samples": 1600}
    arguments |= {"input_shape": (16, 4, 4), "nonnegative_inputs": True}
    prune(small_network(), weight_tolerance=0.2, samples=60, input_shape=(2, 4, 4))  # compiles
    for module in (pair, pruned_pair):
        monkeypatch.setattr(module, "_BLOCK", 1 << 18)
    tracemalloc.start()
    try:
        ticket = prune(target, **arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    whole = 4 * ticket.random_network.shapes[1][0] * 25_600 * 9
    assert whole == 235_929_600
    assert peak < 0.3 * whole


def test_chapters_and_prune_run_the_same_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dense_masks` and `equivariant_masks` are no second implementation."""
    called = []

    def counted(*arguments: Any, **options: Any) -> Mask:
        called.append(options["size"])
        return pair.pair_masks(*arguments, **options)

    for module in (dense, equivariant, pair_construction):
        monkeypatch.setattr(module, "pair_masks", counted)
    rng = np.random.default_rng(0)
    first, second = rng.uniform(-1, 1, (40, 1)), rng.uniform(-1, 1, (1, 40))
    dense_masks(np.array([[0.5]]), first, second, tolerance=0.5, size=2)
    equivariant_masks(
        np.array([[[0.5]]]), first[:, :, None], second[:, :, None], tolerance=0.5, size=3
    )
    prune(nn.Sequential(layer(0, 2, 1)), weight_tolerance=0.5, size=4, samples=40)
    assert called == [2, 3, 4]
