"""What other programs read of the pages: descriptions, cards, canonical addresses, the sitemap."""

from pathlib import Path
from urllib.parse import urljoin, urlsplit

import yaml
from bs4 import BeautifulSoup
from lxml import etree
from matplotlib.image import imread

from book.make.project import Project, toc_files
from tests.book.conftest import ROOT, TinyBook

ADDRESS = "https://someone.github.io/Some-Book/"
INDEX = """---
myst:
  html_meta:
    description: "Says \\"so\\" & means it."
---

# A tiny book
"""


def head(path: Path) -> BeautifulSoup:
    """Read a page."""
    return BeautifulSoup(path.read_bytes(), "lxml")


def content(page: BeautifulSoup, key: str) -> str | None:
    """Return what a meta tag says."""
    tag = page.find("meta", attrs={"property": key}) or page.find("meta", attrs={"name": key})
    return None if tag is None else str(tag["content"])


def built(tiny: TinyBook, *arguments: str) -> Path:
    """Build a tiny book and return the folder of its pages."""
    done = tiny.build(*arguments)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.splitlines()[-1]).parents[1]


def test_a_published_book_says_where_it_is_and_another_one_does_not(tiny: TinyBook) -> None:
    tiny.write({"01-a": "# A chapter\n\nText.\n"}, index=INDEX)
    check_without_address(built(tiny))
    check_with_address(built(tiny, "--repository", "Someone/Some-Book"))


def check_with_address(published: Path) -> None:
    page = head(published / "book" / "index.html")
    assert page.html is not None
    assert page.html["lang"] == "en"
    assert page.select_one("link[rel=canonical]")["href"] == ADDRESS + "book/index.html"
    assert content(page, "og:url") == ADDRESS + "book/index.html"
    assert content(page, "og:title") == "A tiny book"
    assert content(page, "og:description") == content(page, "description")
    assert content(page, "og:description") == 'Says "so" & means it.'
    assert content(page, "twitter:card") == "summary_large_image"
    assert content(page, "theme-color") is not None
    assert content(page, "og:image:alt") == content(page, "description")
    image = content(page, "og:image") or ""
    shown = imread(published / image.removeprefix(ADDRESS))
    size = (content(page, "og:image:height"), content(page, "og:image:width"))
    assert tuple(map(str, shown.shape[:2])) == size
    assert (shown[..., :3].sum(axis=2) < 1).sum() > 3000, "there is text in dark letters"
    icon = page.select_one("link[rel~=icon]")["href"]
    assert (published / "book" / icon).resolve().is_file()

    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    listed = [one.text for one in etree.parse(published / "sitemap.xml").iter(f"{space}loc")]
    names = ("book/index", "book/claims", "book/claims/01-a", "notebooks/01-a", "index")
    assert set(listed) <= {f"{ADDRESS}{name}.html" for name in names}
    assert len(listed) >= 3
    assert f"Sitemap: {ADDRESS}sitemap.xml" in (published / "robots.txt").read_text("utf-8")

    lost = head(published / "404.html")
    targets = [urlsplit(urljoin(ADDRESS, str(link["href"]))).path for link in lost.select("a")]
    for target in targets:
        assert (published / target.removeprefix("/Some-Book/")).is_file()
    assert lost.select("[src], link") == [], "it is shown at any depth, and so needs no file"


def check_without_address(html: Path) -> None:
    page = head(html / "book" / "index.html")
    assert page.select("link[rel=canonical]") == []
    assert page.find("meta", attrs={"property": "og:image"}) is None
    assert content(page, "description") == 'Says "so" & means it.'
    for name in ("sitemap.xml", "robots.txt", "404.html", "_images/social_previews"):
        assert not (html / name).exists()


def test_every_page_has_a_description() -> None:
    found = {}
    for name in toc_files(Project(ROOT).written_toc()):
        front = (ROOT / f"{name}.md").read_text("utf-8").split("---\n")[1]
        meta = (yaml.safe_load(front) or {}).get("myst", {}).get("html_meta", {})
        found[name] = meta.get("description", "")
    assert [name for name, text in found.items() if not 50 <= len(text) <= 250] == []
    assert len(set(found.values())) == len(found), "two pages have the same description"
