"""The reference, every subset with its correctly rounded error; and laws of all scales."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Floats = npt.NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Floats]


def _signs(rng: np.random.Generator, n: int) -> Floats:
    return rng.choice([-1.0, 1.0], n)


LAWS: dict[str, Law] = {
    "uniform": lambda rng, n: rng.uniform(-1, 1, n),
    "normal": lambda rng, n: rng.normal(size=n),
    "products": lambda rng, n: rng.uniform(-1, 1, n) * np.maximum(rng.uniform(-1, 1, n), 0),
    "lattice": lambda rng, n: rng.integers(-4, 5, n).astype(np.float64),
    "equal": lambda rng, n: np.full(n, 0.1),
    "powers of two": lambda rng, n: _signs(rng, n) * 2.0 ** np.arange(n),
    "far scales": lambda rng, n: np.power(10.0, rng.integers(-12, 13, n)) * _signs(rng, n),
    "denormal": lambda rng, n: rng.integers(-9, 10, n).astype(np.float64) * 5e-324,
    "denormal beside huge": lambda rng, n: rng.choice([5e-324, -3e-320, 1e300, -1e300], n),
    "1e-12 beside 1e12": lambda rng, n: rng.choice([1e-12, -3.3e-12, 1e12, -1.1e12, 1.0], n),
    "nearly equal": lambda rng, n: 1.0 + rng.integers(0, 4, n).astype(np.float64) * 2.0**-52,
}


@pytest.fixture(params=LAWS)
def law(request: pytest.FixtureRequest) -> Law:
    return LAWS[request.param]


@pytest.fixture(scope="session")
def every_subset() -> Callable[[Floats, float], tuple[npt.NDArray[Any], Floats]]:
    """Sizes and errors of all subsets; row number = mask as an integer."""

    def enumerate_subsets(x: Floats, z: float) -> tuple[npt.NDArray[Any], Floats]:
        masks = (np.arange(1 << len(x))[:, None] >> np.arange(len(x)) & 1).astype(bool)
        errors = [abs(math.fsum([*x[mask].tolist(), -z])) for mask in masks]
        return masks.sum(axis=1), np.array(errors)

    return enumerate_subsets
