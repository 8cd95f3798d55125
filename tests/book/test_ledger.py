"""The ledger in a real browser: the filter, old addresses, the drawing, no scripts."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.book.conftest import DESK, Book, parsed, show, watched

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]

SHOWN = ".claim-entry:not([hidden])"


def address(built: Book, page: str) -> str:
    """Return the address of a page of the ledger, with what follows its name."""
    name, mark, rest = page.partition("?") if "?" in page else page.partition("#")
    return f"{(built.html / 'book' / name).as_uri()}{mark}{rest}"


def test_the_filter_leaves_what_was_asked_for(built: Book, browser: Browser) -> None:
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    page.goto(address(built, "claims/rss-proof.html?checked=simulated"))
    entries, simulated = (
        page.locator(f".claim-entry{one}").count() for one in ("", ".checked-simulated")
    )
    assert 0 < simulated < entries
    assert page.locator(SHOWN).count() == simulated
    assert page.locator(".claims-filter output").inner_text() == f"{simulated} of {entries} shown"

    page.select_option(".claims-filter [name=checked]", "")
    page.fill(".claims-filter [name=q]", "Reverse markov")
    texts = [text.lower() for text in page.locator(SHOWN).all_text_contents()]
    assert 0 < len(texts) < entries
    assert all("reverse" in text and "markov" in text for text in texts)
    page.fill(".claims-filter [name=q]", "xylophones")
    assert page.locator(SHOWN).count() == 0

    page.evaluate("location.hash = 'claim-rss-proof-gap'")
    page.wait_for_selector("#claim-rss-proof-gap:not([hidden])")
    assert page.locator(SHOWN).count() == entries, "what is gone to is not hidden"
    page.context.close()
    assert complaints == []


def at_claim(page: Page, claim: str) -> bool:
    """Whether the open page is at the entry of a claim."""
    top = page.locator(f"section#claim-{claim}").bounding_box()
    return top is not None and 0 <= top["y"] < 300


def test_the_addresses_of_the_one_page_lead_to_the_entries(built: Book, browser: Browser) -> None:
    page = watched(browser, DESK, [])
    page.goto(address(built, "claims.html#claim-dense-theorem"))
    page.wait_for_url("**/claims/dense-networks.html#claim-dense-theorem")
    show(page, Path(built.html, "book", "claims.html"))
    page.fill(".claims-filter [name=q]", "tickets of dense")
    shown = page.locator(SHOWN)
    assert 0 < shown.count() < page.locator(".claim-entry").count()
    assert page.locator(".claims-of:not([hidden])").count() < page.locator(".claims-of").count()
    shown.locator("a").first.click()
    page.wait_for_url("**/claims/dense-networks.html#*")
    page.context.close()


def test_badge_entry_and_statement_lead_to_one_another(built: Book, browser: Browser) -> None:
    page = watched(browser, DESK, [])
    show(page, built.html / "notebooks" / "certificates.html")
    page.locator(".claim-badge a[href$='#claim-dense-bound']").click()
    page.wait_for_url("**/claims/certificates.html#claim-dense-bound")
    page.wait_for_load_state()
    assert at_claim(page, "dense-bound")
    page.locator("#claim-dense-bound").get_by_text("Where it is").click()
    page.wait_for_url("**/notebooks/certificates.html#*")
    page.context.close()


def test_drawings_are_whole_on_a_desk(built: Book, browser: Browser) -> None:
    pages = sorted((built.html / "book" / "claims").glob("*.html"))
    widths = {
        path: int(drawing["width"])
        for path in pages
        for drawing in parsed(path).select(".claims-graph svg")
    }
    page = watched(browser, DESK, [])
    page.goto(max(widths, key=lambda one: widths[one]).as_uri(), wait_until="domcontentloaded")
    wide, room = page.locator(".claims-graph").evaluate("one => [one.scrollWidth, one.clientWidth]")
    page.context.close()
    assert len(widths) > 10
    assert wide <= room


def test_without_scripts_every_entry_is_there(built: Book, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False, offline=True).new_page()
    page.goto(address(built, "claims/rss-proof.html?checked=simulated"))
    assert page.locator("section.claim-entry.checked-computed").first.is_visible()
    assert not page.locator(".claims-filter").is_visible()
    page.context.close()
