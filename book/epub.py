"""Pack the book: one EPUB of all pages, their formulas as MathML.

python book/epub.py                     of the published book, after `python book/build.py`
python book/epub.py --profile fast      of the book with small parameters
"""

import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

import click
from lxml import etree

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":  # the folder above, not the script's own
    sys.path[0] = str(ROOT)

from book import typeset, whole  # noqa: E402
from book.archive import File, pack  # noqa: E402
from book.browser import chromium  # noqa: E402
from book.mathml import MATHML, mend  # noqa: E402
from book.project import BuildError, Project, write_atomically  # noqa: E402

XHTML = "http://www.w3.org/1999/xhtml"
SVG = "http://www.w3.org/2000/svg"
OPS = "http://www.idpf.org/2007/ops"
COVER = """
body { margin: 0; background: #fff; color: #111; }
.title-page { display: grid; box-sizing: border-box; height: 100vh; align-content: center; }
"""
"""How the title page becomes the picture that libraries show."""

TAKE = """() => {
  'use strict';
  for (const box of document.querySelectorAll('mjx-container')) {
    box.replaceWith(box.querySelector('mjx-assistive-mml math'));
  }
  const serializer = new XMLSerializer();
  return [...document.body.children].map((part) => serializer.serializeToString(part));
}"""


def file_name(page: str) -> str:
    """Return the name of the file of a page."""
    return f"{page.replace('/', '-')}.xhtml"


def navigation(lines: Sequence[whole.Entry]) -> str:
    """Return the table of contents: parts, chapters, sections."""

    def nested(items: Sequence[str]) -> str:
        return f"<ol>{''.join(f'<li>{item}</li>' for item in items)}</ol>" if items else ""

    top: list[str] = []
    for part, group in groupby(lines, key=lambda line: line.part):
        chapters: list[list[str]] = []
        for line in group:
            title = f"{line.number} {line.html}".strip()
            link = f'<a href="#{escape(line.anchor)}">{title}</a>'
            if line.level == 1:
                chapters.append([])
            chapters[-1].append(link)
        rows = [first + nested(sections) for first, *sections in chapters]
        top += [f"<span>{escape(part)}</span>{nested(rows)}"] if part else rows
    return f"<nav><h1>Contents</h1>{nested(top)}</nav>"


def resolve(parts: Mapping[str, etree._Element]) -> None:
    """Turn anchors and links of the whole book into those of files.

    Raises
    ------
    BuildError
        If a link leads nowhere.
    """
    places: dict[str, str] = {}
    for name, root in parts.items():
        for tag in root.iterfind(".//*[@id]"):
            if tag.get("id").startswith(f"{name}/"):
                fragment = tag.get("id").removeprefix(f"{name}/").replace("/", "-")
                places[tag.get("id")] = f"{file_name(name)}#{fragment}"
                tag.set("id", fragment)
        places[name] = file_name(name)
        root.attrib.pop("id", None)
    for name, root in parts.items():
        for tag in root.iterfind(".//*[@href]"):
            target = tag.get("href")
            if not target.startswith("#"):
                continue
            if target[1:] not in places:
                raise BuildError(f"{name} links to {target}, which is not in the book")
            tag.set("href", places[target[1:]])


def take_images(root: etree._Element, folder: Path) -> list[File]:
    """Return the images of a part, and let it refer to them inside of the archive."""
    found = []
    for image in root.iter(f"{{{XHTML}}}img"):
        path = folder / image.get("src")
        content = path.read_bytes()
        image.set("src", f"images/{path.name}")
        found.append(File(image.get("src"), unique(content) if path.suffix == ".svg" else content))
    return found


def unique(drawing: bytes) -> bytes:
    """Return an SVG without ids that come twice: matplotlib repeats those of equal images."""
    root = etree.fromstring(drawing)
    seen: set[str] = set()
    for tag in root.iterfind(".//*[@id]"):
        if tag.get("id") in seen:
            del tag.attrib["id"]
        else:
            seen.add(tag.get("id"))
    text: bytes = etree.tostring(root.getroottree(), xml_declaration=True, encoding="utf-8")
    return text


SKELETON = f"""<html xmlns="{XHTML}" xmlns:epub="{OPS}" lang="en" xml:lang="en"><head><title/>
<link rel="stylesheet" type="text/css" href="style.css"/></head><body/></html>"""


def xhtml(name: str, root: etree._Element) -> File:
    """Return a part of the book as a file."""
    html = etree.fromstring(SKELETON)
    heading = next(root.iter(f"{{{XHTML}}}h1"))
    next(html.iter(f"{{{XHTML}}}title")).text = " ".join("".join(heading.itertext()).split())
    next(html.iter(f"{{{XHTML}}}body")).append(root)
    marks = {"nav": f"{{{XHTML}}}nav", "mathml": f"{{{MATHML}}}math", "svg": f"{{{SVG}}}svg"}
    for nav in html.iter(marks["nav"]):
        nav.set(f"{{{OPS}}}type", "toc")
    text = etree.tostring(html, xml_declaration=True, encoding="utf-8", doctype="<!DOCTYPE html>")
    used = [mark for mark, tag in marks.items() if next(html.iter(tag), None) is not None]
    return File(file_name(name), text, " ".join(used))


def code_style(css: str) -> str:
    """Return the colours that code has in the pages, for light readers and for dark ones."""
    light, dark = (
        "\n".join(re.findall(rf'^html\[data-theme="{theme}"\] (.*)$', css, re.MULTILINE))
        for theme in ("light", "dark")
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def write(project: Project, profile: str) -> Path:
    """Pack the built book of a profile and return the path of the EPUB.

    Raises
    ------
    BuildError
        If the book is not built, a formula is wrong, or a link leads nowhere.
    """
    html = project.build / profile / "html"
    folder = html.parent / "epub"
    imprint = typeset.Imprint.of(project)
    pages, lines = whole.assemble(project, html)
    contents = [typeset.title_page(project, imprint, profile), navigation(lines)]
    contents += [str(page.article) for page in pages]
    source = folder / "book.html"
    write_atomically(source, typeset.document(imprint.title, "", "".join(contents)))
    style = (project.root / "book" / "epub.css").read_text("utf-8")
    with chromium() as browser, typeset.opened(browser, source) as page:
        page.set_viewport_size({"width": 900, "height": 1200})
        page.add_style_tag(content=style + COVER)
        cover = File("cover.png", page.locator(".title-page").screenshot(), "cover-image")
        parts = [etree.fromstring(text) for text in page.evaluate(TAKE)]
    named = dict(zip(["cover", "nav", *(page.name for page in pages)], parts, strict=True))
    resolve(named)
    images: dict[str, File] = {}
    for root in parts:
        mend(root)
        images |= {image.name: image for image in take_images(root, folder)}
    spine = [xhtml(name, root) for name, root in named.items()]
    style += code_style((html / "_static" / "pygments.css").read_text("utf-8"))
    files = [*spine, cover, File("style.css", style.encode()), *images.values()]
    final = folder / "strong-lottery-tickets.epub"
    pack(final, imprint, profile, files, spine)
    return final


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", type=click.Choice(["full", "fast"]), default="full", show_default=True)
def main(profile: str) -> None:
    """Pack the built book as one EPUB, and print its path."""
    try:
        click.echo(write(Project(ROOT), profile))
    except BuildError as error:
        click.echo(click.style("The book is not packed.", fg="red", bold=True), err=True)
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
