"""A chapter's Markdown as blocks: text, code, and directives with their bodies."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import dedent
from typing import Any

import yaml

_OPEN = re.compile(r"^( *)(`{3,}|:{3,})(?:\{([\w:+.-]+)\}[ ]*(.*?))?(\S.*)?$")
_OPTION = re.compile(r"^:([\w-]+):[ ]?(.*)$")


@dataclass(frozen=True)
class Block:
    """Consecutive lines.

    Attributes
    ----------
    lines
        As they stand in the source.
    name, argument, options, body
        Of a directive; ``name`` is None for text and ``""`` for a plain code fence.
    indent
        Spaces before its first line.
    """

    lines: tuple[str, ...]
    name: str | None = None
    argument: str = ""
    options: tuple[tuple[str, str], ...] = ()
    body: tuple[str, ...] = ()
    indent: int = 0

    def option(self, key: str) -> str | None:
        """Return an option of a directive."""
        return dict(self.options).get(key)


def blocks(lines: Sequence[str]) -> list[Block]:
    """Split Markdown into text, code fences and directives."""
    found: list[Block] = []
    text: list[str] = []
    position = 0
    while position < len(lines):
        opening = _OPEN.match(lines[position])
        if opening is None or (opening[3] is None and opening[2][0] == ":"):
            text.append(lines[position])
            position += 1
            continue
        if text:
            found.append(Block(tuple(text)))
            text = []
        end = _closing(lines, position, opening[2])
        whole = tuple(lines[position : end + 1])
        if opening[3] is None:
            found.append(Block(whole, name="", indent=len(opening[1])))
        else:
            body = dedent("\n".join(lines[position + 1 : end])).split("\n")
            options, rest = _options(body)
            found.append(
                Block(whole, opening[3], (opening[4] or "") + (opening[5] or ""), options, rest)
            )
            found[-1] = replace(found[-1], indent=len(opening[1]))
        position = end + 1
    if text:
        found.append(Block(tuple(text)))
    return found


def _closing(lines: Sequence[str], start: int, fence: str) -> int:
    """Return the line that closes a fence, or the last one."""
    for position in range(start + 1, len(lines)):
        mark = lines[position].strip()
        if len(mark) >= len(fence) and set(mark) == {fence[0]}:
            return position
    return len(lines) - 1


def _options(body: Sequence[str]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Split the body of a directive into options and content."""
    if body and body[0].strip() == "---":
        end = next((i for i, line in enumerate(body) if i and line.strip() == "---"), len(body))
        values = yaml.safe_load("\n".join(body[1:end])) or {}
        return tuple((str(key), str(value)) for key, value in values.items()), tuple(
            body[end + 1 :]
        )
    options = []
    for line in body:
        option = _OPTION.match(line.strip())
        if option is None:
            break
        options.append((option[1], option[2]))
    return tuple(options), tuple(body[len(options) :])


@dataclass(frozen=True)
class Cell:
    """A cell of a chapter: the blocks of a Markdown cell, or a code cell as nbformat has it."""

    blocks: tuple[Block, ...] = ()
    code: Any = None


def cells(notebook: Any) -> list[Cell]:
    """Return the cells of a chapter without the exercises' solutions, code and all."""
    hidden = False
    kept = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            if not hidden and cell.cell_type == "code":
                kept.append(Cell(code=cell))
            continue
        shown = []
        for block in blocks(cell.source.split("\n")):
            if block.name in ("solution-start", "solution-end"):
                hidden = block.name == "solution-start"
            elif not hidden and block.name != "solution":
                shown.append(block)
        kept.append(Cell(blocks=tuple(shown)))
    return kept


def every_block(several: Sequence[Block]) -> Iterator[Block]:
    """Yield blocks and those inside of directives, in the order of the text."""
    for block in several:
        yield block
        if block.name:
            yield from every_block(blocks(block.body))
