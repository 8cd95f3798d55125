r"""Theorem 3 in numbers: density of the ticket against overparameterization of the random network.

Throughout, $z=m_t/\varepsilon$ is the number of target parameters over the error; for $\ell$ square
layers of width d $m_t=\ell d^2$, the random network has $m/m_t=4n^*$ and the ticket keeps a
fraction $\gamma$ of its parameters.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import lambertw

from slth.arrays import FloatOrFloats
from slth.theory._common import as_floats, between, integers
from slth.theory.entropy import binary_entropy
from slth.theory.laws import SumLaw, Uniform

_UNIFORM = Uniform()
_LN2 = np.log(2.0)


def multiplicity(density: ArrayLike, z: ArrayLike, c_amp: float = 1.0) -> FloatOrFloats:
    r"""$n^*=c_{amp}\log_2^2(2z\gamma n^*)/H_2(\gamma)$: Theorem 3, solved for n.

    Parameters
    ----------
    density : array_like of float
        Density gamma, 0 < gamma <= 1/2.
    z : array_like of float
        Target parameters over error, >= 1.
    c_amp : float
        Constant of Corollary 1, > 0.

    Returns
    -------
    float64, broadcast shape
        The larger fixed point: every larger n exceeds the right side.

    Raises
    ------
    ValueError
        If an argument is out of range, or there is no fixed point (density far below 1/z: the
        subsets would have less than one element).

    Notes
    -----
    Theorem 3 of Natale et al. 2024 for equal layers, $2\ell d_{i-1}d_i/\varepsilon=2z$.  In
    $u=\sqrt n$ the equation is $au=\ln(u\sqrt{2z\gamma})$ with
    $a=\tfrac{\ln2}2\sqrt{H_2(\gamma)/c_{amp}}$, so $u=-W_{-1}(-a/\sqrt{2z\gamma})/a$.

    Examples
    --------
    >>> n = multiplicity(0.1, 1e6)
    >>> bool(np.isclose(n, np.log2(2e6 * 0.1 * n) ** 2 / binary_entropy(0.1)))
    True
    """
    gamma, scale = _checked(density, z)
    constant = between(c_amp, "c_amp", 0.0, np.inf)
    rate = _LN2 / 2 * np.sqrt(binary_entropy(gamma) / constant)
    return _upper_root(rate, np.sqrt(2 * scale * gamma)) ** 2


def one_log_multiplicity(density: ArrayLike, z: ArrayLike, constant: float = 1.0) -> FloatOrFloats:
    r"""$nH_2(\gamma)\ge C\log_2(2z\gamma n)$ from here on, and $\gamma n\ge1$: one logarithm.

    Parameters
    ----------
    density : array_like of float
        Density gamma, 0 < gamma < 1.
    z : array_like of float
        Target parameters over error, >= 1.
    constant : float
        C > 0; 1200 is enough, 1 shows the shape.

    Returns
    -------
    float64, broadcast shape
        The larger solution of $nH_2(\gamma)=C\log_2(2z\gamma n)$, but at least $1/\gamma$: a subset
        has a term.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Derived for this project: Theorem 3 of Natale et al. 2024 with one logarithm in place of two,
    subsets of at most k terms and C = 1200, for equal layers, $2\ell d_{i-1}d_i/\varepsilon=2z$;
    see the chapter on dense networks.

    Examples
    --------
    >>> n = one_log_multiplicity(0.1, 1e6)
    >>> bool(np.isclose(n * binary_entropy(0.1), np.log2(2e6 * 0.1 * n)))
    True
    >>> float(one_log_multiplicity(1e-12, 1e6))  # one term of 1/gamma
    1000000000000.0
    """
    gamma = between(density, "density", 0.0, 1.0)
    scale = between(z, "z", 1.0, np.inf, closed="low")
    rate = _LN2 / between(constant, "constant", 0.0, np.inf) * np.asarray(binary_entropy(gamma))
    inner = 2 * scale * gamma
    root = _has_root(rate, inner)
    found = _upper_root(np.where(root, rate, inner / 3), inner)
    return as_floats(np.where(root, np.maximum(found, 1 / gamma), 1 / gamma))


def closed_form(density: ArrayLike, z: ArrayLike) -> FloatOrFloats:
    r"""$\log_2^2(z)/H_2(\gamma)$: the explicit shape of Theorem 3, up to a constant.

    Parameters
    ----------
    density : array_like of float
        Density gamma, 0 < gamma <= 1/2.
    z : array_like of float
        Target parameters over error, >= 1.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If an argument is out of range.

    Notes
    -----
    Section 4 of Natale et al. 2024.

    Examples
    --------
    >>> float(closed_form(0.5, 1024.0))
    100.0
    """
    gamma, scale = _checked(density, z)
    return np.log2(scale) ** 2 / binary_entropy(gamma)


def first_moment_floor(density: ArrayLike, z: ArrayLike, law: SumLaw = _UNIFORM) -> FloatOrFloats:
    r"""$nH_2(\gamma)=\log_2(2\pi sz\gamma n)+\frac12\log_2(1-\gamma)$: E[Y] = 1, solved for n.

    The same tolerance per weight as in :func:`multiplicity`, $1/2z$, for the easiest target 0.
    Below this n a weight is hit by less than one subset on average, whatever the proof technique.

    Parameters
    ----------
    density : array_like of float
        Density gamma, 0 < gamma <= 1/2.
    z : array_like of float
        Target parameters over error, >= 1.
    law : SumLaw
        Law of one sample; s is its standard deviation.

    Returns
    -------
    float64, broadcast shape
        The formula's larger root; it means something only where $\gamma n\ge1$.

    Raises
    ------
    ValueError
        If an argument is out of range, or there is no root (density far below 1/z).

    Notes
    -----
    Derived for this project; see :func:`slth.theory.rfss.first_moment_bits`.

    Examples
    --------
    >>> bool(first_moment_floor(0.1, 1e6) < multiplicity(0.1, 1e6))
    True
    """
    gamma, scale = _checked(density, z)
    rate = np.asarray(binary_entropy(gamma)) * _LN2
    inner = 2 * scale * gamma * np.pi * np.sqrt(law.variance) * np.sqrt(1 - gamma)
    return _upper_root(rate, inner)


def malach_point(z: ArrayLike) -> tuple[FloatOrFloats, FloatOrFloats]:
    r"""$(\gamma,m/m_t)=(z^{-2},z^2)$: Malach et al. 2020, up to logarithms and constants.

    Parameters
    ----------
    z : array_like of float
        Target parameters over error, >= 1.

    Returns
    -------
    density, overparameterization : float64, shape of z

    Raises
    ------
    ValueError
        If z < 1.

    Notes
    -----
    As Section 4 of Natale et al. 2024 restates it: overparameterization $\tilde O(z^2)$, density
    its inverse.

    Examples
    --------
    >>> tuple(float(value) for value in malach_point(10.0))
    (0.01, 100.0)
    """
    scale = between(z, "z", 1.0, np.inf, closed="low")
    return scale**-2.0, scale**2.0


def pensia_point(z: ArrayLike) -> tuple[FloatOrFloats, FloatOrFloats]:
    r"""$(\gamma,m/m_t)=(\tfrac12,\log_2z^2)$: Pensia et al. 2020, up to constants.

    Parameters
    ----------
    z : array_like of float
        Target parameters over error, >= 1.

    Returns
    -------
    density, overparameterization : float64, shape of z

    Raises
    ------
    ValueError
        If z < 1.

    Notes
    -----
    As Section 4 of Natale et al. 2024 restates it; the paper says only that the density is of
    constant order, one half is our choice.

    Examples
    --------
    >>> tuple(float(value) for value in pensia_point(1024.0))
    (0.5, 20.0)
    """
    scale = between(z, "z", 1.0, np.inf, closed="low")
    return np.full(scale.shape, 0.5)[()], 2 * np.log2(scale)


def target_parameters(widths: Sequence[int]) -> NDArray[np.int64]:
    r"""$d_{i-1}d_i$ for each layer of the target, widths $d_0,\dots,d_\ell$.

    Examples
    --------
    >>> target_parameters((64, 32, 10))
    array([2048,  320])
    """
    sizes = integers(list(widths), "layer width", 1)
    if sizes.ndim != 1 or sizes.size < 2:
        raise ValueError(f"a network needs at least two widths, got {tuple(widths)}")
    return sizes[:-1] * sizes[1:]


def dense_parameters(
    widths: Sequence[int], samples: ArrayLike, *, signed: bool | Sequence[bool] = True
) -> NDArray[np.int64]:
    r"""$2d_{i-1}^2n_i+2d_{i-1}d_in_i$ random parameters for target layer i.

    The hidden width is $2d_{i-1}n_i$: n samples for the positive and n for the negative half of
    each input. Where inputs are known to be non-negative the negative half is left out, and both
    terms are halved.

    Parameters
    ----------
    widths : sequence of int
        Widths $d_0,\dots,d_\ell$ of the target.
    samples : int or one int per layer
        $n_i$, products per input and half, >= 1.
    signed : bool or one bool per layer
        Whether the layer's inputs may be negative; Theorem 3 itself counts every layer as signed.

    Returns
    -------
    int64, shape (number of target layers,)

    Raises
    ------
    ValueError
        If a width or n is below 1, or the lengths do not agree.

    Notes
    -----
    The accounting of Theorem 3 of Natale et al. 2024.

    Examples
    --------
    >>> dense_parameters((64, 32, 10), 10)
    array([122880,  26880])
    >>> dense_parameters((64, 32, 10), 10, signed=(True, False))
    array([122880,  13440])
    """
    weights = target_parameters(widths)
    inputs = np.asarray(widths, dtype=np.int64)[:-1]
    count = _per_layer(integers(samples, "samples", 1), weights, "samples")
    return _halves(signed, weights) * count * (inputs**2 + weights)


def dense_kept_bound(
    widths: Sequence[int], size: ArrayLike, *, signed: bool | Sequence[bool] = True
) -> NDArray[np.int64]:
    r"""$4d_{i-1}d_ik_i$: at most so many parameters are kept for target layer i.

    Each weight takes k products in each half, and each product one edge in either random layer.

    Parameters
    ----------
    widths : sequence of int
        Widths $d_0,\dots,d_\ell$ of the target.
    size : int or one int per layer
        Subset size $k_i$, >= 1.
    signed : bool or one bool per layer
        As in :func:`dense_parameters`; one half only (factor 2) where inputs are non-negative.

    Returns
    -------
    int64, shape (number of target layers,)

    Raises
    ------
    ValueError
        If a width or k is below 1, or the lengths do not agree.

    Notes
    -----
    The accounting of Theorem 3 of Natale et al. 2024.

    Examples
    --------
    >>> dense_kept_bound((64, 32, 10), 3)
    array([24576,  3840])
    """
    weights = target_parameters(widths)
    sizes = _per_layer(integers(size, "size", 1), weights, "size")
    return 2 * _halves(signed, weights) * sizes * weights


def _checked(density: ArrayLike, z: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (
        between(density, "density", 0.0, 0.5, closed="high"),
        between(z, "z", 1.0, np.inf, closed="low"),
    )


def _has_root(rate: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(-rate / inner >= -np.exp(-1.0))


def _upper_root(rate: NDArray[np.float64], inner: NDArray[np.float64]) -> FloatOrFloats:
    """Larger x with rate x = ln(inner x)."""
    if not np.all(_has_root(rate, inner)):
        raise ValueError("no fixed point: the density is too small for this z")
    return as_floats(-lambertw(-rate / inner, -1).real / rate)


def _halves(signed: bool | Sequence[bool], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    return 1 + _per_layer(np.asarray(signed, dtype=np.int64), weights, "signed")


def _per_layer(
    values: NDArray[np.int64], weights: NDArray[np.int64], name: str
) -> NDArray[np.int64]:
    if values.ndim and values.shape != weights.shape:
        raise ValueError(
            f"{name} needs one value, or one per layer ({weights.size}), got {values.size}"
        )
    return np.broadcast_to(values, weights.shape)
