"""Norm bounds against exact matrices: never below, and never far above."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from slth.networks.layers import Conv, Dense, norms
from slth.networks.layers.norms import convolution_norm_bound, spectral_norm_bound

PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


def matrix(layer: Conv, weights: NDArray[np.float64], size: tuple[int, int]) -> torch.Tensor:
    """Apply the layer to all unit images of one size."""
    inputs = weights.shape[1] * layer.groups * size[0] * size[1]
    units = torch.eye(inputs, dtype=torch.float64).reshape(inputs, -1, *size)
    return layer.apply(torch.from_numpy(weights), units).flatten(1).T


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv, NDArray[np.float64]]:
    groups = draw(st.integers(1, 2))
    kernel, dilation = draw(PAIRS), draw(PAIRS)
    circular = draw(st.booleans())
    reach = [step * (taps - 1) for step, taps in zip(dilation, kernel, strict=True)]
    most = [length // 2 if circular else length + 1 for length in reach]
    layer = Conv(
        groups * draw(st.integers(1, 3)),
        groups * draw(st.integers(1, 3)),
        kernel,
        draw(PAIRS),
        tuple(draw(st.integers(0, length)) for length in most),  # type: ignore[arg-type]
        dilation,
        groups,
        "circular" if circular else "zeros",
    )
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    weights = rng.standard_normal(layer.shape)
    return layer, np.abs(weights) if draw(st.booleans()) else weights


@given(convolutions(), st.tuples(st.integers(7, 9), st.integers(7, 9)))
@settings(deadline=None, max_examples=100)
def test_no_image_beats_the_bound(
    case: tuple[Conv, NDArray[np.float64]], size: tuple[int, int]
) -> None:
    layer, weights = case
    exact = torch.linalg.matrix_norm(matrix(layer, weights, size), 2)
    assert float(exact) <= layer.norm_bound(weights)


@given(convolutions())
@settings(deadline=None, max_examples=60)
def test_the_bound_is_close_to_the_supremum(case: tuple[Conv, NDArray[np.float64]]) -> None:
    """On a fine circle whose length the strides divide, the norm is the largest symbol."""
    layer, weights = case
    n = 24
    kernel = np.zeros((*weights.shape[:2], n, n))
    for place in np.ndindex(weights.shape[2:]):
        row, column = (step * tap for step, tap in zip(layer.dilation, place, strict=True))
        kernel[:, :, row, column] = weights[:, :, *place]
    if layer.padding_mode == "zeros":
        height, width = layer.stride
        split = kernel.reshape(*weights.shape[:2], n // height, height, n // width, width)
        kernel = split.transpose(0, 1, 3, 5, 2, 4)
        kernel = kernel.reshape(len(weights), -1, n // height, n // width)
    symbols = np.moveaxis(np.fft.fft2(kernel), (2, 3), (0, 1))
    symbols = symbols.reshape(*symbols.shape[:2], layer.groups, -1, symbols.shape[3])
    exact = np.linalg.norm(symbols, 2, axis=(-2, -1)).max()
    # The supremum itself may lie between two points of the circle.
    assert exact * (1 - 1e-9) <= layer.norm_bound(weights) <= 1.3 * exact


def test_bound_without_slack_for_nonnegative_kernels() -> None:
    """Their supremum is attained at frequency 0; the excess is that of the grid."""
    weights = np.random.default_rng(0).random((4, 3, 5, 3))
    exact = np.linalg.norm(weights.sum(axis=(2, 3)), 2)
    assert exact <= convolution_norm_bound(weights) <= exact / np.cos(np.pi / 12) ** 2 * 1.006


@given(seed=st.integers(0, 10**6), taps=st.integers(1, 8))
@settings(deadline=None, max_examples=60)
def test_riesz_inequality_on_the_grid(seed: int, taps: int) -> None:
    """One input, one output: the largest of a hundred thousand frequencies is below the bound."""
    rng = np.random.default_rng(seed)
    kernel = rng.standard_normal(taps)
    fine = np.abs(np.fft.fft(kernel, 100_003)).max()
    bound = convolution_norm_bound(kernel.reshape(1, 1, 1, taps))
    assert fine * (1 - 1e-12) <= bound <= fine / np.cos(np.pi / 12) * 1.006


def test_stride_reduces_the_norm() -> None:
    """The mean of two pixels: norm 1 without stride, √½ where no pixel is used twice."""
    pair = np.full((1, 1, 1, 2), 0.5)
    assert convolution_norm_bound(pair) == pytest.approx(1.0, rel=0.05)
    assert convolution_norm_bound(pair, stride=(1, 2)) == pytest.approx(0.5**0.5, rel=0.006)


@given(convolutions(), st.sampled_from([1e-200, 1e-20, 1.0, 1e200]))
@settings(deadline=None, max_examples=40)
def test_tolerances_may_rely_on_the_norm_of_the_basis(
    case: tuple[Conv, NDArray[np.float64]], scale: float
) -> None:
    """Errors of one size cannot have a larger norm than the plan counts on."""
    layer, weights = case
    errors = scale * np.sign(weights)
    pairs = layer.outputs // layer.groups * weights.shape[1]
    most = layer.basis_norm * pairs**0.5 * scale
    assert layer.norm_bound(errors) <= most * (1 + 1e-9)


@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    scale=st.sampled_from([1e-200, 1.0, 1e200]),
)
@settings(deadline=None)
def test_spectral_norm(seed: int, shape: tuple[int, int], scale: float) -> None:
    weights = np.random.default_rng(seed).standard_normal(shape) * scale
    exact = np.linalg.norm(weights, 2)
    assert exact <= spectral_norm_bound(weights) <= exact * (1 + 1e-9)
    assert Dense(*shape[::-1]).norm_bound(weights) == spectral_norm_bound(weights)


def test_zero_has_norm_zero() -> None:
    assert spectral_norm_bound(np.zeros((2, 3))) == 0.0
    assert convolution_norm_bound(np.zeros((2, 3, 3, 3)), stride=(2, 2)) == 0.0


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_are_the_largest_of_their_blocks(groups: int) -> None:
    weights = np.random.default_rng(1).standard_normal((4, 3, 2, 2))
    blocks = [convolution_norm_bound(block) for block in np.split(weights, groups)]
    whole = convolution_norm_bound(weights, groups=groups)
    assert whole == pytest.approx(max(blocks), rel=0.006)


def test_kernels_and_strides_of_any_size_cost_little() -> None:
    """Grids and phases of terabytes are not made."""
    assert 1 << 16 <= convolution_norm_bound(np.ones((1, 1, 1, 1 << 16))) < 1.001 * (1 << 16)
    far = convolution_norm_bound(np.ones((1, 1, 2, 2)), stride=(10**6, 10**6))
    assert 2.0 <= far < 2.05  # each output sums four inputs that no other one reads
    wide = convolution_norm_bound(np.ones((1, 1, 2, 2)), stride=(2, 2), dilation=(10**6, 10**6))
    assert 2.0 <= wide <= 4.001


@pytest.mark.parametrize("kind", ["random", "low rank", "isometry"])
def test_large_matrices_are_bounded_as_closely_as_small_ones(kind: str) -> None:
    """Their norm is guessed by a Krylov method, and the guess proved."""
    rng = np.random.default_rng(5)
    matrix = rng.uniform(-1, 1, size=(300, 400))
    if kind == "low rank":
        matrix = matrix[:, :2] @ rng.uniform(-1, 1, size=(2, 400))
    if kind == "isometry":  # where no direction stands out
        matrix = np.linalg.qr(matrix.T)[0].T
    exact = np.linalg.norm(matrix, 2)
    assert exact <= spectral_norm_bound(matrix) <= exact * (1 + 1e-8)
    assert spectral_norm_bound(1e-200 * matrix) == pytest.approx(1e-200 * exact, rel=1e-8)


def test_a_guess_that_is_too_small_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(6).uniform(-1, 1, size=(300, 300))
    monkeypatch.setattr(norms, "_estimate", lambda gram: 0.5 * float(gram.trace()) / len(gram))
    assert spectral_norm_bound(matrix) >= np.linalg.norm(matrix, 2)


@given(convolutions(), st.tuples(st.integers(7, 9), st.integers(7, 9)))
@settings(deadline=None, max_examples=60)
def test_no_image_beats_the_unfolded_kernel(
    case: tuple[Conv, NDArray[np.float64]], size: tuple[int, int]
) -> None:
    layer, weights = case
    exact = float(torch.linalg.matrix_norm(matrix(layer, weights, size), 2))
    assert exact <= norms.unfolded_norm_bound(weights, layer.groups)


def test_plans_look_at_all_frequencies_of_small_kernels_only() -> None:
    rng = np.random.default_rng(3)
    small, large = Conv(6, 16, (5, 5)), Conv(128, 128, (3, 3))
    weights = rng.standard_normal(small.shape)
    assert small.quick_norm_bound(weights) == small.norm_bound(weights)
    weights = rng.standard_normal(large.shape)
    tight, quick = large.norm_bound(weights), large.quick_norm_bound(weights)
    assert 1.2 * tight < quick < 3 * tight
