"""Print the book: one PDF of all pages, made by Chromium from the built HTML.

python -m book.paper.pdf                     of the published book, once it is built
python -m book.paper.pdf --profile fast      of the book with small parameters
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import pypdf
from playwright.sync_api import Browser
from pypdf.generic import Fit, IndirectObject

from book.make.project import ROOT, BuildError, Project, write_atomically
from book.paper import document, typeset
from book.paper.browser import chromium


@dataclass(frozen=True)
class Place:
    """A place in the PDF: the page, counted from one, and the height on it in points."""

    page: int
    top: float


def to_print(
    project: Project, html: Path, profile: str, imprint: typeset.Imprint
) -> tuple[str, list[document.Entry]]:
    """Return the document to print, with a mark where the contents go, and its contents."""
    pages, lines = document.assemble(project, html)
    style = (project.root / "book" / "paper" / "pdf.css").read_text("utf-8")
    body = (
        f"{typeset.title_page(project, imprint, profile)}{CONTENTS}<main>"
        f"{''.join(str(page.article) for page in pages)}</main>"
    )
    head = (
        f'<link rel="stylesheet" href="{document.HTML}/_static/pygments.css">'
        f"<style>{style}\n{document.running_heads(pages, lines)}</style>"
    )
    return typeset.document(imprint.title, head, body), lines


CONTENTS = "<!-- contents -->"

FIT = """() => {
  'use strict';
  /* What is wider than the page shrinks until it fits: formulas, then tables, then the rest. */
  const room = document.querySelector('main').getBoundingClientRect().right;
  const wide = (e) => e.getBoundingClientRect().right > room + 0.5;
  const block = (e) => e.parentElement.closest('p, li, td, th, dd, div, figcaption, section');
  for (const box of document.querySelectorAll('mjx-container')) {
    const limit = block(box).getBoundingClientRect().width;
    const width = (box.querySelector('mjx-math') || box).getBoundingClientRect().width;
    if (width > limit) box.style.fontSize = `${Math.floor(115 * limit / width) }%`;
    const again = (box.querySelector('mjx-math') || box).getBoundingClientRect().width;
    if (again > limit) {
      box.style.fontSize = `${parseFloat(box.style.fontSize) * limit / again * 0.99}%`;
    }
  }
  for (const table of document.querySelectorAll('main table')) {
    const limit = table.parentElement.getBoundingClientRect();
    const tooWide = () => table.getBoundingClientRect().width > limit.width + 0.5;
    for (let size = 95; tooWide() && size >= 60; size -= 5) table.style.fontSize = `${size}%`;
  }
  for (const e of document.querySelectorAll('main section > *, main li > *, main td > *')) {
    if (wide(e) && !e.matches('section')) {
      const box = e.getBoundingClientRect();
      e.style.zoom = (room - box.left) / box.width;
    }
  }
}"""


def print_pages(browser: Browser, path: Path) -> bytes:
    """Open the document, wait for its mathematics, make everything fit, and print it."""
    with typeset.opened(browser, path) as page:
        page.evaluate(FIT)
        return page.pdf(prefer_css_page_size=True, print_background=True, tagged=True)


def places(reader: pypdf.PdfReader, lines: list[document.Entry]) -> dict[str, Place]:
    """Return where each entry of the contents stands.

    Raises
    ------
    BuildError
        If an entry leads nowhere.
    """
    known = reader.named_destinations
    found = {}
    for line in lines:
        target = known.get(f"/{line.anchor}")
        number = None if target is None else reader.get_destination_page_number(target)
        if target is None or number is None:
            raise BuildError(f"the contents name {line.anchor!r}, which is not in the PDF")
        found[line.anchor] = Place(number + 1, float(target.top or 0))
    return found


def write(project: Project, profile: str) -> Path:
    """Print the built book of a profile and return the path of the PDF.

    The page numbers of the contents are known only after printing, so that we print twice; that
    they do not move is checked.

    Raises
    ------
    BuildError
        If the book is not built, a formula is wrong, or a heading cannot be found.
    """
    html = project.build / profile / "html"
    folder = html.parent / "pdf"
    imprint = typeset.Imprint.of(project)
    text, lines = to_print(project, html, profile, imprint)
    source, new = folder / "book.html", folder / "book.new.pdf"
    known: Mapping[str, Place] = {}
    with chromium() as browser:
        for _ in range(3):
            pages = {anchor: place.page for anchor, place in known.items()}
            write_atomically(source, text.replace(CONTENTS, document.contents(lines, pages)))
            new.write_bytes(print_pages(browser, source))
            before, known = known, places(pypdf.PdfReader(new), lines)
            if known == before:
                break
        else:
            raise BuildError("the page numbers of the contents do not settle")
    final = folder / "strong-lottery-tickets.pdf"
    describe(new, imprint, lines, known)
    new.replace(final)
    return final


def describe(
    path: Path, imprint: typeset.Imprint, lines: list[document.Entry], known: Mapping[str, Place]
) -> None:
    """Set the properties and the bookmarks of a PDF: parts, chapters, sections."""
    writer = pypdf.PdfWriter(clone_from=path)
    day = f"D:{imprint.day:%Y%m%d}000000Z"
    writer.add_metadata(
        {
            "/Title": imprint.title,
            "/Author": imprint.author,
            "/Subject": "An executable companion to "
            "'On the Sparsity of the Strong Lottery Ticket Hypothesis'",
            "/CreationDate": day,
            "/ModDate": day,
        }
    )
    part: IndirectObject | None = None
    above: IndirectObject | None = None
    caption = ""
    for line in lines:
        place = known[line.anchor]
        page, fit = place.page - 1, Fit.xyz(top=place.top)
        if line.part != caption:
            caption = line.part
            part = writer.add_outline_item(title=caption, page_number=page, is_open=False, fit=fit)
        item = writer.add_outline_item(
            title=line.text(),
            page_number=page,
            parent=part if line.level == 1 else above,
            is_open=False,
            fit=fit,
        )
        above = item if line.level == 1 else above
    writer.page_layout = "/SinglePage"
    writer.page_mode = "/UseOutlines"
    writer.write(path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", type=click.Choice(["full", "fast"]), default="full", show_default=True)
def main(profile: str) -> None:
    """Print the built book as one PDF, and its path."""
    try:
        click.echo(write(Project(ROOT), profile))
    except BuildError as error:
        click.echo(click.style("The book is not printed.", fg="red", bold=True), err=True)
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
