"""The verdict: whether the records of a chapter bear out a claim."""

from collections.abc import Sequence

from slth.claims.registry import Claim
from slth.claims.rules import BORNE_OUT, Record, outcome


def faults(claim: Claim, records: Sequence[Record]) -> tuple[str, ...]:
    """Return what speaks against counting a claim as checked, in words; empty if nothing does.

    Parameters
    ----------
    claim : Claim
        A claim that is registered to be checked.
    records : sequence of Record
        Checks and controls; those of other claims are left aside.

    Examples
    --------
    >>> from slth.claims.registry import Claim
    >>> idea = Claim("idea", "here", "this book", "An idea", "…", "conjecture", kind="computed")
    >>> faults(idea, [])
    ('no result was collected', 'it has no negative control')
    """
    own = [one for one in records if one.claim == claim.id]
    checks = [one for one in own if one.role == "record"]
    controls = [one for one in own if one.role == "control"]
    found = {
        "no result was collected": not checks,
        "a check does not bear it out": any(one.outcome not in BORNE_OUT for one in checks),
        "it has no negative control": claim.needs_control and not controls,
        "a negative control does not fail": any(one.outcome != "fails" for one in controls),
        "a record contradicts its numbers": any(_contradicts_itself(claim, one) for one in own),
    }
    return tuple(words for words, is_so in found.items() if is_so)


def _contradicts_itself(claim: Claim, record: Record) -> bool:
    """Whether the rule says something else about the numbers than the record does."""
    try:
        return outcome(claim, record.measured, record.bound, record.interval) != record.outcome
    except ValueError:
        return True
