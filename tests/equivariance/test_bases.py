"""Bases against character theory: as many maps as the symmetry allows, and each respects it."""

from collections.abc import Iterator
from itertools import product
from math import factorial

import numpy as np
import pytest
from numpy.typing import NDArray

from slth.equivariance import Space, space

Ints = NDArray[np.int64]


def moves(feature_space: Space) -> list[Ints]:
    """Where each generator moves each coordinate."""
    return [matrix.tocsc().indices.astype(np.int64) for matrix in feature_space.generators]


def elements(feature_space: Space) -> Iterator[Ints]:
    """All elements of the group: products of generators, until nothing new appears."""
    start = np.arange(feature_space.dim)
    seen, fresh = {start.tobytes()}, [start]
    while fresh:
        yield from fresh
        found = {
            (image := move[element]).tobytes(): image
            for element, move in product(fresh, moves(feature_space))
        }
        fresh = [image for key, image in found.items() if key not in seen]
        seen.update(found)


def burnside(feature_space: Space, related: NDArray[np.bool_]) -> int:
    """Orbits of the group on related pairs of coordinates: the average number of fixed pairs."""
    fixed, order = 0, 0
    for element in elements(feature_space):
        stays = element == np.arange(feature_space.dim)
        fixed += int(related[np.ix_(stays, stays)].sum())
        order += 1
    orbits, rest = divmod(fixed, order)
    assert rest == 0
    return orbits


def nearby(feature_space: Space, reach: int) -> NDArray[np.bool_]:
    """Pairs of coordinates whose pixels are at most ``reach`` apart, in both directions."""
    assert feature_space.image is not None
    pixels = list(product(*map(range, feature_space.image))) * feature_space.grid[0]
    apart = np.abs(np.array(pixels)[:, None] - np.array(pixels))
    around = np.minimum(apart, np.array(feature_space.image) - apart)
    return np.asarray((around <= reach).all(axis=2))


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("trivial", 1),
        ("cyclic(8)", 8),
        ("sets(2)", factorial(2)),
        ("sets(5)", factorial(5)),
        ("graphs(4)", factorial(4)),
        ("graphs(5)", factorial(5)),
    ],
)
def test_all_equivariant_maps_are_there(name: str, order: int) -> None:
    """The dimension of Hom(F, F) is the average of |character|² over the group."""
    feature_space = space(name)
    characters = [
        np.count_nonzero(element == np.arange(feature_space.dim))
        for element in elements(feature_space)
    ]
    assert len(characters) == order
    assert feature_space.n_maps == np.mean(np.square(characters))


@pytest.mark.parametrize(
    ("name", "order", "reach"),
    [
        ("translations(4x5, 3)", 4 * 5, 1),
        ("translations(7x7, 5)", 7 * 7, 2),
        ("cyclic-images(1, 3x4, 3)", 3 * 4, 1),
        ("cyclic-images(2, 4x3, 3)", 4 * 3 * 2, 1),
        ("cyclic-images(4, 5x5, 3)", 5 * 5 * 4, 1),
        ("cyclic-images(4, 5x5, 5)", 5 * 5 * 4, 2),
        ("dihedral-images(4x4, 3)", 4 * 4 * 8, 1),
        ("dihedral-images(5x5, 1)", 5 * 5 * 8, 0),
    ],
)
def test_all_local_equivariant_maps_are_there(name: str, order: int, reach: int) -> None:
    feature_space = space(name)
    assert len(list(elements(feature_space))) == order
    related = nearby(feature_space, reach)
    assert feature_space.n_maps == burnside(feature_space, related)
    assert all(related[matrix.toarray() != 0].all() for matrix in feature_space.basis)


def test_a_smaller_neighbourhood_has_fewer_maps() -> None:
    """Negative control of the count."""
    feature_space = space("cyclic-images(4, 5x5, 5)")
    assert burnside(feature_space, nearby(feature_space, 1)) == 36 < feature_space.n_maps == 100


