"""The panel under each chapter's title: what it says, where it leads, who can use it."""

from pathlib import Path
from urllib.parse import urldefrag

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Page

from book.extension.launch import panel
from book.extension.notebooks import folder
from tests.book.conftest import DESK, PHONE, Book, show, watched

LINKS = ".launch a"


def test_the_panel_leads_to_the_published_notebooks() -> None:
    soup = BeautifulSoup(panel("01-a", "full", {"seconds": 125.0}, "o/n"), "html.parser")
    links = {link.get_text(): link["href"] for link in soup.select("a")}
    assert links == {
        "Download notebook": "clean/01-a.ipynb",
        "Colab": folder.colab("o/n", "01-a"),
        "Binder": folder.binder("o/n", "01-a"),
        "change parameters": "#how-this-page-was-made",
    }
    assert "Runs in 2 min ·" in soup.get_text()
    assert soup.select("a[aria-label='Open in Colab']")
    assert "--repository" not in soup.get_text()


def test_without_a_repository_readers_are_offered_what_there_is() -> None:
    soup = BeautifulSoup(panel("01-a", "fast", {"seconds": 89.4}, None), "html.parser")
    assert "Runs in 89 s (fast profile)" in soup.get_text()
    assert soup.select("a[download][href='clean/01-a.ipynb']")
    assert "--repository" not in soup.get_text(), "a note to builders"
    assert [link.get_text() for link in soup.select("a")] == [
        "change parameters",
        "Download notebook",
    ]


def faults(page: Path) -> list[str]:
    """Return what is wrong with the panel of a page."""
    soup = BeautifulSoup(page.read_bytes(), "lxml")
    panels = soup.select("h1 + nav.launch[aria-label]")
    if len(panels) != 1:
        return [f"{page.name}: {len(panels)} panels below the title"]
    found = []
    for link in panels[0].select("a"):
        path, anchor = urldefrag(str(link["href"]))
        if not path and soup.find(id=anchor) is None:
            found.append(f"{page.name}: there is no #{anchor}")
        elif path and "//" not in path and not (page.parent / path).is_file():
            found.append(f"{page.name}: there is no {path}")
    if soup.select("[aria-label='Download this page'], .btn-download-source-button"):
        found.append(f"{page.name}: a second way to download")
    commands = [tag.get_text() for tag in soup.select("pre") if "--chapter" in tag.get_text()]
    if len(commands) != 1:
        found.append(f"{page.name}: the command is shown {len(commands)} times")
    return found


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_every_chapter_has_a_panel_and_no_other_page(built: Book) -> None:
    assert [fault for page in built.chapters() for fault in faults(page)] == []
    for page in set(built.pages()) - set(built.chapters()):
        assert 'class="launch"' not in page.read_text("utf-8"), page.name


def test_the_scan_sees_what_is_wrong(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text("<h1>A</h1><p>no panel</p>")
    assert faults(page) == ["a.html: 0 panels below the title"]
    page.write_text(
        "<h1>A</h1><nav class='launch' aria-label='Run'><a href='gone.ipynb'>x</a>"
        "<a href='#gone'>y</a></nav><a class='btn-download-source-button'>z</a>"
    )
    assert faults(page) == [
        "a.html: there is no gone.ipynb",
        "a.html: there is no #gone",
        "a.html: a second way to download",
        "a.html: the command is shown 0 times",
    ]


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_the_keyboard_reaches_and_shows_it(built: Book, browser: Browser) -> None:
    complaints: list[str] = []
    page = watched(browser, DESK, complaints)
    show(page, built.chapters()[0])
    page.locator("article h1").click()
    reached = []
    for _ in range(4):  # the title's own link comes first
        page.keyboard.press("Tab")
        if page.evaluate("Boolean(document.activeElement.closest('.launch'))"):
            reached.append(page.evaluate("document.activeElement.textContent"))
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style == "solid", "the focus is seen"
    assert reached == ["change parameters", "Download notebook"]
    page.context.close()
    assert complaints == []


@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_it_needs_no_script_and_fits_a_phone(built: Book, browser: Browser) -> None:
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        java_script_enabled=False,
        offline=True,
    )
    page: Page = context.new_page()
    page.goto(built.chapters()[0].as_uri())
    boxes = [link.bounding_box() for link in page.locator(LINKS).all()]
    assert boxes
    for box in boxes:
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= PHONE["width"]
        assert box["height"] >= 24, "a finger can hit it"
    context.close()
