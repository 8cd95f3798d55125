"""Links: inside they lead somewhere, outside Sphinx opens them."""

import json
import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

import pytest

from tests.book.conftest import ROOT, Book, TinyBook, parsed


def faults(pages: list[Path]) -> list[str]:
    """Return the links of built pages that lead nowhere, and the names that are given twice."""
    names = {page: Counter(tag["id"] for tag in parsed(page).select("[id]")) for page in pages}
    found = [
        f"{page.name}: '{name}' is given {count} times"
        for page, given in names.items()
        for name, count in given.items()
        if count > 1
    ]
    for page in pages:
        for href in {str(link["href"]) for link in parsed(page).select("a[href]")}:
            address = urlsplit(href)
            if address.netloc or address.scheme:
                if address.scheme not in ("https", "mailto"):
                    found.append(f"{page.name}: '{href}' is neither inside nor https")
                continue
            target = page
            if address.path:
                target = Path(posixpath.normpath(page.parent / unquote(address.path)))
            if not target.exists():
                found.append(f"{page.name}: '{href}' leads to no file")
            elif address.fragment and unquote(address.fragment) not in names.get(target, ()):
                found.append(f"{page.name}: '{href}' leads to no place on its page")
    return sorted(found)


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_every_link_of_the_pages_leads_somewhere(built: Book) -> None:
    assert faults(built.pages()) == []


def test_every_file_that_the_prose_of_the_repository_names_is_there() -> None:
    named = {
        (file.name, path)
        for file in ROOT.glob("*.md")
        for path in re.findall(r"\]\(([^)\s:#]+)(?:#[^)\s]*)?\)", file.read_text("utf-8"))
    }
    assert len(named) > 3
    assert [one for one in named if not (ROOT / one[1]).exists()] == []


def test_the_same_eye_sees_what_is_wrong(tmp_path: Path) -> None:
    a, b = tmp_path / "a.html", tmp_path / "b.html"
    a.write_text(
        """<a href="b.html#here">x</a> <a href="b.html#gone">x</a> <a href="c.html">x</a>
        <a href="#top">x</a> <a href="#x">x</a> <a href="mailto:a@b.example">x</a> <i id="x"></i>
        <a href="//s.example/1">x</a> <a href="https://t.example/2">x</a> <b id="x"></b>"""
    )
    b.write_text('<p id="here"></p>')
    assert faults([a, b]) == [
        "a.html: '#top' leads to no place on its page",
        "a.html: '//s.example/1' is neither inside nor https",
        "a.html: 'b.html#gone' leads to no place on its page",
        "a.html: 'c.html' leads to no file",
        "a.html: 'x' is given 2 times",
    ]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a site of one page to this machine; yield its address."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "here.html").write_text("<p>Here.</p>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_outside_addresses_are_opened_and_the_page_of_a_broken_one_is_named(
    tiny: TinyBook, site: str
) -> None:
    tiny.write({"01-a": f"# A chapter\n\nSee [it]({site}/here.html).\n"})
    done = tiny.build("--builder", "linkcheck")
    assert done.returncode == 0, done.stderr
    answers = Path(done.stdout.splitlines()[-1]).read_text("utf-8").splitlines()
    assert [json.loads(one)["status"] for one in answers if f"{site}/here.html" in one] == [
        "working"
    ]
    tiny.write({"01-a": f"# A chapter\n\nSee [it]({site}/here.html), [that]({site}/gone.html).\n"})
    done = tiny.build("--builder", "linkcheck")
    assert done.returncode == 1
    assert f"{site}/gone.html" in done.stderr
    assert f"{site}/here.html" not in done.stderr
    assert "chapter 01-a" in done.stderr
