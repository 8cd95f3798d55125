"""What assistive technology is told: names, roles and landmarks that the tool chain gets wrong."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

MENDED = (
    # the summary says itself what it shows
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # deprecated, and no list item; its parent is a list
    (r'role="doc-biblioentry"', 'role="listitem"'),
    # the corner of a table heads nothing
    (r'<th class="head[^"]*">\s*(?:<p>\s*</p>)?\s*</th>', "<td></td>"),
)
"""Patterns in the HTML that myst-nb and docutils write, and what takes their place."""


def mend(html: str) -> str:
    """Return the body of a page with the names and roles corrected.

    >>> mend('<tr><th class="head"><p></p></th><th class="head"><p>n</p></th></tr>')
    '<tr><td></td><th class="head"><p>n</p></th></tr>'
    """
    for pattern, correct in MENDED:
        html = re.sub(pattern, correct, html)
    return unique_names(plain_parameters(html))


def plain_parameters(html: str) -> str:
    """Write the parameters of a long signature as lines, for a list without terms is none.

    >>> plain_parameters('<span class="sig-paren">(</span> <dl> <dd>x,</dd> </dl>')
    '<span class="sig-paren">(</span> <span class="sig-line">x,</span> '
    """

    def lines(match: re.Match[str]) -> str:
        found = re.sub(r"<dd>(.*?)</dd>\s*", r'<span class="sig-line">\1</span> ', match[2].strip())
        return match[1] + found

    return re.sub(r'(class="sig-paren">\(</span>\s*)<dl>(.*?)</dl>', lines, html, flags=re.DOTALL)


def name_toggles(html: str) -> str:
    """Say what the toggles of the table of contents show.

    >>> name_toggles('<a href="a.html">Theory</a><details><summary><i></i></summary>')
    '<a href="a.html">Theory</a><details><summary aria-label="Pages of Theory"><i></i></summary>'
    """
    return re.sub(r"([^<>]*)(</a><details[^>]*><summary)>", r'\1\2 aria-label="Pages of \1">', html)


def unique_names(html: str) -> str:
    """Leave each name to the first element that bears it; sphinx-proof gives some twice.

    >>> unique_names('<div id="thm"><p id="thm">Theorem</p></div><p id="next">')
    '<div id="thm"><p>Theorem</p></div><p id="next">'
    """
    seen: set[str] = set()

    def first(match: re.Match[str]) -> str:
        known = match[1] in seen
        seen.add(match[1])
        return "" if known else match[0]

    return re.sub(r' id="([^"]+)"', first, html)


def mend_body(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Correct the body of each page before it is put into the theme."""
    if "body" in context:
        context["body"] = mend(context["body"])


def mend_contents(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Correct the table of contents that the theme makes for each page."""
    if make := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = lambda *args, **kwargs: name_toggles(
            str(make(*args, **kwargs))
        )


def setup(app: Sphinx) -> None:
    """Register the correction, and the templates that come before the theme's."""
    app.config.templates_path.insert(0, str(Path(__file__).parent / "templates"))
    app.connect("html-page-context", mend_body)
    app.connect("html-page-context", mend_contents, priority=600)  # the theme: 500
