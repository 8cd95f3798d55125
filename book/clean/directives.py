"""Blocks of Markdown without extensions: statements, notes and figures as quotations."""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from book.clean.roles import Page, inline
from book.clean.shared import theorem_name
from book.clean.sources import Block, blocks

_DISPLAY = re.compile(r"\$\$(.+?)\$\$[ \t]*(?:\([\w:-]+\))?", re.DOTALL)
_ENVIRONMENT = re.compile(
    r"^\\begin\{(align|gather|equation)(\*?)\}.*?^\\end\{\1\2\}$", re.M | re.S
)


def plain(several: Sequence[Block], page: Page) -> str:
    """Return blocks in plain Markdown."""
    parts = []
    for block in several:
        if block.name is None:
            text = _text("\n".join(block.lines), page)
        elif block.name == "":
            text = "\n".join(block.lines)
        else:
            other = _statement if block.name.startswith("prf:") else _other
            written = _DIRECTIVES.get(block.name, other)(block, page)
            indent = " " * block.indent
            text = "\n".join(f"{indent}{line}".rstrip() for line in written.split("\n"))
        parts.append(text.strip("\n"))
    return "\n\n".join(part for part in parts if part.strip())


def _text(text: str, page: Page) -> str:
    lines = [line for line in text.split("\n") if not re.match(r"%|\([^)\s]+\)=\s*$|\+\+\+", line)]
    joined = _ENVIRONMENT.sub(lambda match: f"$$\n{match[0]}\n$$", "\n".join(lines))
    parts = re.split(r"(\$\$.+?\$\$[ \t]*(?:\([\w:-]+\)[ \t]*$)?)", joined, flags=re.S | re.M)
    return "".join(
        _display(part) if part.startswith("$$") else inline(part, page) for part in parts
    )


def _display(text: str) -> str:
    """Write a display without its label, and with the environment that Sphinx would add."""
    inside = _DISPLAY.match(text)
    if inside is None:
        return text
    mathematics = inside[1]
    if "\\\\" in mathematics and not mathematics.strip().startswith("\\begin{"):
        mathematics = f"\n\\begin{{aligned}}\n{mathematics.strip()}\n\\end{{aligned}}\n"
    return f"$${mathematics}$$"


def _inner(block: Block, page: Page) -> str:
    return plain(blocks(block.body), page)


def quoted(head: str, text: str) -> str:
    """Return a quotation with a head; displays on one line, since a `>` inside would be shown."""
    text = _DISPLAY.sub(lambda match: f"$${' '.join(match[1].split())}$$", text)
    body = f"{head}\n\n{text}" if text else head
    return "\n".join(f"> {line}".rstrip() for line in body.split("\n"))


def _statement(block: Block, page: Page) -> str:
    kind = str(block.name).removeprefix("prf:")
    name, title = theorem_name(kind, block.argument)
    title = f" ({inline(title, page)})" if title else ""
    return quoted(f"**{name}{title}.**", _inner(block, page))


def _exercise(block: Block, page: Page) -> str:
    label = page.shared.labels.get(block.option("label") or "")
    head = f"**{label.text if label else 'Exercise'}.**"
    return quoted(head, _inner(block, page)) if block.body and block.name == "exercise" else head


def _admonition(block: Block, page: Page) -> str:
    title = block.argument or str(block.name).rpartition(":")[2].replace("-", " ").capitalize()
    return quoted(f"**{inline(title, page)}.**", _inner(block, page))


def _note(block: Block, page: Page) -> str:
    """Write an admonition whose argument is the beginning of its text."""
    text = plain(blocks([block.argument, *block.body] if block.argument else block.body), page)
    return quoted(f"**{str(block.name).capitalize()}.**", text)


def _figure(block: Block, page: Page) -> str:
    path = posixpath.normpath(posixpath.join("notebooks", block.argument.strip()))
    page.images[path] = None
    picture = f"![{block.option('alt') or ''}](attachment:{posixpath.basename(path)})"
    if block.name == "image":
        return picture
    return f"{picture}\n\n{caption(block.option('name'), _inner(block, page), page)}"


def caption(name: str | None, text: str, page: Page) -> str:
    """Return a caption that begins with the figure's number."""
    label = page.shared.labels.get(name or "")
    return f"**{label.text}.** {text}" if label else text


def _mathematics(block: Block, page: Page) -> str:
    return _display("$$\n{}\n$$".format("\n".join([block.argument, *block.body]).strip()))


def _code(block: Block, page: Page) -> str:
    return "\n".join([f"```{block.argument}", *block.body, "```"])


def _rubric(block: Block, page: Page) -> str:
    return f"**{inline(block.argument, page)}**"


def _table(block: Block, page: Page) -> str:
    return f"**{inline(block.argument, page)}**\n\n{_inner(block, page)}"


def _nothing(block: Block, page: Page) -> str:
    return ""


def _other(block: Block, page: Page) -> str:
    """Write a directive that says nothing to a notebook: its title and its content."""
    title = inline(block.argument, page)
    return quoted(f"**{title}**", _inner(block, page)) if title else _inner(block, page)


_DIRECTIVES: Mapping[str, Callable[[Block, Page], str]] = MappingProxyType(
    {
        name: write
        for names, write in {
            "attention caution danger error hint important note seealso tip warning": _note,
            "admonition dropdown margin sidebar topic": _admonition,
            "bibliography contents exercise-end raw tableofcontents": _nothing,
            "code code-block sourcecode": _code,
            "exercise exercise-start": _exercise,
            "figure image": _figure,
            "math": _mathematics,
            "rubric": _rubric,
            "table": _table,
        }.items()
        for name in names.split()
    }
)
