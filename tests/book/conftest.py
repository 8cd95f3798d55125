"""The built book (fast profile), shared by all workers; a browser; tiny books for the builder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup
from filelock import FileLock
from playwright.sync_api import Browser, Page, Request

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that the tests import book.*, which is not installed

from book.make.project import BuildError  # noqa: E402
from book.paper.browser import chromium  # noqa: E402

PARTS = 4  # in which the tests of all pages go through them, so that no worker is left with one
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

# Playwright waits for a promise without end.
TYPESET = """Promise.race([
  window.MathJax ? MathJax.startup.promise.then(() => null) : null,
  new Promise((_, no) => setTimeout(no, 120000, new Error('formulas are not typeset in time')))])"""

FRONT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  name: python3
---

"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put off what any worker can do with the book until one of them has built it."""

    def later(item: pytest.Item) -> bool:
        return item.get_closest_marker("book") is not None and not item.get_closest_marker(
            "xdist_group"
        )

    items.sort(key=later)


def run_build(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the builder of the book in ``root``, as its readers do."""
    command = [sys.executable, "-m", "book.make.build", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)


@dataclass(frozen=True)
class Book:
    """A book that was built."""

    root: Path
    html: Path
    collected: dict[str, Any]

    def pages(self) -> list[Path]:
        """Return the pages that a reader can open, without those that only lead to another one."""
        pages = set(self.html.rglob("*.html")) - set(self.html.glob("_static/**/*"))
        return sorted(pages - {self.html / "index.html"} - set(self.redirects()))

    def redirects(self) -> dict[Path, Path]:
        """Return the pages that stand at old addresses, each with the page it should lead to."""
        config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
        return {
            self.html / f"{old}.html": (self.html / old).parent / new
            for old, new in config["redirects"].items()
        }

    def chapters(self) -> list[Path]:
        """Return the pages of the chapters."""
        return [page for page in self.pages() if page.parent == self.html / "notebooks"]


@cache
def parsed(path: Path) -> BeautifulSoup:
    """Parse a page, once for all tests that look at it."""
    return BeautifulSoup(path.read_bytes(), "lxml")


@pytest.fixture(scope="session")
def built() -> Book:
    """Build the book in the fast profile with the real builder, once for all workers."""
    folder = ROOT / "_build" / "fast"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "tests.lock"):
        done = run_build(ROOT, "--profile", "fast")
    if done.returncode != 0:
        pytest.fail(f"the book does not build in the fast profile:\n{done.stderr[-8000:]}")
    collected = json.loads((folder / "claims.json").read_text("utf-8"))
    return Book(ROOT, folder / "html", collected)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium; under CI it must be there."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(chromium())
        except BuildError as error:
            if os.environ.get("CI"):
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield running


def watched(browser: Browser, size: dict[str, int], complaints: list[str]) -> Page:
    """Return a page without network whose errors are collected."""
    context = browser.new_context(viewport=size, offline=True)  # type: ignore[arg-type]
    page = context.new_page()

    def note(text: str) -> None:
        complaints.append(f"{Path(page.url).name}: {text}")

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # as by leaving a page before its icon is there
            note(f"request failed: {request.url}")

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error)))
    page.on("requestfailed", failed)
    return page


def show(page: Page, path: Path) -> None:
    """Open a page and wait for its mathematics."""
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate(TYPESET)


@dataclass(frozen=True)
class TinyBook:
    """A book of a few lines, made by the real builder, extension and configuration."""

    root: Path

    def build(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the builder."""
        return run_build(self.root, *arguments)

    def write(
        self,
        chapters: Mapping[str, str],
        claims: Mapping[str, str] | None = None,
        fast: Mapping[str, str] | None = None,
        index: str = "# A tiny book\n",
    ) -> None:
        """Write or replace the chapters, their claims and fast parameters, and the first page."""
        for name, text in chapters.items():
            changed = f"fast: {fast[name]}\n---\n" if fast and name in fast else "---\n"
            front = FRONT.replace("---\n\n", f"{changed}\n")
            self.chapter(name).write_text(front + text, encoding="utf-8")
        book = self.root / "book"
        shutil.rmtree(book / "claims", ignore_errors=True)
        (book / "claims").mkdir()
        for name, text in (claims or {}).items():
            (book / "claims" / f"{name}.yml").write_text(text, encoding="utf-8")
        (book / "index.md").write_text(index, encoding="utf-8")
        toc = ["format: jb-book", "root: book/index", "parts:", "  - caption: Chapters"]
        toc += ["    numbered: true", "    chapters:"]
        toc += [f"      - file: notebooks/{name}" for name in chapters]
        toc += ["  - caption: Reference", "    chapters:", "      - file: book/claims"]
        (self.root / "_toc.yml").write_text("\n".join(toc), encoding="utf-8")

    def chapter(self, name: str) -> Path:
        """Return the source of a chapter."""
        return self.root / "notebooks" / f"{name}.md"

    def result(self, name: str, profile: str = "full") -> Path:
        """Return where a chapter's result is stored."""
        return self.root / "_build" / profile / "results" / f"{name}.json"


@pytest.fixture
def tiny(tmp_path: Path) -> TinyBook:
    """Return an empty book with the real machinery and a package of its own to depend on."""
    book = tmp_path / "book"
    for name in ("slth", "book/_static", "book/explorer", "book/extension", "book/make"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("claims.md", "references.bib"):
        shutil.copy(ROOT / "book" / name, book)
    for name in ("_config.yml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "notebooks").mkdir()
    return TinyBook(tmp_path)
