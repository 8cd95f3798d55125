"""The judge on convolutional tickets: effective kernels against brute force, and a bound."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from slth.networks import Network, RandomNetwork, read
from slth.networks.layers import (
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Relu,
    Unweighted,
    Weighted,
)
from slth.tickets import Mask, PairPromise, Ticket, VerificationError, verify
from slth.tickets import pruned_pair as judge
from slth.tickets.pruned_pair import PrunedPair
from tests.tickets.conftest import promising

MakeTicket = Callable[..., Ticket]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

CHAINS: dict[str, tuple[tuple[Layer, ...], tuple[int, ...]]] = {
    "one kernel": ((Conv(2, 3, (3, 2)),), (2, 5, 4)),
    "groups": ((Conv(4, 6, (2, 2), (2, 1), (1, 0), groups=2), Relu(), Flatten()), (4, 5, 4)),
    "depthwise": ((Conv(3, 3, (3, 3), padding=(1, 1), groups=3),), (3, 4, 4)),
    "circular, dilated": (
        (Conv(1, 2, (3, 3), padding=(2, 1), dilation=(2, 1), padding_mode="circular"),),
        (1, 5, 6),
    ),
    "mixed": (
        (
            Conv(1, 3, (3, 3), padding=(1, 1)),
            Relu(),
            MaxPool((3, 3), (2, 2), (1, 1)),
            Conv(3, 4, (2, 2)),
            AvgPool((2, 2), (1, 1)),
            Relu(),
            Flatten(),
            Dense(16, 3),
            Dense(3, 2),
        ),
        (1, 8, 8),
    ),
    "pooled": (
        (Conv(2, 3, (1, 1)), Relu(), GlobalAvgPool(), Flatten(), Relu(), Dense(3, 4)),
        (2, 3, 3),
    ),
}


def module(chain: tuple[Layer, ...], weights: list[Floats]) -> nn.Sequential:
    rest = iter(weights)
    parts: list[nn.Module] = []
    for layer in chain:
        if isinstance(layer, Weighted):
            parts.append(layer.module(torch.from_numpy(next(rest).astype(np.float32))))
        elif isinstance(layer, Unweighted):
            parts.append(layer.module())
    return nn.Sequential(*parts)


def random_blocked(
    rng: np.random.Generator, first: Weighted, second: Weighted
) -> tuple[Bools, Bools]:
    """Masks in which a hidden channel is kept on both sides or on neither."""
    kept = rng.random(second.shape) < 0.3
    used = [
        kept[group * second.outputs // second.groups :][: second.outputs // second.groups]
        .reshape(second.outputs // second.groups, second.shape[1], -1)
        .any(axis=(0, 2))
        for group in range(second.groups)
    ]
    units = np.flatnonzero(np.concatenate(used))
    pointwise = np.zeros(first.shape, np.bool_)
    pointwise.reshape(*first.shape[:2], -1)[units, rng.integers(0, first.shape[1], len(units))] = 1
    return pointwise, kept


def effective(first: Floats, second: Floats, groups: int) -> Floats:
    """W± by the definition, hidden channel by hidden channel: (2, out, in / groups, *basis)."""
    outputs, width = second.shape[:2]
    result = np.zeros((2, outputs, *first.shape[1:2], *second.shape[2:]))
    for output in range(outputs):
        group = output // (outputs // groups)
        for unit in range(width):
            for channel, weight in enumerate(first[group * width + unit].reshape(-1)):
                half = 0 if weight > 0 else 1
                result[half, output, channel] += second[output, unit] * abs(weight)
    return result


@dataclasses.dataclass(frozen=True)
class Case:
    ticket: Ticket
    target: nn.Sequential
    slopes: list[Floats]


def make(name: str, seed: int, noise: float, nonnegative: bool) -> Case:
    """Draw a network and blocked masks, and put a target near its positive slopes."""
    chain, shape = CHAINS[name]
    rng = np.random.default_rng(seed)
    random_layers: list[Layer] = []
    masks: list[Bools] = []
    for layer in chain:
        if isinstance(layer, Weighted):
            first, second = layer.pair(layer.groups * int(rng.integers(1, 7)))
            random_layers += [first, Relu(), second]
            masks += random_blocked(rng, first, second)
        else:
            random_layers.append(layer)
    network = RandomNetwork(Network.chain(random_layers), seed, "normal" if seed % 2 else "uniform")
    slopes, weights = [], []
    for index, layer in enumerate(Network.chain(chain).weighted):
        kept = [network.weights(i) * masks[i] for i in (2 * index, 2 * index + 1)]
        slopes.append(effective(kept[0].astype(float), kept[1].astype(float), layer.groups))
        weights.append(slopes[-1][0] + noise * rng.standard_normal(layer.shape))
    target = module(chain, weights)
    ticket = Ticket(
        random_network=network,
        mask=Mask(masks),
        target_digest=read(target).digest,
        random_digest=network.digest(),
        input_shape=shape,
        nonnegative_inputs=nonnegative,
        promise=PairPromise(
            construction="pensia",
            objective="best",
            sizes=(None,) * len(weights),
            weight_tolerances=(1e6,) * len(weights),
        ),
    )
    return Case(ticket, target, slopes)


@given(
    name=st.sampled_from(sorted(CHAINS)),
    seed=st.integers(0, 10**6),
    noise=st.sampled_from([1e-6, 1e-2, 1.0]),
    nonnegative=st.booleans(),
)
@settings(deadline=None, max_examples=15)
def test_figures_and_bound_against_brute_force(
    name: str, seed: int, noise: float, nonnegative: bool
) -> None:
    case = make(name, seed, noise, nonnegative)
    ticket, target = case.ticket, case.target
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((10, *ticket.input_shape))
    inputs = np.abs(inputs) if nonnegative else inputs
    certificate = verify(ticket, target, inputs=inputs)
    signed = ticket.target_architecture.signed(nonnegative_inputs=nonnegative)
    for index, weights in enumerate(read(target).coefficients):
        expected = [np.abs(case.slopes[index][0] - weights)]
        if signed[index]:
            expected.append(np.abs(case.slopes[index][1] + weights))
        found = certificate.weight_errors[index]
        np.testing.assert_allclose(found, np.stack(expected), rtol=1e-9, atol=1e-13)
    # The modules themselves, which know nothing of effective kernels.
    x = torch.from_numpy(
        inputs / np.linalg.norm(inputs.reshape(10, -1), axis=1)[:, None, None, None]
    )
    difference = (ticket.network().double()(x) - target.double()(x)).flatten(1)
    seen = float(torch.linalg.vector_norm(difference, dim=1).max())
    assert certificate.observed_error is not None
    assert seen <= certificate.observed_error * (1 + 1e-9) + 1e-13
    assert certificate.observed_error <= certificate.bound
    assert certificate.kept == sum(int(layer.sum()) for layer in ticket.mask.layers)
    assert certificate.total == sum(p.numel() for p in ticket.network().parameters())
    assert certificate.n_target_parameters == sum(p.numel() for p in target.parameters())


@pytest.mark.parametrize("name", sorted(CHAINS))
def test_a_pair_runs_like_its_modules(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of a few weights and a few hidden values at a time."""
    case = make(name, 3, 0.1, False)
    monkeypatch.setattr(judge, "_BLOCK", 20)
    monkeypatch.setattr(judge, "_HIDDEN", 50)
    x = torch.randn(7, *case.ticket.input_shape, dtype=torch.float64)
    parts = list(case.ticket.network().double())
    index = 0
    while parts:
        if not parts[0].state_dict():
            x = parts.pop(0)(x)
            continue
        pair, parts = nn.Sequential(*parts[:3]), parts[3:]
        expected = pair(x)
        torch.testing.assert_close(PrunedPair.of(case.ticket, index).run(x), expected)
        x, index = expected, index + 1


