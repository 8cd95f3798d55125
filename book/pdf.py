"""Print the book: one PDF of all pages, made by Chromium from the built HTML.

python book/pdf.py                     of the published book, after `python book/build.py`
python book/pdf.py --profile fast      of the book with small parameters
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

import click
import matplotlib
import pypdf
import yaml
from playwright.sync_api import Browser, sync_playwright
from pypdf.generic import Fit, IndirectObject

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":  # the folder above, not the script's own
    sys.path[0] = str(ROOT)

from book import whole  # noqa: E402
from book.project import BuildError, Project, write_atomically  # noqa: E402
from slth import claims  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
FONTS = {
    ("Book", "normal", "normal"): "STIXGeneral.ttf",
    ("Book", "normal", "italic"): "STIXGeneralItalic.ttf",
    ("Book", "bold", "normal"): "STIXGeneralBol.ttf",
    ("Book", "bold", "italic"): "STIXGeneralBolIta.ttf",
    ("Code", "normal", "normal"): "DejaVuSansMono.ttf",
    ("Code", "bold", "normal"): "DejaVuSansMono-Bold.ttf",
    ("Signs", "normal", "normal"): "DejaVuSans.ttf",
}
"""The fonts of the text, which come with matplotlib: the PDF looks the same on every machine."""

MINUTES = 5
"""How long mathematics, or printing, may take."""


@dataclass(frozen=True)
class Imprint:
    """What the title page and the properties of the PDF say."""

    title: str
    author: str
    version: str
    revision: str
    day: date

    @classmethod
    def of(cls, project: Project) -> "Imprint":
        """Read it from the configuration, the citation file, and the commit if there is one."""
        config = yaml.safe_load((project.root / "_config.yml").read_text("utf-8"))
        citation = yaml.safe_load((project.root / "CITATION.cff").read_text("utf-8"))
        told = subprocess.run(
            ["git", "log", "-1", "--format=%h %cs"],
            cwd=project.root,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.split()
        revision, day = (told[0], date.fromisoformat(told[1])) if len(told) == 2 else ("", None)
        return cls(
            config["title"],
            config["author"],
            str(citation["version"]),
            revision,
            day or citation["date-released"],
        )


@dataclass(frozen=True)
class Place:
    """A place in the PDF: the page, counted from one, and the height on it in points."""

    page: int
    top: float


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium.

    Raises
    ------
    BuildError
        If it is not installed.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise BuildError(f"no browser: none of {', '.join(NAMES)} is installed; try `make browser`")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield running
        finally:
            running.close()


def title_page(imprint: Imprint, profile: str, drawing: str) -> str:
    """Return the title page."""
    day = f"{imprint.day.day} {imprint.day:%B %Y}"
    revision = f", revision {imprint.revision}" if imprint.revision else ""
    return (
        f'<header class="title-page"><h1>{escape(imprint.title)}</h1>'
        '<p class="subtitle">An executable companion to <em>On the Sparsity of the Strong Lottery '
        "Ticket Hypothesis</em><br>by Natale, Ferré, Giambartolomei, Giroire and Mallmann-Trenn, "
        "NeurIPS 2024</p>"
        f'{drawing}<p class="author">{escape(imprint.author)}</p>'
        f"<p>Version {escape(imprint.version)}{revision}<br>{day}</p>"
        f'<p class="note">All chapters were executed in the <em>{profile}</em> profile; every '
        "number in the text comes out of a cell. The code that the pages fold away, mostly that "
        "of the figures, is left out here.</p></header>"
    )


def document(
    project: Project, html: Path, profile: str, imprint: Imprint
) -> tuple[str, list[whole.Entry]]:
    """Return the document to print, with a mark where the contents go, and its contents."""
    pages = whole.pages(project, html)
    names = {page.name for page in pages}
    registry = claims.load(project.registry)
    way = os.path.relpath(html, html.parent / "pdf")
    adapted = [whole.adapt(page, names, way, registry) for page in pages]
    lines = [
        one
        for page, content in zip(pages, adapted, strict=True)
        for one in whole.entries(page, content)
    ]
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = "\n".join(
        f"@font-face {{ font-family: {family}; font-weight: {weight}; font-style: {style}; "
        f"src: url('{(folder / file).as_uri()}'); }}"
        for (family, weight, style), file in FONTS.items()
    )
    drawing = (project.root / "book" / "_static" / "ticket.svg").read_text("utf-8")
    style = (project.root / "book" / "pdf.css").read_text("utf-8")
    mathjax = (
        '{options: {processHtmlClass: "tex2jax_process|mathjax_process|math|output_area", '
        'enableMenu: false}, loader: {load: ["[tex]/ams"]}}'
    )
    text = (
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(imprint.title)}</title>"
        f'<link rel="stylesheet" href="{way}/_static/pygments.css">'
        f"<style>{fonts}\n{style}\n{whole.running_heads(pages, lines)}</style>"
        f"<script>window.MathJax = {mathjax}</script>"
        f'<script defer src="{way}/vendor/mathjax/tex-chtml.js"></script>'
        f'</head><body class="mathjax_ignore tex2jax_ignore">'
        f"{title_page(imprint, profile, drawing)}{CONTENTS}<main>"
        f"{''.join(map(str, adapted))}</main></body></html>"
    )
    return text, lines


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
  return document.querySelectorAll('mjx-merror').length;
}"""


def print_pages(browser: Browser, path: Path) -> bytes:
    """Open the document, wait for its mathematics, make everything fit, and print it."""
    page = browser.new_page(viewport={"width": 794, "height": 1123})
    page.set_default_timeout(60_000 * MINUTES)
    try:
        page.emulate_media(media="print", color_scheme="light")
        page.goto(path.as_uri(), wait_until="load")
        page.evaluate("MathJax.startup.promise.then(() => document.fonts.ready).then(() => null)")
        if wrong := page.evaluate(FIT):
            raise BuildError(f"{wrong} formulas of the book are wrong; the pages show which")
        return page.pdf(prefer_css_page_size=True, print_background=True, tagged=True)
    finally:
        page.context.close()


def places(reader: pypdf.PdfReader, lines: list[whole.Entry]) -> dict[str, Place]:
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
    imprint = Imprint.of(project)
    text, lines = document(project, html, profile, imprint)
    source, new = folder / "book.html", folder / "book.new.pdf"
    known: Mapping[str, Place] = {}
    with chromium() as browser:
        for _ in range(3):
            pages = {anchor: place.page for anchor, place in known.items()}
            write_atomically(source, text.replace(CONTENTS, whole.contents(lines, pages)))
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
    path: Path, imprint: Imprint, lines: list[whole.Entry], known: Mapping[str, Place]
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
