"""The whole book as one HTML document, made of its pages: what is printed."""

import posixpath
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

from book.make.project import BuildError, Project, toc_files

LEFT_OUT = (
    "[hidden], script, style, link, button, input, select, textarea, canvas, iframe, dialog, nav, "
    ".actions, a.headerlink, details.hide.above-input, .sd-hide-link-text, .toctree-wrapper, "
    ".d-print-none, .only-dark, .dark-only"
)
"""What serves no reader of paper; the code that the pages fold away is among it."""

HTML = "../html"
"""The way from the folder of the document to that of the pages."""

ANSWERS = "hints-and-solutions"
"""The name of the chapter that only the printed book has."""

LONG = 40
"""From this length on, in characters of TeX, a formula may need to break across lines."""


@dataclass(frozen=True)
class Page:
    """One page of the book: its address below the HTML folder, its part, its content."""

    name: str
    part: str
    article: Tag


@dataclass(frozen=True)
class Entry:
    """A line of the contents: what it says, and the anchor of its heading."""

    level: int
    part: str
    number: str
    html: str
    anchor: str

    def text(self) -> str:
        """Return number and title without mark-up."""
        title = BeautifulSoup(self.html, "lxml").get_text().replace("\\(", "").replace("\\)", "")
        return " ".join(f"{self.number} {title}".split())


