r"""The rules that decide a check: computed, or simulated with an interval.

A simulated check may also leave a claim undecided.  With the interval $[l,u]$ for the measured
value, $\ge b$ *holds* if $l\ge b$, *fails* if $u<b$, and is *inconclusive* otherwise.  Equality up
to $\tau>0$ *holds* if all of $[l,u]$ lies within $[b-\tau,b+\tau]$, *fails* if none of it does.
Equality with $\tau=0$ is a hypothesis that can only be refuted: it *fails* if $b$ lies outside
$[l,u]$, and is *not refuted* otherwise.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from numbers import Rational
from typing import Any, Literal

import numpy as np
from scipy import special

from slth.claims.registry import Claim

Outcome = Literal["holds", "not refuted", "fails", "inconclusive", "shown"]

BORNE_OUT: tuple[Outcome, ...] = ("holds", "not refuted", "shown")
"""The outcomes that a check may have without speaking against its claim."""


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval ``[low, high]`` at level ``confidence``."""

    low: float
    high: float
    confidence: float

    def __contains__(self, value: float) -> bool:
        """Whether ``value`` lies in the closed interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Record:
    """What one check measured and what the rule made of it.

    Attributes
    ----------
    claim : str
        Identifier of the claim.
    role : {"record", "control"}
        ``"record"`` for a check, ``"control"`` for a negative control.
    measured, bound : int or float
        The two sides of the relation; for arrays, the pair that comes closest to breaking it.
    trials : int or None
        Number of trials or instances behind ``measured``.
    interval : Interval or None
        Confidence interval of ``measured``, for simulated claims.
    outcome : Outcome
        ``"holds"``, ``"not refuted"``, ``"fails"``, ``"inconclusive"``, or ``"shown"`` for an
        illustration.
    setting : str
        The parameters of the check, in words.
    worst_of : int
        Number of simulations whose intervals all hold at once with ``confidence``.
    """

    claim: str
    role: Literal["record", "control"]
    measured: float | int
    bound: float | int | None
    trials: int | None
    interval: Interval | None
    outcome: Outcome
    setting: str = ""
    worst_of: int = 1

    @property
    def confidence(self) -> float | None:
        """Level at which the check is decided: of all simulations that it is the worst of."""
        return None if self.interval is None else _joint(self.interval.confidence, self.worst_of)

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Record":
        """Rebuild a record from :meth:`as_dict`."""
        interval = values["interval"]
        return cls(**{**values, "interval": None if interval is None else Interval(**interval)})


def proportion_interval(successes: int, trials: int, confidence: float) -> Interval:
    r"""Return the exact (Clopper–Pearson) interval for a binomial proportion.

    Parameters
    ----------
    successes, trials : int
        $0\le$ ``successes`` $\le$ ``trials``, ``trials`` $\ge1$.
    confidence : float
        Two-sided level in $(0,1)$; the coverage is at least this, for every proportion.

    Returns
    -------
    Interval

    Examples
    --------
    >>> from slth import claims
    >>> interval = claims.proportion_interval(0, 100, 0.95)  # upper limit: 1 - 0.025 ** (1 / 100)
    >>> interval.low, round(interval.high, 6)
    (0.0, 0.036217)
    """
    from scipy import stats  # takes a second to load, which readers of the registry need not wait

    limits = stats.binomtest(successes, trials).proportion_ci(confidence, method="exact")
    return Interval(float(limits.low), float(limits.high), confidence)


def mean_interval(mean: float, standard_error: float, draws: int, confidence: float) -> Interval:
    r"""Return Student's interval $m\pm t_{N-1}\,s$ for a mean $m$ with standard error $s$.

    Parameters
    ----------
    mean, standard_error : float
        The estimate and its standard error (> 0).
    draws : int
        Number $N\ge2$ of independent draws; for many of them the interval is the normal one.
    confidence : float
        Two-sided level in $(0,1)$.

    Returns
    -------
    Interval

    Examples
    --------
    >>> from slth import claims
    >>> interval = claims.mean_interval(1.0, 0.1, 5, 0.95)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.7224, 1.2776)
    """
    if not (math.isfinite(standard_error) and standard_error > 0):
        raise ValueError(f"standard_error must be finite and > 0, got {standard_error}")
    if draws < 2:
        raise ValueError(f"draws must be ≥ 2 for the interval of a mean, got {draws}")
    half = float(special.stdtrit(draws - 1, (1 + confidence) / 2)) * standard_error
    return Interval(mean - half, mean + half, confidence)


def quantile_interval(values: Any, quantile: float, confidence: float) -> Interval:
    r"""Return a distribution-free interval for a quantile, from order statistics.

    Parameters
    ----------
    values : array_like
        Independent samples of one law.
    quantile : float
        Which quantile, in $(0,1)$.
    confidence : float
        Two-sided level in $(0,1)$; the coverage is at least this, for every law.

    Returns
    -------
    Interval
        Between two of the values; infinite where there are too few of them.

    Notes
    -----
    The number of samples below the quantile is binomial: the limits are the order statistics that
    its two tails of $(1-c)/2$ leave.

    Examples
    --------
    >>> from slth import claims
    >>> interval = claims.quantile_interval(range(1, 101), 0.5, 0.95)
    >>> interval.low, interval.high
    (40.0, 61.0)
    """
    if not (0 < quantile < 1 and 0 < confidence < 1):
        raise ValueError(f"quantile={quantile} and confidence={confidence} must lie in (0, 1)")
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if ordered.ndim != 1 or ordered.size == 0:
        raise ValueError(f"the quantile of shape {ordered.shape} is not defined: give a list")
    from scipy import stats

    law = stats.binom(ordered.size, quantile)
    # P(fewer than low) and P(at least high of n lie below) are both at most (1 - c) / 2.
    low = int(law.ppf((1 - confidence) / 2))
    high = int(law.ppf((1 + confidence) / 2))
    padded = np.concatenate(([-math.inf], ordered, [math.inf]))
    return Interval(float(padded[low]), float(padded[high + 1]), confidence)


def decide(
    claim: Claim,
    role: Literal["record", "control"],
    *,
    measured: Any,
    bound: Any = None,
    trials: int | None = None,
    confidence: float | None = None,
    standard_error: float | None = None,
    worst_of: int = 1,
    setting: str = "",
) -> Record:
    """Apply the claim's rule to what was measured; arguments as in :func:`slth.claims.record`."""
    where = f"claim '{claim.id}'"
    if claim.unchecked is not None:
        raise ValueError(f"{where} is registered as not checked: {claim.unchecked}")
    if trials is not None and (trials != int(trials) or trials < 1):
        raise ValueError(f"{where}: trials must be a whole number ≥ 1, got {trials}")
    if worst_of != int(worst_of) or worst_of < 1:
        raise ValueError(f"{where}: worst_of must be a whole number ≥ 1, got {worst_of}")
    if claim.kind != "simulated" and not (
        confidence is None and standard_error is None and worst_of == 1
    ):
        raise ValueError(f"{where} is {claim.kind}: confidence belongs to simulated claims")
    if (bound is None) != (claim.kind == "illustration"):
        need = "decides nothing and takes no bound" if bound is not None else "needs a bound"
        raise ValueError(f"{where} ({claim.kind}) {need}")

    interval: Interval | None = None
    if claim.kind == "illustration":
        left, right, cases = _worst(where, measured, measured, "==")[0], None, 1
    elif claim.kind == "simulated":
        left, right = _scalar(where, "measured", measured), _scalar(where, "bound", bound)
        interval = _interval(where, float(left), trials, confidence, standard_error, worst_of)
        cases = 1
    else:
        if claim.exhaustive and not (_is_exact(measured) and _is_exact(bound)):
            raise ValueError(
                f"{where} is exhaustive: give integers or fractions, not floating-point numbers"
            )
        left, right = _worst(where, measured, bound, str(claim.relation))
        cases = int(np.broadcast(np.asarray(measured), np.asarray(bound)).size)
    return Record(
        claim=claim.id,
        role=role,
        measured=_plain(where, left),
        bound=None if right is None else _plain(where, right),
        trials=int(trials) if trials is not None else (cases if cases > 1 else None),
        interval=interval,
        outcome=outcome(claim, left, right, interval),
        setting=setting,
        worst_of=int(worst_of),
    )


