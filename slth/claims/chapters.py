"""Chapters: how their Markdown is read, and how they are run, by whomever."""

import ast
import json
import logging
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from slth import resources
from slth.claims.ledger import MIME
from slth.claims.rules import Record
from slth.processes import follow_parent

CELL_TIMEOUT = 1800
"""Seconds after which a cell counts as hanging."""


class ToolsMissing(ValueError):  # noqa: N818 (it is a state of the installation)
    """What runs notebooks is not installed."""


class ChapterError(ValueError):
    """A chapter is not written as chapters are; the message names it and says what is wrong."""


@dataclass(frozen=True)
class Chapter:
    """A chapter as its source has it.

    Attributes
    ----------
    path : pathlib.Path
        The source, in MyST Markdown.
    notebook : object
        Its cells, as an ``nbformat.NotebookNode``.
    parameters : dict of str to object
        The literals of the cell tagged ``parameters``: the values of the published book.
    fast : dict of str to object
        Those that the fast profile changes: ``fast`` in the front matter.
    """

    path: Path
    notebook: Any
    parameters: dict[str, Any]
    fast: dict[str, Any]

    @property
    def name(self) -> str:
        """The stem of its file."""
        return self.path.stem

    def overrides(self, profile: str) -> dict[str, Any]:
        """Return the parameters that a profile changes: none in ``full``."""
        return self.fast if profile == "fast" else {}

    def check_overrides(self, overrides: Mapping[str, Any]) -> None:
        """Refuse parameters that the chapter does not have; papermill would only warn.

        Raises
        ------
        ChapterError
            Naming the chapter and the parameters.
        """
        if unknown := sorted(set(overrides) - set(self.parameters)):
            raise ChapterError(
                f"chapter {self.name}: unknown parameter {', '.join(unknown)}; "
                f"it has {', '.join(self.parameters) or 'none'}"
            )


@dataclass(frozen=True)
class Run:
    """A run of a chapter, to its end or not.

    Attributes
    ----------
    notebook : object
        The source's cells with their outputs; after a stop, with those that there were.
    seconds : float
        How long it took, kernel included.
    stopped : str or None
        Why it stopped early, in one line, or None.
    details : str
        The same with the cell and the end of the traceback.
    died : bool
        Whether the process or its kernel was killed: then the cells are not to blame.
    """

    notebook: Any
    seconds: float
    stopped: str | None = None
    details: str = ""
    died: bool = False

    @property
    def records(self) -> tuple[Record, ...]:
        """Claims and controls, in the order in which they were recorded."""
        return tuple(map(Record.from_dict, records(self.notebook)))


def parse(text: str) -> Any:
    """Return the notebook that MyST Markdown with code cells stands for.

    Raises
    ------
    ToolsMissing
        Without the packages of the extra ``notebook``.
    """
    for name in ("ipykernel", "jupytext", "nbformat", "papermill", "psutil"):
        if find_spec(name) is None:
            raise ToolsMissing(
                f"{name} is missing: to run chapters, install slth with its extra 'notebook'"
            )
    import jupytext

    return jupytext.reads(text, fmt="md:myst")


def read(path: Path) -> Chapter:
    """Read a chapter.

    Raises
    ------
    ToolsMissing
        Without the packages of the extra ``notebook``.
    ChapterError
        If the front matter is no YAML, ``fast`` in it changes what is no parameter, several cells
        are tagged ``parameters``, or one of them holds more than plain assignments of literals.
    """
    name = path.stem
    text = path.read_text("utf-8")
    try:
        notebook = parse(text)
        fast = notebook.metadata.get("fast", {})
    except ToolsMissing:
        raise
    except Exception as error:  # as many kinds as there are ways to break YAML
        raise ChapterError(f"chapter {name}: its front matter is no YAML: {error}") from None
    if not isinstance(fast, dict):
        raise ChapterError(f"chapter {name}: 'fast' maps parameters to values, got {fast!r}")
    chapter = Chapter(path, notebook, _parameters(name, notebook), dict(fast))
    chapter.check_overrides(fast)
    return chapter


