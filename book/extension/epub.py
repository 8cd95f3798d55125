"""The book for electronic readers: Sphinx's EPUB, with formulas as MathML."""

import posixpath
import re
import unicodedata
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from latex2mathml.converter import convert
from lxml import etree
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)

SVG = "http://www.w3.org/2000/svg"
PROPERTIES = {"mathml": "<math ", "svg": "<svg "}
"""What the list of files must say of a page that holds such a tag."""


STYLES = {f"_static/{name}.css" for name in ("epub", "pygments", "reader")}
"""The styles of a page: those of Sphinx, and the book's own."""

MENDED = (
    (r'<mi mathvariant="(double-struck|script)">([A-Z])<', lambda m: f"<mi>{letter(m[1], m[2])}<"),
    (r"<mi>&#x0007E;</mi>", "<mo>∼</mo>"),
    # as TeX does, set names of functions a bit apart, bars and strokes not at all
    (r"<m[io][^>]*>([A-Za-z]{2,})</m[io]>", r'<mo lspace="0.167em" rspace="0.167em">\1</mo>'),
    (
        r'<mo(?: \w+="false")*>(&#x0007C;|&#x02016;|&#x0002F;)</mo>',
        r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>',
    ),
    # a minus after what opens or compares belongs to what follows
    (
        r"(<mo[^>]*>(?:[\[,(]|&#x000(?:28|2C|3C|3D|3E);|&#x0226[45];)</mo>)<mo>&#x02212;</mo>",
        r'\1<mo form="prefix">&#x02212;</mo>',
    ),
)
"""What readers would show otherwise than MathJax, and what takes its place."""


class EpubBuilder(Epub3Builder):
    """Sphinx's builder, mended: chapters that lie beside the folder of the first page are found.

    The list of files says which pages hold formulas and drawings, and old addresses are left out.
    """

    def init(self) -> None:
        """Begin."""
        super().init()
        self.config.redirects = {}

    def toc_add_files(self, refnodes: list[dict[str, Any]]) -> None:
        """Note the pages of the table of contents, by their names in the archive."""
        for node in refnodes:
            node["refuri"] = posixpath.normpath(node["refuri"])
        super().toc_add_files(refnodes)

    def build_epub(self) -> None:
        """Complete the list of files, and pack them."""
        path = Path(self.outdir, "content.opf")

        def item(match: re.Match[str]) -> str:
            page = Path(self.outdir, match[1]).read_text("utf-8")
            held = " ".join(name for name, tag in PROPERTIES.items() if tag in page)
            return f'{match[0]} properties="{held}"' if held else match[0]

        pages = r'href="([^"]+\.xhtml)" media-type="[^"]+"(?= />)'
        path.write_text(re.sub(pages, item, path.read_text("utf-8")), "utf-8")
        super().build_epub()


def letter(style: str, capital: str) -> str:
    """Return a letter of one of Unicode's mathematical alphabets.

    >>> letter("double-struck", "R") + letter("script", "N")
    'ℝ𝒩'
    """
    name = f"{style.upper()} CAPITAL {capital}"
    try:
        return unicodedata.lookup(f"MATHEMATICAL {name}")
    except KeyError:  # Unicode had it before
        return unicodedata.lookup(name)


def formula(node: nodes.Element, display: str) -> str:
    """Return a formula as MathML; what cannot be read is a warning, and stays in TeX."""
    tex = str(node.astext()).replace("{aligned}", "{split}")  # the name that the converter knows
    if "\\\\" in tex and "\\begin" not in tex:  # Sphinx aligns such lines
        tex = rf"\begin{{split}}{tex}\end{{split}}"
    try:
        found: str = convert(tex, display=display)
        for pattern, right in MENDED:
            found = re.sub(pattern, right, found)
        if left := re.findall(r">(\\\w+)<", found):
            raise ValueError(f"{left[0]} is not known")
        etree.fromstring(found)
    except Exception as error:  # the converter has no exception of its own for what it cannot read
        LOGGER.warning("no formula: %s: %s", tex, error, location=node)
        return f"<code>{escape(tex)}</code>"
    return found


def plain_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out styles that are made for browsers; name the language of drawings."""
    if app.builder.name != "epub":
        return
    styles = [style for style in context["css_files"] if str(style.filename) in STYLES]
    context["css_files"] = styles
    if "body" in context:
        named = re.sub(r"<svg (?![^>]*xmlns)", f'<svg xmlns="{SVG}" ', context["body"])
        context["body"] = named


def visit_math(translator: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula in a sentence."""
    translator.body.append(f'<span class="math">{formula(node, "inline")}</span>')
    raise nodes.SkipNode


def visit_math_block(translator: HTML5Translator, node: nodes.Element) -> None:
    """Write a formula on a line of its own, with its number if it has one."""
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})</span>')
    translator.body.append(f"{formula(node, 'block')}</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the builder, and MathML as one of the ways to write a formula."""
    app.connect("html-page-context", plain_page, priority=900)
    app.add_builder(EpubBuilder, override=True)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
