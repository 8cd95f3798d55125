"""Search without a server: what the pages say, by place, for the script of the search page."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import html
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder

from book.make.project import Project, toc_files

FILE = "search-entries.js"
"""What the search page loads, and no other page."""

KINDS = {"notebooks/": "chapter", "book/claims/": "claims", "book/api/": "reference", "": "page"}
"""Beginnings of pages' names, and what these pages are."""

UNSEEN = {"script", "style", "nav", "svg", "pre", "button", "form", "summary"}
"""Elements that are not searched."""

REPEATED = {
    *("headerlink", "section-number", "chapter-footer", "symbols", "launch", "cell_input"),
    *("claims-index", "claim-badge", "api-uses", "api-names"),
}
"""Classes of what repeats other places, or is no prose."""

PLACES = {"proof", "exercise", "py"}
"""Classes of what has a title and can be gone to, beside sections."""

HEADS = {"h1", "h2", "h3", "h4", "dt"}

BLOCKS = {"p", "li", "td", "th", "dt", "dd", "div", "figcaption", "section", "pre", "br"}


@dataclass
class Place:
    """A place on a page: its anchor, its title, and what it says outside the places in it."""

    anchor: str
    title: str
    words: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the words with single blanks."""
        return " ".join("".join(self.words).split())


def places(page: str) -> list[Place]:
    r"""Return the places of a page's HTML, in order; formulas stay TeX between ``\(`` and ``\)``.

    >>> page = '''<article class="bd-article"><section id="a"><h1>Sums</h1><p>Take <span
    ...   class="math">\\(n\\)</span>.</p><div class="proof" id="t"><p class="admonition-title">
    ...   Theorem 1</p>All <b>of it</b>.</div></section></article>'''
    >>> [(one.anchor, one.title, one.text()) for one in places(page)]
    [('a', 'Sums', 'Take \\(n\\).'), ('t', 'Theorem 1', 'All of it.')]
    """
    articles = html.fromstring(page).iter("article")
    article = next((one for one in articles if "bd-article" in _classes(one)), None)
    return [] if article is None else list(_walk(article, Place("", "")))


def _classes(element: Any) -> set[str]:
    return set((element.get("class") or "").split())


def _walk(element: Any, place: Place) -> Iterator[Place]:
    """Yield the places in an element, and give the words outside them to ``place``."""
    if not isinstance(element.tag, str) or element.tag in UNSEEN:  # a comment has no name
        return
    classes = _classes(element)
    if classes & REPEATED or (
        element.tag == "p" and "cell_output" in _classes(element.getparent())
    ):
        return
    gap = " " if element.tag in BLOCKS else ""
    place.words.append(gap)
    outer, head = place, None
    if element.tag == "section" or classes & PLACES:
        head = next((one for one in element if _is_head(one)), None)
    if head is not None:
        title = str(head.get("id")) if head.tag == "dt" else _plain(head)
        place = Place(str(element.get("id") or head.get("id") or place.anchor), title)
        yield place
    if "math" in classes:
        place.words.append(_formula(element))
    else:
        place.words.append(element.text or "")
        for child in element:
            if child is not head:
                yield from _walk(child, place)
            place.words.append(child.tail or "")
    outer.words.append(gap)


def _is_head(element: Any) -> bool:
    return element.tag in HEADS or "admonition-title" in _classes(element)


def _plain(title: Any) -> str:
    """Return a title, its formulas as TeX."""
    found = Place("", "")
    list(_walk(title, found))
    return found.text()


def _formula(element: Any) -> str:
    """Return a formula in a line as TeX without marks of its symbols, a displayed one as dots."""
    if element.tag == "div":
        return " … "
    return re.sub(r"\\class\{[^}]*\}", "", str(element.text_content()))


def kind(page: str) -> str:
    """Return what a page is.

    >>> kind("notebooks/relu-trick"), kind("book/notation")
    ('chapter', 'page')
    """
    return next(kind for start, kind in KINDS.items() if page.startswith(start))


def entries(folder: Path, pages: Sequence[str]) -> dict[str, Any]:
    """Return all that can be found: pages with address, title and kind, and their places.

    Parameters
    ----------
    folder
        Where the built pages are.
    pages
        Their names, in the order of the book.
    """
    found: dict[str, Any] = {"pages": [], "places": []}
    for page in pages:
        inside = places((folder / f"{page}.html").read_text("utf-8"))
        if inside:
            number = len(found["pages"])
            found["pages"].append([f"{page}.html", inside[0].title, kind(page)])
            found["places"] += [[number, one.anchor, one.title, one.text()] for one in inside]
    return found


def write(app: Sphinx, error: Exception | None) -> None:
    """Write what can be found beside the search page."""
    if error is not None or app.builder.name != "html":
        return
    order = toc_files(Project(Path(app.srcdir)).toc())
    pages = [page for page in order if page in app.env.found_docs]
    told = json.dumps(entries(Path(app.outdir), pages), ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, FILE).write_text(f"const searchEntries = {told};\n", "utf-8")


def without_index(app: Sphinx) -> None:
    """Do without Sphinx's index, which finds words but not where they stand."""
    if isinstance(app.builder, StandaloneHTMLBuilder):
        app.builder.search = False


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield the page that shows what is found."""
    if app.builder.name == "html":
        yield "search", {"title": "Search", "entries": FILE}, "search.html"


def setup(app: Sphinx) -> None:
    """Register what takes the place of Sphinx's index."""
    app.connect("builder-inited", without_index)
    app.connect("html-collect-pages", search_page)
    app.connect("build-finished", write)
