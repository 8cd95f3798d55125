"""What is common to the directives: the collected results, and content made as Markdown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from docutils.statemachine import StringList  # type: ignore[import-untyped]
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from book import ledger


def collected(env: BuildEnvironment) -> Mapping[str, Any]:
    """Return the results that ``book/build.py`` collected, or none of them in a plain build."""
    path = env.config.slth_results
    return ledger.read(Path(path)) if path else {"profile": None, "chapters": {}}


class Generated(SphinxDirective):
    """A directive whose content is generated MyST Markdown."""

    def parse(self, text: str, parent: nodes.Element) -> None:
        """Parse Markdown into ``parent``."""
        lines = StringList(text.splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, parent)
