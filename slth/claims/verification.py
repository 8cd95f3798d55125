"""Verifying claims anew: run the chapter that records them, and judge what it recorded."""

import json
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

import yaml

from slth import shipped
from slth.claims.ledger import MIME
from slth.claims.registry import Claim
from slth.claims.rules import Record
from slth.claims.verdict import faults
from slth.processes import follow_parent


class ToolsMissing(ValueError):  # noqa: N818 (it is a state of the installation)
    """What runs notebooks is not installed."""


class ChapterDied(ValueError):  # noqa: N818 (it is what happened)
    """The process that ran a chapter ended before the chapter did."""


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
    ChapterDied
        If the chapter's process was killed, for lack of memory or by somebody.

    Notes
    -----
    The chapter runs in a process of its own, which ends with all that it started when this function
    is left, however it is left; SIGTERM leaves it, too, with exit code 143.
    """
    source = shipped.path("chapters", f"{name}.md")
    try:
        import ipykernel  # noqa: F401
        import jupytext  # noqa: F401
        import nbformat  # noqa: F401
        import papermill  # noqa: F401
        import psutil  # noqa: F401
    except ImportError as error:
        raise ToolsMissing(
            f"{error.name} is missing: to run chapters, install slth with its extra 'notebook'"
        ) from None
    changed = {} if profile == "full" else fast_parameters(source)
    text = source.read_text("utf-8")
    with (
        _terminable(),
        tempfile.TemporaryDirectory(prefix="slth-") as folder,
        _kernel_environment(folder),
    ):
        done = Path(folder, "done.ipynb")
        spawn = multiprocessing.get_context("spawn")
        outcome, sender = spawn.Pipe(duplex=False)
        process = spawn.Process(
            target=_execute, args=(sender, text, changed, str(done), sys.stderr.isatty())
        )
        process.start()
        try:
            sender.close()
            stopped = outcome.recv()
        except EOFError:
            raise ChapterDied(
                f"chapter {name} did not run to its end, so nothing is decided: its process was "
                "killed, perhaps for lack of memory"
            ) from None
        finally:
            _end(process)
        found = tuple(map(Record.from_dict, records(json.loads(done.read_text("utf-8")))))
    return ChapterRun(found, stopped)


def _execute(outcome: Connection, text: str, changed: dict[str, Any], done: str, bar: bool) -> None:
    """Run a chapter in a process of its own; send why it stopped, or None."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the parent to say what happens
    logging.disable()
    follow_parent()
    import jupytext
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    try:
        papermill.execute_notebook(
            nbformat.from_dict(jupytext.reads(text, fmt="md:myst")),
            done,
            parameters=changed,
            kernel_name="python3",
            language="python",
            progress_bar=bar,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            cwd=str(Path(done).parent),
        )
        outcome.send(None)
    except PapermillExecutionError as error:
        outcome.send(f"{error.ename}: {error.evalue}")
    except DeadKernelError:
        os._exit(1)  # without what asyncio has to say


def _end(process: BaseProcess) -> None:
    """End a process and all that it started: kernels begin sessions of their own."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family)
    process.join()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end this process as an exception does, if nobody decided otherwise."""

    def leave(*_: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _kernel_environment(folder: str) -> Iterator[None]:
    """Let kernels import this very package, wherever they start, and keep to the folder."""
    here = str(Path(shipped.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    before = dict(os.environ)
    os.environ.update(
        {
            "PYTHONPATH": path,
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # spares a warning
            "TMPDIR": folder,
            "JUPYTER_RUNTIME_DIR": folder,
        }
    )
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
