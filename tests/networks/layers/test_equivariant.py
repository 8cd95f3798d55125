"""Equivariant layers among the descriptions: shapes, norms, files, and reading them off modules."""

import json
from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from torch import nn

from slth import equivariance
from slth.equivariance import EquivariantLinear, Space
from slth.networks import Network, layers, read
from slth.networks.layers import Equivariant, GroupPool, Lift, TurnPool, Unweighted, Weighted

P4 = "cyclic-images(4, 4x4, 3)"


@pytest.mark.parametrize("layer", [Equivariant(2, 3, P4), Lift(P4), GroupPool(P4), TurnPool(P4)])
def test_descriptions_survive_json(layer: layers.Layer) -> None:
    stored = json.loads(json.dumps(layers.to_json(layer)))
    assert layers.from_json(stored) == layer


def test_names_are_the_spaces_own() -> None:
    assert Equivariant(2, 3, "sets( 4 )") == Equivariant(2, 3, "sets(4)")
    assert Lift("translations(4x4,3)").space == "translations(4x4, 3)"


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(Lift(P4), (2, 4, 4)), (GroupPool(P4), (2, 64)), (TurnPool(P4), (2, 64))],
)
def test_lipschitz_constants_are_attained(layer: Unweighted, shape: tuple[int, ...]) -> None:
    """The layers are linear: compare with the norm of their matrices."""
    size = int(np.prod(shape))
    basis = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    images = layer.module()(basis)
    assert images.shape[1:] == layer.output_shape(shape)
    norm = float(torch.linalg.matrix_norm(images.flatten(1), 2))
    assert layer.lipschitz(shape) == pytest.approx(norm, rel=1e-12)
    assert layer.is_nonnegative(True)
    assert not layer.is_nonnegative(False)
    assert (layer.module()(torch.rand(3, *shape)) >= 0).all()


@pytest.mark.parametrize("name", ["cyclic(4)", P4, "graphs(3)"])
def test_a_layer_is_its_module(name: str) -> None:
    layer = Equivariant(2, 3, name)
    weights = torch.randn(layer.shape, generator=torch.Generator().manual_seed(0))
    x = torch.randn(5, *layer.input_shape, generator=torch.Generator().manual_seed(1))
    state = torch.get_rng_state()
    module = layer.module(weights)
    assert torch.equal(state, torch.get_rng_state())  # no initial weights were drawn
    assert torch.equal(module(x), layer.apply(weights, x))
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert read(nn.Sequential(module)).layers == (layer,)
    assert layer.pair(7)[1].shape == (3, 7, *layer.basis)


def test_bound_is_within_what_tolerances_assume() -> None:
    """At most ‖B‖ times the Frobenius norm of the largest coefficients, halves side by side."""
    rng = np.random.default_rng(0)
    for name in ("cyclic(4)", "sets(5)", "graphs(3)", P4):
        layer = Equivariant(2, 3, name)
        errors = rng.uniform(-1, 1, (3, 4, *layer.basis))
        largest = np.linalg.norm(np.abs(errors).max(axis=2))
        assert layer.norm_bound(errors) <= layer.basis_norm * largest
        equal = np.ones_like(errors)
        assert layer.norm_bound(equal) == pytest.approx(layer.basis_norm * 12**0.5, rel=1e-9)


def test_shapes_go_through() -> None:
    chain = Network.chain(
        [Lift(P4), Equivariant(1, 3, P4), layers.Relu(), TurnPool(P4), layers.Flatten()]
    )
    assert chain.default_input_shape() == (1, 4, 4)
    assert chain.shapes((1, 4, 4)) == (
        (1, 4, 4), (1, 64), (3, 64), (3, 64), (3, 4, 4), (48,)
    )  # fmt: skip
    assert chain.signed(nonnegative_inputs=True) == (False,)
    assert Network.chain([Equivariant(2, 3, "sets(4)")]).default_input_shape() == (2, 4)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Lift(P4), (1, 5, 4), r"takes images of shape \(channels, 4, 4\), not \(1, 5, 4\)"),
        (GroupPool(P4), (1, 63), r"takes features of shape \(channels, 64\)"),
        (TurnPool(P4), (1, 4, 4), r"takes features of shape \(channels, 64\)"),
        (Equivariant(2, 3, P4), (1, 64), r"takes features of shape \(2, 64\), not shape \(1, 64\)"),
    ],
)
def test_shapes_that_do_not_fit(
    layer: Weighted | Unweighted, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape)


def test_spaces_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="no feature space 'sphere'"):
        Equivariant(1, 1, "sphere")
    with pytest.raises(ValueError, match="has no images"):
        Lift("sets(4)")
    with pytest.raises(ValueError, match="has no images"):
        TurnPool("graphs(4)")


def test_reading_a_network() -> None:
    net = nn.Sequential(
        equivariance.Lift(P4),
        EquivariantLinear(P4, 1, 2),
        nn.ReLU(),
        equivariance.TurnPool(P4),
        nn.Flatten(),
        nn.Linear(32, 3, bias=False),
    )
    known = read(net)
    assert known.layers == (
        Lift(P4),
        Equivariant(1, 2, P4),
        layers.Relu(),
        TurnPool(P4),
        layers.Flatten(),
        layers.Dense(32, 3),
    )
    assert [array.shape for array in known.coefficients] == [(2, 1, 36), (3, 32)]
    assert read(deepcopy(net)).digest == known.digest
    assert read(nn.Sequential(equivariance.GroupPool(P4), net[5])).layers[0] == GroupPool(P4)


def test_a_space_of_ones_own_cannot_be_stored() -> None:
    flip, identity = csr_array([[0, 1], [1, 0]]), csr_array([[1, 0], [0, 1]])
    impostor = Space("cyclic(2)", (flip,), (identity,), (2, 1, 1))
    with pytest.raises(ValueError, match=r"module 0 .* is on another space than the one"):
        read(nn.Sequential(EquivariantLinear(impostor, 1, 1)))
    mine = Space("mine", (flip,), (identity, flip), (2, 1, 1))
    with pytest.raises(ValueError, match="no feature space 'mine'"):
        read(nn.Sequential(EquivariantLinear(mine, 1, 1)))
