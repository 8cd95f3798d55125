"""One clean notebook: title, installation, content, claims, references."""

import ast
import base64
import hashlib
import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
from docutils import nodes  # type: ignore[import-untyped]
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pybtex.plugin import find_plugin
from sphinx.environment import BuildEnvironment

from book.extension.claims import registry
from book.extension.generated import collected
from book.extension.notebooks.markdown import Part, Writer
from book.make import ledger
from slth import claims

_HIDDEN = {"hide-input": "source_hidden", "remove-input": "source_hidden"}
_HIDDEN |= {"hide-output": "outputs_hidden", "remove-output": "outputs_hidden"}


def notebook(
    env: BuildEnvironment, docname: str, doctree: nodes.document, package: str | None
) -> Any:
    """Return a chapter as a notebook without outputs that Jupyter, Colab and VS Code can show.

    Parameters
    ----------
    env
        The environment of the build.
    docname
        The chapter's page.
    doctree
        The page, resolved.
    package
        What pip installs where ``slth`` is missing, if it is known.

    Returns
    -------
    nbformat.NotebookNode
    """
    site = env.config.html_baseurl or ""
    results = collected(env)
    result = results["chapters"][Path(docname).name]
    writer = Writer(env, docname, site)
    heading, *parts = writer.parts(doctree.children)
    content = _content(parts, _sources(env, docname), result["overrides"])
    opening = _opening(env, docname, results["profile"], result, site)
    cells = [
        new_markdown_cell(f"{heading}\n\n{opening}"),
        new_code_cell(installation(package), metadata={"tags": ["install"]}),
        *content,
        *_claims(env, list(writer.claimed)),
        *_references(env, docname),
    ]
    _attach(cells, writer.images)
    return assembled(cells)


def assembled(cells: Sequence[Any]) -> Any:
    """Return a notebook of these cells; the same ones give the same bytes."""
    for position, cell in enumerate(cells):
        content_hash = hashlib.sha256(f"{position} {cell.cell_type} {cell.source}".encode())
        cell.id = content_hash.hexdigest()[:12]
    return new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )


def text(made: Any) -> str:
    """Return a notebook as text."""
    nbformat.validate(made)
    return str(nbformat.writes(made, version=4, indent=1, ensure_ascii=False)) + "\n"


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def chapter_number(env: BuildEnvironment, docname: str) -> str:
    """Return the number that the table of contents gives a chapter; empty if it gives none."""
    return ".".join(map(str, env.toc_secnumbers.get(docname, {}).get("", ())))


def _opening(
    env: BuildEnvironment, docname: str, profile: str, result: Mapping[str, Any], site: str
) -> str:
    values = {**result["parameters"], **result["overrides"]}
    seed = f" and seed {values['seed']}" if "seed" in values else ""
    there = f" Read it [in the book]({site}{docname}.html)." if site else ""
    number = chapter_number(env, docname)
    return "\n".join(
        [
            f"**Expected time: {duration(result['seconds'])}**, once everything is installed. "
            "The numbers in the text come from the run of the book that took so long, with the "
            f"*{profile}* profile{seed}.",
            "",
            f"This is {f'chapter {number}' if number else 'a chapter'} of *Strong lottery "
            "tickets, executed* as an ordinary notebook, without the solutions of the exercises."
            + there,
            "A sign such as [✔ `some-claim`] names an entry of the book's ledger: ✔ computed, "
            "≈ simulated, ○ not checked. The cells repeat the checks; the table at the end lists "
            "them, and says how each claim is known.",
            "",
            "Text: CC BY 4.0; code: MIT licence. Please cite the paper: E. Natale, D. Ferré, "
            "G. Giambartolomei, F. Giroire, F. Mallmann-Trenn, [*On the Sparsity of the Strong "
            "Lottery Ticket Hypothesis*](https://arxiv.org/abs/2410.14754), NeurIPS 2024.",
        ]
    )


def installation(package: str | None) -> str:
    """Return the code that installs the package, and does nothing where it is."""
    missing = (
        f'%pip install --quiet "{package}"'
        if package is not None
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
    return dedent(code).strip()


def _sources(env: BuildEnvironment, docname: str) -> Sequence[Any]:
    """Return the cells of a chapter as they ran."""
    folder = env.mystnb_config.output_folder  # type: ignore[attr-defined]
    cells: Sequence[Any] = nbformat.read(Path(folder, f"{docname}.ipynb"), as_version=4).cells
    return cells


def _content(
    parts: Sequence[Part], sources: Sequence[Any], overrides: Mapping[str, Any]
) -> list[Any]:
    made: list[Any] = []
    for part in parts:
        if not isinstance(part, str):
            made.append(_code(sources[part["cell_index"]], overrides))
        elif (
            made
            and made[-1].cell_type == "markdown"
            and not made[-1].source.endswith("</details>")  # viewers leave no room after it
        ):
            made[-1].source += f"\n\n{part}"
        else:
            made.append(new_markdown_cell(part))
    return made


def _code(cell: Any, overrides: Mapping[str, Any]) -> Any:
    tags = list(cell.metadata.get("tags", []))
    metadata: dict[str, Any] = {"tags": tags} if tags else {}
    if hidden := {_HIDDEN[tag]: True for tag in tags if tag in _HIDDEN}:
        metadata["jupyter"] = hidden
    source = cell.source.strip("\n")
    return new_code_cell(
        with_values(source, overrides) if "parameters" in tags else source, metadata=metadata
    )


def with_values(source: str, values: Mapping[str, Any]) -> str:
    """Return a cell of parameters in which some have other values."""
    lines = source.split("\n")
    for statement in reversed(ast.parse(source).body):
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) if name in values:
                lines[statement.lineno - 1 : statement.end_lineno] = [f"{name} = {values[name]!r}"]
    return "\n".join(lines)


def _claims(env: BuildEnvironment, claimed: Sequence[str]) -> list[Any]:
    """Return the claims that the chapter carries, with the command that verifies each."""
    if not claimed:
        return []
    known, records = registry(env), ledger.all_records(collected(env))
    lines = [
        "## Claims",
        "",
        "| claim | what it says | how it is known | how the book checks it | verify it |",
        "|:--|:--|:--|:--|:--|",
    ]
    for claim in (known[one] for one in claimed):
        checked = claims.status(claim, records).checked
        lines.append(
            f"| `{claim.id}` | {claim.title} | {claim.known} | {checked} "
            f"| `slth claims verify {claim.id}` |"
        )
    return [new_markdown_cell("\n".join(lines))]


def _references(env: BuildEnvironment, docname: str) -> list[Any]:
    """Return the entries of the bibliography that the chapter cites."""
    domain: Any = env.get_domain("cite")
    refs = (one for one in domain.citation_refs if one.docname == docname)
    cited = {target.key for one in refs for target in one.targets}
    backend = find_plugin("pybtex.backends", "markdown")()
    entries = {
        one.key: one.formatted_entry.text.render(backend)
        for one in domain.citations
        if one.key in cited
    }
    if not entries:
        return []
    lines = [f"- {' '.join(entry.split())}" for entry in entries.values()]
    return [new_markdown_cell("\n".join(["## References", "", *lines]))]


def _attach(cells: Sequence[Any], images: Mapping[str, Path]) -> None:
    """Put pictures into the cells that show them."""
    for cell in cells:
        for name, path in images.items():
            if cell.cell_type == "markdown" and f"(attachment:{name})" in cell.source:
                kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                data = base64.b64encode(path.read_bytes()).decode()
                cell.setdefault("attachments", {})[name] = {kind: data}
