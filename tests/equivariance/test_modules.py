"""Layers: they compute what the basis says, and respect the symmetry to rounding."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from slth.equivariance import EquivariantLinear, GroupPool, Lift, Space, TurnPool, apply, space


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def features(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def dense(matrix: object) -> torch.Tensor:
    return torch.from_numpy(np.asarray(matrix.toarray(), dtype=np.float64))  # type: ignore[attr-defined]


def test_layer_is_the_sum_over_the_basis(feature_space: Space) -> None:
    weight, x = features(0, 3, 2, feature_space.n_maps), features(1, 4, 2, feature_space.dim)
    expected = sum(
        torch.einsum("oi,bid->bod", weight[:, :, j], x @ dense(matrix).T)
        for j, matrix in enumerate(feature_space.basis)
    )
    assert isinstance(expected, torch.Tensor)
    torch.testing.assert_close(apply(feature_space, weight, x), expected, rtol=0, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), word=st.lists(st.integers(0, 3), max_size=6))
@pytest.mark.parametrize(
    "name", ["cyclic-images(4, 4x4, 3)", "dihedral-images(3x3, 2)", "graphs(4)"]
)
def test_network_respects_the_symmetry(name: str, seed: int, word: list[int]) -> None:
    feature_space = space(name)
    net = nn.Sequential(
        EquivariantLinear(feature_space, 2, 3, generator=generator(seed)),
        nn.ReLU(),
        EquivariantLinear(feature_space, 3, 2, generator=generator(seed + 1)),
    ).double()
    x = moved = features(seed, 2, 2, feature_space.dim)
    y = result = net(x)
    for letter in word:
        move = dense(feature_space.generators[letter % len(feature_space.generators)])
        moved, result = moved @ move.T, result @ move.T
    torch.testing.assert_close(net(moved), result, rtol=0, atol=1e-11)
    pool = GroupPool(feature_space)
    torch.testing.assert_close(pool(net(moved)), pool(y), rtol=0, atol=1e-11)


def test_a_map_outside_the_basis_is_not_equivariant() -> None:
    """Negative control: one raw weight of one basis map changes."""
    feature_space = space("cyclic-images(4, 4x4, 3)")
    x, move = features(0, 1, feature_space.dim), dense(feature_space.generators[2])
    raw = dense(feature_space.basis[5]).clone()
    raw[3] *= 0.5
    assert float((x @ move.T @ raw.T - x @ raw.T @ move.T).abs().max()) > 0.01


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_translations_are_circular_convolutions(kernel: int) -> None:
    torch_layer = nn.Conv2d(
        2, 3, kernel, padding=kernel // 2, padding_mode="circular", bias=False
    ).double()
    feature_space = space(f"translations(6x5, {kernel})")
    taps = torch_layer.weight.detach().flatten(2)
    centre = kernel**2 // 2
    order = [centre, *(tap for tap in range(kernel**2) if tap != centre)]
    x = features(0, 4, 2, 6, 5)
    ours = apply(feature_space, taps[:, :, order], x.flatten(2))
    torch.testing.assert_close(ours, torch_layer(x).detach().flatten(2), rtol=0, atol=1e-13)


def test_even_kernels_are_placed_as_torch_does() -> None:
    feature_space = space("translations(4x6, 2)")
    torch_layer = nn.Conv2d(1, 1, 2, padding="same", padding_mode="circular", bias=False).double()
    x = features(0, 3, 1, 4, 6)
    ours = apply(feature_space, torch_layer.weight.detach().flatten(2), x.flatten(2))
    torch.testing.assert_close(ours, torch_layer(x).detach().flatten(2), rtol=0, atol=1e-13)


def test_trivial_is_linear() -> None:
    linear = nn.Linear(7, 5, bias=False).double()
    x = features(0, 4, 7)
    ours = apply(space("trivial"), linear.weight.detach()[:, :, None], x[:, :, None])
    torch.testing.assert_close(ours[:, :, 0], linear(x).detach(), rtol=0, atol=1e-14)


def test_rotated_kernels_are_the_textbook_group_convolution() -> None:
    """Each orientation of the output takes the kernel turned by as much (Cohen & Welling 2016)."""
    feature_space = space("cyclic-images(4, 6x6, 3)")
    weight, x = features(0, 36), features(1, 1, 1, 4 * 36)
    by_rotation = torch.empty(36, dtype=torch.float64)  # rotation by rotation, taps row by row
    by_rotation[[4, *(tap for tap in range(36) if tap != 4)]] = weight
    kernels = by_rotation.reshape(4, 3, 3)
    images = nn.functional.pad(x.reshape(1, 4, 6, 6), (1, 1, 1, 1), mode="circular")
    outputs = []
    for turn in range(4):
        turned = torch.rot90(kernels, turn, (1, 2)).roll(turn, 0)
        outputs.append(nn.functional.conv2d(images, turned[None]))
    expected = torch.cat(outputs, dim=1).flatten(1)
    ours = apply(feature_space, weight[None, None], x)[0]
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["cyclic-images(4, 5x5, 3)", "dihedral-images(5x5, 3)"])
def test_pooled_network_does_not_see_turns_of_the_image(name: str) -> None:
    net = nn.Sequential(
        Lift(name),
        EquivariantLinear(name, 1, 3, generator=generator(0)),
        nn.ReLU(),
        EquivariantLinear(name, 3, 4, generator=generator(1)),
        nn.ReLU(),
        GroupPool(name),
    ).double()
    x = features(2, 3, 1, 5, 5)
    for turned in (torch.rot90(x, 1, (2, 3)), x.roll((1, 2), (2, 3)), x.flip((2, 3))):
        torch.testing.assert_close(net(turned), net(x), rtol=0, atol=1e-12)
    mirrored_alike = torch.allclose(net(x.flip(3)), net(x), rtol=0, atol=1e-12)
    assert mirrored_alike == name.startswith("dihedral")


def test_lift_and_pool_have_their_norms() -> None:
    lift, pool = Lift("dihedral-images(3x3, 1)"), GroupPool("dihedral-images(3x3, 1)")
    x = features(0, 5, 2, 3, 3)
    torch.testing.assert_close(lift(x).flatten(1).norm(dim=1), lift.norm * x.flatten(1).norm(dim=1))
    one = torch.ones(1, 1, 72, dtype=torch.float64)
    torch.testing.assert_close(pool(one).norm(), pool.norm * one.norm())
    y = features(1, 50, 1, 72)
    assert (pool(y).norm(dim=1) <= pool.norm * y.flatten(1).norm(dim=1)).all()


@pytest.mark.parametrize(
    ("name", "turns"),
    [
        ("cyclic-images(4, 5x5, 3)", [lambda x: torch.rot90(x, 1, (2, 3))]),
        ("cyclic-images(2, 4x6, 3)", [lambda x: x.flip((2, 3))]),
        (
            "dihedral-images(4x4, 3)",
            [lambda x: torch.rot90(x, 1, (2, 3)), lambda x: x.flip(2), lambda x: x.flip(3)],
        ),
    ],
)
def test_turn_pool_undoes_turns_about_the_centre(
    name: str, turns: list[Callable[[torch.Tensor], torch.Tensor]]
) -> None:
    feature_space = space(name)
    net = nn.Sequential(
        Lift(name), EquivariantLinear(name, 1, 2, generator=generator(0)), nn.ReLU(), TurnPool(name)
    ).double()
    x = features(1, 3, 1, *feature_space.grid[1:])
    for turn in turns:
        torch.testing.assert_close(net(turn(x)), net(x), rtol=0, atol=1e-12)
    # A shift is no turn: the means move along.
    assert float((net(x.roll(1, 3)) - net(x)).detach().abs().max()) > 0.01


def test_generators_beyond_the_shifts_turn_about_the_centre() -> None:
    feature_space = space("dihedral-images(4x4, 3)")
    x = features(0, 1, 1, 4, 4)
    lifted, *turned = (Lift(feature_space)(torch.rot90(x, k, (2, 3))) for k in range(4))
    moved = [lifted @ dense(matrix).T for matrix in feature_space.generators[2:5]]
    assert {tensor.numpy().tobytes() for tensor in turned} == {
        tensor.numpy().tobytes() for tensor in moved
    }


def test_turn_pool_of_plain_images_is_the_image() -> None:
    x = features(0, 2, 3, 20)
    assert torch.equal(TurnPool("translations(4x5, 3)")(x), x.reshape(2, 3, 4, 5))


def test_turn_pool_has_its_norm() -> None:
    pool = TurnPool("cyclic-images(4, 3x3, 1)")
    x = features(1, 50, 2, 36)
    assert (pool(x).flatten(1).norm(dim=1) <= pool.norm * x.flatten(1).norm(dim=1)).all()
    one = torch.ones(1, 1, 36, dtype=torch.float64)
    torch.testing.assert_close(pool(one).norm(), pool.norm * one.norm())


def test_layers_keep_their_state_in_the_coefficients_alone() -> None:
    layer = EquivariantLinear("graphs(4)", 2, 3, generator=generator(0))
    assert list(layer.state_dict()) == ["weight"]
    assert layer.weight.shape == (3, 2, 15)
    copied, x = deepcopy(layer), features(0, 2, 2, 16).float()
    assert torch.equal(copied(x), layer(x))
    assert "graphs(4)" in repr(layer)


def test_initial_coefficients_come_from_the_generator() -> None:
    state = torch.get_rng_state()
    one, other = (EquivariantLinear("sets(4)", 2, 3, generator=generator(7)) for _ in range(2))
    assert torch.equal(one.weight, other.weight)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", ["cyclic(8)", "cyclic-images(4, 6x6, 3)", "sets(6)"])
def test_initial_layers_keep_the_scale_of_their_input(name: str) -> None:
    """He's law: the second moment of the output is twice that of the input."""
    feature_space = space(name)
    x = features(0, 50, 40, feature_space.dim)
    y = EquivariantLinear(feature_space, 40, 40, generator=generator(1)).double()(x)
    ratio = float(y.detach().square().mean() / x.square().mean())
    assert 0.7 < ratio / 2 < 1.4


