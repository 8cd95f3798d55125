"""What other programs read: descriptions, social cards, the sitemap, the page for wrong addresses.

Most of it needs absolute addresses, and is there only if the book's own address is known.
"""

from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.config import Config

CARD = {
    "image_mini": "book/_static/mark.png",  # favicon.svg in pixels: the cards take no SVG
    "font": "STIXGeneral",
    "background_color": "#fffdf8",
    "line_color": "#0072b2",
}
"""How the picture looks that other sites show beside a link to a page."""
NO_CONTENT = ["search.html"]
"""Pages that no search engine needs."""

THEME_COLORS = {"light": "#ffffff", "dark": "#14181e"}


def activate(app: Sphinx, config: Config) -> None:
    """Load the extensions that need an address, if there is one."""
    if not config.html_baseurl:
        return
    from sphinxext import opengraph  # type: ignore[import-untyped]

    app.setup_extension("sphinxext.opengraph")
    # the extension would take a page's first sentences, their TeX with them
    opengraph.get_description = lambda doctree, *_: description(doctree)
    app.setup_extension("sphinx_sitemap")
    config.sitemap_url_scheme = "{link}"
    config.sitemap_excludes = NO_CONTENT
    config.ogp_site_url = config.html_baseurl
    config.ogp_site_name = config.html_title or config.project
    config.ogp_social_cards = CARD
    config.ogp_enable_meta_description = False


def description(doctree: nodes.document) -> str:
    """Return what a page says of itself, or nothing."""
    said = (node for node in doctree.findall(nodes.meta) if node.get("name") == "description")
    return next((str(node["content"]) for node in said), "")


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the page its colour, and let the card say what the page's description says."""
    colors = [
        f'<meta name="theme-color" content="{color}" media="(prefers-color-scheme: {scheme})" />'
        for scheme, color in THEME_COLORS.items()
    ]
    context["metatags"] = "\n".join([context.get("metatags", ""), *colors, ""])
    if doctree is not None and (text := description(doctree)):
        said = dict.fromkeys(("og:description", "og:image:alt"), escape(text))
        context["meta"] = {**(context.get("meta") or {}), **said}


def write_files(app: Sphinx, error: Exception | None) -> None:
    """Write robots.txt and the page for wrong addresses."""
    address = app.config.html_baseurl
    if error is not None or app.builder.name != "html" or not address:
        return
    folder, told = Path(app.outdir), {"title": app.config.ogp_site_name, "address": address}
    (folder / "robots.txt").write_text(
        f"User-agent: *\nAllow: /\nSitemap: {urljoin(address, 'sitemap.xml')}\n", "utf-8"
    )
    # it may be shown at any depth, and so needs no file
    (folder / "404.html").write_text(app.builder.templates.render("404.html", told), "utf-8")


def setup(app: Sphinx) -> None:
    """Register everything; what needs an address asks for it when the configuration is known."""
    app.connect("config-inited", activate)
    app.connect("html-page-context", describe, priority=400)
    app.connect("build-finished", write_files)
