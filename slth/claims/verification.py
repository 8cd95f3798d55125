"""Verifying claims anew: run the chapter that records them, and judge what it recorded."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from slth import shipped
from slth.claims.ledger import MIME
from slth.claims.registry import Claim
from slth.claims.rules import Record
from slth.claims.verdict import faults


class ToolsMissing(ValueError):  # noqa: N818 (it is a state of the installation)
    """What runs notebooks is not installed."""


@dataclass(frozen=True)
class ChapterRun:
    """What a run of a chapter recorded, and why it stopped early, if it did."""

    records: tuple[Record, ...]
    stopped: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a claim: ``holds``, ``fails``, or ``unchecked``, and why.

    Attributes
    ----------
    claim
        Its identifier.
    outcome
        A claim holds only if its chapter ran to the end, all its records hold, and a negative
        control failed.
    reason
        In words.
    records
        Checks and controls, in the order in which they were recorded.
    """

    claim: str
    outcome: Literal["holds", "fails", "unchecked"]
    reason: str
    records: tuple[Record, ...] = ()


def records(notebook: Any) -> list[dict[str, Any]]:
    """Return the claims and controls that the cells of an executed notebook recorded."""
    return [
        dict(output["data"][MIME])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
        if MIME in output.get("data", {})
    ]


def run_chapter(name: str, profile: str) -> ChapterRun:
    """Run a chapter from its source, in an empty folder, with the parameters of a profile.

    Parameters
    ----------
    name
        Stem of the chapter.
    profile
        ``"full"``, or ``"fast"`` with the smaller parameters that stand on top of the chapter.

    Raises
    ------
    ToolsMissing
        Without the packages of the extra ``notebook``.
    FileNotFoundError
        If there is no such chapter.
    """
    source = shipped.path("chapters", f"{name}.md")
    try:
        import ipykernel  # noqa: F401
        import jupytext
        import nbformat
        import papermill
        from papermill.exceptions import PapermillExecutionError
    except ImportError as error:
        raise ToolsMissing(
            f"{error.name} is missing: to run chapters, install slth with its extra 'notebook'"
        ) from None
    changed = {} if profile == "full" else fast_parameters(source)
    with tempfile.TemporaryDirectory(prefix="slth-") as folder, _kernel_environment():
        done = Path(folder, "done.ipynb")
        stopped = None
        try:
            papermill.execute_notebook(
                nbformat.from_dict(jupytext.reads(source.read_text("utf-8"), fmt="md:myst")),
                str(done),
                parameters=changed,
                kernel_name="python3",
                language="python",
                progress_bar=sys.stderr.isatty(),
                extra_arguments=["--IPKernelApp.log_level=ERROR"],
                cwd=folder,
            )
        except PapermillExecutionError as error:
            stopped = f"{error.ename}: {error.evalue}"
        found = tuple(map(Record.from_dict, records(json.loads(done.read_text("utf-8")))))
    return ChapterRun(found, stopped)


@contextmanager
def _kernel_environment() -> Iterator[None]:
    """Let kernels import this very package, wherever they start, and spare a warning."""
    here = str(Path(shipped.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    before = dict(os.environ)
    os.environ.update({"PYTHONPATH": path, "PYDEVD_DISABLE_FILE_VALIDATION": "1"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def judge(claim: Claim, run: ChapterRun) -> Verdict:
    """Return the verdict on a claim from a run of its chapter."""
    own = tuple(one for one in run.records if one.claim == claim.id)
    found = faults(claim, own)
    if run.stopped is not None:
        found = (f"the chapter stopped: {run.stopped}", *found)
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
    claims
        Which ones; those that are registered as not checked run nothing.
    profile
        As for :func:`run_chapter`.
    before
        Called with the name of each chapter before it runs.
    """
    runs: dict[str, ChapterRun] = {}
    for name in dict.fromkeys(claim.chapter for claim in claims if claim.unchecked is None):
        if before is not None:
            before(name)
        runs[name] = run_chapter(name, profile)
    return [
        judge(claim, runs[claim.chapter])
        if claim.unchecked is None
        else Verdict(claim.id, "unchecked", claim.unchecked)
        for claim in claims
    ]


def expected_seconds(chapter: str, profile: str) -> float | None:
    """Return how long a chapter took when its time was last stored, or None."""
    try:
        times = json.loads(shipped.path("run-times.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    seconds: float | None = times.get(profile, {}).get(chapter)
    return seconds


def fast_parameters(chapter: Path) -> dict[str, Any]:
    """Return the parameters that the fast profile changes: ``fast`` in the chapter's front matter.

    Raises
    ------
    ValueError
        If the front matter is no YAML, or ``fast`` maps no names to values.
    """
    lines = chapter.read_text("utf-8").splitlines()
    front = lines[1 : lines.index("---", 1)] if lines[:1] == ["---"] and "---" in lines[1:] else []
    try:
        changed = (yaml.safe_load("\n".join(front)) or {}).get("fast", {})
    except (yaml.YAMLError, AttributeError) as error:
        raise ValueError(f"chapter {chapter.stem}: its front matter is no YAML: {error}") from None
    if not isinstance(changed, dict):
        raise ValueError(
            f"chapter {chapter.stem}: 'fast' maps parameters to values, got {changed!r}"
        )
    return changed
