"""Clean notebooks: each chapter as an ordinary notebook that needs no extension to be read.

They are written from the resolved pages, while the pages are made: ``markdown`` writes a page as
plain Markdown, ``notebook`` puts the cells together, and ``folder`` has what else is published.
"""

import shutil
from pathlib import Path

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

from book.extension.generated import collected
from book.extension.notebooks import folder, notebook

FOLDER = "clean"
"""Where the notebooks lie, seen from the chapters' pages."""


def _target(app: Sphinx) -> Path:
    return Path(app.outdir, "notebooks", FOLDER)


def write(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the notebook of a chapter that has run, beside its page."""
    name = Path(docname).name
    ran = docname.startswith("notebooks/") and name in collected(app.env)["chapters"]
    if app.builder.name == "html" and ran:
        package = folder.package_source(Path(app.srcdir), app.config.slth_repository or None)
        made = notebook.notebook(app.env, docname, doctree, package)
        path = _target(app) / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook.text(made), "utf-8")


def write_rest(app: Sphinx, error: Exception | None) -> None:
    """Write what Binder needs beside the notebooks, and the list of them."""
    if error is not None or not _target(app).is_dir():
        return
    repository = app.config.slth_repository or None
    chapters = [
        (notebook.chapter_number(app.env, f"notebooks/{name}"), name, title.astext())
        for name in collected(app.env)["chapters"]
        if (title := app.env.titles.get(f"notebooks/{name}")) is not None
    ]
    package = folder.package_source(Path(app.srcdir), repository)
    for name, text in {
        "README.md": folder.readme(chapters, repository),
        "requirements.txt": folder.requirements(package),
        "runtime.txt": "python-3.11\n",
    }.items():
        (_target(app) / name).write_text(text, "utf-8")
    shutil.copy(Path(app.srcdir, "constraints.txt"), _target(app))


def setup(app: Sphinx) -> None:
    """Write from what is resolved, before other parts add what only a browser shows."""
    app.connect("doctree-resolved", write, priority=100)
    app.connect("build-finished", write_rest)
