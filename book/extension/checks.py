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
    return _consists(source, "glue", "assignment", "import")


def is_setup(source: str) -> bool:
    r"""Return whether a cell only imports, sets the style of figures and starts the random stream.

    >>> is_setup("import numpy as np\nrng = np.random.default_rng(seed)")
    True
    >>> is_setup("import slth\nticket = slth.prune(net)")
    False
    """
    return _consists(source, "import", "style", "stream")


def _consists(source: str, needed: str, *allowed: str) -> bool:
    """Return whether a cell has statements of one kind, and besides them only some others."""
    try:
        kinds = {_kind(statement) for statement in ast.parse(source).body}
    except SyntaxError:  # a magic command
        return False
    return needed in kinds and kinds <= {needed, *allowed}


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
            _hide(cell, "input", "Parameters")
        elif is_setup(source):
            _hide(cell, "input", "Imports")
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
    cell["classes"].append("check")
    mode = "input" if any(cell.findall(nodes.figure)) else "all"
    _hide(cell, mode, summary(titles, len(strong) - len(titles)))


def _hide(cell: nodes.Element, mode: str, line: str) -> None:
    cell["hide_mode"] = mode
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
