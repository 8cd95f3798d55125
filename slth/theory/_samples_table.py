r"""Required samples off a stored table: what planning asks for each layer, in a millisecond.

For subsets of any size the table holds $\ln n$; for a fixed size the logarithm of the
expected number of hits among n products, which hardly depends on size and tolerance: fluctuations
from sample to sample ask for more than the one hit of the first moment.  In between we interpolate.

``python -m slth.theory._samples_table`` computes the table anew; the tests recompute a part of it.
"""

from functools import cache, lru_cache
from importlib.resources import files
from math import ceil, exp, isnan, log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

from slth.theory._common import between, integers, smallest_integer
from slth.theory._product_samples import (
    MOST_SAMPLES,
    MissProbability,
    beyond,
    fewest_samples,
    log_hit,
    log_subsets,
)
from slth.theory.products import ReluProduct
from slth.weight_laws import CONTINUOUS_LAWS, WeightLaw

Lines: TypeAlias = NDArray[np.float32]

FILE = files("slth.theory") / "samples_table.npz"
SIZES = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 100)
WEIGHTS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
TOLERANCES = tuple(10.0**-decade for decade in range(13, -1, -1))
ALLOWED = (1e-10, 1e-7, 1e-4, 1e-2)

# Where a fixed size needs more samples, the entry of a larger tolerance stands in: the more samples
# there are, the less they fluctuate, so that it asks for too many hits rather than for too few.
_MOST = 3000


def line(law: WeightLaw, size: int | None, weight: float) -> Lines:
    """Compute one line of the table, of shape (tolerances, allowed); nan where it knows nothing."""
    missed = MissProbability(size, weight, ReluProduct(law))
    values = np.full((len(TOLERANCES), len(ALLOWED)), np.nan, np.float32)
    for row in reversed(range(len(TOLERANCES))):
        for column in reversed(range(len(ALLOWED))):
            n = fewest_samples(missed, TOLERANCES[row], ALLOWED[column], _MOST)
            if n is None:
                values[row, column:] = values[min(row + 1, len(values) - 1), column:]
                values[row, : column + 1] = values[min(row + 1, len(values) - 1), : column + 1]
                break
            values[row, column] = (
                log(n) if size is None else log_subsets(n, size) + missed.log_hit(TOLERANCES[row])
            )
    if size is None:  # no jump to the empty subset: one could not interpolate across it
        for row, tolerance in enumerate(TOLERANCES):
            if tolerance >= weight:
                values[row] = values[row - 1]
    return values


def planned_product_samples(
    size: int | None,
    weight: float,
    tolerance: float,
    failure: float,
    *,
    weights: int = 1,
    law: ReluProduct | None = None,
) -> int:
    r"""Read the n of :func:`required_product_samples` off a table, in a millisecond.

    Parameters
    ----------
    size, weight, tolerance, failure, weights, law : various
        As for :func:`required_product_samples`.

    Returns
    -------
    int
        Mostly one or two per cent more, at most a quarter more or a tenth less, for sizes up to 100
        and weights up to 4.  Outside of the table the number itself is computed.

    Raises
    ------
    ValueError
        If an argument is out of range, or no n is known to be enough: up to a million in the table
        and for single products, up to 3,000 elsewhere.

    Notes
    -----
    Derived for this project.

    Examples
    --------
    >>> planned_product_samples(3, 0.5, 1e-3, 0.01, weights=100)
    103
    """
    law = law or ReluProduct()
    between(tolerance, "tolerance", 0.0, np.inf)
    allowed = float(between(failure, "failure", 0.0, 1.0) / integers(weights, "weights", 1))
    found = _read(size, abs(weight), tolerance, allowed, law)
    if found is None:
        most = MOST_SAMPLES if size == 1 else _MOST
        found = fewest_samples(_failure(size, weight, law), tolerance, allowed, most)
        if found is None:
            raise beyond(most, weight, tolerance, allowed)
    return found


def _read(
    size: int | None, weight: float, tolerance: float, allowed: float, law: ReluProduct
) -> int | None:
    """Interpolate, or go on in a straight line; None where the table does not help."""
    if size is None and weight <= tolerance:
        return 1
    if weight > WEIGHTS[-1] or not (size is None or SIZES[0] <= size <= SIZES[-1]):
        return None
    point = [
        max(weight, WEIGHTS[0]),
        log(min(tolerance, TOLERANCES[-1])),
        log(-log(min(allowed, ALLOWED[-1]))),
    ]
    if size is None:
        return ceil(exp(float(_interpolator(law.weights, "free")(point)[0])) - 1e-3)
    point[1] = max(point[1], log(TOLERANCES[0]))
    read = _interpolator(law.weights, "fixed")
    value = float(read([log(size), *point])[0])
    if isnan(value):
        below = max(node for node in WEIGHTS if node <= point[0])
        if isnan(float(read([log(size), below, *point[1:]])[0])):
            raise beyond(_MOST, weight, tolerance, allowed)
        return None
    value -= log_hit(size, weight, tolerance, law)
    if log_subsets(MOST_SAMPLES, size) < value:
        raise beyond(MOST_SAMPLES, weight, tolerance, allowed)
    found = smallest_integer(
        lambda n: np.reshape([log_subsets(int(m), size) >= value - 1e-4 for m in n.flat], n.shape),
        np.array(size + 1),
        np.array(MOST_SAMPLES),
    )
    return int(found)


@lru_cache(4)  # its samples serve every tolerance
def _failure(size: int | None, weight: float, law: ReluProduct) -> MissProbability:
    return MissProbability(size, weight, law)


@cache
def _interpolator(law: str, kind: str) -> RegularGridInterpolator:
    with FILE.open("rb") as stream, np.load(stream) as stored:
        values: Lines = stored[f"{law}-{kind}"]
    axes = [np.array(WEIGHTS), np.log(TOLERANCES), np.log(-np.log(ALLOWED[::-1]))]
    if kind == "fixed":
        axes.insert(0, np.log(SIZES))
    return RegularGridInterpolator(
        axes, values[..., ::-1].astype(np.float64), bounds_error=False, fill_value=None
    )


def build(path: str) -> None:
    """Compute all lines anew and store them."""
    table: dict[str, Lines] = {}
    for law in CONTINUOUS_LAWS:
        table[f"{law}-free"] = np.array([line(law, None, w) for w in WEIGHTS])
        table[f"{law}-fixed"] = np.array([[line(law, k, w) for w in WEIGHTS] for k in SIZES])
    np.savez_compressed(path, **table)  # type: ignore[arg-type]


if __name__ == "__main__":
    build(str(FILE))
