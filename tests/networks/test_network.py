"""Networks as graphs: shapes, signs, values, bounds and storage, along chains and branches."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from slth.networks import Network, Node, Target
from slth.networks.layers import (
    Add,
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Relu,
    Shape,
    Weighted,
)
from slth.networks.pairs import paired, unpaired

LAYERS: tuple[Layer, ...] = (
    Conv(2, 8, (5, 3), (2, 1), (2, 0), (1, 2), 2),
    Relu(),
    MaxPool((3, 3), (2, 2), (1, 1)),
    Conv(8, 4, (3, 3), padding=(1, 1), padding_mode="circular"),
    AvgPool((2, 2), (1, 1)),
    Relu(),
    GlobalAvgPool(),
    Flatten(),
    Dense(4, 5),
    Dense(5, 3),
)
CHAIN = Network.chain(LAYERS)

# Two blocks; the second has a layer with weights on its short way, and ends without a ReLU.
RESIDUAL = Network(
    (
        Node("stem", Dense(4, 3), ("input",)),
        Node("stem-relu", Relu(), ("stem",)),
        Node("one", Dense(3, 5), ("stem-relu",)),
        Node("one-relu", Relu(), ("one",)),
        Node("two", Dense(5, 3), ("one-relu",)),
        Node("sum", Add(), ("two", "stem-relu")),
        Node("sum-relu", Relu(), ("sum",)),
        Node("three", Dense(3, 2), ("sum-relu",)),
        Node("short", Dense(3, 2), ("sum-relu",)),
        Node("end", Add(), ("three", "short", "short")),
    )
)


def weights_of(network: Network, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(layer.shape).astype(np.float32) / 2 for layer in network.weighted]


@pytest.mark.parametrize("network", [CHAIN, RESIDUAL])
def test_networks_survive_json(network: Network) -> None:
    stored = json.loads(json.dumps(network.to_json()))
    assert Network.from_json(stored) == network
    assert any("from" in node for node in stored) != network.is_chain


def test_shapes_are_those_of_the_modules() -> None:
    x = torch.randn(3, 2, 16, 15)
    found = [tuple(x.shape[1:])]
    for layer in LAYERS:
        if isinstance(layer, Weighted):
            weights = torch.randn(layer.shape)
            y = layer.module(weights)(x)
            torch.testing.assert_close(layer.apply(weights, x), y)
            x = y
        else:
            x = layer.module()(x)  # type: ignore[attr-defined]
        found.append(tuple(x.shape[1:]))
    assert CHAIN.shapes((2, 16, 15)) == tuple(found)


def test_signs() -> None:
    assert CHAIN.signed(nonnegative_inputs=False) == (True, False, False, True)
    assert CHAIN.signed(nonnegative_inputs=True) == (False, False, False, True)
    assert Network.chain([Relu(), Dense(2, 2)]).signed(nonnegative_inputs=False) == (False,)
    pooled = Network.chain([Conv(1, 1, (1, 1)), MaxPool((2, 2), (2, 2)), Conv(1, 1, (1, 1))])
    assert pooled.signed(nonnegative_inputs=True) == (False, True)


def test_signs_where_branches_meet() -> None:
    assert RESIDUAL.signed(nonnegative_inputs=False) == (True, False, False, False, False)
    mixed = (
        Node("relu", Relu(), ("input",)),
        Node("sum", Add(), ("relu", "input")),
        Node("out", Dense(2, 2), ("sum",)),
    )
    assert Network(mixed).signed(nonnegative_inputs=False) == (True,)
    assert Network(mixed).signed(nonnegative_inputs=True) == (False,)


def test_a_graph_with_branches_is_evaluated() -> None:
    """By the graph, by a module that is made of it, and by hand."""
    weights = weights_of(RESIDUAL)
    matrices = [torch.from_numpy(one).double() for one in weights]
    x = torch.randn(7, 4, dtype=torch.float64)
    stem = torch.relu(x @ matrices[0].T)
    block = torch.relu(torch.relu(stem @ matrices[1].T) @ matrices[2].T + stem)
    by_hand = block @ matrices[3].T + 2 * (block @ matrices[4].T)
    along = RESIDUAL.evaluate(lambda layer, index, x: layer.apply(matrices[index], x), x)
    torch.testing.assert_close(along, by_hand)
    module = RESIDUAL.module(weights)
    assert isinstance(module, nn.Sequential)
    torch.testing.assert_close(module.double()(x), by_hand)
    with pytest.raises(ValueError, match=r"layer sum \(Add\) adds inputs of one shape"):
        Network((*RESIDUAL.nodes[:4], Node("sum", Add(), ("stem-relu", "one-relu")))).shapes((4,))


def test_a_fold_over_branches_bounds_the_output() -> None:
    """Norms multiply along a way and add up where ways meet; values are dropped when done with."""
    weights = weights_of(RESIDUAL)
    norms = [float(np.linalg.norm(one, 2)) for one in weights]
    bound = RESIDUAL.fold(
        1.0,
        weighted=lambda layer, index, reach: norms[index] * reach,
        unweighted=lambda layer, reach: layer.spread((1,), reach, 0.0)[0],
        join=lambda layer, reaches: layer.spread(reaches),
    )
    block = norms[0] * (1 + norms[1] * norms[2])
    assert bound == pytest.approx(block * (norms[3] + 2 * norms[4]))
    x = torch.randn(1000, 4, dtype=torch.float64)
    lengths = RESIDUAL.module(weights).double()(x).norm(dim=1) / x.norm(dim=1)
    assert 0.05 * bound < float(lengths.max()) <= bound
    inputs: Shape = (4,)
    shapes = RESIDUAL.trace(
        inputs,
        weighted=lambda layer, index, shape: layer.output_shape(shape),
        unweighted=lambda layer, shape: layer.output_shape(shape),
        join=lambda layer, shapes: layer.output_shape(shapes),
    )
    assert shapes == RESIDUAL.shapes((4,))
    assert len(shapes) == len(RESIDUAL.nodes) + 1


def test_pairs_take_the_place_of_layers_in_a_graph() -> None:
    random = paired(RESIDUAL, lambda layer, index: 10 * layer.inputs)
    assert len(random.weighted) == 2 * len(RESIDUAL.weighted)
    assert random.shapes((4,))[-1] == (2,)
    back = unpaired(random)
    assert back.layers == RESIDUAL.layers
    assert back.shapes((4,)) == RESIDUAL.shapes((4,))
    places = {node.name: place for place, node in enumerate(RESIDUAL.nodes)} | {"input": -1}
    assert [[places[name] for name in node.inputs] for node in RESIDUAL.nodes] == [
        [-1 if name == "input" else int(name) for name in node.inputs] for node in back.nodes
    ]


def test_hidden_channels_that_are_read_elsewhere_are_no_pair() -> None:
    nodes = (
        Node("0", Dense(2, 6), ("input",)),
        Node("1", Relu(), ("0",)),
        Node("2", Dense(6, 6), ("1",)),
        Node("3", Add(), ("2", "1")),
    )
    with pytest.raises(ValueError, match="two random layers with a ReLU per target layer"):
        unpaired(Network(nodes))


def test_the_digest_sees_where_branches_go() -> None:
    weights = tuple(weights_of(RESIDUAL))
    other = (*RESIDUAL.nodes[:-1], Node("end", Add(), ("three", "three", "short")))
    assert Target(RESIDUAL, weights).digest != Target(Network(other), weights).digest


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((), "nodes must be a list of 1 to"),
        ((Node("a", Relu(), ("b",)), Node("b", Relu(), ("a",))), "node a reads 'b', which does"),
        ((Node("a", Relu(), ("input",)), Node("a", Relu(), ("a",))), "'a' stands twice"),
        ((Node("input", Relu(), ("input",)),), "'input' stands twice"),
        ((Node("a", Relu(), ("input", "input")),), r"node a \(Relu\) takes one input, not 2"),
        ((Node("a", Relu(), ("input",)), Node("b", Relu(), ("input",))), "node a is read by none"),
    ],
)
def test_refuses_what_is_no_graph(nodes: tuple[Node, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Network(nodes)


def test_default_input_shape() -> None:
    assert Network.chain([Flatten(), Dense(4, 5)]).default_input_shape() == (4,)
    with pytest.raises(ValueError, match=r"first layer is a Conv: give input_shape=\(channels"):
        CHAIN.default_input_shape()


@pytest.mark.parametrize(
    ("chain", "shape", "message"),
    [
        (LAYERS, (3, 16, 15), r"layer 0 \(Conv\) takes images with 2 channels, not shape \(3, 16"),
        (LAYERS, (2, 16), r"layer 0 \(Conv\) takes images with 2 channels"),
        (LAYERS, (2, 16, 4), r"layer 0 \(Conv\) has a window \(5, 3\) that is larger"),
        ((Dense(2, 3), Relu(), Dense(4, 1)), (2,), r"layer 2 \(Dense\) takes vectors of length 4"),
        ((Conv(1, 2, (1, 1)), Dense(18, 1)), (1, 3, 3), "layer 1 .* put a Flatten before it"),
        ((Conv(1, 1, (5, 5), padding=(2, 2), padding_mode="circular"),), (1, 1, 9), "circularly"),
    ],
)
def test_refuses_layers_that_do_not_fit(
    chain: tuple[Layer, ...], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Network.chain(chain).shapes(shape)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inputs": 0}, "inputs must be an integer >= 1, got 0"),
        ({"outputs": 2.0}, "outputs must be an integer"),
        ({"kernel": (3, 0)}, r"kernel\[1\] must be an integer >= 1, got 0"),
        ({"kernel": 3}, "kernel must be a list of 2 entries, got 3"),
        ({"padding": (-1, 0)}, r"padding\[0\] must be an integer >= 0, got -1"),
        ({"groups": 3}, "4 inputs and 6 outputs cannot be shared evenly among 3 groups"),
        ({"padding_mode": "reflect"}, "padding_mode must be one of"),
        ({"padding": (2, 1), "padding_mode": "circular"}, "repeats outputs"),
    ],
)
def test_refuses_what_is_no_convolution(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Conv(**{"inputs": 4, "outputs": 6, "kernel": (3, 3), **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [1, 7, 100, 10**6])
def test_row_blocks_stay_in_one_group(most: int) -> None:
    layer = Conv(6, 9, (2, 2), groups=3)
    covered: list[int] = []
    for rows in layer.row_blocks(most):
        covered += range(rows.start, rows.stop)
        assert rows.start // 3 == (rows.stop - 1) // 3
        group = rows.start // 3
        assert layer.group_inputs(rows) == slice(2 * group, 2 * group + 2)
        assert (rows.stop - rows.start) * 8 <= max(most, 8)
    assert covered == list(range(9))


def test_pairs_have_the_hidden_channels_between_them() -> None:
    for layer in CHAIN.weighted:
        first, second = layer.pair(24)
        assert (first.inputs, first.outputs) == (layer.inputs, 24)
        assert (second.inputs, second.outputs) == (24, layer.outputs)
        assert second.basis == layer.basis
        assert first.groups == second.groups == layer.groups
