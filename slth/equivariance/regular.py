"""Group convolutions: translations of a torus, combined with rotations and reflections."""

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np

from slth.arrays import Ints
from slth.equivariance.space import Space, permutation_matrix

_STAY = np.eye(2, dtype=np.int64)
_TURN = np.array([[0, -1], [1, 0]])
_FLIP = np.array([[1, 0], [0, -1]])


def trivial() -> Space:
    """No symmetry: one number per channel, and the identity is the only map.

    Layers are those of a dense network.
    """
    return _convolutions("trivial", (1, 1), [_STAY], [(0, 0)], image=False)


def cyclic(order: int) -> Space:
    """Cyclic group of ``order`` elements on functions on itself: all shifts of a circle."""
    _check_positive(order=order)
    shifts = [(shift, 0) for shift in range(order)]
    return _convolutions(f"cyclic({order})", (order, 1), [_STAY], shifts, image=False)


def translations(image: tuple[int, int], kernel: int) -> Space:
    """Translate images with periodic boundary: circular convolutions.

    Even kernels reach one pixel farther down and right than up and left, as with
    ``padding="same"`` in torch.
    """
    name = f"translations({image[0]}x{image[1]}, {kernel})"
    window = _window(image, kernel)
    return _convolutions(name, image, [_STAY], window, image=True)


def cyclic_images(rotations: int, image: tuple[int, int], kernel: int) -> Space:
    """Translate images with periodic boundary, and rotate them 1, 2 or 4 times (p1, p2, p4).

    Features are functions on the group: one image per rotation.
    """
    if rotations not in (1, 2, 4):
        raise ValueError(f"the pixel grid has rotations of order 1, 2 and 4, not {rotations}")
    _check_square(image, rotations == 4)
    name = f"cyclic-images({rotations}, {image[0]}x{image[1]}, {kernel})"
    turn = np.linalg.matrix_power(_TURN, 4 // rotations)
    point_group = [np.linalg.matrix_power(turn, power) for power in range(rotations)]
    return _convolutions(name, image, point_group, _window(image, kernel), image=True)


def dihedral_images(image: tuple[int, int], kernel: int) -> Space:
    """Translate images with periodic boundary, turn them by quarters and reflect them (p4m)."""
    _check_square(image, True)
    name = f"dihedral-images({image[0]}x{image[1]}, {kernel})"
    turns = [np.linalg.matrix_power(_TURN, power) for power in range(4)]
    point_group = [*turns, *(turn @ _FLIP for turn in turns)]
    return _convolutions(name, image, point_group, _window(image, kernel), image=True)


def _convolutions(
    name: str,
    shape: tuple[int, int],
    point_group: Sequence[Ints],
    window: Sequence[tuple[int, int]],
    *,
    image: bool,
) -> Space:
    r"""Functions on the group of the motions $(t, K): q \mapsto Kq + t$ of a torus.

    .. math::
        (\rho(u)x)(g) = x(u^{-1}g), \qquad (b_hx)(g) = x(gh), \qquad
        (s,K)(t,L) = (s+Kt,\,KL)

    Left and right multiplication commute.  The basis takes those $h=(t,L)$ whose shift
    $t$ lies in the window, the identity first.
    """
    grid = (len(point_group), *shape)
    coordinates = np.arange(prod(grid)).reshape(grid)
    positions = np.moveaxis(np.indices(shape), 0, -1)

    def times(first: Sequence[tuple[Ints, Ints]], second: Sequence[tuple[Ints, Ints]]) -> Ints:
        """Return the coordinates of products of (shifts, matrix), one block after the other."""
        places = []
        for (shift, matrix), (other_shift, other) in product(first, second):
            moved = (shift + other_shift @ matrix.T) % shape
            which = next(i for i, K in enumerate(point_group) if np.array_equal(K, matrix @ other))
            places.append(coordinates[which, moved[..., 0], moved[..., 1]].ravel())
        return np.concatenate(places)

    everything = [(positions, matrix) for matrix in point_group]
    steps = [(step, length) for step, length in zip(np.eye(2, dtype=int), shape, strict=True)]
    motions = [(step, point_group[0]) for step, length in steps if length > 1]
    # About the centre of the image: pixels stay between 0 and height - 1, width - 1.
    corners = np.array(shape) - 1
    turns = [(np.maximum(0, -matrix @ corners), matrix) for matrix in point_group[1:]]
    kernel = [(np.array(shift), matrix) for matrix, shift in product(point_group, window)]
    # Sorting is stable: behind the identity the order stays as it is.
    kernel.sort(key=lambda h: h[0].any() or not np.array_equal(h[1], point_group[0]))
    return Space(
        name=name,
        generators=tuple(permutation_matrix(times([u], everything)) for u in motions + turns),
        basis=tuple(permutation_matrix(times(everything, [h])).T.tocsr() for h in kernel),
        grid=grid,
        image=shape if image else None,
        turns=len(turns),
    )


def _window(image: tuple[int, int], kernel: int) -> list[tuple[int, int]]:
    """Shifts of a square kernel, row by row."""
    _check_positive(height=image[0], width=image[1], kernel=kernel)
    if kernel > min(image):
        raise ValueError(f"a kernel of {kernel}x{kernel} overlaps itself on {image[0]}x{image[1]}")
    reach = range(-((kernel - 1) // 2), kernel // 2 + 1)
    return list(product(reach, reach))


def _check_square(image: tuple[int, int], needed: bool) -> None:
    if needed and image[0] != image[1]:
        raise ValueError(f"quarter turns need square images, got {image[0]}x{image[1]}")


def _check_positive(**lengths: int) -> None:
    for name, value in lengths.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
