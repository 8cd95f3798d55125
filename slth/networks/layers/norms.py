r"""Rigorous upper bounds on the $\ell_2$ operator norms of matrices and convolutions."""

from math import cos, pi, prod, sqrt

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor

from slth.arrays import ROUNDOFF, Floats
from slth.threads import one_thread

# What float64 can lose, relative to the largest singular value of a matrix of n rows or columns:
# its products, its decomposition and the sum over a kernel are off by at most about n² roundings.
_ROUNDING = 1e-10
_PER_SQUARE = 4 * ROUNDOFF

# Rows and columns from which the norm is guessed first, and the relative precision of the guess.
_LARGE = 256
_GUESS = 1e-9

# Grid points per unit of degree: the bound exceeds the norm by a factor of up to 1/cos(π/12)².
_DENSITY = 6

# What the grid may take; a kernel that is larger is bounded by its entries alone.
_MOST_NUMBERS = 1 << 24

# By how much the bound may exceed the largest symbol on the grid, so that few need eigenvalues.
_STEP = 0.01


def spectral_norm_bound(matrix: Floats) -> float:
    """Largest singular value, raised by what rounding can do.

    Examples
    --------
    >>> bool(2.0 <= spectral_norm_bound(np.diag([1.0, -2.0])) < 2.000001)
    True
    """
    scale = float(np.abs(matrix).max(initial=0.0))
    if scale == 0.0:
        return 0.0
    with one_thread():  # scaled, squares neither overflow nor vanish
        gram = _gram(torch.from_numpy(matrix / scale))
        square = _raised(_estimate(gram), gram, step=0.0)
    return scale * sqrt(square) * _inflation(matrix.shape)


def frobenius_bound(weights: Floats, groups: int) -> float:
    r"""Bound by $\max_g\|(\sum_b|W_{oib}|)_{oi\in g}\|_F$, for a basis of isometries.

    Parameters
    ----------
    weights : ndarray of float64, shape (out, in / groups, *basis)
    groups : int

    Examples
    --------
    >>> round(frobenius_bound(np.full((2, 2, 3), -1.0), groups=1), 6)
    6.0
    """
    scale = float(np.abs(weights).max(initial=0.0))
    if scale == 0.0:
        return 0.0
    sums = np.abs(weights / scale).reshape(*weights.shape[:2], -1).sum(axis=2)
    norms = np.linalg.norm(sums.reshape(groups, -1), axis=1)
    return scale * float(norms.max()) * _inflation(weights.shape[:2])


