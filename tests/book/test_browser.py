"""A real browser, off line: mathematics, console, phones."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from book.paper.browser import NAMES
from tests.book.conftest import DESK, PARTS, PHONE, ROOT, Book, show, watched

pytestmark = pytest.mark.book


def formulas(page: Page, path: Path, complaints: list[str]) -> int:
    """Open a page, complain of formulas that are wrong or not rendered, return how many are."""
    show(page, path)
    shown = page.locator("mjx-container").count()
    if page.locator("mjx-merror").count():
        complaints.append(f"{path.name}: {page.locator('mjx-merror').first.inner_text()}")
    if shown < page.locator(".math").count():
        complaints.append(f"{path.name}: only {shown} formulas are rendered")
    return shown


def check_width(page: Page, complaints: list[str]) -> None:
    """Complain if the open page is wider than the window of a phone."""
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    width, room = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    if width > room:
        complaints.append(f"{Path(page.url).name}: {width} pixels wide on {room}")


@pytest.mark.parametrize("part", range(PARTS))
def test_pages_open_with_mathematics_and_no_complaint_and_fit_a_phone(
    built: Book, browser: Browser, part: int
) -> None:
    """As after a turn of the screen; `test_screenshots.py` opens every page on a phone."""
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    rendered = 0
    for path in built.pages()[part::PARTS]:
        rendered += formulas(page, path, complaints)
        check_width(page, complaints)
    page.context.close()
    assert complaints == []
    assert rendered > 0


def test_the_browser_sees_what_is_wrong(built: Book, browser: Browser, tmp_path: Path) -> None:
    """The same checks complain of a page that has every fault."""
    path = tmp_path / "faulty.html"
    mathjax = built.html / "vendor" / "mathjax" / "tex-chtml.js"
    path.write_text(
        f"""<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <script src="{mathjax.as_uri()}"></script></head><body>
        <span class="math">\\(\\frac{{1}}\\)</span><span class="math">not rendered</span>
        <div style="width: 900px">wide</div><img src="gone.svg">
        <script>console.error("oops"); undefined.x</script></body></html>"""
    )
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    formulas(page, path, complaints)
    check_width(page, complaints)
    page.context.close()
    text = "\n".join(complaints)
    for fault in ("oops", "undefined", "gone.svg", "only 1 formulas", "900 pixels|908 pixels"):
        assert re.search(fault, text), f"{fault} is not in\n{text}"
    assert "Missing" in text, "MathJax names the mistake in the formula"


def test_make_installs_the_browser_that_is_looked_for_first() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\nbrowser:")[2].partition("\n\n")[0]
    assert re.findall(r"call debian,([^,)]+)\)", recipe) == [NAMES[0]]
