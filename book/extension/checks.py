"""Bookkeeping out of the reader's way: cells that record claims fold, cells of glue vanish."""

import ast
import re

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

_RECORDS = re.compile(r"\bclaims\.(record|control)\(")
_CONTROL = "Control of “"


def is_check(source: str) -> bool:
    """Return whether the code of a cell records checks or negative controls.

    >>> is_check('claims.record("idea", measured=1, bound=1);')
    True
    """
    return _RECORDS.search(source) is not None


def is_glue(source: str) -> bool:
    r"""Return whether a cell only gives names to numbers for the prose.

    >>> is_glue('worst = max(errors)\nglue("worst", worst)')
    True
    >>> is_glue('glue("worst", max(errors))\naxes.plot(errors)')
    False
    """
    kinds = [_kind(statement) for statement in _statements(source)]
    return "glue" in kinds and all(kind in ("glue", "assignment", "import") for kind in kinds)


def is_setup(source: str) -> bool:
    r"""Return whether a cell only imports, sets the style of figures and starts the random stream.

    >>> is_setup("import numpy as np\nrng = np.random.default_rng(seed)")
    True
    >>> is_setup("import slth\nticket = slth.prune(net)")
    False
    """
    kinds = [_kind(statement) for statement in _statements(source)]
    return "import" in kinds and all(kind in ("import", "style", "stream") for kind in kinds)


def _statements(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except SyntaxError:  # a magic command
        return []


def _kind(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="glue"))):
            return "glue"
        case ast.For(body=body) if all(_kind(one) == "glue" for one in body):
            return "glue"
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="use_style"))):
            return "style"
        case ast.Assign(targets=[ast.Name(id="rng")]):
            return "stream"
        case ast.Assign() | ast.AnnAssign():
            return "assignment"
        case ast.Import() | ast.ImportFrom():
            return "import"
    return "other"


def summary(titles: list[str], controls: int) -> str:
    """Return the line that stands for a folded check.

    Parameters
    ----------
    titles
        Titles of the claims that were recorded, with repetitions.
    controls
        Number of negative controls, which have all failed.

    Examples
    --------
    >>> summary(["An idea", "An idea"], 1)
    'Checked: An idea (2 checks hold, 1 control fails)'
    """
    if not titles and not controls:
        return "How it is checked"
    counts = [_times(len(titles), "check holds", "checks hold")] if titles else []
    counts += [_times(controls, "control fails", "controls fail")] if controls else []
    what = "; ".join(dict.fromkeys(titles)) or "negative controls"
    return f"Checked: {what} ({', '.join(counts)})"


def _times(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def cells(doctree: nodes.Element) -> list[nodes.Element]:
    """Return the code cells of a page, in order."""
    containers = doctree.findall(nodes.container)
    return [node for node in containers if node.get("nb_element") == "cell_code"]


def code(cell: nodes.Element) -> str:
    """Return the code of a cell."""
    parts = cell.findall(nodes.container)
    found = (part for part in parts if part.get("nb_element") == "cell_code_source")
    return "\n".join(part.astext() for part in found)


def fold(app: object, doctree: nodes.document) -> None:
    """Fold checks to one line each, parameters and imports to a word; mark the cells of glue."""
    for cell in cells(doctree):
        source = code(cell)
        if is_check(source):
            _fold(cell)
        elif "tag_parameters" in cell["classes"]:
            _hide_code(cell, "Parameters")
        elif is_setup(source):
            _hide_code(cell, "Imports")
        elif is_glue(source):
            cell["classes"].append("glue")
            cell.attributes.pop("hide_mode", None)


def _fold(cell: nodes.Element) -> None:
    lines = [
        paragraph
        for output in cell.findall(nodes.container)
        if output.get("mime_type") == "text/markdown"
        for paragraph in output.findall(nodes.paragraph)
    ]
    strong = [next(line.findall(nodes.strong)).astext() for line in lines]
    titles = [one for one in strong if not one.startswith(_CONTROL)]
    line = summary(titles, len(strong) - len(titles))
    shows = any(cell.findall(nodes.figure))
    cell["classes"].append("check")
    cell["hide_mode"] = "input" if shows else "all"
    cell["prompt_show"] = cell["prompt_hide"] = line


def _hide_code(cell: nodes.Element, line: str) -> None:
    cell["hide_mode"] = "input"
    cell["prompt_show"] = cell["prompt_hide"] = line


def drop_glue(app: object, doctree: nodes.document, docname: str) -> None:
    """Leave out the cells of glue; the notebooks, which were written before, have them."""
    for cell in cells(doctree):
        if "glue" in cell["classes"]:
            cell.parent.remove(cell)


def setup(app: Sphinx) -> None:
    """Fold when a page is read, leave out when it is written."""
    app.connect("doctree-read", fold)
    app.connect("doctree-resolved", drop_glue, priority=600)  # others count the cells
