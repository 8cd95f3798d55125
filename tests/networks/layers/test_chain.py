"""Chains of layers: shapes, signs, storage."""

import json

import pytest
import torch

from slth.networks.layers import (
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Relu,
    Weighted,
    default_input_shape,
    from_json,
    shapes,
    signed,
    to_json,
    weighted,
)

CHAIN: tuple[Layer, ...] = (
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


def test_descriptions_survive_json() -> None:
    stored = json.dumps([to_json(layer) for layer in CHAIN])
    assert tuple(from_json(layer) for layer in json.loads(stored)) == CHAIN


def test_shapes_are_those_of_the_modules() -> None:
    x = torch.randn(3, 2, 16, 15)
    found = [tuple(x.shape[1:])]
    for layer in CHAIN:
        if isinstance(layer, Weighted):
            weights = torch.randn(layer.shape)
            y = layer.module(weights)(x)
            torch.testing.assert_close(layer.apply(weights, x), y)
            x = y
        else:
            x = layer.module()(x)  # type: ignore[attr-defined]
        found.append(tuple(x.shape[1:]))
    assert shapes(CHAIN, (2, 16, 15)) == tuple(found)


def test_signs() -> None:
    assert signed(CHAIN, nonnegative_inputs=False) == (True, False, False, True)
    assert signed(CHAIN, nonnegative_inputs=True) == (False, False, False, True)
    assert signed((Relu(), Dense(2, 2)), nonnegative_inputs=False) == (False,)
    pooled = (Conv(1, 1, (1, 1)), MaxPool((2, 2), (2, 2)), Conv(1, 1, (1, 1)))
    assert signed(pooled, nonnegative_inputs=True) == (False, True)


def test_default_input_shape() -> None:
    assert default_input_shape((Flatten(), Dense(4, 5))) == (4,)
    with pytest.raises(ValueError, match=r"first layer is a Conv: give input_shape=\(channels"):
        default_input_shape(CHAIN)


@pytest.mark.parametrize(
    ("chain", "shape", "message"),
    [
        (CHAIN, (3, 16, 15), r"layer 0 \(Conv\) takes images with 2 channels, not shape \(3, 16"),
        (CHAIN, (2, 16), r"layer 0 \(Conv\) takes images with 2 channels"),
        (CHAIN, (2, 16, 4), r"layer 0 \(Conv\) has a window \(5, 3\) that is larger"),
        ((Dense(2, 3), Relu(), Dense(4, 1)), (2,), r"layer 2 \(Dense\) takes vectors of length 4"),
        ((Conv(1, 2, (1, 1)), Dense(18, 1)), (1, 3, 3), "layer 1 .* put a Flatten before it"),
        ((Conv(1, 1, (5, 5), padding=(2, 2), padding_mode="circular"),), (1, 1, 9), "circularly"),
    ],
)
def test_refuses_layers_that_do_not_fit(
    chain: tuple[Layer, ...], shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        shapes(chain, shape)


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
    for layer in weighted(CHAIN):
        first, second = layer.pair(24)
        assert (first.inputs, first.outputs) == (layer.inputs, 24)
        assert (second.inputs, second.outputs) == (24, layer.outputs)
        assert second.basis == layer.basis
        assert first.groups == second.groups == layer.groups