@pytest.mark.parametrize(("points", "dimension"), [(1, 1), (2, 8), (3, 14), (4, 15), (6, 15)])
def test_small_graphs_have_fewer_maps(points: int, dimension: int) -> None:
    """Bell(4) = 15 partitions of four indices, less those with more blocks than points."""
    assert space(f"graphs({points})").n_maps == dimension


@pytest.mark.parametrize("name", ["cyclic(5)", "sets(4)", "graphs(3)", "cyclic-images(4, 2x2, 2)"])
def test_basis_spans_the_commutant(name: str) -> None:
    """By linear algebra alone: the null space of X ↦ (gX − Xg) over all generators."""
    feature_space = space(name)
    one = np.eye(feature_space.dim)
    equations = np.vstack(
        [
            np.kron(matrix.toarray(), one) - np.kron(one, matrix.toarray().T)
            for matrix in feature_space.generators
        ]
    )
    nullity = feature_space.dim**2 - np.linalg.matrix_rank(equations)
    assert nullity == feature_space.n_maps
    flat = np.stack([matrix.toarray().ravel() for matrix in feature_space.basis])
    np.testing.assert_array_equal(equations @ flat.T, 0)
    assert np.linalg.matrix_rank(flat) == feature_space.n_maps


def test_sets_are_the_maps_of_deep_sets() -> None:
    identity, everything = (matrix.toarray() for matrix in space("sets(6)").basis)
    np.testing.assert_array_equal(identity, np.eye(6))
    np.testing.assert_array_equal(everything, np.ones((6, 6)))


def test_one_rotation_is_none() -> None:
    plain, rotated = space("translations(4x5, 3)"), space("cyclic-images(1, 4x5, 3)")
    assert plain.n_maps == rotated.n_maps
    assert all((a != b).nnz == 0 for a, b in zip(plain.basis, rotated.basis, strict=True))


def test_rotations_are_among_the_motions_of_the_dihedral_group() -> None:
    """Each p4m map also respects p4: on the rotations alone it is one of its maps, or zero."""
    p4, p4m = space("cyclic-images(4, 4x4, 3)"), space("dihedral-images(4x4, 3)")
    known = {matrix.toarray().tobytes() for matrix in p4.basis}
    restricted = [matrix[: p4.dim, : p4.dim].toarray() for matrix in p4m.basis]
    assert {block.tobytes() for block in restricted if block.any()} == known


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("circle(8)", "no feature space"),
        ("cyclic", "no feature space"),
        ("cyclic(a)", "no feature space"),
        ("cyclic(-1)", "no feature space"),
        ("cyclic(1.5)", "no feature space"),
        ("cyclic()", "no feature space"),
        ("trivial(1)", "no feature space"),
        ("translations(8, 3)", "no feature space"),
        ("translations(8x8x8, 3)", "no feature space"),
        ("sets(6", "no feature space"),
        ("", "no feature space"),
        ("cyclic(0)", "order must be at least 1, got 0"),
        ("sets(0)", "points must be at least 1, got 0"),
        ("translations(8x8, 0)", "kernel must be at least 1, got 0"),
        ("translations(0x8, 1)", "height must be at least 1, got 0"),
        ("translations(8x2, 3)", "a kernel of 3x3 overlaps itself on 8x2"),
        ("cyclic-images(3, 8x8, 3)", "rotations of order 1, 2 and 4, not 3"),
        ("cyclic-images(4, 8x6, 3)", "quarter turns need square images, got 8x6"),
        ("dihedral-images(8x6, 3)", "quarter turns need square images, got 8x6"),
    ],
)
def test_refuses_what_is_no_space(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        space(name)


def test_a_name_is_one_object_and_its_own_name() -> None:
    assert space("sets(6)") is space(" sets( 6 )")
    for name in ("translations(8x8, 3)", "cyclic-images(2, 4x6, 3)", "trivial", "graphs(3)"):
        assert space(name).name == name
