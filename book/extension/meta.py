"""What other programs read: descriptions, social cards, the sitemap, the page for wrong addresses.

Most of it needs absolute addresses, and is there only if the book's own address is known.
"""

from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.config import Config

from book.card import HEIGHT, WIDTH, card

CARD = "_static/social-card.png"
NO_CONTENT = ["search.html", "genindex.html", "prf-prf.html"]
"""Pages that no search engine needs."""

THEME_COLORS = {"light": "#ffffff", "dark": "#14181e"}


def activate(app: Sphinx, config: Config) -> None:
    """Load the extensions that need an address, if there is one."""
    if not config.html_baseurl:
        return
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("sphinx_sitemap")
    config.sitemap_url_scheme = "{link}"
    config.sitemap_excludes = NO_CONTENT
    config.ogp_site_url = config.html_baseurl
    config.ogp_site_name = config.html_title or config.project
    config.ogp_image = CARD
    config.ogp_image_alt = (
        f"{config.ogp_site_name}: a network with many faint edges, a few of them coloured."
    )
    config.ogp_enable_meta_description = False
    config.ogp_custom_meta_tags = [
        f'<meta property="og:image:width" content="{WIDTH}" />',
        f'<meta property="og:image:height" content="{HEIGHT}" />',
        '<meta name="twitter:card" content="summary_large_image" />',
    ]


def describe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the page its colour, and let the card say what the page's description says."""
    colors = [
        f'<meta name="theme-color" content="{color}" media="(prefers-color-scheme: {scheme})" />'
        for scheme, color in THEME_COLORS.items()
    ]
    context["metatags"] = "\n".join([context.get("metatags", ""), *colors, ""])
    described = [
        node["content"]
        for node in (doctree.findall(nodes.meta) if doctree is not None else [])
        if node.get("name") == "description"
    ]
    if described:
        context["meta"] = {**(context.get("meta") or {}), "og:description": escape(described[0])}


def write_files(app: Sphinx, error: Exception | None) -> None:
    """Write the card, robots.txt and the page for wrong addresses."""
    address = app.config.html_baseurl
    if error is not None or app.builder.format != "html" or not address:
        return
    folder, title = Path(app.outdir), app.config.ogp_site_name
    text = "Every theorem of a NeurIPS paper on pruning random networks: stated, computed, checked"
    place = urlsplit(address)
    image = card(title, f"{text} and broken.", f"{place.netloc}{place.path}".rstrip("/"))
    (folder / CARD).write_bytes(image)
    (folder / "robots.txt").write_text(
        f"User-agent: *\nAllow: /\nSitemap: {urljoin(address, 'sitemap.xml')}\n", "utf-8"
    )
    (folder / "404.html").write_text(not_found(title, address), "utf-8")


def not_found(title: str, address: str) -> str:
    """Return the page for wrong addresses: it may be shown at any depth, so it needs no file.

    Parameters
    ----------
    title, address
        Those of the book.
    """
    home, search = (urljoin(address, name) for name in ("book/index.html", "search.html"))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>No such page · {escape(title)}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 36rem; margin: 18vh auto 0; padding: 0 1.5rem; font: 1.1rem/1.6 sans-serif; }}
h1 {{ line-height: 1.2; }}
</style>
</head>
<body>
<main>
<h1>This number was not drawn</h1>
<p>There is no page at this address. It may have moved when a chapter was renamed.</p>
<p>Go to <a href="{escape(home)}">the first page</a>,
or <a href="{escape(search)}">search the book</a>.</p>
</main>
</body>
</html>
"""


def setup(app: Sphinx) -> None:
    """Register everything; what needs an address asks for it when the configuration is known."""
    app.connect("config-inited", activate)
    app.connect("html-page-context", describe, priority=400)
    app.connect("build-finished", write_files)
