"""Links: inside they lead somewhere, outside they are on the recorded list."""

from datetime import date
from pathlib import Path

import pytest

from book import links
from tests.book.conftest import ROOT, Book

PROSE = sorted(ROOT.glob("*.md"))


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_every_link_leads_somewhere_or_is_recorded(built: Book) -> None:
    pages = links.scan(built.pages())
    files = links.scan_markdown(PROSE)
    assert [*pages.faults, *files.faults] == []
    assert links.problems(links.load(), {**files.outside, **pages.outside}) == []


def test_the_scan_sees_what_is_wrong(tmp_path: Path) -> None:
    a, b, readme = tmp_path / "a.html", tmp_path / "b.html", tmp_path / "README.md"
    a.write_text(
        """<a href="b.html#here">x</a> <a href="b.html#gone">x</a> <a href="c.html">x</a>
        <a href="#top">x</a> <a href="#">x</a> <a href="mailto:a@b.example">x</a> <i id="x"></i>
        <a href="//s.example/1">x</a> <a href="https://t.example/2">x</a> <b id="x"></b>"""
    )
    b.write_text('<p id="here"></p>')
    readme.write_text("[x](a.html#y) [x](gone.md) [x](https://u.example/3)")
    found = links.scan([a, b])
    assert found.faults == (
        "a.html: the name 'x' is given 2 times",
        "a.html: 'b.html#gone' leads to no place on its page",
        "a.html: 'c.html' leads to no file",
        "a.html: '#top' leads to no place on its page",
    )
    assert found.outside == {"//s.example/1": "a.html", "https://t.example/2": "a.html"}
    prose = links.scan_markdown([readme])
    assert prose.faults == ("README.md: 'gone.md' leads to no file",)
    known = {
        one: links.Link(one, "t", None) for one in ("https://t.example/2", "https://old.example")
    }
    assert links.problems(known, {**found.outside, **prose.outside}) == [
        "a.html: //s.example/1 is not in book/links.yml",
        "README.md: https://u.example/3 is not in book/links.yml",
        "book/links.yml: no page links to https://old.example",
    ]


@pytest.mark.parametrize(
    "entry",
    [
        "https://a.example: x",
        "a: {title: t}",
        "a: {title: 1, checked: null}",
        "a: {title: t, checked: yesterday}",
    ],
)
def test_a_faulty_entry_is_named(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "links.yml"
    path.write_text(entry)
    with pytest.raises(ValueError, match=r"links\.yml: .* expected a title"):
        links.load(path)


def test_looking_dates_what_is_as_expected(tmp_path: Path) -> None:
    """Only the title counts; what fails keeps its date, and comments stay."""
    path = tmp_path / "links.yml"
    path.write_text(
        "# a comment\n"
        "https://good.example:\n  title: Tom & Jerry\n  checked: null\n"
        "https://moved.example:\n  title: Here\n  checked: 2020-01-02\n"
        "https://gone.example:\n  title: Gone\n  checked: null\n"
    )
    pages = {
        "https://good.example": "<TITLE>\n Journal:  tom &amp; jerry</TITLE>",
        "https://moved.example": "<title>Domain for sale</title>",
    }

    def fetch(address: str) -> str:
        if address not in pages:
            raise OSError("no such host")
        return pages[address]

    today = date(2030, 5, 6)
    done = [links.look(link, fetch, today) for link in links.load(path).values()]
    assert [reason for _, reason in done] == [
        None,
        "https://moved.example: its title is 'Domain for sale', expected 'Here'",
        "https://gone.example: no such host",
    ]
    before = path.read_text()
    path.write_text(links.dated(before, [link for link, _ in done]))
    assert path.read_text() == before.replace("null", "2030-05-06", 1)
    assert [link.checked for link in links.load(path).values()] == [today, date(2020, 1, 2), None]
