"""One chapter: its cells, its parameters, and how it is run."""

import ast
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

from book.project import BuildError

CELL_TIMEOUT = 1800
"""Seconds after which a cell counts as hanging."""


@dataclass(frozen=True)
class Run:
    """A chapter's run: the executed notebook as JSON, or the error that stopped it."""

    name: str
    notebook: str | None
    seconds: float
    error: str | None


def read(path: Path, extensions: frozenset[str]) -> Any:
    """Read a chapter just as Sphinx will, so that the cache recognises it.

    Parameters
    ----------
    path
        The MyST source.
    extensions
        The MyST extensions in use.

    Returns
    -------
    nbformat.NotebookNode
    """
    config = MdParserConfig(enable_extensions=set(extensions))
    return read_myst_markdown_notebook(
        path.read_text("utf-8"), config=config, add_source_map=True, path=path
    )


def code_cells(notebook: Any) -> list[Any]:
    """Return the code cells without those that papermill injected."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def parameters(name: str, notebook: Any) -> dict[str, Any]:
    """Return the parameters of a chapter with their literal values.

    Raises
    ------
    BuildError
        If there are several cells tagged ``parameters``, or one holds more than plain assignments
        of literals.
    """
    tagged = [
        cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])
    ]
    if len(tagged) > 1:
        raise BuildError(f"chapter {name}: {len(tagged)} cells are tagged 'parameters', not one")
    values: dict[str, Any] = {}
    for statement in ast.parse(tagged[0].source).body if tagged else []:
        match statement:
            case ast.Assign(targets=[ast.Name(id=key)], value=value):
                try:
                    values[key] = ast.literal_eval(value)
                    continue
                except ValueError:
                    pass
        raise BuildError(
            f"chapter {name}: the parameters cell holds only lines like 'trials = 1000', "
            f"not {ast.unparse(statement)!r}"
        )
    return values


def check_overrides(name: str, known: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Refuse parameters that the chapter does not have; papermill would only warn.

    Raises
    ------
    BuildError
        Naming the chapter and the parameters.
    """
    if unknown := sorted(set(overrides) - set(known)):
        raise BuildError(
            f"chapter {name}: unknown parameter {', '.join(unknown)}; "
            f"it has {', '.join(known) or 'none'}"
        )


def run(
    name: str, path: Path, extensions: frozenset[str], overrides: dict[str, Any], registry: Path
) -> Run:
    """Execute a chapter with papermill and return it with its outputs.

    Runs in a process of its own, since papermill changes the working directory.  The notebook that
    comes back holds the source's cells, without the cell that papermill injects.

    Parameters
    ----------
    name, path, extensions
        The chapter, its source, and the MyST extensions in use.
    overrides
        Parameters to change, known to exist.
    registry
        The registry of claims that the cells use.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    os.environ["SLTH_CLAIMS"] = str(registry)
    notebook = read(path, extensions)
    start = time.perf_counter()
    try:
        done = papermill.execute_notebook(
            nbformat.from_dict(notebook),
            None,
            parameters=overrides,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=path.parent,
            execution_timeout=CELL_TIMEOUT,
        )
    except PapermillExecutionError as error:
        return Run(name, None, time.perf_counter() - start, _explain(error))
    except Exception as error:  # a kernel that died, a cell that hung: still this chapter's failure
        return Run(name, None, time.perf_counter() - start, f"{type(error).__name__}: {error}")
    seconds = time.perf_counter() - start
    pairs = zip(code_cells(notebook), code_cells(done), strict=True)
    for count, (cell, ran) in enumerate(pairs, start=1):
        cell.outputs = ran.outputs
        cell.execution_count = count
    notebook.metadata["language_info"] = done.metadata["language_info"]
    return Run(name, nbformat.writes(notebook), seconds, None)


def _explain(error: Any) -> str:
    """Say in a few lines which cell stopped and why."""
    if error.ename in ("ClaimFailed", "ControlPassed"):
        return str(error.evalue)
    cell = "\n".join(f"    {line}" for line in error.source.strip().splitlines())
    trace = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).strip()
    last = "\n".join(f"    {line}" for line in trace.splitlines()[-12:])
    return f"{error.ename}: {error.evalue}\n  in the cell\n{cell}\n  with\n{last}"
