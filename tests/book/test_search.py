"""The search: what can be found, and how a real browser, off line, shows it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from book.extension import search
from tests.book.conftest import DESK, PHONE, Book, watched

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]


def stored(built: Book) -> dict[str, Any]:
    """Return what the search page loads."""
    text = (built.html / search.FILE).read_text("utf-8")
    found: dict[str, Any] = json.loads(text.removeprefix("const searchEntries = ").rstrip(";\n"))
    return found


def test_every_place_is_there_and_every_page_is_searched(built: Book) -> None:
    found = stored(built)
    pages = [built.html / address for address, _, _ in found["pages"]]
    assert set(built.pages()) - set(pages) == {built.html / "search.html"}
    names = [set(re.findall(r' id="([^"]+)"', page.read_text("utf-8"))) for page in pages]
    for number, anchor, title, _ in found["places"]:
        assert title
        assert anchor in names[number], pages[number].name
    kinds = [kind for _, _, kind in found["pages"]]
    assert kinds.count("chapter") == len(built.chapters())
    statements = {title for _, _, title, _ in found["places"] if title.startswith("Theorem ")}
    assert any(title.startswith("Theorem 3 (") for title in statements)


def test_no_page_but_the_search_loads_what_can_be_found(built: Book) -> None:
    loading = [page.name for page in built.pages() if search.FILE in page.read_text("utf-8")]
    assert loading == ["search.html"]
    assert not (built.html / "searchindex.js").exists()
    assert "searchindex" not in (built.html / "book" / "index.html").read_text("utf-8")


@pytest.fixture(scope="module")
def asked(built: Book, browser: Browser) -> Iterator[Page]:
    """Open the search page, which must not complain in any of the tests."""
    complaints: list[str] = []
    page = watched(browser, PHONE, complaints)
    page.goto((built.html / "search.html").as_uri() + "?q=xylophones")
    yield page
    page.context.close()
    assert complaints == []


def ask(page: Page, words: str) -> dict[str, list[str]]:
    """Type words; return the addresses found in each group, in the order in which they show."""
    page.fill("#search-words", words)
    page.wait_for_function(
        "words => document.getElementById('search-summary').textContent.includes(`“${words}”`)",
        arg=words,
    )
    sections = page.locator("#search-results section").all()
    return {
        re.sub(r" \(\d+\)", "", section.locator("h2").inner_text()): section.locator(
            "li > a"
        ).evaluate_all("all => all.map((one) => one.getAttribute('href').replace(/\\?[^#]*/, ''))")
        for section in sections
    }


def test_chapters_come_before_the_reference(asked: Page) -> None:
    found = ask(asked, "density")
    assert list(found) == ["Chapters", "Notation and other pages", "Claims", "The package"]
    assert any(one.startswith("book/notation.html#") for one in found["Notation and other pages"])
    assert all("book/api/" in one for one in found["The package"])
    assert next(iter(ask(asked, "subset_sum.covering_radius"))) == "The package"
    assert ask(asked, "multiplicities")["Chapters"], "endings do not matter"
    assert ask(asked, "xylophones") == {}


def test_a_statement_is_found_by_its_number(asked: Page) -> None:
    found = ask(asked, "Theorem 3")["Chapters"]
    assert "notebooks/dense-networks.html#thm-dense" in found[:2]
    malach = ask(asked, "Malach")["Chapters"]
    assert any(one.startswith("notebooks/three-theorems.html#") for one in malach[:3])


def test_excerpts_show_formulas_and_the_words(asked: Page) -> None:
    ask(asked, "window at the end")
    asked.wait_for_selector("#search-results mjx-container")
    assert asked.locator("mjx-merror").count() == 0
    assert asked.locator("#search-results mark").first.is_visible()
    wide, room = asked.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= room


def test_the_rest_is_shown_on_demand_by_keyboard(asked: Page) -> None:
    before = len(ask(asked, "subset")["Chapters"])
    more = asked.locator("#search-results section").first.locator("button")
    rest = int(re.sub(r"\D", "", more.inner_text()))
    more.press("Enter")
    items = asked.locator("#search-results section").first.locator("li > a")
    assert items.count() == before + rest
    assert items.nth(before).evaluate("one => one === document.activeElement")


def test_a_result_leads_to_the_words(built: Book, browser: Browser) -> None:
    page = watched(browser, DESK, [])
    page.goto((built.html / "search.html").as_uri() + "?q=theorem+3")
    page.locator("#search-results li > a[href$='#thm-dense']").click()
    page.wait_for_url("**/notebooks/dense-networks.html*#thm-dense")
    page.wait_for_load_state()
    box = page.locator("#thm-dense").bounding_box()
    page.context.close()
    assert box is not None
    assert 0 <= box["y"] < DESK["height"]


def test_places_of_a_page() -> None:
    """Sections, statements, entries of the reference; formulas whole and without marks."""
    page = r"""<html><body><article class="bd-article"><section id="a"><h1>Sums of
    <span class="math">\(\class{symbol x}{n}\)</span><a class="headerlink">#</a></h1><!-- no -->
    <p>One<b>two</b>.</p><div class="math">\[x\]</div><pre>code</pre>
    <div class="proof" id="t"><p class="admonition-title">Lemma 1</p><p>Inside.</p></div>after
    <section id="b"><h2><span class="section-number">1.1</span>Next</h2><p>Last.</p></section>
    <dl class="py function"><dt id="m.f"><span>f</span>(x)</dt><dd><p>Does.</p></dd></dl>
    </section></article></body></html>"""
    found = [(one.anchor, one.title, one.text()) for one in search.places(page)]
    assert found == [
        ("a", r"Sums of \({n}\)", "Onetwo. … after"),
        ("t", "Lemma 1", "Inside."),
        ("b", "Next", "Last."),
        ("m.f", "m.f", "Does."),
    ]
    assert search.places("<html><body><p>No article.</p></body></html>") == []
