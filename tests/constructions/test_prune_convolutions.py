"""Tickets of convolutional networks, and what is said layer by layer."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from slth.constructions import TicketNotFound, prune
from slth.networks import WeightLaw, read
from slth.tickets import Objective, Ticket, verify

Make = Callable[..., tuple[nn.Sequential, tuple[int, ...]]]


@given(
    seed=st.integers(0, 10**6),
    norm=st.sampled_from([0.3, 1.5]),
    choice=st.sampled_from([(3, "best"), (None, "feasible")]),
    law=st.sampled_from(["uniform", "normal"]),
    nonnegative=st.booleans(),
)
@settings(deadline=None, max_examples=15)
def test_epsilon_is_a_promise(
    random_convolutions: Make,
    seed: int,
    norm: float,
    choice: tuple[int | None, Objective],
    law: WeightLaw,
    nonnegative: bool,
) -> None:
    size, objective = choice
    target, shape = random_convolutions(seed, norm=norm)
    epsilon = 0.2 * norm**2
    ticket = prune(
        target,
        epsilon=epsilon,
        size=size,
        samples=90 if size is None else 300,
        seed=seed,
        law=law,
        objective=objective,
        nonnegative_inputs=nonnegative,
        input_shape=shape,
    )
    certificate = verify(ticket, target, rng=seed)
    assert certificate.observed_error is not None
    assert certificate.observed_error <= certificate.bound <= epsilon
    for errors, tolerance in zip(
        certificate.weight_errors, ticket.promise.weight_tolerances, strict=True
    ):
        assert errors.max() <= tolerance

    x = torch.tensor(np.random.default_rng(seed).standard_normal((20, *shape)))
    x = x.abs() if nonnegative else x
    x /= torch.linalg.vector_norm(x.flatten(1), dim=1)[:, None, None, None]
    difference = ticket.network().double()(x) - target.double()(x)
    assert float(torch.linalg.vector_norm(difference, dim=1).max()) <= certificate.bound


def test_negative_pixels_break_a_ticket_for_non_negative_ones() -> None:
    """The negative control of the half that is left out."""
    target = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False)).requires_grad_(False)
    arguments: dict[str, Any] = {"epsilon": 0.05, "objective": "feasible", "samples": 80}
    arguments["input_shape"] = shape = (1, 5, 5)
    ticket = prune(target, nonnegative_inputs=True, **arguments)
    both = prune(target, **arguments)
    x = -torch.rand(20, *shape, generator=torch.Generator().manual_seed(0))
    x /= torch.linalg.vector_norm(x.flatten(1), dim=1)[:, None, None, None]
    errors = [
        float((one.network()(x) - target(x)).flatten(1).norm(dim=1).max()) for one in (ticket, both)
    ]
    assert errors[0] > 0.05 >= verify(both, target, observe=False).bound >= errors[1] - 1e-5


def test_scales_may_move_between_layers(random_convolutions: Make) -> None:
    """ReLU and pooling are positively homogeneous: the function and the promise stay."""
    target, shape = random_convolutions(4)
    moved, _ = random_convolutions(4)
    first, last = moved[0], moved[-1]
    assert isinstance(first, nn.Conv2d)
    assert isinstance(last, nn.Linear)
    first.weight *= 0.25
    last.weight *= 4.0
    x = torch.rand(5, *shape)
    torch.testing.assert_close(moved(x), target(x))
    tickets = [
        prune(net, epsilon=0.05, objective="feasible", samples=90, input_shape=shape)
        for net in (target, moved)
    ]
    for ticket, net in zip(tickets, (target, moved), strict=True):
        assert verify(ticket, net, inputs=x).bound <= 0.05
    # The promise is shared out as before, so tolerances move along with the weights.
    ratios = np.divide(tickets[1].promise.weight_tolerances, tickets[0].promise.weight_tolerances)
    expected = [0.25, *[1.0] * (len(ratios) - 2), 4.0]
    np.testing.assert_allclose(ratios, expected, rtol=1e-6)


def test_hidden_channels_may_be_permuted() -> None:
    """Another target with a ticket of its own; the functions are within both promises."""
    torch.manual_seed(0)
    target = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 2, bias=False)
    ).requires_grad_(False)
    order = torch.tensor([2, 0, 3, 1])
    permuted = nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.ReLU(), nn.Conv2d(4, 2, 2, bias=False)
    ).requires_grad_(False)
    for mine, theirs, by_output in (
        (permuted[0], target[0], True),
        (permuted[2], target[2], False),
    ):
        assert isinstance(mine, nn.Conv2d)
        assert isinstance(theirs, nn.Conv2d)
        mine.weight.data = theirs.weight[order] if by_output else theirs.weight[:, order]
    assert read(permuted).digest != read(target).digest
    x = torch.randn(10, 1, 6, 6)
    x /= torch.linalg.vector_norm(x.flatten(1), dim=1)[:, None, None, None]
    torch.testing.assert_close(permuted(x), target(x))
    outputs = [
        prune(net, epsilon=0.02, samples=90, objective="feasible", input_shape=(1, 6, 6)).network()(
            x
        )
        for net in (target, permuted)
    ]
    assert float((outputs[0] - outputs[1]).flatten(1).norm(dim=1).max()) <= 0.04


def test_a_stored_ticket_verifies_in_a_fresh_process(
    random_convolutions: Make, tmp_path: Path
) -> None:
    target, shape = random_convolutions(7)
    ticket = prune(target, epsilon=0.1, size=3, samples=300, input_shape=shape)
    first, second = tmp_path / "first.ticket", tmp_path / "second.ticket"
    ticket.save(first)
    Ticket.load(first).save(second)
    assert first.read_bytes() == second.read_bytes()
    torch.save(target, tmp_path / "target.pt")
    code = (
        "import sys, torch; from slth import Ticket, verify\n"
        "target = torch.load(sys.argv[2], weights_only=False)\n"
        "certificate = verify(Ticket.load(sys.argv[1]), target)\n"
        "print(certificate.bound.hex(), certificate.kept, certificate.observed_error.hex())"
    )
    command = [sys.executable, "-c", code, str(first), str(tmp_path / "target.pt")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    here = verify(ticket, target)
    assert here.observed_error is not None
    assert run.stdout.split() == [here.bound.hex(), str(here.kept), here.observed_error.hex()]


CHAIN = nn.Sequential(
    nn.Conv2d(1, 2, 2, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2, bias=False)
).requires_grad_(False)
SHAPE = (1, 3, 3)


def test_sizes_samples_and_tolerances_layer_by_layer() -> None:
    ticket = prune(
        CHAIN,
        size=(2, 4),
        samples=(80, 50),
        weight_tolerance=(0.05, 0.02),
        input_shape=SHAPE,
        objective="feasible",
    )
    assert ticket.promise.sizes == (2, 4)
    assert ticket.promise.weight_tolerances == (0.05, 0.02)
    assert ticket.random_network.widths == (1, 160, 2, 400, 2)
    kept = [int(layer.sum()) for layer in ticket.mask.layers[1::2]]
    assert kept == [2 * 2 * 8, 4 * 16]
    found = [float(errors.max()) for errors in verify(ticket, CHAIN).weight_errors]
    assert found[0] <= 0.05
    assert found[1] <= 0.02


@pytest.mark.parametrize(
    ("arguments", "construction", "sizes"),
    [
        ({}, "pensia", (None, None)),
        ({"construction": "pensia"}, "pensia", (None, None)),
        ({"size": 1}, "malach", (1, 1)),
        ({"construction": "malach"}, "malach", (1, 1)),
        ({"construction": "natale", "size": 1}, "natale", (1, 1)),
        ({"size": 2}, "natale", (2, 2)),
        ({"size": (1, 2)}, "natale", (1, 2)),
    ],
)
def test_construction_follows_from_size(
    arguments: dict[str, Any], construction: str, sizes: tuple[int | None, ...]
) -> None:
    ticket = prune(
        CHAIN, weight_tolerance=0.05, objective="feasible", input_shape=SHAPE, **arguments
    )
    assert (ticket.promise.construction, ticket.promise.sizes) == (construction, sizes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": None}, r"first layer is a Conv: give input_shape=\(channels"),
        ({"input_shape": (2, 3, 3)}, r"layer 0 \(Conv\) takes images with 1 channels"),
        ({"input_shape": (1, 4, 3)}, r"layer 3 \(Dense\) takes vectors of length 8, not shape"),
        ({"construction": "frankle"}, "construction must be one of"),
        ({"construction": "natale"}, "fixed size: give size=k"),
        ({"construction": "pensia", "size": 2}, "'pensia' takes subsets of any size, not k=2"),
        ({"construction": "malach", "size": 2}, "'malach' takes one product per weight, not k=2"),
        ({"size": (1, 2, 3)}, "3 sizes for a target of 2 layers with weights"),
        ({"size": (1, 0)}, "size must be an integer >= 1, got 0"),
        ({"size": (1, 8), "samples": (9, 7)}, "size k=8 exceeds the n=7 available samples"),
        ({"weight_tolerance": (0.1,)}, "1 weight tolerances for a target of 2 layers"),
    ],
)
def test_refuses_before_work_starts(arguments: dict[str, Any], message: str) -> None:
    all_of_them = {"weight_tolerance": 0.1, "input_shape": SHAPE, **arguments}
    with pytest.raises(ValueError, match=message) as caught:
        prune(CHAIN, **all_of_them)
    assert not isinstance(caught.value, TicketNotFound)


def test_a_kernel_out_of_reach_says_by_how_much() -> None:
    conv = nn.Conv2d(1, 1, 1, bias=False)
    conv.weight.data.fill_(4.5)
    target = nn.Sequential(conv)
    with pytest.raises(ValueError, match=r"divide the layer by more than 1\.5 \(rescale moves"):
        prune(target, weight_tolerance=0.1, size=3, input_shape=SHAPE)