def outcome(claim: Claim, measured: Any, bound: Any, interval: Interval | None) -> Outcome:
    """Return what the claim's rule says about the numbers of a record.

    Raises
    ------
    ValueError
        If a number is missing, or one is given that the claim's kind does not have.
    """
    if (bound is None) != (claim.kind == "illustration"):
        raise ValueError(f"claim '{claim.id}' ({claim.kind}) and the bound {bound} do not fit")
    if (interval is None) != (claim.kind != "simulated"):
        raise ValueError(f"claim '{claim.id}' ({claim.kind}) and {interval} do not fit")
    if claim.kind == "illustration":
        return "shown"
    if interval is not None:
        return _judge(str(claim.relation), interval, float(bound), claim.tolerance)
    excess = _excess(measured, bound, str(claim.relation))
    return "holds" if excess <= claim.tolerance else "fails"


def _is_exact(value: Any) -> bool:
    """Whether all entries are integers or fractions."""
    array = np.asarray(value)
    return array.dtype.kind in "biu" or (
        array.dtype.kind == "O" and all(isinstance(one, Rational) for one in array.flat)
    )


def _joint(confidence: float, number: int) -> float:
    """Level at which that many intervals of level ``confidence`` hold at once, at least."""
    return 1 - number * (1 - confidence)


