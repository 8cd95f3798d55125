"""Pages that need no network: MathJax lies beside them."""

import shutil
from importlib.metadata import files
from pathlib import Path

from sphinx.application import Sphinx

_MATHJAX_PARTS = ("tex-chtml.js", "input/tex/extensions/", "output/chtml/fonts/woff-v2/")


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
    """Register what happens after the last page."""
    app.connect("build-finished", copy_mathjax)
