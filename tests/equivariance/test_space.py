"""The protocol: what it demands, and the norms that it computes."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from slth.equivariance import Space, permutation_matrix, space

FLIP, IDENTITY = csr_array([[0, 1], [1, 0]]), csr_array([[1, 0], [0, 1]])
GRID = (2, 1, 1)
SMALL = (
    "trivial",
    "cyclic(5)",
    "translations(3x4, 2)",
    "cyclic-images(4, 3x3, 3)",
    "dihedral-images(3x3, 2)",
    "sets(4)",
    "graphs(3)",
)


def test_basis_commutes_with_every_generator(feature_space: Space) -> None:
    """By moving rows and columns, where the constructor multiplies sparse matrices."""
    for generator in feature_space.generators:
        move = np.argmax(generator.toarray(), axis=0)
        for matrix in feature_space.basis:
            dense = matrix.toarray()
            moved = np.zeros_like(dense)
            moved[np.ix_(move, move)] = dense
            np.testing.assert_array_equal(moved, dense)


def test_identity_comes_first(feature_space: Space) -> None:
    np.testing.assert_array_equal(feature_space.basis[0].toarray(), np.eye(feature_space.dim))
    others = [matrix.toarray() for matrix in feature_space.basis[1:]]
    assert not any(np.array_equal(matrix, np.eye(feature_space.dim)) for matrix in others)


def test_basis_norm_is_attained_at_ones(feature_space: Space) -> None:
    total = sum(matrix.toarray() for matrix in feature_space.basis)
    assert feature_space.basis_norm == pytest.approx(np.linalg.norm(total, 2), rel=1e-13)


@pytest.mark.parametrize("name", ["cyclic(6)", "sets(3)", "graphs(2)", "translations(3x4, 3)"])
def test_basis_norm_is_the_largest_over_all_vertices(name: str) -> None:
    """The norm is convex in β, so its maximum over the cube is at a vertex: try them all."""
    feature_space = space(name)
    basis = np.stack([matrix.toarray() for matrix in feature_space.basis])
    signs = np.array(list(product((1, -1), repeat=feature_space.n_maps)))
    norms = np.linalg.norm(np.tensordot(signs, basis, axes=1), 2, axis=(1, 2))
    assert norms.max() == pytest.approx(feature_space.basis_norm, rel=1e-13)


@pytest.mark.parametrize(
    ("name", "norm"),
    [
        ("trivial", 1),
        ("cyclic(7)", 7),
        ("translations(8x8, 5)", 25),
        ("cyclic-images(4, 6x6, 3)", 36),
        ("dihedral-images(4x4, 3)", 72),
        ("sets(9)", 10),
    ],
)
def test_basis_norm_is_an_integer_on_transitive_spaces(name: str, norm: int) -> None:
    assert space(name).basis_norm == norm


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(SMALL),
    outputs=st.integers(1, 3),
    inputs=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_norm_bound_is_the_norm(name: str, outputs: int, inputs: int, seed: int) -> None:
    feature_space = space(name)
    weights = np.random.default_rng(seed).standard_normal((outputs, inputs, feature_space.n_maps))
    layer = sum(
        np.kron(weights[:, :, j], matrix.toarray()) for j, matrix in enumerate(feature_space.basis)
    )
    norm = np.linalg.norm(layer, 2)
    assert norm <= feature_space.norm_bound(weights) <= norm * (1 + 1e-9)


def test_norm_bound_of_equal_errors_is_the_worst(feature_space: Space) -> None:
    """Among coefficients of at most τ, the norm is largest when all are τ."""
    worst = feature_space.norm_bound(np.full((2, 3, feature_space.n_maps), 0.25))
    assert worst == pytest.approx(0.25 * 6**0.5 * feature_space.basis_norm, rel=1e-9)
    rng = np.random.default_rng(0)
    for _ in range(5):
        other = rng.uniform(-0.25, 0.25, (2, 3, feature_space.n_maps))
        assert feature_space.norm_bound(other) < worst


def test_norm_bound_sees_large_spaces() -> None:
    """A kernel with a known symbol: 1 + 2cos ξ on each axis, at most 9, on 64 x 64 pixels."""
    weights = np.ones((1, 1, 9))
    assert space("translations(64x64, 3)").norm_bound(weights) == pytest.approx(9, rel=1e-9)
    weights[0, 0, 0] = -8  # the discrete Laplacian: its symbol is largest off the origin
    u = 2 * np.pi * np.arange(64) / 64
    symbol = np.multiply.outer(1 + 2 * np.cos(u), 1 + 2 * np.cos(u)) - 9
    norm = space("translations(64x64, 3)").norm_bound(weights)
    assert norm == pytest.approx(np.abs(symbol).max(), rel=1e-9)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (1, 2, 3, 8)])
def test_norm_bound_refuses_other_coefficients(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"coefficients of shape \(out, in, 8\)"):
        space("cyclic(8)").norm_bound(np.ones(shape))


@pytest.mark.parametrize(
    ("generators", "basis", "grid", "message"),
    [
        (([[0, -1], [1, 0]],), (IDENTITY,), GRID, "generator 0 is no permutation matrix"),
        ((FLIP, [[2, 0], [0, 1]]), (IDENTITY,), GRID, "generator 1 is no permutation matrix"),
        (([[1, 1], [0, 1]],), (IDENTITY,), GRID, "generator 0 is no permutation matrix"),
        ((FLIP,), (), GRID, "the first basis map must be the identity"),
        ((FLIP,), (FLIP, IDENTITY), GRID, "the first basis map must be the identity"),
        ((FLIP,), (IDENTITY, -FLIP), GRID, "basis map 1 is no 0/1 matrix"),
        ((FLIP,), (IDENTITY, csr_array((3, 3))), GRID, "basis map 1 is no 0/1 matrix"),
        ((FLIP,), (IDENTITY, [[1, 0], [0, 0]]), GRID, "map 1 does not commute with generator 0"),
        ((FLIP,), (IDENTITY, FLIP, IDENTITY + FLIP), GRID, "the 3 basis maps span dimension 2"),
        ((FLIP,), (IDENTITY, IDENTITY), GRID, "the 2 basis maps span dimension 1"),
        ((), (IDENTITY,), (3, 1, 1), "the first basis map must be the identity"),
        ((csr_array((3, 3)),), (IDENTITY,), GRID, "generator 0 is no permutation matrix"),
        ((np.eye(3),), (IDENTITY,), GRID, "generator 0 has size 3, not 2"),
        (
            (),
            (IDENTITY, [[1, 0], [0, 0]]),
            (1, 1, 2),
            "basis map 1 does not commute with shifts of the grid",
        ),
    ],
)
def test_refuses_what_breaks_the_protocol(
    generators: tuple[csr_array, ...],
    basis: tuple[csr_array, ...],
    grid: tuple[int, int, int],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        Space("odd", tuple(map(csr_array, generators)), tuple(map(csr_array, basis)), grid)


def test_refuses_images_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"images \(2, 1\) on a grid \(1, 1\)"):
        Space("odd", (FLIP,), (IDENTITY, FLIP), GRID, image=(2, 1))


def test_relu_commutes_with_permutations_only() -> None:
    """The reason for the first refusal, in numbers."""
    x = np.random.default_rng(0).standard_normal((2, 50))
    for matrix, commutes in ((FLIP.toarray(), True), (np.array([[0, -1], [1, 0]]), False)):
        after, before = matrix @ np.maximum(x, 0), np.maximum(matrix @ x, 0)
        assert np.array_equal(after, before) == commutes


def test_permutation_matrix_moves() -> None:
    moved = permutation_matrix([2, 0, 1]) @ np.array([10, 20, 30])
    np.testing.assert_array_equal(moved, [20, 30, 10])


def test_the_old_name_of_the_number_of_maps_leads_to_it() -> None:
    with pytest.warns(DeprecationWarning, match="n_maps now"):
        assert space("cyclic(4)").size == space("cyclic(4)").n_maps