def _excess(left: Any, right: Any, relation: str) -> Any:
    """How far the relation is from holding; ≤ 0 where it holds; exact if both sides are."""
    difference = left - right
    return {"==": abs(difference), "<=": difference, ">=": -difference}[relation]


def _worst(where: str, measured: Any, bound: Any, relation: str) -> tuple[Any, Any]:
    """Return the pair of entries that comes closest to breaking the relation."""
    sides = []
    for name, value in (("measured", measured), ("bound", bound)):
        array = np.asarray(value)
        if array.size == 0:
            raise ValueError(f"{where}: {name} is empty, nothing was checked")
        if array.dtype.kind not in "biufO":
            raise ValueError(f"{where}: {name} must be a number or numbers, got {value!r}")
        # Python integers are exact where int64 differences and float64 are not.
        sides.append(array.astype(int).astype(object) if array.dtype.kind == "b" else array)
        if array.dtype.kind in "iu":
            sides[-1] = array.astype(object)
        elif array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise ValueError(f"{where}: {name} must be finite, got {value!r}")
            sides[-1] = array.astype(np.float64)  # as records keep it
    left, right = np.broadcast_arrays(*sides)
    excess = [_excess(a, b, relation) for a, b in zip(left.flat, right.flat, strict=True)]
    worst = max(range(len(excess)), key=excess.__getitem__)
    return left.flat[worst], right.flat[worst]


def _scalar(where: str, name: str, value: Any) -> float | int:
    if np.ndim(value) != 0:
        raise ValueError(f"{where}: {name} must be one number, got shape {np.shape(value)}")
    return _plain(where, value)


def _plain(where: str, value: Any) -> float | int:
    """Return a Python int or a finite Python float."""
    if isinstance(value, (bool, int, np.bool_, np.integer)):
        return int(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{where}: expected a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{where}: expected a finite number, got {number}")
    return number


def _interval(
    where: str,
    measured: float,
    trials: int | None,
    confidence: float | None,
    standard_error: float | None,
    worst_of: int,
) -> Interval:
    if trials is None or confidence is None:
        raise ValueError(f"{where} is simulated: give trials and confidence")
    if not 0 < confidence < 1:
        raise ValueError(f"{where}: confidence must lie in (0, 1), got {confidence}")
    confidence = 1 - (1 - confidence) / worst_of
    if standard_error is not None:
        return mean_interval(measured, standard_error, trials, confidence)
    successes = round(measured * trials)
    if not 0 <= successes <= trials or abs(measured * trials - successes) > 1e-6:
        raise ValueError(
            f"{where}: measured={measured} is not a proportion of {trials} trials; "
            "give standard_error for the mean of another quantity"
        )
    return proportion_interval(successes, trials, confidence)


def _judge(relation: str, interval: Interval, bound: float, tolerance: float) -> Outcome:
    if relation == "==":
        if not interval.low - tolerance <= bound <= interval.high + tolerance:
            return "fails"
        if tolerance == 0:
            return "not refuted"
        inside = bound - tolerance <= interval.low and interval.high <= bound + tolerance
        return "holds" if inside else "inconclusive"
    low, high = (interval.low, interval.high)
    if relation == "<=":
        low, high, bound = -high, -low, -bound
    if low >= bound:
        return "holds"
    return "fails" if high < bound else "inconclusive"
