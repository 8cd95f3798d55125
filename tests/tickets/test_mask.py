"""Masks: 0/1 only, counted, packed and unpacked."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from torch import nn

from slth.tickets import Mask
from slth.tickets.mask import write_rows

LAYERS = st.lists(
    hnp.arrays(np.bool_, hnp.array_shapes(min_dims=1, max_dims=3, max_side=7)),
    min_size=1,
    max_size=3,
)


@given(LAYERS)
def test_counts(layers: list[NDArray[np.bool_]]) -> None:
    mask = Mask(layers)
    ones = sum(int(value) for layer in layers for value in layer.ravel())
    total = sum(layer.size for layer in layers)
    assert (mask.kept, mask.total) == (ones, total)
    assert mask.density == ones / total
    assert mask.density + mask.sparsity == pytest.approx(1.0)


@given(LAYERS)
def test_packing_round_trips(layers: list[NDArray[np.bool_]]) -> None:
    mask = Mask(layers)
    again = Mask.from_packed(mask.packed(), mask.shapes)
    assert again == mask
    assert hash(again) == hash(mask)
    assert sum(data.size for data in mask.packed()) <= mask.total / 8 + len(layers)


@given(LAYERS, st.data())
def test_rows_are_those_of_the_whole_layer(
    layers: list[NDArray[np.bool_]], data: st.DataObject
) -> None:
    mask = Mask(layers)
    for index, layer in enumerate(layers):
        start = data.draw(st.integers(0, len(layer)))
        stop = data.draw(st.integers(start, len(layer)))
        np.testing.assert_array_equal(mask.rows(index, start, stop), layer[start:stop])
        np.testing.assert_array_equal(mask.layers[index], layer)


@given(LAYERS, st.data())
def test_rows_written_in_any_order_make_up_the_layer(
    layers: list[NDArray[np.bool_]], data: st.DataObject
) -> None:
    packed = [np.zeros((layer.size + 7) // 8, np.uint8) for layer in layers]
    for bits, layer in zip(packed, layers, strict=True):
        cuts = sorted(data.draw(st.lists(st.integers(0, len(layer)), max_size=3)))
        parts = list(pairwise([0, *cuts, len(layer)]))
        for start, stop in data.draw(st.permutations(parts)):
            write_rows(bits, start, layer[start:stop])
    assert Mask.from_packed(packed, [layer.shape for layer in layers]) == Mask(layers)


@given(LAYERS, st.data())
def test_one_flipped_bit_is_another_mask(
    layers: list[NDArray[np.bool_]], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(layers) - 1))
    entry = data.draw(st.integers(0, layers[index].size - 1))
    flipped = [layer.copy() for layer in layers]
    flipped[index].flat[entry] ^= True
    assert Mask(flipped) != Mask(layers)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint64, np.float32, np.float64])
def test_accepts_exact_zeros_and_ones(dtype: type) -> None:
    mask = Mask([np.array([[0, 1], [1, 1]], dtype=dtype)])
    assert mask.layers[0].dtype == np.bool_
    assert mask.kept == 3


@pytest.mark.parametrize(
    "kind",
    [torch.bfloat16, torch.float16, torch.float8_e5m2, torch.float64, torch.bool, torch.int8],
)
def test_takes_tensors_of_all_kinds(kind: torch.dtype) -> None:
    assert Mask([torch.tensor([[0.0, 1.0]]).to(kind)]) == Mask([[[0, 1]]])


def test_takes_parameters_and_what_makes_them() -> None:
    ones = nn.Parameter(torch.eye(3))
    assert Mask([ones, 1 * ones]).kept == 6
    assert Mask(ones for _ in range(2)).kept == 6
    with pytest.raises(ValueError, match=r"layer 0 has the entry 0\.5, which is neither"):
        Mask([nn.Parameter(torch.tensor([0.5], dtype=torch.bfloat16))])


@pytest.mark.parametrize("value", [0.5, 2, -1, np.nan, np.inf, 1 + 1e-12, 1e-300])
def test_refuses_anything_else(value: float) -> None:
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        Mask([[1, 0], [0, value]])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        ([np.ones((0, 3))], "empty"),
        ([1], "no axis"),
        ([["1", "0"]], "not 0/1 numbers"),
        ([np.array([1j])], "not 0/1 numbers"),
        ([np.array([None])], "not 0/1 numbers"),
        ([[1], torch.eye(2).to_sparse()], "layer 1 of a mask .* dense tensor .* is sparse"),
        ([torch.ones(2, device="meta")], r"layer 0 of a mask .* is without values \(meta\)"),
        ([torch.ones(2, dtype=torch.complex64)], "layer 0 of a mask holds complex64, not 0/1"),
        ({"0.weight_mask": [1.0]}, "layers must be a list of arrays, got .*0.weight_mask"),
    ],
)
def test_refuses_what_is_no_mask(layers: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mask(layers)  # type: ignore[arg-type]


def test_is_a_read_only_copy() -> None:
    source = np.array([True, False])
    mask = Mask([source])
    source[1] = True
    mask.layers[0][1] = True
    assert mask.kept == 1
    with pytest.raises(ValueError, match="read-only"):
        mask.packed()[0][0] = 255


def test_refuses_packed_data_that_does_not_fit() -> None:
    mask = Mask([[1, 0, 1]])
    (data,) = mask.packed()
    with pytest.raises(ValueError, match="needs 2 bytes"):
        Mask.from_packed([data], [(9,)])
    with pytest.raises(ValueError, match="1 packed layers for 2 shapes"):
        Mask.from_packed([data], [(3,), (3,)])
    with pytest.raises(ValueError, match="padding bit"):
        Mask.from_packed([data | np.uint8(1)], [(3,)])
    with pytest.raises(ValueError, match="needs 1 bytes"):
        Mask.from_packed([data.astype(np.int64)], [(3,)])


def test_is_not_equal_to_something_else() -> None:
    assert Mask([[1]]) != [[1]]
    assert Mask([[1, 0]]) != Mask([[[1, 0]]])
    assert "kept=1" in repr(Mask([[1, 0]]))
