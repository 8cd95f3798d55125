"""The book's files: chapters in the order of the table of contents, profiles, results, digests."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import slth
from slth import files
from slth.claims.chapters import Chapter, ChapterError, read

ROOT = Path(__file__).resolve().parents[2]
"""The folder of the book that this workshop belongs to."""


class BuildError(Exception):
    """The book cannot be built; the message says which chapter is at fault and why."""


@dataclass(frozen=True)
class Project:
    """A book: the folder with ``_toc.yml``, ``_config.yml``, ``book/`` and ``notebooks/``."""

    root: Path

    @property
    def registry(self) -> Path:
        """The registry of claims, a file a chapter."""
        return self.root / "book" / "claims"

    @property
    def build(self) -> Path:
        """The folder of everything that is generated."""
        return self.root / "_build"

    def chapter_names(self) -> list[str]:
        """Return the stems of the chapters that the table of contents lists, in its order."""
        names = toc_files(self.written_toc())
        return [Path(name).stem for name in names if name.startswith("notebooks/")]

    def chapter(self, name: str) -> Chapter:
        """Read a chapter.

        Raises
        ------
        BuildError
            If there is no such chapter, or it is not written as chapters are.
        """
        try:
            return read(self.chapter_path(name))
        except ChapterError as error:
            raise BuildError(str(error)) from None

    def chapter_path(self, name: str) -> Path:
        """Return the source of a chapter.

        Raises
        ------
        BuildError
            If there is no such chapter.
        """
        path = self.root / "notebooks" / f"{name}.md"
        if not path.is_file():
            raise BuildError(f"chapter {name}: there is no notebooks/{name}.md")
        return path

    def toc(self) -> dict[str, Any]:
        """Return the table of contents, with the pages of claims."""
        return self.with_claims(self.written_toc())

    def written_toc(self) -> dict[str, Any]:
        """Return the table of contents as it is written."""
        toc: dict[str, Any] = yaml.safe_load((self.root / "_toc.yml").read_text("utf-8"))
        return toc

    def with_claims(self, toc: dict[str, Any]) -> dict[str, Any]:
        """Return a table of contents in which the claims of each chapter have a page.

        It is below ``book/claims``, and its source is the file that lists them.
        """
        chapters = [Path(name).stem for name in toc_files(toc) if name.startswith("notebooks/")]
        pages = [
            {"file": f"book/claims/{name}"}
            for name in chapters
            if (self.registry / f"{name}.yml").is_file()
        ]

        def complete(entry: Any) -> Any:
            if isinstance(entry, list):
                return [complete(one) for one in entry]
            if not isinstance(entry, dict):
                return entry
            if entry.get("file") == "book/claims" and pages:
                return {**entry, "sections": pages}
            return {key: complete(value) for key, value in entry.items()}

        whole: dict[str, Any] = complete(toc)
        return whole


def toc_files(toc: Any) -> list[str]:
    """Return the documents that a table of contents lists, in its order, without their suffix."""
    if isinstance(toc, list):
        return [name for item in toc for name in toc_files(item)]
    if not isinstance(toc, dict):
        return []
    names = [str(toc[key]).removesuffix(".md") for key in ("root", "file") if key in toc]
    for key in ("parts", "chapters", "sections", "subtrees", "entries"):
        names += toc_files(toc.get(key))
    return names


def write_atomically(path: Path, text: str) -> None:
    """Write a text whole or not at all, in a folder that need not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_atomically(path, text.encode())


def files_digest(files: Iterable[Path], root: Path) -> str:
    """Return one digest of the names and contents of files."""
    total = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()


def folder_files(folder: Path) -> list[Path]:
    """Return the files below a folder, without byte code."""
    return [
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]


@cache
def package_digest(package: Path = Path(slth.__file__).parent) -> str:
    """Return the digest of the package that the chapters import."""
    return files_digest(folder_files(package), package)


def chapter_digest(
    project: Project, name: str, cells: list[Any], parameters: Mapping[str, Any], rules: Any
) -> str:
    """Return the digest of all that a chapter's results depend on.

    That is its code cells, the parameters its profile changes, the registry's rules for its claims,
    the package, the pinned dependencies and the data.  Prose is not part of it.
    """
    data = project.root / "data"
    parts = [
        name,
        cells,
        parameters,
        rules,
        package_digest(),
        files_digest(folder_files(data), data) if data.is_dir() else "",
        (project.root / "constraints.txt").read_text("utf-8"),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
