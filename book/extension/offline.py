"""Pages that need no network: MathJax beside them, and nothing that calls out."""

import shutil
from importlib.metadata import files
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

_MATHJAX_PARTS = ("tex-chtml.js", "input/tex/extensions/", "output/chtml/fonts/woff-v2/")


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Take out the scripts of sphinx-thebe, which name a network address that is never used."""
    context["script_files"] = [
        script for script in context.get("script_files", []) if "thebe" not in _text(script)
    ]
    context["css_files"] = [
        style for style in context.get("css_files", []) if "thebe" not in _text(style)
    ]


def _text(asset: Any) -> str:
    return f"{getattr(asset, 'filename', asset)} {getattr(asset, 'attributes', {})}".lower()


def copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Put MathJax beside the pages, from the wheel sphinx-mathjax-offline."""
    if error is not None or app.builder.name != "html":
        return
    for entry in files("sphinx-mathjax-offline") or []:
        _, _, part = entry.as_posix().partition("/static/mathjax/")
        if part.startswith(_MATHJAX_PARTS):
            target = Path(app.outdir, "vendor", "mathjax", part)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(entry.locate()), target)


def setup(app: Sphinx) -> None:
    """Register what happens to each page, and after the last one."""
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", copy_mathjax)
