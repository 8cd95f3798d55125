"""Layers without weights: shapes, signs and Lipschitz constants against torch."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.networks.layers import AvgPool, Flatten, GlobalAvgPool, MaxPool, Relu, Unweighted

TWO = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def layers(draw: st.DrawFn) -> Unweighted:
    kind: Any = draw(st.sampled_from([Relu, Flatten, GlobalAvgPool, MaxPool, AvgPool]))
    if kind is MaxPool or kind is AvgPool:
        kernel = draw(TWO)
        padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
        window: Unweighted = kind(kernel, draw(TWO), padding)
        return window
    plain: Unweighted = kind()
    return plain


@given(
    layer=layers(),
    shape=st.tuples(st.integers(1, 2), st.integers(4, 7), st.integers(4, 7)),
    seed=st.integers(0, 10**6),
)
@settings(deadline=None, max_examples=100)
def test_shape_sign_and_constant(layer: Unweighted, shape: tuple[int, int, int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    module = layer.module()
    x = torch.randn(30, *shape, generator=generator, dtype=torch.float64)
    x[:10] = (x[:10] > 1).double()  # peaks
    y = module(x)
    assert layer.output_shape(shape) == tuple(y.shape[1:])
    assert (module(x.abs()) >= 0).all()
    assert layer.is_nonnegative(True)
    assert layer.is_nonnegative(False) == (module(-x.abs()) >= 0).all().item()

    constant = layer.lipschitz(shape)
    assert layer.additions(shape) >= 0
    z = x + torch.randn(x.shape, generator=generator, dtype=torch.float64) * 0.3
    change = (module(z) - y).flatten(1).norm(dim=1)
    assert (change <= constant * (z - x).flatten(1).norm(dim=1) * (1 + 1e-12)).all()
    # Positively homogeneous and 0 at 0, as the recursion of the certificate needs.
    torch.testing.assert_close(module(3 * x), 3 * y)
    assert not module(torch.zeros(1, *shape)).any()


@pytest.mark.parametrize("kernel", [(2, 2), (3, 2), (3, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (3, 2)])
def test_a_peak_attains_the_constant_of_max_pooling(
    kernel: tuple[int, int], stride: tuple[int, int]
) -> None:
    layer = MaxPool(kernel, stride)
    peaks = torch.eye(81, dtype=torch.float64).reshape(81, 1, 9, 9)
    largest = layer.module()(peaks).flatten(1).norm(dim=1).max()
    assert float(largest) == pytest.approx(layer.lipschitz((1, 9, 9)), rel=1e-12)


@pytest.mark.parametrize("kernel", [(2, 2), (3, 2), (3, 3)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 3), (3, 2)])
@pytest.mark.parametrize("padding", [(0, 0), (1, 1)])
def test_norm_of_average_pooling(
    kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> None:
    layer = AvgPool(kernel, stride, padding)
    units = torch.eye(144, dtype=torch.float64).reshape(144, 1, 12, 12)
    exact = float(torch.linalg.matrix_norm(layer.module()(units).flatten(1), 2))
    constant = layer.lipschitz((1, 12, 12))
    assert exact <= constant * (1 + 1e-12)
    if kernel == stride:
        assert exact == pytest.approx(constant, rel=1e-12)


def test_norm_of_the_global_mean() -> None:
    ones = torch.ones(1, 2, 4, 4, dtype=torch.float64)
    ratio = GlobalAvgPool().module()(ones).norm() / ones.norm()
    assert float(ratio) == GlobalAvgPool().lipschitz((2, 4, 4)) == 0.25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((2, 0), (1, 1)), r"kernel\[1\] must be an integer >= 1, got 0"),
        (((2, 2), (1, 1), (2, 0)), r"padding \(2, 0\) is more than half"),
        (((2, 2), 2), "stride must be a list of 2 entries, got 2"),
    ],
)
def test_refuses_what_is_no_window(arguments: tuple[object, ...], message: str) -> None:
    for kind in (MaxPool, AvgPool):
        with pytest.raises(ValueError, match=message):
            kind(*arguments)  # type: ignore[arg-type]


def test_refuses_shapes_that_do_not_fit() -> None:
    for layer in (MaxPool((2, 2), (2, 2)), AvgPool((2, 2), (2, 2)), GlobalAvgPool()):
        with pytest.raises(ValueError, match=r"takes images .*, not shape \(4,\)"):
            layer.output_shape((4,))
    with pytest.raises(ValueError, match=r"window \(5, 1\) that is larger than inputs"):
        MaxPool((5, 1), (1, 1)).output_shape((1, 4, 4))