def test_blocks_do_not_change_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make("mixed", 5, 0.1, False)
    whole = verify(case.ticket, case.target)
    monkeypatch.setattr(judge, "_BLOCK", 1)
    parts = verify(case.ticket, case.target)
    assert parts.bound == whole.bound
    assert parts.observed_error == pytest.approx(whole.observed_error, rel=1e-9)
    for one, other in zip(parts.weight_errors, whole.weight_errors, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nobody_looked_and_the_certificate_says_so() -> None:
    case = make("mixed", 5, 0.1, False)
    blind, seeing = (verify(case.ticket, case.target, observe=observe) for observe in (False, True))
    assert blind.observed_error is None
    assert seeing.observed_error is not None
    assert blind.bound == seeing.bound
    with pytest.raises(ValueError, match="observe=True"):
        verify(case.ticket, case.target, inputs=np.ones((1, 1, 8, 8)), observe=False)


def exact(hand_made: MakeTicket) -> tuple[Ticket, nn.Sequential]:
    """Hit a 1 × 2 kernel on images of either sign, and a matrix behind pooling, exactly."""
    target = nn.Sequential(
        Conv(1, 1, (1, 2)).module(torch.tensor([[[[0.5, -0.25]]]])),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        Dense(1, 1).module(torch.tensor([[0.75]])),
    )
    ticket = hand_made(
        [
            np.reshape([1.0, 0.5, 0.25, -1.0, -0.5], (5, 1, 1, 1)),
            np.reshape([[0.5, 9.0], [9.0, -0.5], [9, 9], [-0.5, 9.0], [9.0, 0.5]], (1, 5, 1, 2)),
            [[0.5], [0.5]],
            [[1.5, 1.0]],
        ],
        [
            np.reshape([1, 1, 0, 1, 1], (5, 1, 1, 1)),
            np.reshape([[1, 0], [0, 1], [0, 0], [1, 0], [0, 1]], (1, 5, 1, 2)),
            [[1], [0]],
            [[1, 0]],
        ],
        target,
        size=1,
        input_shape=(1, 2, 3),
    )
    return ticket, target


def test_exact_instance(hand_made: MakeTicket) -> None:
    ticket, target = exact(hand_made)
    certificate = verify(ticket, target)
    assert certificate.max_weight_error == 0.0
    assert certificate.observed_error == 0.0
    assert 0.0 < certificate.bound < 1e-12
    x = torch.randn(4, 1, 2, 3)
    torch.testing.assert_close(ticket.network()(x), target(x))


def test_every_flipped_mask_bit_is_caught(hand_made: MakeTicket) -> None:
    ticket, target = exact(hand_made)
    for index, shape in enumerate(ticket.mask.shapes):
        for entry in range(int(np.prod(shape))):
            flipped = [layer.copy() for layer in ticket.mask.layers]
            flipped[index].flat[entry] ^= True
            with pytest.raises(VerificationError, match="target layer"):
                verify(dataclasses.replace(ticket, mask=Mask(flipped)), target)


def test_another_tap_of_the_kernel_is_caught(hand_made: MakeTicket) -> None:
    """All counts stay what they were; the coefficient is named with its tap."""
    ticket, target = exact(hand_made)
    layers_ = [layer.copy() for layer in ticket.mask.layers]
    layers_[1][0, [0, 1]] = layers_[1][0, [1, 0]]
    with pytest.raises(
        VerificationError, match=r"weight \(0, 0, 0, 0\), positive half, is off by 4"
    ):
        verify(dataclasses.replace(ticket, mask=Mask(layers_)), target)
    with pytest.raises(VerificationError, match=r"weight \(0, 0, 0, 0\).* keeps 1 terms.*says 2"):
        verify(promising(ticket, sizes=(2, 1)), target)


def test_another_stride_is_another_target(hand_made: MakeTicket) -> None:
    ticket, target = exact(hand_made)
    strided = nn.Sequential(*target)
    strided[0] = Conv(1, 1, (1, 2), (2, 1)).module(target[0].weight.data)  # type: ignore[arg-type]
    with pytest.raises(VerificationError, match="the ticket is for the target"):
        verify(ticket, strided)
    lying = dataclasses.replace(ticket, target_digest=read(strided).digest)
    with pytest.raises(VerificationError, match="the ticket is for layers"):
        verify(lying, strided)


def test_pooling_amplifies_the_bound(hand_made: MakeTicket) -> None:
    """Max pooling whose windows share an entry doubles squared errors; a peak attains it."""
    target = nn.Sequential(
        Conv(1, 1, (1, 1)).module(torch.tensor([[[[0.5]]]])), nn.MaxPool2d((1, 2), stride=(1, 1))
    )
    ticket = hand_made(
        [np.full((1, 1, 1, 1), 1.0), np.full((1, 1, 1, 1), 0.75)],
        [np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1))],
        target,
        tolerance=0.25,
        nonnegative=True,
        input_shape=(1, 1, 3),
    )
    peak = [[[[0.0, 1.0, 0.0]]]]
    certificate = verify(ticket, target, inputs=peak)
    assert certificate.bound == pytest.approx(0.25 * 2**0.5, rel=1e-8)
    assert certificate.observed_error == pytest.approx(0.25 * 2**0.5, rel=1e-12)
    assert certificate.observed_error is not None
    assert certificate.observed_error <= certificate.bound
