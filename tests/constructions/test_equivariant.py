"""Equivariant tickets: dense and convolutional ones are special cases, and symmetry survives."""

from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from slth.constructions import (
    TicketNotFound,
    dense_masks,
    equivariant_masks,
    pair_masks,
    prune,
)
from slth.equivariance import EquivariantLinear, GroupPool, Lift, space
from slth.networks import Network, RandomNetwork, layers, read
from slth.networks.layers import Weighted
from slth.tickets import Mask, Ticket, VerificationError, verify

SPACES = ("cyclic(5)", "translations(4x4, 3)", "cyclic-images(4, 3x3, 2)", "sets(4)", "graphs(4)")


@dataclass(frozen=True)
class HandMade(RandomNetwork):
    """A network whose weights are written down instead of drawn."""

    matrices: tuple[NDArray[np.float32], ...] = ()

    def rows(self, layer: int, start: int, stop: int) -> NDArray[np.float32]:
        return self.matrices[layer][start:stop].copy()


def random_net(name: str, *channels: int, seed: int = 0) -> nn.Sequential:
    """Equivariant network with layers of norm 0.7."""
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layer = EquivariantLinear(name, inputs, outputs, generator=generator)
        norm = layer.space.norm_bound(layer.weight.detach().double().numpy())
        layer.weight = nn.Parameter(layer.weight * 0.7 / norm, requires_grad=False)
        modules += [layer, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def action(name: str) -> list[torch.Tensor]:
    return [torch.from_numpy(move.toarray()).double() for move in space(name).generators]


ROUNDING = 1e-12
"""Sums of some ten thousand terms, each rounded to 2^-53; a broken symmetry shows as 0.1."""


def asymmetry(net: nn.Module, name: str, channels: int) -> float:
    """Largest ‖g(ρx) − ρg(x)‖ over the generators, on unit inputs, relative to ‖g(x)‖."""
    x = torch.randn(20, channels, space(name).dim, generator=torch.Generator().manual_seed(1))
    x = x.double() / x.double().flatten(1).norm(dim=1)[:, None, None]
    exact = deepcopy(net).double()
    y = exact(x)
    return max(float((exact(x @ move.T) - y @ move.T).norm() / y.norm()) for move in action(name))


def masks_of(
    layer: Weighted,
    weights: NDArray[np.float32],
    first: NDArray[np.float32],
    second: NDArray[np.float32],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Do what ``prune`` does to one layer, in a random network that is written down."""
    one, other = layer.pair(len(first))
    network = HandMade(Network.chain([one, layers.Relu(), other]), 0, "uniform", (first, second))
    mask = pair_masks(weights, network.layer(0), network.layer(1), tolerance=0.4, size=2)
    return mask.layer(0), mask.layer(1)


def uniform(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("size", [None, 2])
def test_a_trivial_symmetry_gives_the_dense_ticket(size: int | None) -> None:
    """Mask for mask, from the same seed, through the whole of ``prune``."""
    dense = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    dense[0].weight.data = torch.from_numpy(0.5 * uniform(0, 3, 4))
    dense[2].weight.data = torch.from_numpy(0.5 * uniform(1, 2, 3))
    trivial = nn.Sequential(
        EquivariantLinear("trivial", 4, 3), nn.ReLU(), EquivariantLinear("trivial", 3, 2)
    )
    for index in (0, 2):
        weight = dense[index].weight
        assert isinstance(weight, nn.Parameter)
        trivial[index].weight.data = weight.data[:, :, None].clone()
    one, other = (
        prune(net, weight_tolerance=0.05, size=size, samples=100, seed=5, objective="feasible")
        for net in (dense, trivial)
    )
    assert one.mask.kept == other.mask.kept > 0
    for first, second in zip(other.mask.layers, one.mask.layers, strict=True):
        np.testing.assert_array_equal(first[:, :, 0], second)
    x = torch.from_numpy(uniform(2, 5, 4))
    torch.testing.assert_close(other.network()(x[:, :, None])[:, :, 0], one.network()(x))
    bounds = [verify(one, dense).bound, verify(other, trivial).bound]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-9)


def test_translations_give_the_convolutional_ticket() -> None:
    """Mask for mask, with the same random coefficients: taps row by row, or the centre first."""
    conv = layers.Conv(2, 3, (3, 3), padding=(1, 1), padding_mode="circular")
    hidden = 2 * 24 * 2
    weights, first = 0.5 * uniform(0, 3, 2, 3, 3), uniform(1, hidden, 2, 1, 1)
    second = uniform(2, 3, hidden, 3, 3)
    order = [4, 0, 1, 2, 3, 5, 6, 7, 8]
    kept, chosen = masks_of(conv, weights, first, second)

    ours = layers.Equivariant(2, 3, "translations(6x5, 3)")
    drawn = uniform(3, hidden, 2, 9)  # all taps of the first layer are drawn, …
    drawn[:, :, 0] = first[:, :, 0, 0]
    flat_weights, flat_second = weights.reshape(3, 2, 9), second.reshape(3, hidden, 9)
    our_kept, our_chosen = masks_of(
        ours, flat_weights[:, :, order], drawn, flat_second[:, :, order]
    )
    np.testing.assert_array_equal(our_chosen, chosen.reshape(3, hidden, 9)[:, :, order])
    np.testing.assert_array_equal(our_kept[:, :, 0], kept[:, :, 0, 0])
    assert not our_kept[:, :, 1:].any()  # … and the identity is kept

    x = torch.from_numpy(uniform(4, 2, 2, 6, 5)).double()
    pruned = torch.from_numpy(weights).double()
    torch.testing.assert_close(
        ours.apply(pruned.flatten(2)[:, :, order], x.flatten(2)),
        conv.apply(pruned, x).flatten(2),
    )


@pytest.mark.parametrize("basis", [(), (1,), (4,), (2, 2)])
def test_one_layer_is_a_dense_layer_with_more_rows(basis: tuple[int, ...]) -> None:
    hidden = 2 * 16 * 3
    weights, drawn = 0.5 * uniform(0, 2, 3, *basis), uniform(1, hidden, 3, *basis)
    second = uniform(2, 2, hidden, *basis)
    masks = equivariant_masks(weights, drawn, second, tolerance=0.3)
    assert masks.first.shape == drawn.shape
    assert masks.second.shape == second.shape
    first = drawn.reshape(hidden, 3, -1)[:, :, 0]
    cells = weights.reshape(2, 3, -1).shape[2]
    used = np.zeros_like(first, dtype=bool)
    for cell in range(cells):
        alone = dense_masks(
            weights.reshape(2, 3, -1)[:, :, cell],
            first,
            second.reshape(2, hidden, -1)[:, :, cell],
            tolerance=0.3,
        )
        np.testing.assert_array_equal(masks.second.reshape(2, hidden, -1)[:, :, cell], alone.second)
        used |= alone.first
    np.testing.assert_array_equal(masks.first.reshape(hidden, 3, -1)[:, :, 0], used)


@pytest.mark.parametrize("name", [*SPACES, "dihedral-images(3x3, 1)"])
def test_prune_does_to_each_layer_what_the_block_does(name: str) -> None:
    layer = layers.Equivariant(2, 2, name)
    hidden = 2 * 20 * 2
    weights = 0.4 * uniform(0, *layer.shape)
    first, second = uniform(1, hidden, 2, *layer.basis), uniform(2, 2, hidden, *layer.basis)
    kept, chosen = masks_of(layer, weights, first, second)
    masks = equivariant_masks(weights, first, second, tolerance=0.4, size=2)
    np.testing.assert_array_equal(masks.first, kept)
    np.testing.assert_array_equal(masks.second, chosen)


@pytest.mark.parametrize("name", SPACES)
def test_tickets_are_certified_and_equivariant(name: str) -> None:
    target = random_net(name, 2, 3, 2)
    ticket = prune(target, epsilon=0.2, size=3, samples=150, objective="feasible", seed=1)
    certificate = verify(ticket, target)
    assert certificate.observed_error is not None
    assert 0 < certificate.observed_error <= certificate.bound <= 0.2
    assert certificate.norms == pytest.approx((0.7, 0.7), rel=1e-6)
    before = [np.ones(shape, dtype=bool) for shape in ticket.mask.shapes]
    whole = replace(ticket, mask=Mask(before)).network()
    for net in (target, whole, ticket.network()):
        assert asymmetry(net, name, 2) < ROUNDING


@pytest.mark.parametrize("name", SPACES)
def test_pruning_raw_weights_breaks_the_symmetry(name: str) -> None:
    """Negative control: as many entries removed, but of the layers' matrices."""
    ticket = prune(random_net(name, 2, 2), epsilon=0.5, size=3, objective="feasible", seed=1)
    raw: list[nn.Module] = [nn.Flatten()]
    rng = np.random.default_rng(0)
    basis = [matrix.toarray() for matrix in space(name).basis]
    for index in range(2):
        weights, mask = ticket.random_network.weights(index), ticket.mask.layer(index)
        entries = np.sum([np.kron(weights[:, :, j], b) for j, b in enumerate(basis)], axis=0)
        kept = entries * (rng.random(entries.shape) < mask.mean())
        linear = nn.Linear(kept.shape[1], kept.shape[0], bias=False)
        linear.weight = nn.Parameter(torch.from_numpy(kept).float(), requires_grad=False)
        raw += [linear, nn.ReLU()]
    net = nn.Sequential(*raw[:-1], nn.Unflatten(1, (2, space(name).dim)))
    assert asymmetry(net, name, 2) > 0.1
    assert asymmetry(ticket.network(), name, 2) < ROUNDING


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(SPACES), density=st.floats(0.05, 1), seed=st.integers(0, 2**32))
def test_any_mask_on_coefficients_keeps_the_symmetry(name: str, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    modules: list[nn.Module] = []
    for inputs, outputs in ((1, 6), (6, 2)):
        layer = EquivariantLinear(name, inputs, outputs)
        drawn = uniform(seed, *layer.weight.shape) * (rng.random(layer.weight.shape) < density)
        drawn[0, 0, 0] = 1  # not all is 0
        layer.weight = nn.Parameter(torch.from_numpy(drawn), requires_grad=False)
        modules += [layer, nn.ReLU()]
    assert asymmetry(nn.Sequential(*modules), name, 1) < ROUNDING


def test_random_networks_of_several_kinds() -> None:
    """Lift, group convolution, pooling and a dense layer, from file to certificate."""
    name = "dihedral-images(4x4, 3)"
    generator = torch.Generator().manual_seed(0)
    linear = nn.Linear(2, 3, bias=False)
    linear.weight = nn.Parameter(torch.from_numpy(0.5 * uniform(0, 3, 2)), requires_grad=False)
    layer = EquivariantLinear(name, 1, 2, generator=generator)
    layer.weight.data *= 0.1
    target = nn.Sequential(Lift(name), layer, nn.ReLU(), GroupPool(name), linear)
    ticket = prune(target, epsilon=0.1, seed=0, objective="feasible")
    assert ticket.input_shape == (1, 4, 4)
    assert read(target).layers == ticket.target_layers
    certificate = verify(ticket, target, inputs=uniform(1, 10, 1, 4, 4))
    assert certificate.observed_error is not None
    assert certificate.observed_error <= certificate.bound <= 0.1
    x = torch.from_numpy(uniform(2, 4, 1, 4, 4)).double()
    net = ticket.network().double()
    torch.testing.assert_close(net(torch.rot90(x, 1, (2, 3))), net(x), rtol=0, atol=1e-13)


def test_counts_are_on_coefficients() -> None:
    """Coefficients drawn: |B| per pair of channels; kept: k per target coefficient and half."""
    name, k, n = "cyclic-images(4, 3x3, 2)", 2, 80
    target = random_net(name, 2, 3)
    ticket = prune(target, weight_tolerance=0.05, size=k, samples=n, objective="feasible", seed=0)
    hidden = 2 * n * 2
    assert ticket.mask.total == 16 * (hidden * 2 + 3 * hidden)
    assert ticket.mask.layer(1).sum() == 2 * k * 3 * 2 * 16
    assert ticket.mask.layer(0).sum() <= min(hidden, 2 * k * 3 * 2 * 16)
    assert ticket.overparameterization == ticket.mask.total / (3 * 2 * 16)


def test_tickets_survive_the_file(tmp_path: Path) -> None:
    target = random_net("graphs(3)", 1, 2)
    ticket = prune(target, epsilon=0.5, objective="feasible", seed=0)
    ticket.save(tmp_path / "graph.ticket")
    loaded = Ticket.load(tmp_path / "graph.ticket")
    assert loaded == ticket
    assert verify(loaded, target).bound == verify(ticket, target).bound


@pytest.fixture(name="small", scope="module")
def small_fixture() -> tuple[nn.Sequential, Ticket]:
    target = random_net("cyclic(5)", 1, 1)
    return target, prune(target, weight_tolerance=0.1, size=2, samples=60, seed=0)


def test_a_first_layer_with_other_maps_is_refused(small: tuple[nn.Sequential, Ticket]) -> None:
    target, ticket = small
    first, second = ticket.mask.layers
    unit = int(np.argmax(first[:, 0, 0]))
    first[unit, 0] = [False, True, False, False, False]
    with pytest.raises(VerificationError, match="another basis element than the identity"):
        verify(replace(ticket, mask=Mask([first, second])), target)
    first[unit, 0, 0] = True
    with pytest.raises(VerificationError, match="keeps 2 weights"):
        verify(replace(ticket, mask=Mask([first, second])), target)


def test_a_coefficient_more_is_noticed(small: tuple[nn.Sequential, Ticket]) -> None:
    target, ticket = small
    first, second = ticket.mask.layers
    unit = int(np.argmax(first[:, 0, 0]))
    second[0, unit] = True
    with pytest.raises(VerificationError, match="the ticket says 2"):
        verify(replace(ticket, mask=Mask([first, second])), target)


def test_a_target_on_another_space_is_another_target(small: tuple[nn.Sequential, Ticket]) -> None:
    target, ticket = small
    other = nn.Sequential(EquivariantLinear("cyclic(5)", 1, 1))
    other[0].weight = target[0].weight
    assert verify(ticket, other).kept == ticket.mask.kept
    shorter = nn.Sequential(EquivariantLinear("translations(5x5, 2)", 1, 1))
    with pytest.raises(VerificationError, match="the ticket is for the target"):
        verify(ticket, shorter)


def test_a_missed_coefficient_is_named() -> None:
    target = random_net("cyclic(5)", 2, 2)
    with pytest.raises(TicketNotFound, match=r"weight \(\d, \d, \d\) = .* half") as failure:
        prune(target, weight_tolerance=1e-6, size=2, samples=10, seed=0)
    index = failure.value.miss.index
    weight = target[0].weight
    assert isinstance(weight, torch.Tensor)
    assert failure.value.miss.weight == float(weight[index])


def test_another_basis_is_refused() -> None:
    with pytest.raises(ValueError, match="have another basis than a target layer"):
        equivariant_masks(np.ones((1, 1, 2)), np.ones((4, 1, 3)), np.ones((1, 4, 2)), tolerance=0.1)
