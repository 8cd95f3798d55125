"""The table of notation: which symbol means what, in which chapters."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from book.extension.formulas import Symbol, symbols

_INDICES = {"1", "i", "j", "t"}
"""A row for ``X_i`` is about every index; one for ``c_u`` is about this one."""

_ANY_INDEX = re.compile(r"\d*[a-z]?|\\[a-z]+|[^,]*[-+].*")
_ROW = re.compile(r"^\| (.*\S) *\| (.*\S) *\|(.*)\|$")


@dataclass(frozen=True)
class Key:
    """What a row looks for in a formula: some symbols in a row, the last one with any index.

    Parameters
    ----------
    names
        The symbols, as :attr:`book.extension.formulas.Symbol.name` writes them.
    family
        The letter of a single symbol that may have any index; empty if the index matters.
    """

    names: tuple[str, ...]
    family: str = ""

    def matches(self, found: Sequence[Symbol]) -> bool:
        """Return whether the formula has this here, letter by letter."""
        return tuple(one.name for one in found[: len(self.names)]) == self.names

    def is_relative(self, found: Symbol) -> bool:
        """Return whether a symbol differs from this one in its index only."""
        return (
            found.letter == self.family
            and found.index != ""
            and not found.mark
            and _ANY_INDEX.fullmatch(found.index) is not None
        )


@dataclass(frozen=True)
class Row:
    """A row of the table of notation.

    Parameters
    ----------
    id
        Where the row can be linked to.
    keys
        What to look for; a row for a word has none.
    chapters
        Names of the chapters in which it holds; None for all of them.
    """

    id: str
    keys: tuple[Key, ...]
    chapters: frozenset[str] | None

    def holds_in(self, chapter: str) -> bool:
        """Return whether the symbol has this meaning in a chapter."""
        return self.chapters is None or chapter in self.chapters


@dataclass(frozen=True)
class Found:
    """A symbol of the table in a formula: which row, and the letters that stand for it."""

    row: Row
    letters: tuple[Symbol, ...]


def read_rows(text: str) -> list[Row]:
    """Return the rows of all tables of the page of notation, in order.

    Raises
    ------
    ValueError
        If the chapters of a row are not names, or two rows look for the same in one chapter.
    """
    rows: list[Row] = []
    for line in text.splitlines():
        match = _ROW.match(line)
        if match is None or match[1] == "symbol" or set(line) <= set("|- "):
            continue
        formulas = re.findall(r"\$([^$]+)\$", match[1])
        keys = tuple(_key(formula) for formula in formulas)
        name = f"symbol-{_slug(_head(formulas[0]) if formulas else match[1])}"
        again = sum(re.fullmatch(rf"{name}(-again)*", row.id) is not None for row in rows)
        rows.append(Row(name + "-again" * again, keys, _chapters(match[3], match[1])))
    _check(rows)
    return rows


def find(formula: str, rows: Iterable[Row]) -> list[Found]:
    """Return the symbols of the table in a formula; the longest match counts.

    Parameters
    ----------
    formula
        LaTeX, without the dollars.
    rows
        The rows that hold on this page.
    """
    first: dict[str, list[tuple[Row, Key]]] = {}
    families: dict[str, list[tuple[Row, Key]]] = {}
    for row, key in _pairs(rows):
        first.setdefault(key.names[0], []).append((row, key))
        families.setdefault(key.family, []).append((row, key))
    present, at = symbols(formula), 0
    found = []
    while at < len(present):
        rest = present[at : at + 4]
        close = families.get(rest[0].letter, [])
        exact = [
            (len(key.names), row) for row, key in first.get(rest[0].name, []) if key.matches(rest)
        ]
        alike = [(1, row) for row, key in close if key.is_relative(rest[0])]
        length, best = max(exact or alike, key=lambda pair: pair[0], default=(1, None))
        if best is not None:
            letters = tuple(one for one in rest[:length] if re.match(r"[a-zA-Z\\]", one.letter))
            found.append(Found(best, letters))
        at += length
    return found


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[Row, Key]]:
    return ((row, key) for row in rows for key in row.keys)


def _key(formula: str) -> Key:
    """Return what a row's symbol looks for: the part in front of ``=``, ``,``, ``(`` and so on."""
    found = symbols(_head(formula))
    single = found[0] if len(found) == 1 or found[0].index else None
    if single is not None and single.index in _INDICES:
        return Key((single.name,), single.letter)
    return Key(tuple(one.name for one in found if one not in _inside(found)))


def _inside(found: Sequence[Symbol]) -> list[Symbol]:
    """Return the symbols that stand in the index of another one."""
    return [
        one for one, before in zip(found[1:], found[:-1], strict=True) if before.index == one.name
    ]


def _head(formula: str) -> str:
    return re.split(r"=|,|\(|\\subseteq|\\in\b|\\cdot", formula)[0]


def _slug(text: str) -> str:
    spoken = {"^-": "-minus", "+": "-plus", "*": "-star", "[": "set-", "/": "-over-"}
    for sign, word in spoken.items():
        text = text.replace(sign, word)
    return "-".join(re.findall(r"[a-zA-Z0-9]+", text))


def _chapters(text: str, symbol: str) -> frozenset[str] | None:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if wrong := [part for part in parts if not re.fullmatch(r"[a-z0-9-]+", part)]:
        raise ValueError(f"notation, row {symbol}: expected names of chapters, got {wrong}")
    return frozenset(parts) or None


def _check(rows: Sequence[Row]) -> None:
    known: dict[tuple[str, ...], list[Row]] = {}
    for row, key in _pairs(rows):
        for other in known.setdefault(key.names, []):
            if row.chapters is None or other.chapters is None or row.chapters & other.chapters:
                raise ValueError(
                    f"notation: two rows explain {' '.join(key.names)} in the same chapter, "
                    f"{other.id} and {row.id}"
                )
        known[key.names].append(row)
