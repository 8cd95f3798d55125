"""The built pages: offline, with alt text, with the paper's numbers, and an honest ledger."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
import yaml
from bs4 import BeautifulSoup, Tag

from book.make.execute import Runs
from book.make.project import Project
from tests.book.conftest import Book, parsed

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]

NETWORK = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
STATEMENT = re.compile(r"^(Theorem|Lemma|Corollary|Proposition|Definition)\b\s*(\S*)")
SOURCES = {
    "script": ["src"],
    "link": ["href"],
    "img": ["src", "srcset"],
    "source": ["src", "srcset"],
    "iframe": ["src"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "object": ["data"],
    "embed": ["src"],
    "image": ["href", "xlink:href"],
    "use": ["href", "xlink:href"],
}


def soups(book: Book) -> Iterator[tuple[Path, BeautifulSoup]]:
    """Yield the parsed pages."""
    for page in book.pages():
        yield page, parsed(page)


def loaded_from_network(book: Book) -> list[str]:
    """Return what the pages load from the network, or from a file that is not there."""
    found = []
    for page, soup in soups(book):
        for name, keys in SOURCES.items():
            for tag in soup.find_all(name):
                for address in (str(tag[key]) for key in keys if tag.get(key)):
                    path = unquote(urldefrag(address)[0].partition("?")[0])
                    if NETWORK.match(address):
                        found.append(f"{page.name}: {address}")
                    elif address.startswith("data:") or not path:
                        continue
                    elif not (page.parent / path).exists():
                        found.append(f"{page.name}: {address} is missing")
        for script in soup.find_all("script", src=False):
            found += [
                f"{page.name}: {one}" for one in re.findall(r"https?://\S+", script.get_text())
            ]
        styles = [*soup.find_all("style"), *soup.find_all(style=True)]
        texts = [f"{tag.get_text()} {tag.get('style') or ''}" for tag in styles]
        found += [f"{page.name}: {one}" for text in texts for one in addresses(text)]
    for sheet in book.html.rglob("*.css"):
        found += [f"{sheet.name}: {one}" for one in addresses(sheet.read_text("utf-8"))]
    return found


def addresses(css: str) -> list[str]:
    """Return the network addresses that a style sheet loads."""
    found = re.findall(r"""(?:url\(\s*["']?|@import\s+["'])([^"')\s]+)""", css)
    return [address for address in found if NETWORK.match(address)]


def figures(book: Book) -> tuple[list[str], int]:
    """Return the figures that do not say what is seen, and the number of images."""
    bad, seen = [], 0
    for page, soup in soups(book):
        article = soup.find("article")
        if not isinstance(article, Tag):
            continue
        for image in article.find_all("img"):
            seen += 1
            words = str(image.get("alt") or "")
            if len(words.split()) < 4 or re.search(r"\.(svg|png|jpe?g)$|_images/", words):
                bad.append(f"{page.name}: alt text {words!r}")
        for drawing in article.find_all("svg", class_=False):
            if drawing.find("title") is None:
                bad.append(f"{page.name}: an inline drawing without a title")
        for figure in article.find_all("figure"):
            if figure.find("figcaption") is None:
                bad.append(f"{page.name}: a figure without caption")
    return bad, seen


def citations(book: Book) -> tuple[list[str], int]:
    """Return the citations by number that lead to another number, and how many there are."""
    pages = dict(soups(book))
    wrong, seen = [], 0
    for page, soup in pages.items():
        for link in soup.select("article a[href*='#']"):
            cited = STATEMENT.match(link.get_text())
            address, anchor = urldefrag(unquote(str(link["href"])))
            target = (page.parent / address).resolve() if address else page
            if cited is None or target not in pages or anchor.startswith("claim-"):
                continue
            named = pages[target].find(id=anchor)
            if named is not None and "admonition-title" not in (named.get("class") or []):
                named = named.select_one(".admonition-title")
            text = " ".join(named.get_text().split()) if named is not None else "nothing"
            seen += 1
            if not cited[2] or not re.match(rf"{cited[1]} {re.escape(cited[2])}(\W|$)", text):
                wrong.append(f"{page.name}: '{link.get_text()}' leads to '{text}'")
    return wrong, seen


def statements(book: Book) -> tuple[list[str], int]:
    """Return the statements without a claim's badge, and how many statements there are."""
    bare, seen = [], 0
    for page, soup in soups(book):
        for kind in ("theorem", "lemma", "corollary", "proposition", "conjecture"):
            for statement in soup.select(f"div.proof.{kind}"):
                seen += 1
                if not statement.select(".claim-badge a[href*='claims/'][href*='.html#claim-']"):
                    bare.append(f"{page.name}: {' '.join(statement.get_text().split())[:60]}")
    return bare, seen


def test_nothing_is_loaded_from_the_network(built: Book) -> None:
    assert loaded_from_network(built) == []


@pytest.mark.parametrize("scan", [figures, citations, statements])
def test_figures_citations_and_statements(
    built: Book, scan: Callable[[Book], tuple[list[str], int]]
) -> None:
    bad, seen = scan(built)
    assert bad == []
    assert seen > 0


