"""From the code cells to the reference and back.

Each name of the package in a code cell links to its entry; below each entry stand the chapters
that use it; and each chapter ends with the names that it uses.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from itertools import groupby
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

from book.extension import cells

LOGGER = logging.getLogger(__name__)

_METHODS = ("method", "classmethod", "staticmethod", "property", "attribute")


class Place(nodes.General, nodes.Element):  # type: ignore[misc]
    """The place of a list, until every page has been read."""


class PlaceDirective(SphinxDirective):
    """``.. used-in:: NAME``: the chapters that use an entry of the reference.

    ``{from-the-package}``: the entries that a chapter uses.
    """

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the place."""
        return [Place(entry=next(iter(self.arguments), None))]


def is_chapter(docname: str) -> bool:
    """Whether a page is a chapter."""
    return docname.startswith("notebooks/")


def announce(app: Sphinx, docname: str, source: list[str]) -> None:
    """End a chapter with what it uses."""
    if is_chapter(docname):
        source[0] += "\n\n```{from-the-package}\n```\n"


def code_blocks(doctree: nodes.document) -> list[nodes.literal_block]:
    """Return the code of the cells, in order."""
    return [
        block
        for block in doctree.findall(nodes.literal_block)
        if "cell_input" in block.parent.get("classes", [])
    ]


def read(app: Sphinx, doctree: nodes.document) -> None:
    """Find the names in a chapter's cells; complain of those that do not exist."""
    if not is_chapter(app.env.docname):
        return
    blocks = code_blocks(doctree)
    found = []
    for block, cell in zip(blocks, cells.read([one.astext() for one in blocks]), strict=True):
        for problem in cell.problems:
            LOGGER.warning("%s", problem, location=block)
        found.append((_section(block), cell.uses))
    _all(app.env)[app.env.docname] = found


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Drop what a chapter used before it is read again."""
    _all(env).pop(docname, None)


def _all(env: Any) -> dict[str, list[tuple[str, tuple[cells.Use, ...]]]]:
    """Section and uses of each cell of each chapter."""
    if not hasattr(env, "slth_uses"):
        env.slth_uses = {}
    kept: dict[str, list[tuple[str, tuple[cells.Use, ...]]]] = env.slth_uses
    return kept


def _section(node: nodes.Node) -> str:
    """Return the anchor of the section around a node."""
    while node is not None:
        if isinstance(node, nodes.section) and isinstance(node.next_node(), nodes.title):
            return str(node["ids"][0])
        node = node.parent
    return ""


def first_uses(env: BuildEnvironment, name: str) -> dict[str, str]:
    """Return the chapters that use a name or a member of it, each with its first section."""
    found: dict[str, str] = {}
    for chapter, blocks in sorted(_all(env).items()):
        for section, uses in blocks:
            if any(use.name == name or use.name.startswith(f"{name}.") for use in uses):
                found.setdefault(chapter, section)
    return found


def used(env: BuildEnvironment, chapter: str) -> list[str]:
    """Return the functions, classes and constants that a chapter uses, by name."""
    objects = _objects(env)
    found = set()
    for _, uses in _all(env).get(chapter, []):
        for use in uses:
            if use.name in objects and objects[use.name].objtype != "module":
                member = objects[use.name].objtype in _METHODS
                found.add(use.name.rpartition(".")[0] if member else use.name)
    return sorted(found)


def _objects(env: BuildEnvironment) -> Any:
    return env.get_domain("py").objects  # type: ignore[attr-defined]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the lists and the links into their places, now that all pages have been read."""
    for place in list(doctree.findall(Place)):
        if name := place["entry"]:
            line = _line("Used in: ", _chapters(app, docname, name), ", ", "api-uses")
        else:
            line = _line("From the package: ", _entries(app, docname), "; ", "api-names")
        place.replace_self(line)
    if app.builder.format == "html" and docname in _all(app.env):
        for block, (_, uses) in zip(code_blocks(doctree), _all(app.env)[docname], strict=True):
            links = list(_links(app, docname, uses))
            if links:
                block.replace_self(nodes.raw("", _linked(app, block, links), format="html"))


