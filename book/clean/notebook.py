"""One clean notebook: title, installation, content, claims, references."""

import ast
import base64
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book.clean.directives import caption, plain
from book.clean.roles import Page, inline
from book.clean.shared import Shared
from book.clean.sources import Cell, blocks
from book.execute import Result
from slth import claims

_HIDDEN = {"hide-input": "source_hidden", "remove-input": "source_hidden"}
_HIDDEN |= {"hide-output": "outputs_hidden", "remove-output": "outputs_hidden"}


def notebook(
    chapter: str, cells: list[Cell], shared: Shared, profile: str, result: Result, root: Path
) -> Any:
    """Return a chapter as a notebook without outputs that Jupyter, Colab and VS Code can show.

    The same input gives the same bytes.

    Parameters
    ----------
    chapter
        Its stem.
    cells
        Its cells, without solutions.
    shared
        What it knows of the rest of the book.
    profile, result
        The run that its numbers and its time come from.
    root
        The root of the sources, for pictures.

    Returns
    -------
    nbformat.NotebookNode
    """
    page = Page(shared, chapter)
    content: list[Any] = []
    for cell in cells:
        if cell.code is None:
            text = plain(cell.blocks, page)
            if text:
                content.append(new_markdown_cell(text))
        else:
            content += _code(cell.code, page, result.overrides)
    if content and content[0].cell_type == "markdown":
        content[0].source = re.sub(r"\A# .*\n*", "", content[0].source)
    title = new_markdown_cell(_title(page, profile, result))
    made = [title, _installation(shared), *content, *_claims(page), *_references(page)]
    _attach(made, page, root)
    for position, cell in enumerate(one for one in made if one.source):
        content_hash = hashlib.sha256(f"{position} {cell.cell_type} {cell.source}".encode())
        cell.id = content_hash.hexdigest()[:12]
    return new_notebook(
        cells=[cell for cell in made if cell.source],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def text(made: Any) -> str:
    """Return a notebook as text."""
    nbformat.validate(made)
    return str(nbformat.writes(made, version=4, indent=1, ensure_ascii=False)) + "\n"


def _title(page: Page, profile: str, result: Result) -> str:
    shared, chapter = page.shared, page.chapter
    values = {**result.parameters, **result.overrides}
    seed = f" and seed {values['seed']}" if "seed" in values else ""
    lines = [
        f"# {shared.chapters[chapter]}",
        "",
        f"**Expected time: {duration(result.seconds)}**, once everything is installed. "
        f"The numbers in the text come from the run of the book that took so long, with the "
        f"*{profile}* profile{seed}.",
        "",
        f"This is chapter {shared.number(chapter)} of *Strong lottery tickets, executed* as an "
        "ordinary notebook, without the solutions of the exercises.",
    ]
    if shared.site is not None:
        lines[-1] += f" Read it [in the book]({shared.site}notebooks/{chapter}.html)."
    lines += [
        "A sign such as [✔ `some-claim`] names an entry of the book's ledger: ✔ computed, "
        "≈ simulated, ○ not checked. The cells repeat the checks; the table at the end lists "
        "them, and says how each claim is known.",
        "",
        "Text: CC BY 4.0; code: MIT licence. Please cite the paper: E. Natale, D. Ferré, "
        "G. Giambartolomei, F. Giroire, F. Mallmann-Trenn, [*On the Sparsity of the Strong Lottery "
        "Ticket Hypothesis*](https://arxiv.org/abs/2410.14754), NeurIPS 2024.",
    ]
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _installation(shared: Shared) -> Any:
    """Return the cell that installs the package, and does nothing where it is."""
    missing = (
        f'%pip install --quiet "{shared.package}"'
        if shared.package is not None
        else 'raise ModuleNotFoundError("slth is missing: '
        'pip install PATH-TO-A-CLONE-OF-THE-BOOK[chapters]")'
    )
    code = f"""
        from importlib.metadata import PackageNotFoundError, version

        try:
            version("slth")  # nothing to do where it is installed
        except PackageNotFoundError:
            {missing}
    """
    return new_code_cell(dedent(code).strip(), metadata={"tags": ["install"]})


def _code(cell: Any, page: Page, overrides: Mapping[str, Any]) -> list[Any]:
    """Return a code cell, and its caption."""
    tags = list(cell.metadata.get("tags", []))
    metadata: dict[str, Any] = {"tags": tags} if tags else {}
    if hidden := {_HIDDEN[tag]: True for tag in tags if tag in _HIDDEN}:
        metadata["jupyter"] = hidden
    source = cell.source.strip("\n")
    if "parameters" in tags:
        source = with_values(source, overrides)
    made = [new_code_cell(source, metadata=metadata)]
    options = cell.metadata.get("mystnb", {})
    if figure := options.get("figure"):
        words = plain(blocks(figure.get("caption", "").strip().split("\n")), page)
        below = caption(figure.get("name"), words, page)
        if alt := options.get("image", {}).get("alt"):
            inside = inline(" ".join(alt.split()), page)
            below += f"\n\n<details><summary>In words</summary>{inside}</details>"
        made.append(new_markdown_cell(below))
    return made


def with_values(source: str, values: Mapping[str, Any]) -> str:
    """Return a cell of parameters in which some have other values."""
    lines = source.split("\n")
    for statement in reversed(ast.parse(source).body):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) if name in values:
                lines[statement.lineno - 1 : statement.end_lineno] = [f"{name} = {values[name]!r}"]
    return "\n".join(lines)


def _claims(page: Page) -> list[Any]:
    """Return the claims that the chapter carries, with the command that verifies each."""
    known = [page.shared.claims[one] for one in page.claimed if one in page.shared.claims]
    if not known:
        return []
    states = {one.id: claims.status(one, page.shared.records) for one in known}
    rows = [
        f"| `{one.id}` | {one.title} | {one.known} | {states[one.id].checked} "
        f"| `slth claims verify {one.id}` |"
        for one in known
    ]
    lines = [
        "## Claims",
        "",
        "| claim | what it says | how it is known | how the book checks it | verify it |",
        "|:--|:--|:--|:--|:--|",
    ]
    return [new_markdown_cell("\n".join([*lines, *rows]))]


def _references(page: Page) -> list[Any]:
    if not page.cited:
        return []
    entries = [" ".join(one.split()) for one in page.shared.references.full(list(page.cited))]
    return [new_markdown_cell("\n".join(["## References", "", *(f"- {one}" for one in entries)]))]


def _attach(cells: list[Any], page: Page, root: Path) -> None:
    """Put pictures of the sources into the cells that show them."""
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        for path in page.images:
            name = Path(path).name
            if f"(attachment:{name})" in cell.source:
                kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                data = base64.b64encode((root / path).read_bytes()).decode()
                cell.setdefault("attachments", {})[name] = {kind: data}
