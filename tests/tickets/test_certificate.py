"""The judge: right figures, a bound that holds, and no mercy for anything tampered with."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from slth.networks import RandomNetwork, read
from slth.tickets import Certificate, Mask, PairPromise, Ticket, VerificationError, verify
from tests.tickets.conftest import promising

MakeTicket = Callable[..., Ticket]
MakeModule = Callable[..., nn.Sequential]

FIXTURES_ARE_FUNCTIONS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def observed(certificate: Certificate) -> float:
    assert certificate.observed_error is not None
    return certificate.observed_error


def random_blocked(
    rng: np.random.Generator, outputs: int, hidden: int, inputs: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Masks of a pair of layers in which a hidden unit is kept on both sides or on neither."""
    second = rng.random((outputs, hidden)) < 0.4
    first = np.zeros((hidden, inputs), dtype=np.bool_)
    used = np.flatnonzero(second.any(axis=0))
    first[used, rng.integers(0, inputs, len(used))] = True
    return first, second


def random_ticket(
    make_module: MakeModule, seed: int, widths: tuple[int, ...], noise: float, nonnegative: bool
) -> tuple[Ticket, nn.Sequential]:
    """Blocked masks of a drawn network, and a target near its slopes on the positive halves."""
    rng = np.random.default_rng(seed)
    network = RandomNetwork.dense(widths, seed, "normal" if seed % 2 else "uniform")
    masks, layers = [], []
    for index in range(0, network.depth, 2):
        inputs, hidden, outputs = widths[index : index + 3]
        masks += list(random_blocked(rng, outputs, hidden, inputs))
        first, second = (network.weights(index + half) * masks[index + half] for half in (0, 1))
        slopes = second.astype(np.float64) @ np.maximum(first, 0)
        layers.append(slopes + noise * rng.standard_normal(slopes.shape))
    target = make_module(*layers)
    ticket = Ticket(
        random_network=network,
        mask=Mask(masks),
        target_digest=read(target).digest,
        random_digest=network.digest(),
        input_shape=widths[:1],
        nonnegative_inputs=nonnegative,
        promise=PairPromise(
            construction="pensia",
            objective="best",
            sizes=(None,) * len(layers),
            weight_tolerances=(1e6,) * len(layers),
        ),
    )
    return ticket, target


def weight_errors_by_loops(
    ticket: Ticket, target: nn.Sequential, layer: int
) -> NDArray[np.float64]:
    """Per slope, by running the pruned pair of layers on the unit vectors and their negatives."""
    pair = nn.Sequential(*list(ticket.network().double())[4 * layer : 4 * layer + 3])
    linear = list(target.double())[2 * layer]
    assert isinstance(linear, nn.Linear)
    signs = (1.0,) if layer > 0 or ticket.nonnegative_inputs else (1.0, -1.0)
    identity = torch.eye(linear.in_features, dtype=torch.float64)
    errors = [(pair(sign * identity) - linear(sign * identity)).T.abs() for sign in signs]
    return np.stack([error.detach().numpy() for error in errors])


@given(
    seed=st.integers(0, 10**6),
    layers=st.integers(1, 3),
    noise=st.sampled_from([1e-6, 1e-3, 1e-1]),
    nonnegative=st.booleans(),
)
@FIXTURES_ARE_FUNCTIONS
def test_figures_and_bound_against_the_module(
    module: MakeModule, seed: int, layers: int, noise: float, nonnegative: bool
) -> None:
    rng = np.random.default_rng(seed)
    widths = tuple(int(width) for width in rng.integers(1, 6, 2 * layers + 1))
    ticket, target = random_ticket(module, seed, widths, noise, nonnegative)
    inputs = rng.standard_normal((20, widths[0]))
    inputs = np.abs(inputs) if nonnegative else inputs
    certificate = verify(ticket, target, inputs=inputs)

    x = torch.tensor(inputs / np.linalg.norm(inputs, axis=1, keepdims=True))
    difference = ticket.network().double()(x) - target.double()(x)
    seen = float(torch.linalg.vector_norm(difference, dim=1).max())
    assert seen <= observed(certificate) * (1 + 1e-9) + 1e-14
    assert observed(certificate) <= certificate.bound

    for layer in range(layers):
        np.testing.assert_allclose(
            certificate.weight_errors[layer],
            weight_errors_by_loops(ticket, target, layer),
            rtol=1e-9,
            atol=1e-13,
        )
    assert certificate.max_weight_error == max(e.max() for e in certificate.weight_errors)
    assert certificate.kept == sum(int(layer.sum()) for layer in ticket.mask.layers)
    assert certificate.total == sum(a * b for a, b in ticket.random_network.shapes)
    assert certificate.n_target_parameters == sum(p.numel() for p in target.parameters())
    assert certificate.density == ticket.density
    assert certificate.overparameterization == ticket.overparameterization