def code_cells(notebook: Any) -> list[Any]:
    """Return the code cells without those that papermill injected."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def records(notebook: Any) -> list[dict[str, Any]]:
    """Return the claims and controls that the cells of an executed notebook recorded."""
    return [
        dict(output["data"][MIME])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        for output in cell["outputs"]
        if MIME in output.get("data", {})
    ]


def expected_seconds(name: str, profile: str) -> float | None:
    """Return how long a chapter took when its time was last stored, or None."""
    try:
        times = json.loads(resources.path("run-times.json").read_text("utf-8"))
    except FileNotFoundError:
        return None
    seconds: float | None = times.get(profile, {}).get(name)
    return seconds


def run(
    chapters: Sequence[tuple[Chapter, Mapping[str, Any]]],
    registry: Path,
    *,
    workers: int = 1,
    log: Path | None = None,
) -> Generator[tuple[Chapter, Run]]:
    """Run chapters, each with the parameters to change; yield each with its run when it ends.

    Parameters
    ----------
    chapters : sequence of tuple of Chapter, mapping of str to object
        What to run, in the order in which to begin.
    registry : pathlib.Path
        The registry of claims that the cells use.
    workers : int
        How many run at once; they share the cores.
    log : pathlib.Path, optional
        Where to append what kernels say; without it they say it here, under a bar of the cells.

    Notes
    -----
    Each chapter runs in an empty folder, with this very package on its path, whatever the working
    directory.  Processes and kernels end with all that they started when the iterator is left,
    however it is left; SIGTERM leaves it, too, with exit code 143, if nobody decided otherwise.
    """
    workers = max(1, min(workers, len(chapters)))
    others = set(multiprocessing.active_children())
    with _terminable(), tempfile.TemporaryDirectory(prefix="slth-") as folder:
        pool = ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(_environment(folder, registry, workers), log),
        )
        try:
            bar = log is None and sys.stderr.isatty()
            futures = {
                pool.submit(
                    _execute, chapter, dict(changed), Path(folder), CELL_TIMEOUT, bar
                ): chapter
                for chapter, changed in chapters
            }
            for future in as_completed(futures):
                try:
                    done = future.result()
                except BrokenProcessPool:
                    why = "its process was killed, perhaps for lack of memory"
                    done = Run(futures[future].notebook, 0.0, why, why, died=True)
                yield futures[future], done
        finally:
            _end([one for one in multiprocessing.active_children() if one not in others])
            pool.shutdown(cancel_futures=True)


def _parameters(name: str, notebook: Any) -> dict[str, Any]:
    """Return the parameters of a chapter with their literal values."""
    tagged = [
        cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])
    ]
    if len(tagged) > 1:
        raise ChapterError(f"chapter {name}: {len(tagged)} cells are tagged 'parameters', not one")
    try:
        statements = ast.parse(tagged[0].source).body if tagged else []
    except SyntaxError as error:
        raise ChapterError(f"chapter {name}: the parameters cell is no Python: {error}") from None
    values: dict[str, Any] = {}
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=key)], value=value):
                with suppress(ValueError):
                    values[key] = ast.literal_eval(value)
                    continue
        raise ChapterError(
            f"chapter {name}: the parameters cell holds only lines like 'trials = 1000', "
            f"not {ast.unparse(statement)!r}"
        )
    return values


def _environment(folder: str, registry: Path, workers: int) -> dict[str, str]:
    """Return what kernels find in their environment, besides what is there."""
    here = str(Path(resources.__file__).resolve().parents[1])
    threads = str(max(1, (os.cpu_count() or 1) // workers))  # more would wait for one another
    return {
        "OMP_NUM_THREADS": threads,
        "NUMBA_NUM_THREADS": threads,
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # spares a warning
        "SLTH_CLAIMS": str(registry),
        "TMPDIR": folder,
        "JUPYTER_RUNTIME_DIR": folder,
    }


def _prepare(environment: dict[str, str], log: Path | None) -> None:
    """Make a process ready to run chapters."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the parent to say what happens
    follow_parent()
    os.environ.update(environment)
    if log is None:
        logging.disable()
    else:
        _redirect(log)
    _manager()


def _redirect(log: Path) -> None:
    """Append what this process and its kernels say to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _manager() -> dict[str, Any]:
    """Return who starts kernels here: where processes fork safely, a server that is warm."""
    if sys.platform != "linux":
        return {}
    from slth.claims import kernels

    kernels.server()
    return {"kernel_manager_class": kernels.Manager}


def _execute(
    chapter: Chapter, changed: dict[str, Any], folder: Path, timeout: int, bar: bool
) -> Run:
    """Run a chapter in a process of its own, since papermill changes the working directory."""
    import nbformat
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    here, output = folder / chapter.name, folder / f"{chapter.name}.ipynb"
    here.mkdir()
    start = time.perf_counter()
    stopped, details, died = None, "", False
    try:
        papermill.execute_notebook(
            chapter.notebook,
            output,
            parameters=changed,
            kernel_name="python3",
            language="python",
            progress_bar=bar,
            cwd=here,
            execution_timeout=timeout,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            **_manager(),
        )
    except PapermillExecutionError as error:
        stopped, details = _explain(error)
    except DeadKernelError as error:
        stopped = details = f"its process was killed, perhaps for lack of memory: {error}"
        died = True
    except Exception as error:  # a cell that hung: still this chapter's failure
        stopped = details = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    notebook = chapter.notebook
    if output.is_file():
        ran = nbformat.read(output, as_version=4)
        pairs = zip(code_cells(notebook), code_cells(ran), strict=True)
        for count, (cell, done) in enumerate(pairs, start=1):
            cell.outputs, cell.execution_count = done.outputs, count
        notebook.metadata["language_info"] = ran.metadata.get("language_info", {})
    return Run(notebook, seconds, stopped, details, died)


def _explain(error: Any) -> tuple[str, str]:
    """Say why a cell stopped, in a line, and in a few which one and where."""
    if error.ename in ("ClaimFailed", "ControlPassed"):
        return str(error.evalue), str(error.evalue)
    line = f"{error.ename}: {error.evalue}"
    cell = "\n".join(f"    {line}" for line in error.source.strip().splitlines())
    trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).strip()
    last = "\n".join(f"    {line}" for line in trace.splitlines()[-12:])
    return line, f"{line}\n  in the cell\n{cell}\n  with\n{last}"


def _end(processes: Sequence[BaseProcess]) -> None:
    """End processes and all that they started: kernels begin sessions of their own."""
    import psutil

    family = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            family += psutil.Process(process.pid).children(recursive=True)
        process.kill()
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(family)


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
