"""Inline Markdown without extensions: roles, links, footnotes."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from myst_nb.core.variables import format_plain_text

from book.clean.shared import Shared
from book.ledger import SIGNS
from slth import claims

_CODE = r"(?P<code>(?<!`)(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))"
_ROLE = r"\{(?P<role>[\w:+.-]+)\}(?P<mark>`+)(?P<text>.+?)(?P=mark)"
_LINK = r"(?P<bang>!?)\[(?P<words>[^\]\n]*)\]\((?P<address>[^)\s]+)(?P<title>\s+\"[^\"]*\")?\)"
_NOTE = r"\[\^(?P<note>[\w-]+)\](?P<defines>:[ ]?)?"
_INLINE = re.compile(f"{_ROLE}|{_CODE}|{_LINK}|{_NOTE}", re.DOTALL)
_TITLED = re.compile(r"^(.*?)\s*<([^<>]+)>$", re.DOTALL)


@dataclass
class Page:
    """The chapter that is being written, and what has been used on the way.

    Attributes
    ----------
    shared, chapter
        The book, and which of its chapters.
    cited, claimed
        Keys of the bibliography and identifiers of claims, in the order of their first use.
    images
        Paths of pictures below the chapter's folder that have to travel with it.
    """

    shared: Shared
    chapter: str
    cited: dict[str, None] = field(default_factory=dict)
    claimed: dict[str, None] = field(default_factory=dict)
    images: dict[str, None] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


def inline(text: str, page: Page) -> str:
    """Return text with its roles, links and footnotes in plain Markdown; code stays."""

    def written(match: re.Match[str]) -> str:
        if match["role"]:
            write = _ROLES.get(match["role"], _words)
            return write(match["text"], page)
        if match["address"]:
            return _link(match, page)
        if match["note"]:
            number = page.notes.setdefault(match["note"], len(page.notes) + 1)
            return f"<sup>{number}</sup>{' ' if match['defines'] else ''}"
        return match[0]

    return _INLINE.sub(written, text)


def link(words: str, target: str, page: Page) -> str:
    """Return a link to a page of the book, or its words where nothing is known to lead there.

    Parameters
    ----------
    words
        What is shown.
    target
        Path of the page from the root of the sources, without a suffix.
    page
        Where the link stands.
    """
    name = posixpath.basename(target)
    words = words or page.shared.chapters.get(name, name)
    if target == f"notebooks/{page.chapter}":
        return words
    if page.shared.site is not None:
        return f"[{words}]({page.shared.site}{target}.html)"
    return f"[{words}]({name}.ipynb)" if target.startswith("notebooks/") else words


def _link(match: re.Match[str], page: Page) -> str:
    address, bang = match["address"], match["bang"]
    if re.match(r"[a-z][a-z+.-]*:", address):
        return match[0]
    path = posixpath.normpath(posixpath.join("notebooks", address.partition("#")[0]))
    if bang:
        page.images[path] = None
        return f"![{match['words']}](attachment:{posixpath.basename(path)})"
    if address.startswith("#"):
        return match["words"]
    return link(match["words"], path.removesuffix(".md"), page)


def titled(text: str) -> tuple[str, str]:
    """Split ``words <target>``; words are empty where the target stands alone."""
    match = _TITLED.match(text)
    return (match[1], match[2]) if match else ("", text)


def _words(text: str, page: Page) -> str:
    """Any other role: its words."""
    words, target = titled(text)
    return words or target


def _glue(text: str, page: Page) -> str:
    document, _, key = text.rpartition("::")
    name, _, spec = key.partition(":")
    chapter = posixpath.basename(document).removesuffix(".md") if document else page.chapter
    value = page.shared.glued.get(chapter, {}).get(name)
    return "(not computed)" if value is None else format_plain_text(value, spec)


def _claim(text: str, page: Page) -> str:
    page.claimed[text] = None
    claim = page.shared.claims.get(text)
    if claim is None:
        return f"[{text}]"
    return f"[{SIGNS[claims.status(claim, page.shared.records).name]} `{text}`]"


def _cited(text: str, page: Page) -> list[tuple[str, str]]:
    keys = [key.strip() for key in text.split(",")]
    page.cited |= dict.fromkeys(key for key in keys if key in page.shared.references)
    return [
        page.shared.references.short(key) if key in page.shared.references else (key, "n.d.")
        for key in keys
    ]


def _cite_textual(text: str, page: Page) -> str:
    return ", ".join(f"{who} ({year})" for who, year in _cited(text, page))


def _cite_parenthetical(text: str, page: Page) -> str:
    return f"({'; '.join(f'{who}, {year}' for who, year in _cited(text, page))})"


def _reference(text: str, page: Page) -> str:
    """Write a reference to a label: linked where it names something in another chapter."""
    words, target = titled(text)
    label = page.shared.labels.get(target)
    if label is None:
        return words or target
    return link(words or label.text, f"notebooks/{label.chapter}", page)


def _figure_number(text: str, page: Page) -> str:
    words, target = titled(text)
    label = page.shared.labels.get(target)
    return label.text if label is not None else words or target


def _document(text: str, page: Page) -> str:
    words, target = titled(text)
    path = posixpath.normpath(posixpath.join("/notebooks", target)).lstrip("/")
    return link(words, path.removesuffix(".md"), page)


def _download(text: str, page: Page) -> str:
    words, target = titled(text)
    path = posixpath.normpath(posixpath.join("notebooks", target))
    if page.shared.repository is None:
        return f"{words or posixpath.basename(path)} (`{path}` in the repository)"
    place = f"https://github.com/{page.shared.repository}/raw/HEAD/{path}"
    return f"[{words or posixpath.basename(path)}]({place})"


_ROLES: Mapping[str, Callable[[str, Page], str]] = MappingProxyType(
    {
        "cite:p": _cite_parenthetical,
        "cite:t": _cite_textual,
        "claim": _claim,
        "doc": _document,
        "download": _download,
        "glue:": _glue,
        "glue:any": _glue,
        "glue:text": _glue,
        "math": lambda text, page: f"${text}$",
        "numref": _figure_number,
        "prf:ref": _reference,
        "ref": _reference,
        "sub": lambda text, page: f"<sub>{text}</sub>",
        "sup": lambda text, page: f"<sup>{text}</sup>",
    }
)
