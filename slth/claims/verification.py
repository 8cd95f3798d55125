"""Verifying claims anew: run the chapter that records them, and judge what it recorded."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

from slth import resources
from slth.claims import chapters
from slth.claims.registry import Claim, registry_path
from slth.claims.rules import Record
from slth.claims.verdict import faults


class ChapterDied(ValueError):  # noqa: N818 (it is what happened)
    """The process that ran a chapter ended before the chapter did."""


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: ``holds``, ``fails``, or ``unchecked``, and why.

    Attributes
    ----------
    claim : str
        Its identifier.
    outcome : {"holds", "fails", "unchecked"}
        A claim holds only if its chapter ran to the end, all its records hold, and a negative
        control failed.
    reason : str
        In words.
    records : tuple of Record
        Checks and controls, in the order in which they were recorded.
    """

    claim: str
    outcome: Literal["holds", "fails", "unchecked"]
    reason: str
    records: tuple[Record, ...] = ()


def run_chapter(name: str, profile: str) -> chapters.Run:
    """Run a chapter from its source, in an empty folder, with the parameters of a profile.

    Parameters
    ----------
    name : str
        Stem of the chapter.
    profile : str
        ``"full"``, or ``"fast"`` with the smaller parameters that stand on top of the chapter.

    Raises
    ------
    ToolsMissing
        Without the packages of the extra ``notebook``.
    FileNotFoundError
        If there is no such chapter.
    ChapterError
        If the chapter is not written as chapters are.
    ChapterDied
        If the chapter's process was killed, for lack of memory or by somebody.
    """
    chapter = chapters.read(resources.path("chapters", f"{name}.md"))
    with closing(
        chapters.run([(chapter, chapter.overrides(profile))], registry_path())
    ) as finished:
        [(_, run)] = finished
    if run.died:
        raise ChapterDied(
            f"chapter {name} did not run to its end, so nothing is decided: {run.stopped}"
        )
    return run


def judge(claim: Claim, records: Sequence[Record], stopped: str | None = None) -> Verdict:
    """Return the verdict on a claim.

    Parameters
    ----------
    claim : Claim
        The claim.
    records : sequence of Record
        What a run of its chapter recorded.
    stopped : str, optional
        Why the run stopped early, if it did.
    """
    own = tuple(one for one in records if one.claim == claim.id)
    found = faults(claim, own)
    if stopped is not None:
        found = (f"the chapter stopped: {stopped}", *found)
    if found:
        return Verdict(claim.id, "fails", "; ".join(found), own)
    if claim.kind == "illustration":
        return Verdict(claim.id, "unchecked", "it is shown as an illustration", own)
    return Verdict(claim.id, "holds", "every check bears it out, every control fails", own)


def verify(
    claims: Sequence[Claim], profile: str, before: Callable[[str], None] | None = None
) -> list[Verdict]:
    """Verify claims, running each chapter once; verdicts in the order of the claims.

    Parameters
    ----------
    claims : sequence of Claim
        Which ones; those that are registered as not checked run nothing.
    profile : str
        As for :func:`run_chapter`.
    before : callable, optional
        Called with the name of each chapter before it runs.
    """
    runs: dict[str, chapters.Run] = {}
    for name in dict.fromkeys(claim.chapter for claim in claims if claim.unchecked is None):
        if before is not None:
            before(name)
        runs[name] = run_chapter(name, profile)
    return [
        judge(claim, runs[claim.chapter].records, runs[claim.chapter].stopped)
        if claim.unchecked is None
        else Verdict(claim.id, "unchecked", claim.unchecked)
        for claim in claims
    ]
