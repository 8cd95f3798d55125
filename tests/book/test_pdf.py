"""The printed book: every page looked at, every statement found, every link followed."""

import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pypdf
import pypdfium2
import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser

from book.make.project import BuildError, Project
from book.paper import document, typeset
from slth import claims
from tests.book.conftest import ROOT, Book

MILLIMETRE = 72 / 25.4
MARGIN = 21 * MILLIMETRE  # the style asks for 22 mm at both sides
FULL_LINE = 187 * MILLIMETRE  # the longest lines end within a millimetre of 188
HEAD, FOOT = 23 * MILLIMETRE, 21 * MILLIMETRE


def letters(text: str) -> str:
    """Return a text without white space, ligatures and hyphenation, which differ on paper."""
    text = text.replace("ﬁ", "fi").replace("ﬂ", "fl").replace("\ufffe", "-").replace("\x02", "-")
    return re.sub(r"\s+", "", text)


def words(tag: Tag) -> str:
    """Return the letters of a tag up to its first formula, which paper shows rendered."""
    return letters(re.split(r"\\[(\[]", tag.get_text())[0])


def ink(page: pypdfium2.PdfPage) -> np.ndarray:
    """Return where the page is not white, one entry for each square point."""
    grey = page.render(scale=1, grayscale=True).to_numpy()
    return np.asarray(grey).reshape(grey.shape[0], grey.shape[1]) < 245


def faults(path: Path) -> list[str]:
    """Return what the eye would not like: blank pages, text that is cut off, shrunken pages.

    Chromium paints nothing into the margins: what sticks out at the left it cuts off, though the
    text is still in the file; for what sticks out at the right it shrinks all pages.
    """
    found, ends = [], [0.0]
    for number, page in enumerate(pypdfium2.PdfDocument(path), start=1):
        if ink(page)[round(HEAD) : -round(FOOT)].sum() < 200:
            found.append(f"page {number} is blank")
        text, height = page.get_textpage(), page.get_height()
        boxes = [text.get_rect(one) for one in range(text.count_rects())]
        if any(left < MARGIN or right > page.get_width() - MARGIN for left, _, right, _ in boxes):
            found.append(f"page {number} is cut at the margin")
        body = [right for _, low, right, high in boxes if low > FOOT and high < height - HEAD]
        ends.append(max(body, default=0.0))
    if np.quantile(ends, 0.8) < FULL_LINE:  # in the reference, few lines are full
        found.append("the pages are shrunk")
    return found


