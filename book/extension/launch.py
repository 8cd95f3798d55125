"""The panel under a chapter's title: how long it takes, and where to run it."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

from book.extension.footer import ANCHOR
from book.extension.generated import collected
from book.extension.notebooks import FOLDER
from book.extension.notebooks.folder import binder, colab
from book.extension.notebooks.notebook import duration


def panel(name: str, profile: str, result: Mapping[str, Any], repository: str | None) -> str:
    """Return the panel of a chapter as HTML.

    Parameters
    ----------
    name
        Stem of the chapter.
    profile, result
        The run that the page shows.
    repository
        OWNER/NAME of the published book on GitHub, if there is one.
    """
    other = "" if profile == "full" else f" ({escape(profile)} profile)"
    items = [
        f'<li class="launch-time">Runs in <strong>{duration(result["seconds"])}</strong>{other} · '
        f'<a href="#{ANCHOR}">change parameters</a></li>',
        f'<li><a class="launch-button launch-main" href="{FOLDER}/{name}.ipynb" download>'
        "Download notebook</a></li>",
    ]
    if repository is not None:
        items += [
            f'<li><a class="launch-button" href="{escape(address)}" '
            f'aria-label="Open in {place}">{place}</a></li>'
            for place, address in (
                ("Colab", colab(repository, name)),
                ("Binder", binder(repository, name)),
            )
        ]
    return f'<nav class="launch" aria-label="Run this chapter"><ul>{"".join(items)}</ul></nav>'


def add_panel(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the panel under the title of a chapter's page; other formats have no links to it."""
    if app.builder.name != "html" or not docname.startswith("notebooks/"):
        return
    results, name = collected(app.env), Path(docname).name
    result = results["chapters"].get(name)
    title = next(iter(doctree.findall(nodes.title)), None)
    if result is None or title is None:
        return
    html = panel(name, results["profile"], result, app.config.slth_repository or None)
    title.parent.insert(title.parent.index(title) + 1, nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> None:
    """Register the panel."""
    app.connect("doctree-resolved", add_panel)
