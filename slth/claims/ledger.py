"""Recording checks and their negative controls from a chapter's cell."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from slth.claims.registry import Claim, load, registry_path
from slth.claims.rules import Record, decide

MIME = "application/vnd.slth.claim+json"
"""Media type of the cell output that carries a record."""

_SIGNS = {"==": "=", "<=": "≤", ">=": "≥"}


class ClaimFailed(AssertionError):  # noqa: N818 (it is a verdict)
    """A check did not bear out its claim."""


class ControlPassed(ClaimFailed):
    """A negative control did not fail: the check would not have noticed the broken assumption."""


@dataclass(frozen=True)
class Status:
    """The honest state of a claim: ``name`` is ``checked``, ``simulated`` or ``unchecked``."""

    name: Literal["checked", "simulated", "unchecked"]
    text: str


def record(
    claim: str,
    *,
    measured: Any,
    bound: Any = None,
    trials: int | None = None,
    confidence: float | None = None,
    standard_error: float | None = None,
    setting: str = "",
) -> Record:
    r"""Check a claim by its registered rule, show the result, and raise if it does not hold.

    Exact: :math:`|m-b|\le\tau`.  Bound: :math:`m\le b+\tau` (or :math:`m\ge b-\tau`).
    Statistical, with the interval :math:`[l,u]` of :math:`m`: :math:`l\ge b`, or :math:`u\le b`,
    or :math:`l-\tau\le b\le u+\tau`.

    Parameters
    ----------
    claim
        Identifier in the registry.
    measured, bound
        The two sides of the relation.  For exact claims and bounds they may be arrays, which
        broadcast; the relation must hold for every entry.  Illustrations take no ``bound``.
    trials
        Number of trials (statistical), or of instances that ``measured`` sums up.
    confidence
        Two-sided level of the interval, for statistical claims.
    standard_error
        Of ``measured``, when it is a mean with a normal interval.  Without it, ``measured`` is a
        proportion of ``trials`` and the interval is Clopper and Pearson's.
    setting
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
        setting=setting,
    )
    _emit(entry, result)
    if result.outcome in ("fails", "inconclusive"):
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
    setting: str = "",
) -> Record:
    """Run the same check with one assumption broken, and raise unless the claim clearly fails.

    Parameters
    ----------
    claim, measured, bound, trials, confidence, standard_error, setting
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
        setting=setting,
    )
    _emit(entry, result)
    if result.outcome != "fails":
        verdict = "still holds" if result.outcome == "holds" else "is not clearly broken"
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
    if result.interval is not None:
        notes.append(f"{100 * result.interval.confidence:g} %")
    if result.setting:
        notes.append(result.setting)
    return f"{text} ({'; '.join(notes)})" if notes else text


def markdown(claim: Claim, result: Record) -> str:
    """Return the line that a cell shows."""
    if result.role == "control":
        sign, verdict = {
            "fails": ("✔", "control fails, as it must"),
            "holds": ("✘", "control passes, so the check proves nothing"),
        }.get(result.outcome, ("✘", "control is inconclusive, so the check proves nothing"))
        title = f"**Control of “{claim.title}”** (breaks: {claim.control})"
    else:
        sign, verdict = {
            "holds": ("✔", _HELD.get(str(claim.kind), "")),
            "fails": ("✘", "does not hold"),
            "inconclusive": ("✘", "not decided by this many trials"),
        }.get(result.outcome, ("○", "shown, not checked"))
        title = f"**{claim.title}**"
    return f"{sign} {title}: {relation_text(claim, result)} — {verdict}."


_HELD = {
    "exact": "checked exactly",
    "bound": "checked exactly",
    "statistical": "consistent with simulation",
}


def status(claim: Claim, records: Iterable[Record]) -> Status:
    """Return the honest state of a claim from its records.

    Parameters
    ----------
    claim
        The claim.
    records
        Its records; those of other claims and controls are left aside.

    Returns
    -------
    Status

    Examples
    --------
    >>> from slth import claims
    >>> idea = claims.Claim("idea", "here", "this book", "An idea", "…", unchecked="it is new")
    >>> claims.status(idea, []).text
    'not checked, because it is new'
    """
    if claim.unchecked is not None:
        return Status("unchecked", f"not checked, because {claim.unchecked}")
    own = [one for one in records if one.claim == claim.id and one.role == "record"]
    if not own:
        return Status("unchecked", "not checked, because no result was collected")
    if claim.kind == "illustration":
        return Status("unchecked", "not checked, because it is shown as an illustration")
    if any(one.outcome != "holds" for one in own):
        return Status("unchecked", "not checked, because the last run did not bear it out")
    if claim.kind == "statistical":
        trials = sum(one.trials or 0 for one in own)
        levels = sorted({one.interval.confidence for one in own if one.interval})
        confidence = f"{100 * levels[0]:g} %" if levels else "?"
        return Status(
            "simulated", f"consistent with simulation ({_count(claim, trials)}, {confidence})"
        )
    cases = sum(one.trials or 1 for one in own)
    many = f" ({_count(claim, cases)})" if cases > 1 else ""
    return Status("checked", f"checked exactly{many}")


def _count(claim: Claim, number: int) -> str:
    """Trials of a simulation; cases, each of which an exact check has to pass."""
    what = "cases" if claim.kind in ("exact", "bound") else "trials"
    return f"{number:,} {what}".replace(",", "\N{NO-BREAK SPACE}")


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