def test_exact_instance(hand_made: MakeTicket, module: MakeModule) -> None:
    """The ReLU trick, then a second layer on non-negative inputs: no error at all."""
    target = module([[0.5], [-0.25]], [[1.0, -2.0]])
    ticket = hand_made(
        [
            [[0.5], [9.0], [-0.5]],
            [[1.0, 7.0, -1.0], [-0.5, 7.0, 0.5]],
            [[4.0, 9.0], [9.0, 1.0], [1.0, 1.0]],
            [[0.25, -2.0, 9.0]],
        ],
        [
            [[1], [0], [1]],
            [[1, 0, 1], [1, 0, 1]],
            [[1, 0], [0, 1], [0, 0]],
            [[1, 1, 0]],
        ],
        target,
        size=1,
    )
    certificate = verify(ticket, target, inputs=[[1.0], [-2.0], [0.0]])
    assert certificate.max_weight_error == 0.0
    assert observed(certificate) == 0.0
    assert 0.0 < certificate.bound < 1e-12
    assert (certificate.kept, certificate.total) == (10, 18)
    x = torch.tensor([[1.5], [-3.0]])
    assert torch.equal(ticket.network()(x), target(x))


@given(seed=st.integers(0, 10**6), layers=st.integers(1, 3), nonnegative=st.booleans())
@settings(FIXTURES_ARE_FUNCTIONS, max_examples=40)
def test_float32_bound_holds_for_the_network_as_it_runs(
    module: MakeModule, seed: int, layers: int, nonnegative: bool
) -> None:
    rng = np.random.default_rng(seed)
    widths = tuple(int(width) for width in rng.integers(1, 9, 2 * layers + 1))
    ticket, target = random_ticket(module, seed, widths, 0.0, nonnegative)
    certificate = verify(ticket, target, observe=False)
    x = torch.randn(300, widths[0], generator=torch.Generator().manual_seed(seed))
    x = x.abs() if nonnegative else x
    x /= torch.linalg.vector_norm(x.double(), dim=1, keepdim=True).float() * (1 + 1e-6)
    difference = ticket.network()(x).double() - target.double()(x.double())
    error = float(torch.linalg.vector_norm(difference, dim=1).max())
    assert error <= certificate.float32_bound
    assert certificate.bound <= certificate.float32_bound


def test_float32_can_exceed_the_bound_for_exact_arithmetic(
    hand_made: MakeTicket, module: MakeModule
) -> None:
    """A third, and a third of a third: exact in float64, rounded in float32."""
    third = np.float32(1 / 3)
    product = float(third) * float(third)
    target = module([[np.float32(product)]])
    ticket = hand_made(
        [[[third]], [[third]]], [[[1]], [[1]]], target, tolerance=1e-8, nonnegative=True
    )
    certificate = verify(ticket, target)
    x = torch.rand(1000, 1, generator=torch.Generator().manual_seed(0))
    difference = ticket.network()(x).double() - target.double()(x.double())
    seen = float(difference.abs().max())
    assert certificate.bound < seen <= certificate.float32_bound < 3e-8