def test_layers_learn() -> None:
    """Gradients reach every coefficient, those that are zero included."""
    layer = EquivariantLinear("dihedral-images(4x4, 3)", 2, 2, generator=generator(0))
    layer.weight.data[:, :, 1:] = 0
    torch.autograd.backward(layer(features(0, 3, 2, 128).float()).square().sum())
    assert layer.weight.grad is not None
    assert (layer.weight.grad != 0).all()


def test_networks_can_be_exported() -> None:
    name = "cyclic-images(4, 4x4, 3)"
    net = nn.Sequential(Lift(name), EquivariantLinear(name, 1, 2), nn.ReLU(), TurnPool(name))
    x = features(0, 2, 1, 4, 4).float()
    exported = torch.export.export(net.requires_grad_(False), (x,)).module()
    torch.testing.assert_close(exported(x), net(x))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"takes features of shape \(batch, 2, 8\), got \(1, 2, 7\)"
    ):
        EquivariantLinear("cyclic(8)", 2, 3)(torch.ones(1, 2, 7))
    with pytest.raises(ValueError, match="in_channels must be an integer >= 1, got 0"):
        EquivariantLinear("cyclic(8)", 0, 3)
    with pytest.raises(ValueError, match=r"cyclic\(8\) has no images to lift"):
        Lift("cyclic(8)")
    with pytest.raises(ValueError, match=r"\(batch, channels, 4, 4\), got \(1, 1, 4, 5\)"):
        Lift("translations(4x4, 3)")(torch.ones(1, 1, 4, 5))
    with pytest.raises(ValueError, match=r"\(batch, channels, 8\), got \(1, 1, 7\)"):
        GroupPool("cyclic(8)")(torch.ones(1, 1, 7))
    with pytest.raises(ValueError, match=r"\(batch, channels, 16\), got \(1, 1, 4, 4\)"):
        TurnPool("translations(4x4, 3)")(torch.ones(1, 1, 4, 4))
    with pytest.raises(ValueError, match=r"sets\(4\) has no images to turn"):
        TurnPool("sets(4)")
