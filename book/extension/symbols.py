r"""Notation within reach: rows that can be linked to, the symbols of each chapter, marked formulas.

The table is read from ``book/notation.md``.  Each of its rows gets an address; each chapter ends
with a list of the symbols in its formulas, which needs no script; and each such symbol is marked in
the formula with ``\class``, so that ``symbols.js`` can show the entry of the list beside it.
"""

import re
from collections.abc import Iterable
from html import escape, unescape
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from book.extension.notation import Row, find, read_rows
from book.make.project import Project

LOGGER = logging.getLogger(__name__)

PAGE = "book/notation"
_FORMULA = re.compile(
    r'(<(span|div) class="math notranslate nohighlight"[^>]*>\s*'
    r'(?:<span class="eqno">.*?</span>)?\s*\\[(\[])(.*?)(\\[)\]]\s*</\2>)',
    re.DOTALL,
)


def known_rows(env: BuildEnvironment) -> list[Row]:
    """Return the rows of the table of notation; none in a book without it."""
    path = Path(env.srcdir, f"{PAGE}.md")
    try:
        return read_rows(path.read_text("utf-8")) if path.is_file() else []
    except ValueError as error:
        LOGGER.warning("%s", error, location=(PAGE, None))
        return []


def rows_of(env: BuildEnvironment, docname: str) -> list[Row]:
    """Return the rows that hold in a chapter; none on other pages."""
    names = Project(Path(env.srcdir)).chapter_names()
    name = docname.removeprefix("notebooks/")
    if PAGE not in env.found_docs or name == docname or name not in names:
        return []
    return [row for row in known_rows(env) if row.holds_in(name)]


def table_rows(doctree: nodes.document) -> list[nodes.row]:
    """Return the rows of the tables of notation, without their heads."""
    return [row for body in doctree.findall(nodes.tbody) for row in body.findall(nodes.row)]


def add_addresses(app: Sphinx, doctree: nodes.document) -> None:
    """Give each row of the table of notation its address, and numbers that lead to its chapters."""
    if app.env.docname != PAGE:
        return
    known, rows = known_rows(app.env), table_rows(doctree)
    if known and len(known) != len(rows):
        LOGGER.warning("%d rows, but %d are understood", len(rows), len(known), location=doctree)
    for row, node in zip(known, rows, strict=False):
        node["ids"].append(row.id)
        if row.chapters:
            node.children[2].children = [_numbers(app.env, row.chapters)]


def _numbers(env: BuildEnvironment, chapters: frozenset[str]) -> nodes.paragraph:
    """Return the numbers of chapters, which the table of contents gives them, as links."""
    listed = nodes.paragraph()
    for number, name in enumerate(Project(Path(env.srcdir)).chapter_names(), start=1):
        if name in chapters:
            listed += nodes.Text(", " if listed.children else "")
            listed += pending_xref(
                "",
                nodes.inline(text=str(number)),
                refdomain="std",
                reftype="doc",
                reftarget=f"/notebooks/{name}",
                refexplicit=True,
                refwarn=True,
                refdoc=env.docname,
            )
    return listed


def add_list(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the list of a chapter's symbols in front of its footer."""
    rows = rows_of(app.env, docname)
    formulas = [
        node.astext() for kind in (nodes.math, nodes.math_block) for node in doctree.findall(kind)
    ]
    present = {found.row.id for formula in formulas for found in find(formula, rows)}
    footer = next(
        (node for node in doctree.findall(nodes.container) if "chapter-footer" in node["classes"]),
        None,
    )
    if not present or footer is None or app.builder.format != "html":
        return
    address = app.builder.get_relative_uri(docname, PAGE)
    meanings = {row["ids"][0]: row for row in table_rows(app.env.get_doctree(PAGE)) if row["ids"]}
    listed = nodes.bullet_list(classes=["symbols-list"])
    listed += [_item(meanings[row.id], address) for row in rows if row.id in present]
    opening = f"Symbols on this page ({len(listed)})"
    footer.parent.insert(
        footer.parent.index(footer),
        [
            nodes.raw("", f'<details class="symbols"><summary>{opening}</summary>', format="html"),
            listed,
            nodes.raw("", "</details>", format="html"),
        ],
    )


def _item(row: nodes.row, address: str) -> nodes.list_item:
    """Return an entry: the symbol, its meaning, and the way to the table."""
    symbol, meaning = (entry.deepcopy() for entry in row.children[:2])
    words = nodes.paragraph()
    link = nodes.reference(
        "", "", internal=True, refuri=f"{address}#{row['ids'][0]}", classes=["symbol-link"]
    )
    link += symbol.children[0].children
    words += [link, nodes.Text(": ")]
    words += [_without_links(node) for node in meaning.children[0].children]
    return nodes.list_item("", words, classes=[f"about-{row['ids'][0]}"])


def _without_links(node: nodes.Node) -> nodes.Node:
    """Return text in place of a reference, which would lead from another page."""
    return (
        node
        if not isinstance(node, nodes.Element)
        or node.tagname in ("math", "emphasis", "strong", "literal")
        else nodes.Text(node.astext())
    )


def mark(formula: str, rows: Iterable[Row]) -> str:
    r"""Return a formula in which each letter of a symbol carries the row's name as its class.

    Parameters
    ----------
    formula
        LaTeX, without the dollars.
    rows
        The rows that hold on this page.
    """
    letters = {
        (letter.start, letter.end): found.row.id
        for found in find(formula, rows)
        for letter in found.letters
        if letter.letter not in (r"\lVert", r"\rVert")
    }
    for (start, end), name in sorted(letters.items(), reverse=True):
        marked = rf"{{\class{{symbol {name}}}{{{formula[start:end]}}}}}"
        formula = formula[:start] + marked + formula[end:]
    return formula


def mark_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Mark the symbols in the formulas of a chapter's page."""
    if app.builder.name != "html" or "body" not in context:
        return
    if rows := rows_of(app.env, page):
        context["body"] = _FORMULA.sub(
            lambda match: match[1] + escape(mark(unescape(match[3]), rows), quote=False) + match[4],
            context["body"],
        )


def setup(app: Sphinx) -> None:
    """Register what happens to the table, to each chapter, and to its page."""
    app.connect("doctree-read", add_addresses)
    app.connect("doctree-resolved", add_list)
    app.connect("html-page-context", mark_page)