@pytest.fixture
def sound(hand_made: MakeTicket, module: MakeModule) -> tuple[Ticket, nn.Sequential]:
    """Make a sound ticket with two terms per slope, and its target."""
    target = module([[1.0, 0.25]], [[0.75]])
    signs = [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]
    first = [[sign, 0.5] for sign in signs] + [[0.5, sign] for sign in signs]
    rows = [0.75, 0.25, 0.5, -0.75, -0.25, 0.5, 0.125, 0.125, 0.375, -0.125, -0.125, 0.375]
    blocked = [[1, 0], [1, 0], [0, 0]] * 2 + [[0, 1], [0, 1], [0, 0]] * 2
    ticket = hand_made(
        [first, [rows], [[0.5], [0.25], [0.5]], [[1.0, 1.0, 1.0]]],
        [blocked, [[1, 1, 0] * 4], [[1], [1], [0]], [[1, 1, 0]]],
        target,
        size=2,
        epsilon=1e-9,
    )
    assert verify(ticket, target).max_weight_error == 0.0
    return ticket, target


def flipped(mask: Mask, layer: int, entry: int) -> Mask:
    layers = [array.copy() for array in mask.layers]
    layers[layer].flat[entry] ^= True
    return Mask(layers)


def test_every_flipped_mask_bit_is_caught(sound: tuple[Ticket, nn.Sequential]) -> None:
    ticket, target = sound
    for layer, array in enumerate(ticket.mask.layers):
        for entry in range(array.size):
            tampered = dataclasses.replace(ticket, mask=flipped(ticket.mask, layer, entry))
            with pytest.raises(VerificationError):
                verify(tampered, target)


def test_another_subset_of_the_right_size_is_caught(sound: tuple[Ticket, nn.Sequential]) -> None:
    """Exchanging a kept hidden unit for a removed one leaves all counts as they were."""
    ticket, target = sound
    layers = [array.copy() for array in ticket.mask.layers]
    layers[2][[1, 2]] = layers[2][[2, 1]]
    layers[3][:, [1, 2]] = layers[3][:, [2, 1]]
    with pytest.raises(VerificationError, match=r"weight \(0, 0\), positive half, is off by 0\.25"):
        verify(dataclasses.replace(ticket, mask=Mask(layers)), target)


def test_another_target_is_caught(sound: tuple[Ticket, nn.Sequential], module: MakeModule) -> None:
    ticket, _ = sound
    for other in (module([[1.0, 0.25]], [[0.7500001]]), module([[1.0], [0.25]], [[0.75, 0.0]])):
        with pytest.raises(VerificationError, match="the ticket is for the target"):
            verify(ticket, other)


def test_swapped_layers_are_caught(hand_made: MakeTicket, module: MakeModule) -> None:
    first, second = [[0.5]], [[0.25]]
    target, swapped = module(first, second), module(second, first)
    ticket = hand_made([[[1.0]], first, [[1.0]], second], [[[1]]] * 4, target, nonnegative=True)
    assert verify(ticket, target).max_weight_error == 0.0
    with pytest.raises(VerificationError, match="the ticket is for the target"):
        verify(ticket, swapped)
    lying = dataclasses.replace(ticket, target_digest=read(swapped).digest)
    with pytest.raises(VerificationError, match=r"target layer 0: .*is off by 0\.25"):
        verify(lying, swapped)


def test_another_seed_is_caught(module: MakeModule) -> None:
    ticket, target = random_ticket(module, 4, (3, 4, 2), 1e-3, True)
    verify(ticket, target)
    other = dataclasses.replace(ticket.random_network, seed=5)
    with pytest.raises(VerificationError, match="seed 5 gives"):
        verify(dataclasses.replace(ticket, random_network=other), target)
    tight = promising(ticket, weight_tolerances=(0.01,))
    verify(tight, target)
    lying = dataclasses.replace(tight, random_network=other, random_digest=other.digest())
    with pytest.raises(VerificationError, match="is off by"):
        verify(lying, target)


def test_other_widths_behind_a_right_digest_are_caught(
    sound: tuple[Ticket, nn.Sequential], module: MakeModule
) -> None:
    ticket, _ = sound
    other = module([[1.0, 0.25], [1.0, 0.25]], [[0.75, 0.75]])
    lying = dataclasses.replace(ticket, target_digest=read(other).digest)
    with pytest.raises(VerificationError, match="the ticket is for layers"):
        verify(lying, other)


