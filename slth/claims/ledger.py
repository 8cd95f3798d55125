"""Recording checks and their negative controls from a chapter's cell."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from slth.claims.registry import Claim, load, registry_path
from slth.claims.rules import BORNE_OUT, Record, decide
from slth.claims.verdict import faults

MIME = "application/vnd.slth.claim+json"
"""Media type of the cell output that carries a record."""

_SIGNS = {"==": "=", "<=": "≤", ">=": "≥"}


class ClaimFailed(AssertionError):  # noqa: N818 (it is a verdict)
    """A check did not bear out its claim."""


class ControlPassed(ClaimFailed):
    """A negative control did not fail: the check would not have noticed the broken assumption."""


@dataclass(frozen=True)
class Status:
    """The two halves of a badge: how a claim is known, and how it was checked.

    Attributes
    ----------
    name : {"computed", "simulated", "unchecked"}
        ``"computed"``, ``"simulated"`` or ``"unchecked"``.
    known, checked : str
        The halves, in words.
    """

    name: Literal["computed", "simulated", "unchecked"]
    known: str
    checked: str

    @property
    def text(self) -> str:
        """Both halves."""
        return f"{self.known}; {self.checked}"


def record(
    claim: str,
    *,
    measured: Any,
    bound: Any = None,
    trials: int | None = None,
    confidence: float | None = None,
    standard_error: float | None = None,
    worst_of: int = 1,
    setting: str = "",
) -> Record:
    r"""Check a claim by its registered rule, show the result, and raise if it does not hold.

    Computed: $|m-b|\le\tau$, or $m\le b+\tau$, or $m\ge b-\tau$, in every case.  Simulated, with
    the interval $[l,u]$ of $m$: $l\ge b$, or $u\le b$, or $b-\tau\le l$ and $u\le b+\tau$; with
    $\tau=0$, $l\le b\le u$ does not refute the equality.

    Parameters
    ----------
    claim : str
        Identifier in the registry.
    measured, bound : float or array_like
        The two sides of the relation.  For computed claims they may be arrays, which broadcast;
        the relation must hold for every entry.  Illustrations take no ``bound``.
    trials : int, optional
        Number of independent draws (simulated), or of instances that ``measured`` sums up.
    confidence : float, optional
        Two-sided level of the interval, for simulated claims.
    standard_error : float, optional
        Of ``measured``, when it is the mean of ``trials`` draws; the interval is Student's.
        Without it, ``measured`` is a proportion of ``trials``, and the interval Clopper and
        Pearson's.
    worst_of : int
        Number of simulations of which this is the worst; the interval is widened so that all of
        them hold at once with ``confidence``.
    setting : str
        The parameters of this check in words, shown beside the result.

    Returns
    -------
    Record

    Raises
    ------
    ClaimFailed
        If the claim does not hold, or the simulation cannot decide it.
    ValueError
        If the claim is unknown, or the arguments do not fit its kind.
    """
    entry = _claim(claim)
    result = decide(
        entry,
        "record",
        measured=measured,
        bound=bound,
        trials=trials,
        confidence=confidence,
        standard_error=standard_error,
        worst_of=worst_of,
        setting=setting,
    )
    _emit(entry, result)
    if result.outcome not in BORNE_OUT:
        verdict = "does not hold" if result.outcome == "fails" else "is not decided"
        raise ClaimFailed(f"claim '{claim}' {verdict}: {relation_text(entry, result)}")
    return result


def control(
    claim: str,
    *,
    measured: Any,
    bound: Any,
    trials: int | None = None,
    confidence: float | None = None,
    standard_error: float | None = None,
    worst_of: int = 1,
    setting: str = "",
) -> Record:
    """Run the same check with one assumption broken, and raise unless the claim clearly fails.

    Parameters
    ----------
    claim, measured, bound, trials, confidence, standard_error, worst_of, setting : various
        As in :func:`record`.

    Returns
    -------
    Record

    Raises
    ------
    ControlPassed
        If the claim holds all the same, or if the simulation cannot tell.
    ValueError
        If the claim is unknown or an illustration, or the arguments do not fit its kind.
    """
    entry = _claim(claim)
    if not entry.needs_control:
        raise ValueError(f"claim '{claim}' is checked by no rule and has no negative control")
    result = decide(
        entry,
        "control",
        measured=measured,
        bound=bound,
        trials=trials,
        confidence=confidence,
        standard_error=standard_error,
        worst_of=worst_of,
        setting=setting,
    )
    _emit(entry, result)
    if result.outcome != "fails":
        verdict = "is not clearly broken" if result.outcome == "inconclusive" else "still holds"
        raise ControlPassed(
            f"negative control of claim '{claim}': the claim {verdict} although the control "
            f"breaks an assumption ({entry.control}): {relation_text(entry, result)}"
        )
    return result


def relation_text(claim: Claim, result: Record) -> str:
    """Return the measured relation, its interval, trials and tolerance, on one line."""
    text = f"{result.measured:.6g}"
    if result.interval is not None:
        text += f" [{result.interval.low:.4g}, {result.interval.high:.4g}]"
    if result.bound is not None:
        text += f", claimed {_SIGNS[str(claim.relation)]} {result.bound:.6g}"
    notes = [f"tolerance {claim.tolerance:g}"] if claim.tolerance else []
    if result.trials is not None:
        notes.append(_count(claim, result.trials))
    if result.confidence is not None:
        together = f" for the worst of {result.worst_of}" if result.worst_of > 1 else ""
        notes.append(_percent(result.confidence) + together)
    if result.setting:
        notes.append(result.setting)
    return f"{text} ({'; '.join(notes)})" if notes else text


def markdown(claim: Claim, result: Record) -> str:
    """Return the line that a cell shows."""
    if result.role == "control":
        sign, verdict = {
            "fails": ("✔", "control fails, as it must"),
            "inconclusive": ("✘", "control is inconclusive, so the check proves nothing"),
        }.get(result.outcome, ("✘", "control passes, so the check proves nothing"))
        title = f"**Control of “{claim.title}”** (breaks: {claim.control})"
    else:
        sign, verdict = {
            "holds": ("✔", "holds"),
            "not refuted": ("✔", "not refuted"),
            "fails": ("✘", "does not hold"),
            "inconclusive": ("✘", "not decided by this many trials"),
            "shown": ("○", "shown, not checked"),
        }[result.outcome]
        title = f"**{claim.title}**"
    return f"{sign} {title}: {relation_text(claim, result)} — {verdict}."


def status(claim: Claim, records: Iterable[Record]) -> Status:
    """Return how a claim is known and, from its records, how it was checked.

    Parameters
    ----------
    claim : Claim
        The claim.
    records : iterable of Record
        Its records; those of other claims and controls are left aside.

    Returns
    -------
    Status

    Examples
    --------
    >>> from slth import claims
    >>> idea = claims.Claim(
    ...     "idea", "here", "this book", "An idea", "…", "conjecture", unchecked="nobody knows how"
    ... )
    >>> claims.status(idea, []).text
    'conjecture; not checked, because nobody knows how'
    """
    if claim.unchecked is not None:
        return Status("unchecked", claim.known, f"not checked, because {claim.unchecked}")
    own = [one for one in records if one.claim == claim.id]
    if found := faults(claim, own):
        return Status("unchecked", claim.known, f"not checked, because {found[0]}")
    checks = [one for one in own if one.role == "record"]
    if claim.kind == "illustration":
        return Status("unchecked", claim.known, "shown, not checked")
    if claim.exhaustive:
        return Status("computed", claim.known, "computed in every case")
    if claim.kind == "computed":
        cases = sum(one.trials or 1 for one in checks)
        return Status("computed", claim.known, f"computed in {_count(claim, cases)}")
    trials = _count(claim, sum(one.trials or 0 for one in checks))
    level = _percent(min(one.confidence or 0.0 for one in checks))
    if any(one.outcome == "not refuted" for one in checks):
        return Status("simulated", claim.known, f"simulated: not refuted by {trials} at {level}")
    return Status("simulated", claim.known, f"simulated, {trials}, {level}")


def _percent(level: float) -> str:
    """Return a level of confidence in per cent, without the rounding of its arithmetic."""
    return f"{round(100 * level, 6):g} %"


def _count(claim: Claim, number: int) -> str:
    """Trials of a simulation; cases, each of which a computation has to pass."""
    what = "case" if claim.kind == "computed" else "trial"
    plural = "" if number == 1 else "s"
    return f"{number:,} {what}{plural}".replace(",", "\N{NO-BREAK SPACE}")


@lru_cache(maxsize=4)
def _registry(path: Path) -> dict[str, Claim]:
    return load(path)


def _claim(identifier: str) -> Claim:
    path = registry_path()
    claims = _registry(path)
    if identifier not in claims:
        raise ValueError(f"no claim '{identifier}' in {path.name}; add it there first")
    return claims[identifier]


def _emit(claim: Claim, result: Record) -> None:
    """Show the record in a notebook (with its data), or print it elsewhere."""
    text = markdown(claim, result)
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        shell = None
    else:
        shell = get_ipython()
    if shell is None:
        print(text)
        return
    from IPython.display import display

    bundle = {MIME: result.as_dict(), "text/markdown": text, "text/plain": text}
    display(bundle, raw=True)  # type: ignore[no-untyped-call]
