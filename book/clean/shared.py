"""What all clean notebooks share: numbers of figures and theorems, glued values, references."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pybtex.database import BibliographyData, Entry, parse_file
from pybtex.plugin import find_plugin

from book.clean.sources import Cell, every_block
from slth.claims import Claim, Record

_NUMBER = re.compile(r"^\s*([\w.]*)\s*(?:\((.*)\))?\s*$", re.DOTALL)
_TARGET = re.compile(r"^\(([^)]+)\)=\s*$")
_HEADING = re.compile(r"^#+\s+(.*)$")


@dataclass(frozen=True)
class Label:
    """What a label names: the chapter, and the words by which a reader finds it there."""

    chapter: str
    text: str


@dataclass(frozen=True)
class Shared:
    """The book as its clean notebooks see it.

    Attributes
    ----------
    chapters
        Stem → title, in order; their numbers are their places.
    labels
        Label → what it names.
    glued
        Stem → name → value as text, from the executed chapters.
    claims, records
        The registry, and what the last run recorded.
    references
        The bibliography.
    site
        Address of the published pages, ending in a slash, if it is known.
    package
        What pip installs where ``slth`` is missing, if it is known.
    repository
        OWNER/NAME, if it is known.
    """

    chapters: Mapping[str, str]
    labels: Mapping[str, Label]
    glued: Mapping[str, Mapping[str, str]]
    claims: Mapping[str, Claim]
    records: Sequence[Record]
    references: "References"
    site: str | None = None
    package: str | None = None
    repository: str | None = None

    def number(self, chapter: str) -> int:
        """Return the number of a chapter."""
        return list(self.chapters).index(chapter) + 1


def theorem_name(kind: str, argument: str) -> tuple[str, str]:
    """Return number and title of a theorem-like directive: ``Lemma 1`` and ``Uniform samples``."""
    parts = _NUMBER.match(argument)
    number, title = (parts[1], parts[2] or "") if parts else ("", argument)
    return f"{kind.capitalize()} {number}".strip(), title


def labels(chapter: str, number: int, cells: Sequence[Cell]) -> dict[str, Label]:
    """Return what the labels of a chapter name, with the numbers of the book's pages."""
    return {label: Label(chapter, text) for label, text in _named(number, cells) if label}


def _named(number: int, cells: Sequence[Cell]) -> Iterator[tuple[str | None, str]]:
    figures = exercises = 0
    for cell in cells:
        if cell.code is not None:
            figure = cell.code.metadata.get("mystnb", {}).get("figure")
            if figure:
                figures += 1
                yield figure.get("name"), f"Fig. {number}.{figures}"
            continue
        for block in every_block(cell.blocks):
            label = block.option("label") or block.option("name")
            if block.name is None:
                yield from _targets(block.lines)
            elif block.name == "figure":
                figures += 1
                yield label, f"Fig. {number}.{figures}"
            elif block.name in ("exercise", "exercise-start"):
                exercises += 1
                yield label, f"Exercise {number}.{exercises}"
            elif block.name.startswith("prf:"):
                name, title = theorem_name(block.name.removeprefix("prf:"), block.argument)
                yield label, name if " " in name or not title else title


def _targets(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the labels that stand above headings."""
    waiting: list[str] = []
    for line in lines:
        if target := _TARGET.match(line):
            waiting.append(target[1])
        elif heading := _HEADING.match(line):
            yield from ((label, heading[1]) for label in waiting)
            waiting = []


def glued_values(notebook: Any) -> dict[str, str]:
    """Return the values that an executed chapter gave names to, as text."""
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            for kind, value in output.get("data", {}).items():
                # glue hides what is not displayed behind a prefix of the media type
                if name is not None and kind.endswith("text/plain"):
                    found[name] = value
    return found


@dataclass(frozen=True)
class References:
    """The bibliography, written as Markdown."""

    path: Path

    @cached_property
    def _data(self) -> BibliographyData:
        return parse_file(str(self.path))

    def short(self, key: str) -> tuple[str, str]:
        """Return the authors in short and the year."""
        entry: Entry = self._data.entries[key]
        names = [
            " ".join(map(str, [*person.rich_prelast_names, *person.rich_last_names]))
            for person in entry.persons.get("author", [])
        ]
        who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names) or key
        return who, str(entry.fields.get("year", "n.d."))

    def __contains__(self, key: str) -> bool:
        """Whether there is such an entry."""
        return key in self._data.entries

    def full(self, keys: Sequence[str]) -> list[str]:
        """Return the entries of some keys in the order of the bibliography's style."""
        style = find_plugin("pybtex.style.formatting", "plain")()
        backend = find_plugin("pybtex.backends", "markdown")()
        bibliography = style.format_bibliography(self._data, sorted(keys))
        return [entry.text.render(backend) for entry in bibliography]