def _chapters(app: Sphinx, docname: str, name: str) -> list[nodes.Node]:
    return [
        make_refnode(
            app.builder, docname, chapter, section, nodes.Text(app.env.titles[chapter].astext())
        )
        for chapter, section in first_uses(app.env, name).items()
    ]


def _entries(app: Sphinx, docname: str) -> list[nodes.Node]:
    """Return, for each module, its name and links to those of its entries that a chapter uses."""
    objects = _objects(app.env)
    modules: list[nodes.Node] = []
    for module, names in groupby(used(app.env, docname), lambda name: name.rpartition(".")[0]):
        part = nodes.inline(classes=["api-module"])
        part += nodes.Text(f"{module.removeprefix('slth.')}: ")
        links = [
            make_refnode(
                app.builder,
                docname,
                objects[name].docname,
                objects[name].node_id,
                nodes.literal(text=name.rpartition(".")[2]),
            )
            for name in names
        ]
        part += _joined(links, ", ")
        modules.append(part)
    return modules


def _joined(parts: Sequence[nodes.Node], sign: str) -> list[nodes.Node]:
    """Put a sign between nodes."""
    return [one for part in parts for one in (nodes.Text(sign), part)][1:]


def _line(title: str, parts: Sequence[nodes.Node], sign: str, style: str) -> list[nodes.Node]:
    """Return a paragraph with a title and its parts, or nothing if there are none."""
    if not parts:
        return []
    paragraph = nodes.paragraph(classes=[style])
    paragraph += [nodes.strong(text=title), *_joined(parts, sign)]
    return [paragraph]


def _links(app: Sphinx, docname: str, uses: Sequence[cells.Use]) -> Iterator[tuple[cells.Use, str]]:
    """Yield each use that has an entry with its address."""
    for use in uses:
        entry = _objects(app.env).get(use.name)
        if entry is not None:
            address = app.builder.get_relative_uri(docname, entry.docname)
            yield use, f"{address}#{entry.node_id}"


def _linked(app: Sphinx, block: nodes.literal_block, links: Sequence[tuple[cells.Use, str]]) -> str:
    """Return the highlighted code as Sphinx makes it, with its names linked."""
    language = block["language"]
    shown = app.builder.highlighter.highlight_block(block.rawsource, language)  # type: ignore[attr-defined]
    return (
        f'<div class="highlight-{language} notranslate">'
        f"{link_names(shown, block.rawsource, links)}</div>\n"
    )


def link_names(shown: str, source: str, links: Sequence[tuple[cells.Use, str]]) -> str:
    """Put links around names in highlighted code.

    The Tab key passes them by: the list at the end of the page has each of them once.

    Parameters
    ----------
    shown
        HTML whose text is the code.
    source
        The code.
    links
        Names and addresses.

    Raises
    ------
    ValueError
        If the text of the HTML is not the code.
    """
    text = unescape(re.sub(r"<[^>]*>", "", shown))
    if text.strip() != source.strip():
        raise ValueError(f"highlighting changed the code:\n{source}")
    place = {(use.start, use.end): (use.name, address) for use, address in links}
    at = len(source) - len(source.lstrip()) - (len(text) - len(text.lstrip()))
    parts = []
    for part in re.findall(r"<[^>]*>|[^<]+", shown):
        if part.startswith("<"):
            parts.append(part)
            continue
        end = at + len(unescape(part))
        name, address = place.get((at, end), ("", ""))
        parts.append(
            f'<a class="api-link" tabindex="-1" href="{escape(address)}" title="{name}">{part}</a>'
            if name
            else part
        )
        at = end
    return "".join(parts)


def setup(app: Sphinx) -> None:
    """Register the places, what finds the names and what fills the places."""
    app.add_node(Place)
    app.add_directive("used-in", PlaceDirective)
    app.add_directive("from-the-package", PlaceDirective)
    app.connect("source-read", announce)
    app.connect("doctree-read", read)
    app.connect("env-purge-doc", forget)
    app.connect("doctree-resolved", fill)