def test_the_scans_see_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        """<html><head>
        <script src="https://cdn.example/x.js"></script><link rel="stylesheet" href="//f.example/s">
        <script>const u = "http://t.example/t.js"</script><script src="gone.js"></script>
        <style>@import url("https://s.example/s.css");</style></head><body><article>
        <a href="https://allowed.example">a plain link</a> <img src="data:x" alt="abc.svg">
        <img src="data:x" alt="A curve that falls"> <figure><img src="data:x"></figure> <svg></svg>
        <a href="#one">Theorem 1</a> <a href="#one">Theorem 10</a> <a href="#one">Theorem</a>
        <div class="proof theorem"><p class="admonition-title" id="one">Theorem 1 (X)</p></div>
        <div class="proof lemma"><span class="claim-badge"><a href="claims.html#claim-b">
        b</a></span></div></article></body></html>"""
    )
    (tmp_path / "s.css").write_text("a {background: url('https://c.example/c.png')} b {x: url(d)}")
    bad = Book(tmp_path, tmp_path, {})
    assert sorted(re.findall(r"\w+(?=\.example)|gone", " ".join(loaded_from_network(bad)))) == [
        "c",
        "cdn",
        "f",
        "gone",
        "s",
        "t",
    ]
    assert len(figures(bad)[0]) == 4
    assert figures(bad)[1] == 3
    assert citations(bad) == (
        [
            "a.html: 'Theorem 10' leads to 'Theorem 1 (X)'",
            "a.html: 'Theorem' leads to 'Theorem 1 (X)'",
        ],
        3,
    )
    assert statements(bad) == (["a.html: Theorem 1 (X)", "a.html: b"], 2)


def stated(root: Path) -> dict[str, dict[str, Any]]:
    """Return what the files of the registry say, with the chapter that each belongs to."""
    files = sorted((root / "book" / "claims").glob("*.yml"))
    return {
        name: {**claim, "chapter": file.stem}
        for file in files
        for name, claim in yaml.safe_load(file.read_text("utf-8")).items()
    }


def test_the_ledger_is_honest(built: Book) -> None:
    """From the registry's text and the stored results alone, without the builder's own check."""
    registry = stated(built.root)
    homes = {
        record["claim"]: chapter
        for chapter, result in built.collected["chapters"].items()
        for record in result["records"]
    }
    records = [
        record for result in built.collected["chapters"].values() for record in result["records"]
    ]
    for name, claim in registry.items():
        own = [record for record in records if record["claim"] == name]
        checks = [record["outcome"] for record in own if record["role"] == "record"]
        controls = [record["outcome"] for record in own if record["role"] == "control"]
        if "unchecked" in claim:
            assert own == [], name
        elif claim["kind"] == "illustration":
            assert set(checks) == {"shown"}, name
        else:
            is_test = claim["kind"] == "simulated" and claim["relation"] == "=="
            is_test = is_test and not float(claim.get("tolerance", 0))
            assert set(checks) == {"not refuted" if is_test else "holds"}, name
            assert set(controls) == {"fails"}, name
    assert set(homes) <= set(registry)
    assert {name: registry[name]["chapter"] for name in homes} == homes


def test_results_are_as_new_as_the_code(built: Book) -> None:
    runs = Runs(Project(built.root), "fast")
    plans = runs.plan(Project(built.root).chapter_names())
    fresh = {plan.name: plan.digest for plan in plans}
    stored = {name: result["digest"] for name, result in built.collected["chapters"].items()}
    assert stored == fresh


def test_the_ledger_lists_every_claim(built: Book) -> None:
    overview = parsed(built.html / "book" / "claims.html")
    registry = stated(built.root)
    for name, claim in registry.items():
        page = parsed(built.html / "book" / "claims" / f"{claim['chapter']}.html")
        entry = page.select_one(f"section#claim-{name}")
        assert entry is not None, name
        assert ("unchecked" in claim) != (f"slth claims verify {name}" in entry.get_text())
        assert f"notebooks/{claim['chapter']}.html" in str(entry), "it leads back"
        for used in claim.get("uses", []):
            assert entry.select(f"a[href$='#claim-{used}']"), name
            assert page.select(f".claims-graph a[href$='#claim-{used}']"), name
        index = overview.select_one(f"li#claim-{name} a")
        assert index["href"] == f"claims/{claim['chapter']}.html#claim-{name}"
    assert f"{len(registry)} claims, by how they are known:" in overview.get_text()


def test_each_chapter_leads_to_its_claims(built: Book) -> None:
    for page in built.chapters():
        footer = parsed(page).select_one(".chapter-footer")
        assert footer.select(f"a[href$='book/claims/{page.stem}.html']"), page.name


def test_old_addresses_lead_to_the_chapters(built: Book) -> None:
    numbered = {old: new for old, new in built.redirects().items() if new in built.chapters()}
    assert len(numbered) == 13
    assert len(built.redirects()) == 14  # and slth.shipped in the reference
    for old, new in built.redirects().items():
        assert re.search(rf"url={new.name}", old.read_text("utf-8"))
        assert new.is_file()


def test_the_root_leads_to_the_first_page(built: Book) -> None:
    root = (built.html / "index.html").read_text("utf-8")
    assert re.search(r"url=book/index\.html", root)
    assert built.html / "book" / "index.html" in built.pages()


def test_every_chapter_says_how_it_was_made(built: Book) -> None:
    assert len(built.chapters()) == len(built.collected["chapters"])
    for page in built.chapters():
        footer = parsed(page).select_one(".chapter-footer")
        assert footer is not None, page.name
        result = built.collected["chapters"][page.stem]
        text = footer.get_text()
        assert result["digest"][:12] in text
        assert "fast profile" in text
        assert f"python -m book.make.build --chapter {page.stem}" in text
        for name in result["parameters"]:
            assert name in text
