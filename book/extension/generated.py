"""What is common to the directives: the collected results, and content made as Markdown."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from docutils import nodes  # type: ignore[import-untyped]
from docutils.statemachine import StringList  # type: ignore[import-untyped]
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from book.make import ledger

Value = TypeVar("Value")


def of_file(read: Callable[[Path], Value], path: Path) -> Value:
    """Return what ``read`` makes of a file or folder, reading it again only after it has changed.

    Each badge asks for the registry, whose hundreds of claims take a third of a second to parse.
    """
    files = [path, *path.glob("*")] if path.is_dir() else [path]
    version = tuple(sorted(file.stat().st_mtime_ns for file in files))
    return cast(Value, _of_version(read, path, version))


@lru_cache(maxsize=4)
def _of_version(read: Callable[[Path], Any], path: Path, version: tuple[int, ...]) -> Any:
    return read(path)


def collected(env: BuildEnvironment) -> Mapping[str, Any]:
    """Return the results that ``book.make.build`` collected, or none of them in a plain build."""
    path = env.config.slth_results
    return of_file(ledger.read, Path(path)) if path else {"profile": None, "chapters": {}}


class Generated(SphinxDirective):
    """A directive whose content is generated MyST Markdown."""

    def parse(self, text: str, parent: nodes.Element) -> None:
        """Parse Markdown into ``parent``."""
        lines = StringList(text.splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, parent)
