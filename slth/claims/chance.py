"""How often the simulations behind the claims err by chance, all of them taken together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slth.claims.registry import Claim
from slth.claims.rules import Record


@dataclass(frozen=True)
class ErrorRates:
    r"""What chance can do to the simulated checks; controls are not counted.

    Attributes
    ----------
    equalities : mapping of float to int
        Confidence $c$ → number of records that test an equality without tolerance.
    inequalities : mapping of float to int
        Confidence $c$ → number of records that decide an inequality, or an equality up to a
        tolerance.
    worst_of : tuple of int
        Of both, for each record that stands for the worst of several simulations, their number.
    """

    equalities: Mapping[float, int]
    inequalities: Mapping[float, int]
    worst_of: tuple[int, ...]

    @property
    def false_alarms(self) -> float:
        r"""Expected number of true equalities that are refuted, $\sum(1-c)$ at most."""
        return sum(number * (1 - level) for level, number in self.equalities.items())

    @property
    def false_pass(self) -> float:
        r"""Largest probability $\frac{1-c}2$ with which a record bears out a false inequality."""
        return max(((1 - level) / 2 for level in self.inequalities), default=0.0)


def error_rates(registry: Mapping[str, Claim], records: Iterable[Record]) -> ErrorRates:
    """Count the simulated checks of a book by what they decide and at which level.

    Parameters
    ----------
    registry : mapping of str to Claim
        The claims.
    records : iterable of Record
        Checks and controls of all of them; those of unknown claims are left aside.

    Examples
    --------
    >>> from slth import claims
    >>> fair = claims.Claim(
    ...     "fair", "coins", "this book", "A fair coin", "…", "conjecture",
    ...     kind="simulated", relation="==", control="a biased coin",
    ... )
    >>> half = claims.Record(
    ...     "fair", "record", 0.5, 0.5, 100, claims.Interval(0.4, 0.6, 0.99), "not refuted"
    ... )
    >>> round(claims.error_rates({"fair": fair}, [half, half]).false_alarms, 6)
    0.02
    """
    equalities: Counter[float] = Counter()
    inequalities: Counter[float] = Counter()
    worst_of = []
    for one in records:
        claim = registry.get(one.claim)
        if claim is None or one.role == "control" or one.confidence is None:
            continue
        is_test = claim.relation == "==" and claim.tolerance == 0
        (equalities if is_test else inequalities)[round(one.confidence, 12)] += 1
        if one.worst_of > 1:
            worst_of.append(one.worst_of)
    return ErrorRates(equalities, inequalities, tuple(worst_of))