def test_unblocked_first_layer_is_caught(hand_made: MakeTicket, module: MakeModule) -> None:
    target = module([[1.0, 1.0]])
    ticket = hand_made([[[1.0, 1.0]], [[1.0]]], [[[1, 1]], [[1]]], target, nonnegative=True)
    with pytest.raises(VerificationError, match="target layer 0: hidden unit 0 keeps 2 weights"):
        verify(ticket, target)


@pytest.mark.parametrize("masks", [([[0]], [[1]]), ([[1]], [[0]])])
def test_dangling_units_are_caught(
    masks: tuple[list[list[int]], ...], hand_made: MakeTicket, module: MakeModule
) -> None:
    target = module([[1.0]])
    ticket = hand_made([[[1.0]], [[1.0]]], masks, target, tolerance=9.0, nonnegative=True)
    with pytest.raises(VerificationError, match="on both sides or on neither"):
        verify(ticket, target)


def test_tolerance_is_inclusive(hand_made: MakeTicket, module: MakeModule) -> None:
    target = module([[0.5]])
    matrices, masks = [[[1.0]], [[0.75]]], [[[1]], [[1]]]
    verify(hand_made(matrices, masks, target, tolerance=0.25, nonnegative=True), target)
    below = float(np.nextafter(0.25, 0))
    with pytest.raises(VerificationError, match=r"is off by 0\.25"):
        verify(hand_made(matrices, masks, target, tolerance=below, nonnegative=True), target)


def test_broken_promise_is_caught(hand_made: MakeTicket, module: MakeModule) -> None:
    target = module([[0.5]])
    matrices, masks = [[[1.0]], [[0.75]]], [[[1]], [[1]]]
    for epsilon, kept in ((0.26, True), (0.24, False)):
        ticket = hand_made(
            matrices, masks, target, tolerance=0.25, nonnegative=True, epsilon=epsilon
        )
        if kept:
            assert verify(ticket, target).bound <= epsilon
        else:
            with pytest.raises(VerificationError, match=r"exceeds the promised epsilon=0\.24"):
                verify(ticket, target)


def test_bound_is_attained(hand_made: MakeTicket, module: MakeModule) -> None:
    """One layer whose error matrix is positive of rank one: no bound can be smaller."""
    target = module([[0.5, 0.25], [0.5, 0.25]])
    ticket = hand_made(
        [[[1.0, 9.0], [9.0, 1.0]], [[0.75, 0.5], [0.75, 0.5]]],
        [[[1, 0], [0, 1]], [[1, 1], [1, 1]]],
        target,
        tolerance=0.25,
        nonnegative=True,
    )
    certificate = verify(ticket, target)
    assert certificate.bound == pytest.approx(0.5, rel=1e-8)
    assert observed(certificate) == pytest.approx(0.5, rel=1e-6)
    assert observed(certificate) <= certificate.bound


@given(seed=st.integers(0, 1000), width=st.integers(2, 6))
@settings(FIXTURES_ARE_FUNCTIONS, max_examples=25)
def test_ascent_finds_the_supremum_of_a_linear_error(
    hand_made: MakeTicket, module: MakeModule, seed: int, width: int
) -> None:
    """Mirrored hidden units make the error Ex exactly, whose supremum is ‖E‖₂."""
    rng = np.random.default_rng(seed)
    weights, exact = (np.float32(rng.standard_normal((width, width))) for _ in range(2))
    target = module(exact)
    ticket = hand_made(
        [np.vstack([np.eye(width), -np.eye(width)]), np.hstack([weights, -weights])],
        [np.vstack([np.eye(width)] * 2), np.ones((width, 2 * width))],
        target,
        tolerance=99.0,
    )
    certificate = verify(ticket, target, rng=seed)
    supremum = np.linalg.norm(weights.astype(np.float64) - exact, 2)
    assert observed(certificate) == pytest.approx(supremum, rel=1e-3)
    assert observed(certificate) <= supremum * (1 + 1e-12)
    assert certificate.bound == pytest.approx(np.sqrt(2) * supremum, rel=1e-6)


