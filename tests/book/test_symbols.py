"""Notation: what the table says is found in the formulas, and only there; cards in the browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from book.extension.notation import find, read_rows
from book.extension.symbols import mark
from tests.book.conftest import DESK, ROOT, Book, parsed, show, watched

TABLE = r"""
| symbol | meaning | chapters |
|---|---|---|
| $n$ | samples | |
| $n_i$ | units | |
| $n_b$, $n^*$ | others | |
| $m/m_t$ | overparameterization | |
| $m$, $m_t$ | weights | |
| $z$ | target | 1, 2 |
| $z=m_t/\varepsilon$ | ratio | 3 |
| $\tilde n$ | features | |
| $H_2(p)$ | entropy | |
| mask | zeros and ones | |
"""


def names(formula: str, chapter: str = "1") -> list[str]:
    """Return the rows of the small table that are found in a formula."""
    rows = [row for row in read_rows(TABLE) if row.holds_in(chapter)]
    return [found.row.id.removeprefix("symbol-") for found in find(formula, rows)]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"n+n_3-n_{i-1}", ["n", "n-i", "n-i"]),
        (r"n_b\,n^*", ["n-b", "n-b"]),
        (r"n^2n'", ["n"]),  # an exponent is one, a prime makes another symbol
        (r"\tilde n\hat n", ["tilde-n"]),
        (r"\frac{m}{m_t}+m/m_t", ["m", "m", "m-over-m-t"]),
        (r"c_{min}\text{n}\operatorname*{n}\sin\\[4n]", []),
        (r"\sum_{i\le n}x^{n}", ["n", "n"]),
        (r"H_2(n)", ["H-2", "n"]),
    ],
)
def test_only_the_exact_symbol_is_found(formula: str, expected: list[str]) -> None:
    assert names(formula) == expected


def test_a_letter_means_what_its_chapter_says() -> None:
    assert names("z", chapter="2") == ["z"]
    assert names("z", chapter="3") == ["z-again"]
    assert names("z", chapter="4") == []


def test_a_table_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="two rows explain n in the same chapter"):
        read_rows(TABLE + "| $n$ | again | 5 |\n")
    with pytest.raises(ValueError, match=r"expected names of chapters, got \['A b'\]"):
        read_rows(TABLE + "| $q$ | again | A b |\n")


def test_marks_keep_the_formula() -> None:
    rows = read_rows(TABLE.replace("| 1, 2 |", "| |").replace("| $z=m_t", "| $y=m_t"))
    assert mark(r"\frac n2\le\sqrt m_t", rows) == (
        r"\frac {\class{symbol symbol-n}{n}}2\le\sqrt {\class{symbol symbol-m}{m}}_t"
    )


def test_the_table_of_the_book_is_understood() -> None:
    rows = read_rows((ROOT / "book" / "notation.md").read_text("utf-8"))
    assert len({row.id for row in rows}) == len(rows)
    chapters = {path.stem for path in (ROOT / "notebooks").glob("*.md")}
    for row in rows:
        assert row.chapters is None or row.chapters <= chapters, row.id


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_each_list_leads_to_the_table(built: Book) -> None:
    """Without scripts: every chapter lists its symbols, and each links to a row."""
    table = parsed(built.html / "book" / "notation.html")
    for path in built.chapters():
        page = parsed(path)
        links = page.select("details.symbols a.symbol-link")
        assert links, path.name
        for link in links:
            row = table.find(id=str(link["href"]).partition("#")[2])
            assert row is not None, f"{path.name}: {link['href']}"
            assert row.name == "tr", f"{path.name}: {link['href']}"


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_a_symbol_explains_itself(built: Book, browser: Browser) -> None:
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    show(page, Path(built.html, "notebooks", "dense-networks.html"))
    card = page.locator("#symbol-card")
    assert card.is_hidden()
    letter = page.locator("#thm-dense mjx-math .symbol-M-1").first
    letter.scroll_into_view_if_needed()
    letter.hover()
    assert "random network" in card.inner_text()
    assert "notation.html#symbol-M" in str(card.locator("a").first.get_attribute("href"))
    page.keyboard.press("Escape")
    assert card.is_hidden()
    page.set_viewport_size({"width": 240, "height": 800})  # formulas cut off are tab stops
    formula = page.locator("#thm-dense mjx-container.scrolls").first
    formula.focus()
    assert "binary entropy" in card.inner_text()
    assert formula.get_attribute("aria-describedby") == "symbol-card"
    page.mouse.click(5, 5)
    assert card.is_hidden()
    page.context.close()
    assert complaints == []
