"""A real browser, off line: mathematics, console, search, phones."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.book.conftest import Book

pytestmark = [pytest.mark.book, pytest.mark.xdist_group("book")]

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium; under CI it must be there."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        reason = f"no browser: none of {', '.join(NAMES)} is installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


def watched(browser: Browser, size: dict[str, int], complaints: list[str]) -> Page:
    """Return a page without network whose errors are collected."""
    context = browser.new_context(viewport=size, offline=True)  # type: ignore[arg-type]
    page = context.new_page()

    def note(text: str) -> None:
        complaints.append(f"{Path(page.url).name}: {text}")

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error)))
    page.on("requestfailed", lambda request: note(f"request failed: {request.url}"))
    return page


def show(page: Page, path: Path) -> None:
    """Open a page and wait for its mathematics."""
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate("window.MathJax ? MathJax.startup.promise.then(() => null) : null")


def formulas(page: Page, path: Path, complaints: list[str]) -> int:
    """Open a page, complain of formulas that are wrong or not rendered, return how many are."""
    show(page, path)
    shown = page.locator("mjx-container").count()
    if page.locator("mjx-merror").count():
        complaints.append(f"{path.name}: {page.locator('mjx-merror').first.inner_text()}")
    if shown < page.locator(".math").count():
        complaints.append(f"{path.name}: only {shown} formulas are rendered")
    return shown


def check_width(page: Page, path: Path, complaints: list[str]) -> None:
    """Open a page and complain if it is wider than the window."""
    show(page, path)
    width, room = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    if width > room:
        complaints.append(f"{path.name}: {width} pixels wide on {room}")


def test_pages_open_without_complaint_and_with_mathematics(built: Book, browser: Browser) -> None:
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    rendered = [formulas(page, path, complaints) for path in built.pages()]
    page.context.close()
    assert complaints == []
    assert sum(rendered) > 0


def test_no_page_scrolls_sideways_on_a_phone(built: Book, browser: Browser) -> None:
    complaints: list[str] = []
    page = watched(browser, PHONE, complaints)
    for path in built.pages():
        check_width(page, path, complaints)
    page.context.close()
    assert complaints == []


def test_the_browser_sees_what_is_wrong(built: Book, browser: Browser) -> None:
    """The same checks complain of a page that has every fault."""
    path = built.html / "faulty.html"
    path.write_text(
        """<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <script src="vendor/mathjax/tex-chtml.js"></script></head><body>
        <span class="math">\\(\\frac{1}\\)</span><span class="math">not rendered</span>
        <div style="width: 900px">wide</div><img src="gone.svg">
        <script>console.error("oops"); undefined.x</script></body></html>"""
    )
    complaints: list[str] = []
    page = watched(browser, PHONE, complaints)
    try:
        formulas(page, path, complaints)
        check_width(page, path, complaints)
    finally:
        path.unlink()
        page.context.close()
    text = "\n".join(complaints)
    for fault in ("oops", "undefined", "gone.svg", "only 1 formulas", "900 pixels|908 pixels"):
        assert re.search(fault, text), f"{fault} is not in\n{text}"
    assert "Missing" in text, "MathJax names the mistake in the formula"


def test_search_finds_subset(built: Book, browser: Browser) -> None:
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    page.goto((built.html / "search.html").as_uri() + "?q=subset")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    hits = page.locator("#search-results li a").all_inner_texts()
    page.goto((built.html / "search.html").as_uri() + "?q=xylophones")
    page.wait_for_selector("#search-results .search-summary:not(:empty)", timeout=20_000)
    page.wait_for_function(
        "!document.querySelector('.search-summary').textContent.includes('Searching')"
    )
    misses = page.locator("#search-results li a").count()
    page.context.close()
    assert hits
    assert misses == 0
    assert complaints == []
