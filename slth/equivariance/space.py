"""A feature space with a symmetry, and the linear maps that respect it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from warnings import warn

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from slth.arrays import ROUNDOFF, Ints


@dataclass(frozen=True, eq=False)
class Space:
    r"""Feature space $\mathbb F$ of a permutation representation, and an equivariant basis.

    .. math::
        \rho(g)\,b_j = b_j\,\rho(g) \quad\text{for all } g \in G, \qquad
        \sigma(\rho(g)x) = \rho(g)\,\sigma(x)

    This is all that a construction has to know of a group: how its generators act, which maps
    $b_1 = I, b_2, \dots$ a layer may combine, and that ReLU, applied to each coordinate,
    respects the action.  The last condition holds for all $x$ exactly when every
    $\rho(g)$ has one positive entry in each row and no other; for a norm-preserving action
    this means a permutation matrix.  Other representations (signs, rotations of a vector) are
    refused.  Nothing is taken on trust: the basis is checked against the generators, in integers.

    Parameters
    ----------
    name : str
        How :func:`slth.equivariance.space` finds it.
    generators : sequence of scipy.sparse.csr_array of int64, shape (dim, dim)
        $\rho(g)$ for generators $g$ of the group.
    basis : sequence of scipy.sparse.csr_array of int64, shape (dim, dim)
        Linearly independent 0/1 matrices, the identity first.  They need not span all equivariant
        maps: the kernels of a convolution are local.
    grid : tuple of int
        Shape ``(fibre, height, width)`` that arranges the coordinates so that all basis maps
        commute with cyclic shifts of the last two axes: then a layer is a circular convolution.
        ``(dim, 1, 1)`` always will do; a larger torus makes layers and their norms cheaper.
    image : tuple of int, optional
        Height and width of the images that :class:`slth.equivariance.Lift` repeats along the
        fibre; None where features are no images.
    turns : int
        How many generators, the last ones, turn or reflect images about their centre.

    Raises
    ------
    ValueError
        If a generator is no permutation, a basis map is not 0/1 or not equivariant, the first one
        is not the identity, they are linearly dependent, or they do not commute with shifts.

    Notes
    -----
    The setting of Theorem 4 of Natale et al. 2024, after Ferbach et al. 2023.  Between permutation
    representations the equivariant maps always have a basis of 0/1 matrices: the indicators of the
    orbits of pairs of coordinates.

    Examples
    --------
    A flip of two coordinates; the maps that commute with it mix the two symmetrically.

    >>> flip = csr_array([[0, 1], [1, 0]])
    >>> identity = csr_array([[1, 0], [0, 1]])
    >>> flips = Space("flips", (flip,), (identity, flip), grid=(1, 1, 2))
    >>> flips.dim, flips.n_maps, flips.basis_norm
    (2, 2, 2.0)
    >>> Space("signs", (csr_array([[-1]]),), (csr_array([[1]]),), grid=(1, 1, 1))
    Traceback (most recent call last):
        ...
    ValueError: signs: generator 0 is no permutation matrix, so that ReLU would not commute with it
    """

    name: str
    generators: tuple[csr_array, ...]
    basis: tuple[csr_array, ...]
    grid: tuple[int, int, int]
    image: tuple[int, int] | None = None
    turns: int = 0

    def __post_init__(self) -> None:
        """Check everything that the constructions rely on."""
        for index, matrix in enumerate(self.generators):
            if not _is_permutation(matrix):
                raise ValueError(
                    f"{self.name}: generator {index} is no permutation matrix, "
                    "so that ReLU would not commute with it"
                )
            if matrix.shape[0] != self.dim:
                raise ValueError(
                    f"{self.name}: generator {index} has size {matrix.shape[0]}, not {self.dim}"
                )
        if self.image is not None and self.grid[1:] != self.image:
            raise ValueError(f"{self.name}: images {self.image} on a grid {self.grid[1:]}")
        self._check_basis()

    def __eq__(self, other: object) -> bool:
        """Two spaces are equal when all their parts are."""
        if not isinstance(other, Space):
            return NotImplemented
        return self is other or (
            (self.name, self.grid, self.image, self.turns)
            == (other.name, other.grid, other.image, other.turns)
            and _all_equal(self.generators, other.generators)
            and _all_equal(self.basis, other.basis)
        )

    def __hash__(self) -> int:
        """Hash consistent with equality."""
        return hash((self.name, self.grid, self.image, self.turns))

    @property
    def dim(self) -> int:
        """Dimension of the feature space."""
        return prod(self.grid)

    @property
    def n_maps(self) -> int:
        r"""Number $|\mathcal B|$ of basis maps, and of coefficients per pair of channels."""
        return len(self.basis)

    @property
    def size(self) -> int:
        """Its old name."""
        warn("Space.size is Space.n_maps now", DeprecationWarning, stacklevel=2)
        return self.n_maps

    @cached_property
    def basis_norm(self) -> float:
        r"""Compute $\|\mathcal B\| = \max_{|\beta_j|\le1}\big\|\sum_j\beta_jb_j\big\|_2$.

        No entry of a basis map is negative, so $|\sum_j\beta_jb_j| \le M = \sum_jb_j$ entry
        by entry, and the maximum is attained at $\beta=(1,\dots,1)$.  The non-negative matrix
        $M^\top M$ has a non-negative eigenvector for its largest eigenvalue; it commutes with
        the group, so the average of that eigenvector over the group is another one, not zero, and
        constant on the orbits of coordinates.  On these vectors $M$ is a small matrix, one
        row per orbit.

        Examples
        --------
        >>> from slth.equivariance import space
        >>> space("cyclic(8)").basis_norm, space("sets(6)").basis_norm
        (8.0, 7.0)
        """
        _, rows, columns = self._entries()
        ones = np.ones(len(rows), dtype=np.int64)
        total = csr_array((ones, (rows, columns)), shape=(self.dim, self.dim))
        orbit = self.orbits(self.generators)
        member = np.eye(orbit.max() + 1, dtype=np.int64)[orbit]
        sizes = member.sum(axis=0)
        between = member.T @ (total @ member)
        return float(np.linalg.norm(between / np.sqrt(np.outer(sizes, sizes)), 2))

    @cached_property
    def kernels(self) -> NDArray[np.int8]:
        r"""The basis as circular convolutions, shape ``(n_maps, fibre, fibre, rows, columns)``.

        Entry ``[j, a, c, u, v]`` is what output ``a`` of $b_j$ at any position takes from
        input ``c`` at that position shifted by ``(u - top, v - left)``, see :attr:`margins`.
        """
        (top, bottom), (left, right) = self.margins
        rows, columns = np.arange(-top, bottom + 1), np.arange(-left, right + 1)
        window = self._coordinates[:, rows[:, None], columns]
        origin = self._coordinates[:, 0, 0]
        return np.stack(
            [matrix[origin].toarray()[:, window].astype(np.int8) for matrix in self.basis]
        )

    @cached_property
    def margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """How far kernels reach above and below, to the left and to the right of a position."""
        lengths = np.array(self.grid[1:])
        origin = self._coordinates[:, 0, 0]
        reached = np.concatenate([matrix[origin].indices for matrix in self.basis])
        shifts = np.stack(np.unravel_index(np.unique(reached), self.grid)[1:], axis=1)
        shifts = np.where(shifts > lengths // 2, shifts - lengths, shifts)
        (top, left), (bottom, right) = (-shifts.min(axis=0)).tolist(), shifts.max(axis=0).tolist()
        return (top, bottom), (left, right)

    def norm_bound(self, weights: NDArray[np.floating]) -> float:
        r"""Bound $\big\|\sum_jW_j\otimes b_j\big\|_2$, the norm of a layer, from above.

        On the grid the layer is a circular convolution, and the Fourier transform splits it into
        one small matrix per frequency; the norm is the largest of theirs.  The bound is that
        number, plus what float64 can have lost: it is sharp up to rounding.

        Parameters
        ----------
        weights : ndarray, shape (out, in, n_maps)
            The coefficients $W_j$.

        Examples
        --------
        >>> from slth.equivariance import space
        >>> round(space("sets(6)").norm_bound(np.array([[[1.0, -0.5]]])), 9)
        2.0
        """
        exact = np.asarray(weights, dtype=np.float64)
        if exact.ndim != 3 or exact.shape[2] != self.n_maps:
            raise ValueError(
                f"a layer on {self.name} has coefficients of shape (out, in, {self.n_maps}), "
                f"got {exact.shape}"
            )
        kernels = self.kernels.astype(np.float64)
        _, height, width = self.grid
        (top, _), (left, _) = self.margins
        u, v = np.indices(kernels.shape[3:])
        rows, columns = len(exact) * kernels.shape[1], exact.shape[1] * kernels.shape[1]
        kernel = np.einsum("oij,jacuv->oaicuv", exact, kernels, optimize=True)
        largest = 0.0
        # A real kernel has conjugate matrices at opposite frequencies: half of them are enough.
        for first, second in product(range(height), range(width // 2 + 1)):
            turns = first * (u - top) % height / height + second * (v - left) % width / width
            symbol = np.tensordot(kernel, np.exp(2j * np.pi * turns), axes=2)
            largest = max(largest, float(np.linalg.norm(symbol.reshape(rows, columns), 2)))
        # Each entry of a matrix is a sum of `terms` numbers whose phases are off by a few units.
        terms = self.n_maps + prod(kernels.shape[3:]) + 32
        magnitude = np.abs(exact) @ kernels.sum(axis=(3, 4)).reshape(self.n_maps, -1)
        lost = 2.0 * terms * ROUNDOFF * float(np.linalg.norm(magnitude))
        return largest * (1.0 + 1e-10) + lost

    def orbits(self, moves: Sequence[csr_array]) -> Ints:
        """Return the orbits of the group that some permutation matrices generate.

        Returns
        -------
        ndarray of int64, shape (dim,)
            For each coordinate the number of its orbit; they count by their first coordinates.
        """
        graph = sum(moves, start=csr_array((self.dim, self.dim), dtype=np.int64))
        _, labels = connected_components(graph, directed=False)
        _, first, orbit = np.unique(labels, return_index=True, return_inverse=True)
        return np.asarray(np.argsort(np.argsort(first))[orbit], dtype=np.int64)

    @property
    def _coordinates(self) -> Ints:
        """All coordinates, arranged as the grid says."""
        return np.arange(self.dim).reshape(self.grid)

    def _check_basis(self) -> None:
        """Refuse a basis that is not 0/1, equivariant, independent, with the identity first."""
        shape = (self.dim, self.dim)
        identity = permutation_matrix(np.arange(self.dim))
        if not self.basis or not _equal(self.basis[0], identity):
            raise ValueError(f"{self.name}: the first basis map must be the identity")
        for index, matrix in enumerate(self.basis):
            if matrix.shape != shape or not ((matrix.data == 0) | (matrix.data == 1)).all():
                raise ValueError(f"{self.name}: basis map {index} is no 0/1 matrix of size {shape}")
        maps, outputs, inputs = self._entries()

        def places(rows: NDArray[np.int32], columns: NDArray[np.int32]) -> Ints:
            """Where the ones are, all maps together, in order."""
            codes = maps.astype(np.int64)
            for index in (rows, columns):
                codes *= self.dim
                codes += index
            codes.sort()
            return codes

        here = places(outputs, inputs)
        if (twice := here[1:][here[1:] == here[:-1]]).size:
            index = twice[0] // self.dim**2
            raise ValueError(f"{self.name}: basis map {index} is no 0/1 matrix of size {shape}")
        moves = [
            (f"generator {number}", move.tocsc().indices)  # the row of each column's one
            for number, move in enumerate(self.generators)
        ] + [("shifts of the grid", np.roll(self._coordinates, 1, axis).ravel()) for axis in (1, 2)]
        for what, move in moves:
            there = places(move[outputs], move[inputs])
            if different := np.flatnonzero(here != there)[:1].tolist():
                index = min(here[different[0]], there[different[0]]) // self.dim**2
                raise ValueError(f"{self.name}: basis map {index} does not commute with {what}")
        here %= self.dim**2
        here.sort()
        counts = np.bincount(maps, minlength=self.n_maps)
        if counts.all() and (here[1:] != here[:-1]).all():
            return  # no two maps have a one in the same place
        rows = csr_array(self.kernels.reshape(self.n_maps, -1), dtype=np.int64)
        products = (rows @ rows.T).toarray()
        lengths = np.sqrt(np.maximum(products.diagonal(), 1))
        rank = np.linalg.matrix_rank(products / np.outer(lengths, lengths), hermitian=True)
        if rank < self.n_maps:
            raise ValueError(
                f"{self.name}: the {self.n_maps} basis maps span dimension {rank} only"
            )

    def _entries(self) -> tuple[NDArray[np.int32], ...]:
        """Return map, row and column of all ones of the basis."""
        found = [np.stack(matrix.nonzero()) for matrix in self.basis]
        counts = [entries.shape[1] for entries in found]
        rows, columns = np.concatenate(found, axis=1)
        return np.repeat(np.arange(self.n_maps, dtype=np.int32), counts), rows, columns


def permutation_matrix(images: Sequence[int] | Ints) -> csr_array:
    """Return the matrix that moves coordinate ``i`` to place ``images[i]``.

    Examples
    --------
    >>> permutation_matrix([1, 2, 0]) @ np.array([10, 20, 30])
    array([30, 10, 20])
    """
    places = np.asarray(images, dtype=np.int64)
    coordinates = np.arange(len(places))
    return csr_array((np.ones_like(places), (places, coordinates)), shape=(len(places),) * 2)


def _is_permutation(matrix: csr_array) -> bool:
    """Whether each row and each column has a one, and all else is zero."""
    rows, columns = matrix.nonzero()
    everywhere = np.arange(matrix.shape[0])
    return bool(
        matrix.shape[0] == matrix.shape[1]
        and np.array_equal(np.sort(rows), everywhere)
        and np.array_equal(np.sort(columns), everywhere)
        and (matrix.data == 1).all()
    )


def _equal(one: csr_array, other: csr_array) -> bool:
    return bool(one.shape == other.shape and (one != other).nnz == 0)


def _all_equal(ours: Sequence[csr_array], theirs: Sequence[csr_array]) -> bool:
    return len(ours) == len(theirs) and all(map(_equal, ours, theirs))