def test_dead_regions_do_not_hide_the_error(hand_made: MakeTicket, module: MakeModule) -> None:
    """The only hidden unit is alive near one axis of the orthant; elsewhere there is no error."""
    narrow = [[1.0] + [-5.0] * 11]
    target = module(narrow, [[1.0]])
    ticket = hand_made(
        [np.eye(12), narrow, [[1.0]], [[0.75]]],
        [np.eye(12), np.ones((1, 12)), [[1]], [[1]]],
        target,
        tolerance=0.25,
        nonnegative=True,
    )
    assert observed(verify(ticket, target)) == pytest.approx(0.25)


def test_adversary_beats_random_search(module: MakeModule) -> None:
    ticket, target = random_ticket(module, 8, (6, 20, 5, 20, 4), 0.05, True)
    certificate = verify(ticket, target)
    x = torch.rand(5000, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x /= torch.linalg.vector_norm(x, dim=1, keepdim=True)
    difference = ticket.network().double()(x) - target.double()(x)
    assert observed(certificate) > float(torch.linalg.vector_norm(difference, dim=1).max())


def test_same_rng_same_certificate(module: MakeModule) -> None:
    ticket, target = random_ticket(module, 8, (6, 20, 5), 0.05, False)
    first = verify(ticket, target, rng=3)
    second = verify(ticket, target, rng=np.random.default_rng(3))
    assert observed(first) == observed(second)
    assert first.bound == second.bound


def test_reports_the_hypothesis_on_the_norms(hand_made: MakeTicket, module: MakeModule) -> None:
    for value, holds in ((1.0, True), (1.5, False)):
        target = module([[value]])
        ticket = hand_made(
            [[[1.0]], [[value]]], [[[1]], [[1]]], target, tolerance=0.0, nonnegative=True
        )
        certificate = verify(ticket, target)
        assert value <= certificate.norms[0] <= value * (1 + 2e-10)
        assert certificate.norms_at_most_one is holds


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones(2), "must have shape"),
        (np.ones((3, 5)), "must have shape"),
        (np.ones((3, 2)) * 1j, "must be real numbers"),
        ([[np.nan, 1.0]], "finite"),
        ([[1.0, -1e-9]], "negative entry"),
    ],
)
def test_refuses_malformed_inputs(
    module: MakeModule, inputs: NDArray[np.float64], message: str
) -> None:
    ticket, target = random_ticket(module, 2, (2, 3, 2), 0.1, True)
    with pytest.raises(ValueError, match=message):
        verify(ticket, target, inputs=inputs)


@given(seed=st.integers(0, 10**6), nonnegative=st.booleans())
@settings(FIXTURES_ARE_FUNCTIONS, max_examples=25)
def test_hidden_units_may_be_permuted_and_rescaled(
    hand_made: MakeTicket, module: MakeModule, seed: int, nonnegative: bool
) -> None:
    """The certificate of a ticket does not depend on the order or the scale of its hidden units."""
    rng = np.random.default_rng(seed)
    inputs, hidden, outputs = rng.integers(2, 6, 3).tolist()
    second, first = (rng.uniform(-1, 1, shape) for shape in ((outputs, hidden), (hidden, inputs)))
    keep_first, keep_second = random_blocked(rng, outputs, hidden, inputs)
    target = module(rng.uniform(-1, 1, (outputs, inputs)))
    order, scales = rng.permutation(hidden), 2.0 ** rng.integers(-3, 4, hidden)
    certificates = [
        verify(hand_made(matrices, masks, target, tolerance=9.0, nonnegative=nonnegative), target)
        for matrices, masks in (
            ((first, second), (keep_first, keep_second)),
            (
                ((first * scales[:, None])[order], (second / scales)[:, order]),
                (keep_first[order], keep_second[:, order]),
            ),
        )
    ]
    one, other = certificates
    np.testing.assert_allclose(one.weight_errors[0], other.weight_errors[0], atol=1e-14)
    assert one.bound == pytest.approx(other.bound, rel=1e-9)
    assert observed(one) == pytest.approx(observed(other), rel=1e-6)
    assert (one.kept, one.total) == (other.kept, other.total)
