"""The book's Sphinx extension, one module for each thing that it adds to the pages."""

from typing import Any

from sphinx.application import Sphinx

from book.extension import api, claims, commands, footer, offline, uses

PARTS = (api, claims, commands, uses, footer, offline)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_config_value("slth_results", "", "env", [str])
    app.add_config_value("slth_repository", "", "env", [str])
    for part in PARTS:
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
