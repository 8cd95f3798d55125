"""The book's Sphinx extension, one module for each thing that it adds to the pages."""

from typing import Any

from sphinx.application import Sphinx

from book.extension import (
    access,
    api,
    bibliography,
    checks,
    claims,
    cover,
    epub,
    explorer,
    footer,
    launch,
    ledger,
    meta,
    notebooks,
    offline,
    reading,
    repository,
    search,
    symbols,
    typography,
    uses,
)

# The last three write to the end of a chapter, in this order.
PARTS = (
    *(access, api, bibliography, checks, claims, cover, epub, explorer, launch, ledger, meta),
    *(notebooks, offline, reading, repository, search, typography, uses, symbols, footer),
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_config_value("slth_results", "", "env", [str])
    app.add_config_value("slth_repository", "", "env", [str])
    for part in PARTS:
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
