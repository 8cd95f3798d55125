r"""Sums of Student t numbers: a law with heavy tails, whose sums spread faster than $\sqrt k$.

With $\nu<2$ degrees of freedom the variance is infinite, a k-fold sum spreads like $k^{1/\nu}$, and
$\sqrt kf_k(x)$ falls like $k^{1/2-1/\nu}$ on $|x|\le\sqrt k$: the law is not sum-bounded.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, kve

from slth.arrays import FloatOrFloats
from slth.theory._common import between, by_size

__all__ = ["student_t_sum_pdf"]


def student_t_sum_pdf(x: ArrayLike, k: ArrayLike, nu: float) -> FloatOrFloats:
    r"""$f_k(x)=\frac1\pi\int_0^\infty\cos(xs)\,\varphi(s)^kds$ for Student t samples.

    The characteristic function is $\varphi(s)=\frac{(\sqrt\nu s)^{\nu/2}K_{\nu/2}(\sqrt\nu s)}{
    2^{\nu/2-1}\Gamma(\nu/2)}$, with a modified Bessel function K.

    Parameters
    ----------
    x : array_like of float
        Where to evaluate the density; accurate for |x| up to about 20.
    k : array_like of int
        Number of terms, >= 1.
    nu : float
        Degrees of freedom, 0.25 <= nu <= 3.

    Returns
    -------
    float64, broadcast shape

    Raises
    ------
    ValueError
        If k or nu is out of range.

    Notes
    -----
    A law that breaks Definition 1 of Natale et al. 2024.  The integral is a trapezoidal rule in
    $\ln s$; $\nu=1$ is the Cauchy law, where $f_k(x)=k/\pi(k^2+x^2)$.

    Examples
    --------
    >>> student_t_sum_pdf([0.0, 2.0], 4, 1.0) * np.pi
    array([0.25, 0.2 ])
    """
    between(nu, "nu", 0.25, 3.0, closed="low high")
    step = 1 / 256
    s = np.exp(np.arange(-45.0, np.log(40.0 / np.sqrt(nu)), step))
    argument = np.sqrt(nu) * s
    log_cf = np.log(kve(nu / 2, argument)) - argument + nu / 2 * np.log(argument)
    log_cf += (1 - nu / 2) * np.log(2) - gammaln(nu / 2)

    def density(points: NDArray[np.float64], size: int) -> NDArray[np.float64]:
        weights = s * np.exp(size * log_cf) * step / np.pi
        return np.asarray(np.cos(np.multiply.outer(points, s)) @ weights)

    return by_size(density, x, k)
