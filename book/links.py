"""The links of the book: those inside lead somewhere, those outside are on a list.

python -m book.links                open every outside address of the list and date what is found

The list is ``book/links.yml``.
"""

import html
import re
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import click
import yaml

from book.project import write_atomically

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "book" / "links.yml"
TIMEOUT = 20
"""Seconds that a server has for its answer."""
_OUTSIDE = re.compile(r"(https?:)?//", re.IGNORECASE)
_MARKDOWN = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Link:
    """An outside address, what its page must call itself, and when it last did."""

    address: str
    title: str
    checked: date | None


@dataclass(frozen=True)
class Links:
    """What a set of pages links to.

    Attributes
    ----------
    faults
        Links that lead nowhere and names that are given twice, each with its page.
    outside
        The outside addresses, each with a page that has it.
    """

    faults: tuple[str, ...]
    outside: dict[str, str]


class _Reader(HTMLParser):
    """Collects what a page names and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id" and value:
                self.names.append(value)
            elif key == "href" and tag == "a" and value:
                self.addresses.append(value)


def _read(page: Path) -> _Reader:
    reader = _Reader()
    reader.feed(page.read_text("utf-8"))
    return reader


def scan(pages: Iterable[Path]) -> Links:
    """Follow every link of built pages as far as the disk goes.

    Parameters
    ----------
    pages
        HTML files; a link may lead to any file beside them, and to a name on any of the pages.
    """
    read = {page.resolve(): _read(page) for page in pages}
    names = {page: frozenset(one.names) for page, one in read.items()}
    faults: list[str] = []
    outside: dict[str, str] = {}
    for page, one in read.items():
        for name, count in Counter(one.names).items():
            if count > 1:
                faults.append(f"{page.name}: the name '{name}' is given {count} times")
        for href in dict.fromkeys(one.addresses):
            if _OUTSIDE.match(href):
                outside.setdefault(href, page.name)
            elif not re.match(r"[a-z]+:", href) and (fault := _inside(href, page, names)):
                faults.append(f"{page.name}: '{href}' {fault}")
    return Links(tuple(faults), outside)


def _inside(href: str, page: Path, names: Mapping[Path, frozenset[str]]) -> str | None:
    address, anchor = urldefrag(href)
    path = unquote(address.partition("?")[0])
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return "leads to no file"
    if anchor and target in names and unquote(anchor) not in names[target]:
        return "leads to no place on its page"
    return None


def scan_markdown(files: Iterable[Path]) -> Links:
    """Follow the links of Markdown files; anchors are GitHub's business and are not followed."""
    faults: list[str] = []
    outside: dict[str, str] = {}
    for file in files:
        for href in _MARKDOWN.findall(file.read_text("utf-8")):
            if _OUTSIDE.match(href):
                outside.setdefault(href, file.name)
            elif (path := urldefrag(href)[0]) and not (file.parent / path).exists():
                faults.append(f"{file.name}: '{href}' leads to no file")
    return Links(tuple(faults), outside)


def load(path: Path = LIST) -> dict[str, Link]:
    """Read the list of outside addresses.

    Raises
    ------
    ValueError
        If an entry has other keys than ``title`` and ``checked``, no title, or no date.
    """
    table = yaml.safe_load(path.read_text("utf-8")) or {}
    for address, entry in table.items():
        if (
            not isinstance(entry, dict)
            or set(entry) != {"title", "checked"}
            or not isinstance(entry["title"], str)
            or not isinstance(entry["checked"], date | None)
        ):
            raise ValueError(
                f"{path.name}: {address} has {entry!r}, "
                "expected a title, and a date or null as 'checked'"
            )
    return {address: Link(address, **entry) for address, entry in table.items()}


def problems(known: Mapping[str, Link], used: Mapping[str, str]) -> list[str]:
    """Return the addresses that are used and not on the list, and those that nobody uses."""
    return [
        f"{used[one]}: {one} is not in book/links.yml" for one in sorted(set(used) - set(known))
    ] + [f"book/links.yml: no page links to {one}" for one in sorted(set(known) - set(used))]


def fetch(address: str) -> str:
    """Return the page at an address."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        text: str = answer.read(500_000).decode("utf-8", "replace")
    return text


def look(link: Link, fetch: Callable[[str], str], today: date) -> tuple[Link, str | None]:
    """Open an address; return it with today's date if its page has the title, else the reason."""
    try:
        page = fetch(link.address)
    except (OSError, ValueError) as error:
        return link, f"{link.address}: {error}"
    match = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL | re.IGNORECASE)
    found = " ".join(html.unescape(match[1]).split()) if match else ""
    if link.title.casefold() not in found.casefold():
        return link, f"{link.address}: its title is '{found}', expected '{link.title}'"
    return replace(link, checked=today), None


def dated(text: str, links: Iterable[Link]) -> str:
    """Return the text of the list with the dates of these links; all else stays as it is."""
    for link in links:
        entry = rf"(^{re.escape(link.address)}:\n(?:  (?!checked).*\n)*  checked: ).*$"
        text = re.sub(entry, rf"\g<1>{link.checked or 'null'}", text, flags=re.MULTILINE)
    return text


@click.command()
def main() -> None:
    """Open every address in book/links.yml, and write down the day for each that is as expected."""
    today = datetime.now(UTC).date()
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda link: look(link, fetch, today), load().values()))
    write_atomically(LIST, dated(LIST.read_text("utf-8"), [link for link, _ in done]))
    failures = [reason for _, reason in done if reason]
    for reason in failures:
        click.echo(reason, err=True)
    click.echo(f"{len(done) - len(failures)} of {len(done)} addresses are as expected")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