def parts(toc: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each document of a table of contents with the caption of its part."""
    yield from ((name, "") for name in toc_files({"root": toc["root"]}))
    for part in [*toc.get("parts", []), {"chapters": toc.get("chapters", [])}]:
        yield from ((name, part.get("caption", "")) for name in toc_files(part["chapters"]))


def pages(project: Project, html: Path) -> list[Page]:
    """Read the built pages in the order of the table of contents.

    Raises
    ------
    BuildError
        If one is missing.
    """
    found = []
    for name, part in parts(project.toc()):
        path = html / f"{name}.html"
        article = (
            BeautifulSoup(path.read_bytes(), "lxml").select_one("article.bd-article")
            if path.is_file()
            else None
        )
        if article is None:
            raise BuildError(f"{path} is not a page of the book; build the book first")
        found.append(Page(name, part, article))
    return found


def anchor(name: str, fragment: str = "") -> str:
    """Return the name that an anchor of a page has in the whole book."""
    return f"{name}/{fragment}" if fragment else name


def assemble(project: Project, html: Path) -> tuple[list[Page], list[Entry]]:
    """Return the pages with their content for paper, and the contents of the book."""
    found = pages(project, html)
    names = {page.name for page in found}
    adapted = [replace(page, article=adapt(page, names)) for page in found]
    adapted += answers(adapted)
    return adapted, [line for page in adapted for line in entries(page)]


def answers(chapters: list[Page]) -> list[Page]:
    """Move hints and solutions out of the chapters, into a chapter of their own at the end.

    A reader of paper cannot open them, and should not see them before having thought.
    """
    soup = BeautifulSoup("<section><h1>Hints and solutions</h1></section>", "lxml")
    section = cast(Tag, soup.section)
    section.attrs = {"class": ["chapter"], "id": ANSWERS}
    for page in chapters:
        found = page.article.select(".admonition.hint, .solution")
        if not found:
            continue
        title = cast(Tag, page.article.h1).get_text(strip=True)
        heading = soup.new_tag("h2", attrs={"id": anchor(ANSWERS, page.name)})
        heading.string = title
        section.append(heading)
        for answer in found:
            exercise = answer.find_previous(class_="exercise")
            head = answer.select_one(".admonition-title")
            name = exercise.select_one(".admonition-title") if exercise else None
            if "hint" in answer["class"] and head and name:
                head.string = f"Hint for {name.get_text(' ', strip=True)}"
            section.append(answer.extract())
    return [Page(ANSWERS, "Reference", section)] if len(section.select("h2")) else []


def adapt(page: Page, names: set[str]) -> Tag:
    """Return a page's content for paper, with links and anchors of the whole book.

    Parameters
    ----------
    page
        The page.
    names
        All pages; a link to one of them becomes a link inside the document.
    """
    article = copy(page.article)
    for tag in article.select("noscript"):
        tag.unwrap()
    for check in article.select(".cell.check > details"):
        line = check.select_one(".admonition-title")
        check.replace_with(_check_line(line.get_text() if line else ""))
    for tag in article.select(LEFT_OUT):
        tag.decompose()
    for cell in article.select("div.cell, div.cell_output"):
        if not cell.get_text(strip=True) and not cell.find(["img", "svg"]):
            cell.decompose()
    for claim in article.select("[id^=claim-]"):
        identifier = str(claim["id"]).removeprefix("claim-")
        code = BeautifulSoup(f"<code>{escape(identifier)}</code>", "lxml").code or ""
        (claim.h3 or claim).extend([" ", code])
    for details in article.select("details"):
        details["open"] = ""
    seen: set[str] = set()
    for tag in article.select("[id]"):
        if tag.find_parent("svg") or tag.name == "svg":
            continue
        if tag["id"] in seen:
            del tag["id"]
        else:
            seen.add(str(tag["id"]))
            tag["id"] = anchor(page.name, str(tag["id"]))
    # a section may begin at the end of one printed page, and its heading on the next
    for heading in article.select("section[id] > :is(h2, h3):not([id])"):
        heading["id"] = heading.parent.attrs.pop("id")
    for tag in article.select("[href]"):
        target = _target(page.name, str(tag["href"]), names)
        if target is not None:
            tag["href"] = target
        elif tag.name == "a" and not tag.find_parent("svg"):
            tag.unwrap()
        else:
            del tag["href"]
    for tag in article.select("[src]"):
        folder = posixpath.dirname(page.name)
        tag["src"] = posixpath.normpath(posixpath.join(HTML, folder, str(tag["src"])))
    for together in article.select("span.together"):
        if len(together.get_text()) > LONG:
            together.unwrap()
    article.name = "section"
    article.attrs = {"class": ["chapter"], "id": page.name}
    return article


def _check_line(text: str) -> Tag:
    """Return what paper shows of a folded check."""
    soup = BeautifulSoup(f'<p class="check-line">✔ {escape(text)}</p>', "lxml")
    return cast(Tag, soup.p)


def _target(name: str, href: str, names: set[str]) -> str | None:
    """Where a link of a page leads in the whole book; None if there is no such place on paper."""
    parsed = urlsplit(href)
    if parsed.scheme or parsed.netloc:
        return href
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parsed.path)))
    other = path.removesuffix(".html") if parsed.path else name
    return f"#{anchor(other, unquote(parsed.fragment))}" if other in names else None


def entries(page: Page) -> list[Entry]:
    """Return the contents of an adapted page: its title and its sections."""
    found = []
    for heading in page.article.select("h1, h2"):
        named = heading.has_attr("id")
        section = heading if named else heading.find_parent(["section", "span"], id=True)
        if section is None or heading.find_parent(class_="admonition"):
            continue
        title = copy(heading)
        number = title.select_one(".section-number")
        text = number.extract().get_text(strip=True) if number else ""
        for link in title.select("a"):
            link.unwrap()
        level = int(heading.name[1])
        identifier = page.name if level == 1 else str(section["id"])
        found.append(Entry(level, page.part, text, title.decode_contents().strip(), identifier))
    return found


def contents(lines: list[Entry], numbers: Mapping[str, int]) -> str:
    """Return the table of contents, with the page numbers that are known."""
    rows, part = [], ""
    for line in lines:
        if line.part != part:
            part = line.part
            rows.append(f'<p class="part">{escape(part)}</p>')
        rows.append(
            f'<p class="level-{line.level}"><a href="#{escape(line.anchor)}">'
            f'<span class="number">{line.number}</span><span class="title">{line.html}</span>'
            f'<span class="leader"></span><span class="page">{numbers.get(line.anchor, 0)}</span>'
            "</a></p>"
        )
    return f'<nav class="contents"><h1 id="contents">Contents</h1>{"".join(rows)}</nav>'


def running_heads(content: list[Page], lines: list[Entry]) -> str:
    """Return the style that puts a chapter's title at the top of its pages."""
    titles = {line.anchor: line.text() for line in lines if line.level == 1}
    rules = []
    for count, page in enumerate(content):
        title, part = (
            text.replace("\\", "\\\\").replace('"', '\\"')
            for text in (titles.get(page.name, ""), page.part)
        )
        rules.append(
            f'@page chapter-{count} {{ @top-left {{ content: "{part}"; }} '
            f'@top-right {{ content: "{title}"; }} }}\n'
            f'[id="{page.name}"] {{ page: chapter-{count}; }}'
        )
    return "\n".join(rules)