def convolution_norm_bound(
    weights: Floats,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> float:
    r"""Bound the norm of a convolution on all of $\mathbb Z^2$, hence on every finite image.

    .. math::
        \sup_{\theta\in[0,2\pi)^2}\|K(\theta)\|_2, \qquad
        K(\theta)=\sum_{p} K_p e^{i\langle p,\theta\rangle}

    Zero padding and a finite image restrict inputs and outputs, which cannot increase the norm;
    a circular image samples the frequencies.  A stride $s$ splits the input into
    $s_1s_2$ phases, on whose direct sum the layer is a convolution without stride; its matrix
    symbol is that of the reordered kernel.

    *The grid.*  Let $K$ have $d$ taps along one axis and let the supremum $M$ be
    attained at $\theta_0$, with unit vectors $u, v$ such that
    $u^*K(\theta_0)v=M$.  Then
    $f(\theta)=\mathrm{Re}\,e^{-i(d-1)(\theta-\theta_0)/2}u^*K(\theta)v$
    is a real trigonometric sum of frequencies at most $m=(d-1)/2$, bounded by $M$ and
    equal to it at $\theta_0$; for such functions (M. Riesz; in $\theta/2$ the
    frequencies are integers) $f(\theta)\ge M\cos(m(\theta-\theta_0))$ while the cosine's
    argument is at most $\pi$.  On a grid of $N$ points some point is at most
    $\pi/N$ away, so the largest norm on the grid is at least $M\cos(\pi(d-1)/2N)$.
    Two axes are discretised one after the other.

    Parameters
    ----------
    weights : ndarray of float64, shape (out, in / groups, height, width)
    stride, dilation : tuple of int
    groups : int

    Notes
    -----
    Kernels whose grid would not fit into memory are bounded by :func:`frobenius_bound`.
    Ehlich and Zeller 1964 for the grid; Sedghi, Gupta and Long 2019 for the symbol.

    Examples
    --------
    A difference kernel doubles the fastest wave:

    >>> difference = np.array([[[[1.0, -1.0]]]])
    >>> bool(2.0 <= convolution_norm_bound(difference) < 2.05)
    True
    """
    reach = [step * (taps - 1) + 1 for step, taps in zip(dilation, weights.shape[2:], strict=True)]
    stride = (min(stride[0], reach[0]), min(stride[1], reach[1]))  # what is skipped, is zero
    spread = prod(length + step for length, step in zip(reach, stride, strict=True))
    waves = _DENSITY * max(weights.shape[2:]) * prod(weights.shape[2:])
    if max(waves, spread * prod(weights.shape[:2]) * (stride != (1, 1))) > _MOST_NUMBERS:
        return frobenius_bound(weights, groups)
    # Without stride, a dilated symbol takes the same values, at other frequencies.
    kernel = weights if stride == (1, 1) else _phases(weights, stride, dilation)
    scale = float(np.abs(kernel).max())
    if scale == 0.0:
        return 0.0
    rows, columns, height, width = kernel.shape
    taps = torch.from_numpy(kernel / scale).reshape(-1, height * width).to(torch.complex128)
    points = [max(1, _DENSITY * (taps - 1)) for taps in (height, width)]
    slack = cos(pi * (height - 1) / (2 * points[0])) * cos(pi * (width - 1) / (2 * points[1]))
    along = np.exp(2j * pi / points[1] * np.outer(np.arange(width), np.arange(points[1] // 2 + 1)))
    square = 0.0
    with one_thread():
        for frequency in range(points[0]):  # the kernel is real: half of the other axis is enough
            across = np.exp(2j * pi / points[0] * frequency * np.arange(height))
            waves = torch.from_numpy((across[:, None, None] * along).reshape(height * width, -1))
            symbols = (taps @ waves).T.reshape(-1, groups, rows // groups, columns)
            square = _raised(square, _gram(symbols), step=_STEP)
    return min(
        scale * sqrt(square) * _inflation((rows, columns)) / slack, frobenius_bound(weights, groups)
    )


def unfolded_norm_bound(weights: Floats, groups: int = 1) -> float:
    r"""Bound the norm of a convolution by that of its kernel, unfolded into a matrix.

    .. math::
        \|K(\theta)\|_2 = \Big\|\big[K_1 \cdots K_m\big]
        \begin{pmatrix}e^{i\langle p_1,\theta\rangle}I\\ \vdots\\ e^{i\langle
        p_m,\theta\rangle}I\end{pmatrix}\Big\|_2
        \le \sqrt m\,\big\|\big[K_1 \cdots K_m\big]\big\|_2

    for $m$ taps, and likewise with the taps below one another.  Strides leave outputs out, and a
    dilation moves the frequencies.  The bound exceeds that of :func:`convolution_norm_bound` by a
    factor of about 2 for random kernels, and needs one matrix in place of one for each frequency.

    Parameters
    ----------
    weights : ndarray of float64, shape (out, in / groups, height, width)
    groups : int

    Notes
    -----
    Singla and Feizi 2021 for circular convolutions.

    Examples
    --------
    >>> difference = np.array([[[[1.0, -1.0]]]])
    >>> bool(2.0 <= unfolded_norm_bound(difference) < 2.000001)
    True
    """
    taps = prod(weights.shape[2:])
    parts = weights.reshape(groups, -1, weights.shape[1], taps)
    beside = parts.shape[1] <= parts.shape[2]  # the smaller Gram matrix
    matrices = parts if beside else parts.swapaxes(1, 2)
    return sqrt(taps) * max(spectral_norm_bound(one.reshape(len(one), -1)) for one in matrices)


def grid_operations(shape: tuple[int, ...], groups: int = 1) -> int:
    """Estimate the operations behind :func:`convolution_norm_bound`, for kernels without stride."""
    outputs, inputs, height, width = shape
    points = (_DENSITY * (height - 1) or 1) * (_DENSITY * (width - 1) // 2 + 1)
    return 8 * points * outputs * inputs * min(outputs // groups, inputs)


def _inflation(shape: tuple[int, ...]) -> float:
    """Factor that makes up for rounding in a matrix of this shape."""
    return 1.0 + _ROUNDING + _PER_SQUARE * max(shape) ** 2


def _gram(matrices: Tensor) -> Tensor:
    """Return A Aᴴ or Aᴴ A of every matrix (..., rows, columns), whichever is smaller."""
    rows, columns = matrices.shape[-2:]
    return matrices @ matrices.mH if rows <= columns else matrices.mH @ matrices


def _estimate(gram: Tensor) -> float:
    """Guess at the largest eigenvalue of a large matrix, at a fraction of the cost of all of them.

    It need not be an upper bound: :func:`_raised` proves it one, or finds a better number.
    """
    size = len(gram)
    if size < _LARGE:
        return 0.0

    def product(vector: Floats) -> Floats:
        return (gram @ torch.from_numpy(vector.ravel())).numpy()

    operator = LinearOperator((size, size), matvec=product, dtype=np.float64)
    start = np.random.default_rng(0).standard_normal(size)
    try:
        (value,) = eigsh(operator, k=1, v0=start, tol=_GUESS, return_eigenvectors=False)
    except ArpackNoConvergence:
        return 0.0
    return float(value) * (1.0 + _GUESS)


def _raised(square: float, grams: Tensor, *, step: float) -> float:
    """Raise a number to at least the largest eigenvalue of every matrix (..., size, size).

    A Cholesky decomposition of ``square - A Aᴴ`` shows at a fraction of the cost of eigenvalues
    that nothing is to be done; otherwise ``square`` is raised by ``step`` more than necessary.
    """
    identity = torch.eye(grams.shape[-1], dtype=grams.dtype)
    failed = torch.linalg.cholesky_ex(square * identity - grams).info != 0
    if failed.any():
        largest = float(torch.linalg.eigvalsh(grams[failed])[..., -1].max())
        return max(square, largest * (1.0 + step))
    return square


def _phases(weights: Floats, stride: tuple[int, int], dilation: tuple[int, int]) -> Floats:
    """Kernel without stride on the phases of the input: (out, in · s₁ · s₂, height, width)."""
    out, inputs, *kernel = weights.shape
    lengths = [step * (taps - 1) + 1 for step, taps in zip(dilation, kernel, strict=True)]
    blocks = [-(-length // step) for length, step in zip(lengths, stride, strict=True)]
    spread = np.zeros((out, inputs, blocks[0] * stride[0], blocks[1] * stride[1]))
    spread[:, :, : lengths[0] : dilation[0], : lengths[1] : dilation[1]] = weights
    split = spread.reshape(out, inputs, blocks[0], stride[0], blocks[1], stride[1])
    return split.transpose(0, 1, 3, 5, 2, 4).reshape(out, -1, *blocks)
