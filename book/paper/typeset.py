"""The printed book as a document: the imprint, the title page, opening it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

import matplotlib
import yaml
from playwright.sync_api import Browser, Page

from book.make.project import BuildError, Project
from book.paper.document import HTML

MINUTES = 5
"""How long mathematics, or printing, may take."""

FONTS = {
    ("Book", "normal", "normal"): "STIXGeneral.ttf",
    ("Book", "normal", "italic"): "STIXGeneralItalic.ttf",
    ("Book", "bold", "normal"): "STIXGeneralBol.ttf",
    ("Book", "bold", "italic"): "STIXGeneralBolIta.ttf",
    ("Code", "normal", "normal"): "DejaVuSansMono.ttf",
    ("Code", "bold", "normal"): "DejaVuSansMono-Bold.ttf",
    ("Signs", "normal", "normal"): "DejaVuSans.ttf",
}
"""The fonts of the text, which come with matplotlib: print looks the same on every machine."""

MATHJAX = (
    '{options: {processHtmlClass: "tex2jax_process|mathjax_process|math|output_area", '
    'enableMenu: false}, loader: {load: ["[tex]/ams"]}}'
)


@dataclass(frozen=True)
class Imprint:
    """What the title page and the properties of the file say."""

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


@contextmanager
def opened(browser: Browser, path: Path) -> Iterator[Page]:
    """Open a document as for print, and wait for its mathematics.

    Raises
    ------
    BuildError
        If a formula is wrong.
    """
    page = browser.new_page(viewport={"width": 794, "height": 1123})
    page.set_default_timeout(60_000 * MINUTES)
    try:
        page.emulate_media(media="print", color_scheme="light")
        page.goto(path.as_uri(), wait_until="load")
        page.evaluate("MathJax.startup.promise.then(() => document.fonts.ready).then(() => null)")
        if wrong := page.locator("mjx-merror").count():
            raise BuildError(f"{wrong} formulas of the book are wrong; the pages show which")
        yield page
    finally:
        page.context.close()


def document(title: str, head: str, body: str) -> str:
    """Return an HTML document whose formulas MathJax sets; it lies in a folder beside the pages."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = "\n".join(
        f"@font-face {{ font-family: {family}; font-weight: {weight}; font-style: {style}; "
        f"src: url('{(folder / file).as_uri()}'); }}"
        for (family, weight, style), file in FONTS.items()
    )
    return (
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{fonts}</style>{head}"
        f"<script>window.MathJax = {MATHJAX}</script>"
        f'<script defer src="{HTML}/vendor/mathjax/tex-chtml.js"></script>'
        f'</head><body class="mathjax_ignore tex2jax_ignore">{body}</body></html>'
    )


def title_page(project: Project, imprint: Imprint, profile: str) -> str:
    """Return the title page."""
    drawing = (project.root / "book" / "_static" / "ticket.svg").read_text("utf-8")
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
        "of the figures, is left out here, and what moves in a browser stands still.</p></header>"
    )