@pytest.fixture(scope="module")
def printed(built: Book) -> Path:
    """Print the book of the fast profile with the real command."""
    command = [sys.executable, "-m", "book.paper.pdf", "--profile", "fast"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return Path(done.stdout.strip())


@cache
def texts(path: Path) -> list[str]:
    """Return the letters of each page."""
    return [letters(page.get_textpage().get_text_range()) for page in pypdfium2.PdfDocument(path)]


@pytest.fixture(scope="module")
def articles(built: Book) -> dict[str, Tag]:
    """Return what the pages of the table of contents contain, by name and in its order."""
    found = {}
    for name, _ in document.parts(Project(ROOT).toc()):
        html = (built.html / f"{name}.html").read_bytes()
        found[name] = BeautifulSoup(html, "lxml").select_one("article.bd-article")
        for unseen in found[name].select("a.headerlink, [hidden]"):
            unseen.decompose()
    return found


slow = [pytest.mark.slow, pytest.mark.book, pytest.mark.xdist_group("pdf")]


class TestPrinted:
    """The book of the fast profile, printed once."""

    pytestmark = slow

    def test_no_page_is_blank_or_cut(self, printed: Path) -> None:
        assert faults(printed) == []
        assert 60 <= len(texts(printed)) <= 30 * len(Project(ROOT).chapter_names())
        assert printed.stat().st_size < 1.5e6 * len(Project(ROOT).chapter_names())

    def test_every_statement_claim_and_caption_is_there(
        self, printed: Path, articles: dict[str, Tag]
    ) -> None:
        everything = "".join(texts(printed))
        wanted = {letters(name) for name in claims.load(Project(ROOT).registry)}
        for article in articles.values():
            wanted |= {words(title) for title in article.select(".admonition > .admonition-title")}
            wanted |= {words(caption) for caption in article.select("figcaption")}
        assert len(wanted) > 200
        assert [one for one in sorted(wanted) if one not in everything] == []
        assert "Mathinputerror" not in everything
        assert "\\(" not in everything

    def test_above_each_caption_is_a_figure(self, printed: Path, articles: dict[str, Tag]) -> None:
        document = pypdfium2.PdfDocument(printed)
        starts = {
            caption.get_text().split("\\(")[0].strip()[:24]
            for article in articles.values()
            for caption in article.select("figcaption")
        }
        assert len(starts) > 20
        found: dict[str, int] = {}
        for page in document:
            dark, text = ink(page), page.get_textpage()
            for start in starts:
                hit = text.search(start).get_next()
                if hit is None:
                    continue
                left, _, _, top = text.get_charbox(hit[0])
                row = round(page.get_height() - top)
                above = dark[max(row - 150, 0) : row - 4, round(left) :]
                found[start] = max(found.get(start, 0), int(above.sum()))
        assert {start for start in starts if found.get(start, 0) < 300} == set()

    def test_every_link_leads_somewhere(self, printed: Path) -> None:
        inside, outside = links(printed)
        known = set(pypdf.PdfReader(printed).named_destinations)
        assert len(inside) > 300
        assert inside <= known
        assert outside
        assert [one for one in outside if not one.startswith(("https://", "http://"))] == []

    def test_the_contents_tell_the_right_pages(
        self, printed: Path, articles: dict[str, Tag]
    ) -> None:
        pages, places = texts(printed), pypdf.PdfReader(printed)
        known = places.named_destinations
        pattern, part, headings = ["Contents"], "", 0
        for name, caption in document.parts(Project(ROOT).toc()):
            if caption != part:
                part = caption
                pattern.append(plain(part))
            for heading in articles[name].select("h1, h2"):
                fragment = "" if heading.name == "h1" else heading.find_parent("section")["id"]
                target = known[f"/{document.anchor(name, fragment)}"]
                number = 1 + (places.get_destination_page_number(target) or 0)
                title = title_pattern(heading.get_text())
                assert re.search(title, plain(pages[number - 1])), f"{title} is not on {number}"
                pattern += [title, str(number)]
                headings += 1
        first = next(number for number, text in enumerate(pages) if "Contents" in text)
        listed = [
            # the foot comes first, and a formula's letter may come last, out of order
            re.sub(r"\D{1,3}$", "", pages[number].removeprefix(str(number + 1)))
            for number in range(first, first + headings // 40 + 1)
        ]
        assert headings > 50
        assert re.match("".join(pattern), plain("".join(listed)))

    def test_properties_and_bookmarks(self, printed: Path) -> None:
        reader = pypdf.PdfReader(printed)
        assert reader.metadata is not None
        assert reader.metadata.title == "Strong lottery tickets, executed"
        assert reader.metadata.author
        assert str(reader.root_object["/Lang"]) == "en"
        assert "/StructTreeRoot" in reader.root_object
        captions = {part["caption"] for part in Project(ROOT).toc()["parts"]}
        titles = [item.title for item in reader.outline if not isinstance(item, list)]
        assert captions <= set(titles)


def links(path: Path) -> tuple[set[str], set[str]]:
    """Return the named places and the addresses that the links of a PDF lead to."""
    inside, outside = set(), set()
    for page in pypdf.PdfReader(path).pages:
        for one in page.get("/Annots", []):
            note = one.get_object()
            if note.get("/Subtype") != "/Link":
                continue
            action = note.get("/A", {})
            if "/URI" in action:
                outside.add(str(action["/URI"]))
            else:
                inside.add(str(note.get("/Dest", action.get("/D"))))
    return inside, outside


def plain(text: str) -> str:
    """Return the letters of a text without dots, of which the contents have long rows."""
    return letters(text).replace(".", "")


def title_pattern(text: str) -> str:
    """Return a pattern for a title on paper, where formulas are rendered."""
    return ".*?".join(re.escape(plain(one)) for one in re.split(r"\\\(.*?\\\)", text))


def test_the_eye_sees_blank_pages_and_cut_ones(tmp_path: Path, browser: Browser) -> None:
    """The same check complains of a document with both faults."""
    path = tmp_path / "faulty.pdf"
    style = (ROOT / "book" / "paper" / "pdf.css").read_text("utf-8")
    # of what is cut off, only letters on the edge are left in the file: lines begin in many ways
    line = f"<p>{' '.join('m' * (1 + place % 7) for place in range(250))}</p>"
    bodies = [
        line,
        "",
        f'{line}<div style="margin-left: -9mm">{line}</div>',
        f'<div style="position: relative; left: 9mm">{line}</div>',
        line,
    ]
    body = "".join(f'<div class="chapter">{one}</div>' for one in bodies)
    body = f"<main>{body}</main>"
    source = tmp_path / "faulty.html"
    # in the fonts of the book, not in those of this machine
    source.write_text(typeset.document("", f"<style>{style}</style>", body), encoding="utf-8")
    page = browser.new_page()
    page.goto(source.as_uri())
    page.evaluate("document.fonts.ready.then(() => null)")
    page.pdf(path=path, prefer_css_page_size=True)
    page.close()
    assert faults(path) == [
        "page 2 is blank",
        "page 3 is cut at the margin",
        "the pages are shrunk",
    ]


def test_a_page_becomes_part_of_the_whole() -> None:
    """Links and anchors are those of the whole book; what paper cannot use is gone."""
    html = """<article><section id="start"><h1>Title<a class="headerlink" href="#start">#</a></h1>
    <p id="start">Twice. <a href="#start">here</a> <a href="02-b.html#end">there</a>
    <a href="../book/claims.html">claims</a> <a href="https://example.org/x">outside</a>
    <a href="../_downloads/1/a.md">a file</a>
    <span class="together"><span class="math">\\(x\\)</span>,</span> and <span class="together">
    <span class="math">\\(x+x+x+x+x+x+x+x+x+x+x+x+x+x+x+x+x+x+x+x+x\\)</span>.</span></p>
    <img src="../_images/f.svg"><script>1</script><button>Run</button>
    <noscript><p>still</p></noscript><div class="cell">
    <details class="admonition hide above-input"><pre>folded</pre></details></div>
    <div class="cell check"><details class="admonition hide above-input"><summary>
    <p class="collapsed admonition-title">Checked: an idea</p></summary><pre>figures</pre>
    </details></div></section></article>"""
    article = BeautifulSoup(html, "lxml").article
    names = {"notebooks/01-a", "notebooks/02-b", "book/claims"}
    page = document.Page("notebooks/01-a", "Part", article)
    found = document.adapt(page, names)
    assert [str(link["href"]) for link in found.select("a")] == [
        "#notebooks/01-a/start",
        "#notebooks/02-b/end",
        "#book/claims",
        "https://example.org/x",
    ]
    anchors = [str(tag["id"]) for tag in found.select("[id]")]
    assert anchors == ["notebooks/01-a/start"]
    assert found["id"] == "notebooks/01-a"
    assert found.img["src"] == "../html/_images/f.svg"
    assert found.select("script, button, noscript, .cell:not(.check), .headerlink") == []
    assert found.select_one(".check").get_text(strip=True) == "✔ Checked: an idea"
    assert "still" in found.get_text()
    assert "folded" not in found.get_text()
    assert "a file" in found.get_text()
    (kept,) = found.select(".together")
    assert kept.get_text() == "\\(x\\),", "what is long may break"
    (line,) = document.entries(replace(page, article=found))
    assert (line.level, line.text(), line.anchor) == (1, "Title", "notebooks/01-a")


def test_answers_stand_at_the_end_of_the_book() -> None:
    html = """<section><h1>1. One</h1><div class="exercise admonition">
    <p class="admonition-title">Exercise 1.1 (easy: A)</p>Why?</div><div class="admonition hint">
    <p class="admonition-title">Hint</p>Think.</div><div class="solution admonition">
    <p class="admonition-title">Solution to Exercise 1.1</p>So.</div></section>"""
    page = document.Page("notebooks/one", "Part", BeautifulSoup(html, "lxml").section)
    (end,) = document.answers([page, replace(page, article=BeautifulSoup("<h1>2</h1>", "lxml").h1)])
    assert page.article.get_text(" ", strip=True) == "1. One Exercise 1.1 (easy: A) Why?"
    assert end.article.get_text(" ", strip=True) == (
        "Hints and solutions 1. One Hint for Exercise 1.1 (easy: A) Think. "
        "Solution to Exercise 1.1 So."
    )
    assert [(line.level, line.text()) for line in document.entries(end)] == [
        (1, "Hints and solutions"),
        (2, "1. One"),
    ]


def test_the_contents_carry_parts_and_numbers() -> None:
    lines = [
        document.Entry(1, "", "", "Cover", "book/index"),
        document.Entry(1, "One & all", "1.", "First", "notebooks/01-a"),
    ]
    text = BeautifulSoup(document.contents(lines, {"notebooks/01-a": 7}), "lxml")
    assert [row.get_text() for row in text.select("p")] == ["Cover0", "One & all", "1.First7"]
    assert text.select("a")[1]["href"] == "#notebooks/01-a"


def test_a_book_that_is_not_built_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "_toc.yml").write_text("root: book/index\n", "utf-8")
    with pytest.raises(BuildError, match="build the book first"):
        document.pages(Project(tmp_path), tmp_path / "html")
