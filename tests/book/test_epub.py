"""The packed book: well-formed, whole, closed in itself, the same twice."""

import io
import posixpath
import re
import subprocess
import sys
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from lxml import etree

from book import epub, mathml, whole
from book.archive import File, pack
from book.epub import OPS, SVG, XHTML
from book.mathml import MATHML
from book.project import BuildError, Project
from book.typeset import Imprint
from slth import claims
from tests.book.conftest import ROOT, Book

OPF = "{http://www.idpf.org/2007/opf}"
LINK = "{http://www.w3.org/1999/xlink}href"
SCRIPTS = {
    f"{{{XHTML}}}{name}" for name in ("script", "iframe", "object", "embed", "form", "input")
}


def letters(text: str) -> str:
    """Return a text without white space."""
    return re.sub(r"\s+", "", text)


def faults(content: bytes) -> list[str]:
    """Return what is wrong with an archive that claims to be an EPUB."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    names = archive.namelist()
    first = archive.infolist()[0]
    kept = (first.filename, first.compress_type, archive.read(first))
    found = []
    if kept != ("mimetype", zipfile.ZIP_STORED, b"application/epub+zip"):
        found.append("mimetype does not come first, as it is")
    trees: dict[str, etree._Element] = {}
    for name in names:
        if name.endswith((".xhtml", ".svg", ".opf", ".xml")):
            try:
                trees[name] = etree.fromstring(archive.read(name))
            except etree.XMLSyntaxError as error:
                found.append(f"{name} is not well-formed: {error}")
    package = trees["EPUB/content.opf"]
    items = {item.get("id"): item for item in package.iter(f"{OPF}item")}
    listed = [f"EPUB/{item.get('href')}" for item in items.values()]
    beside = ["mimetype", "META-INF/container.xml", "EPUB/content.opf"]
    if sorted(listed + beside) != sorted(names):
        found.append("the manifest does not list what is there")
    spine = [items[one.get("idref")].get("href") for one in package.iter(f"{OPF}itemref")]
    if {f"EPUB/{name}" for name in spine} != {name for name in names if name.endswith(".xhtml")}:
        found.append("the spine is not complete")
    marks = {f"EPUB/{item.get('href')}": item.get("properties", "") for item in items.values()}
    anchors = {
        name: [one.get("id") for one in tree.iterfind(".//*[@id]")] for name, tree in trees.items()
    }
    for name, tree in trees.items():
        repeated = [anchor for anchor, count in Counter(anchors[name]).items() if count > 1]
        found += [f"{name} repeats {anchor}" for anchor in repeated]
        for tag in tree.iter(etree.Element):
            where = f"{name}: {etree.QName(tag).localname}"
            found += [
                f"{where} {fault}" for fault in [*amiss(tag), *astray(tag, name, names, anchors)]
            ]
        if name.endswith(".xhtml"):
            if re.search(r"\\[(\[]|mjx-|\\begin\{", plain(tree)):
                found.append(f"{name} has formulas in TeX")
            for mark, kind in (("mathml", f"{{{MATHML}}}math"), ("svg", f"{{{SVG}}}svg")):
                if bool(list(tree.iter(kind))) != (mark in marks.get(name, "").split()):
                    found.append(f"the manifest is wrong about {mark} in {name}")
    if re.search(r"url\(|@import", archive.read("EPUB/style.css").decode()):
        found.append("the style loads something")
    return found


def amiss(tag: etree._Element) -> list[str]:
    """Return what is wrong with a tag by itself."""
    wrong = {
        "is active": tag.tag in SCRIPTS or any(key.startswith("on") for key in tag.attrib),
        "has no alternative text": tag.tag == f"{{{XHTML}}}img" and not tag.get("alt"),
        "has no MathML": "math" in tag.get("class", "").split()
        and not list(tag.iter(f"{{{MATHML}}}math")),
    }
    return [fault for fault, is_so in wrong.items() if is_so]


def astray(
    tag: etree._Element, name: str, names: list[str], anchors: dict[str, list[str]]
) -> list[str]:
    """Return what a tag loads from outside, or looks for in vain inside."""
    found = []
    for target in filter(None, (tag.get(key) for key in ("src", "href", LINK))):
        address = urlsplit(target)
        if target.startswith("data:image/"):
            continue
        if address.scheme or address.netloc:
            if tag.tag != f"{{{XHTML}}}a" or address.scheme not in ("http", "https"):
                found.append(f"loads {target}")
            continue
        folder = posixpath.dirname(name)
        path = posixpath.normpath(posixpath.join(folder, unquote(address.path)))
        path, anchor = path if address.path else name, unquote(address.fragment)
        if path not in names or (anchor and anchor not in anchors.get(path, [])):
            found.append(f"leads to {target}, which is not there")
    return found


def plain(tree: etree._Element) -> str:
    """Return the text outside of code, where backslashes are no formulas."""
    query = "//text()[not(ancestor::x:pre or ancestor::x:code)]"
    return "".join(tree.xpath(query, namespaces={"x": XHTML}))


def pack_again() -> Path:
    """Pack the book, as its readers do."""
    command = [sys.executable, str(ROOT / "book" / "epub.py"), "--profile", "fast"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def packed(built: Book) -> Path:
    """Pack the book of the fast profile with the real command."""
    return pack_again()


@pytest.mark.slow
@pytest.mark.book
@pytest.mark.xdist_group("book")
class TestPacked:
    """The book of the fast profile, packed."""

    def test_nothing_is_wrong(self, packed: Path) -> None:
        assert faults(packed.read_bytes()) == []
        assert packed.stat().st_size < 10e6

    def test_it_holds_what_the_pages_hold(self, packed: Path) -> None:
        archive = zipfile.ZipFile(packed)
        wanted: dict[str, list[str]] = {}
        formulas, found = 0, 0
        everything = ""
        for page in whole.pages(Project(ROOT), ROOT / "_build" / "fast" / "html"):
            tree = etree.fromstring(archive.read(f"EPUB/{epub.file_name(page.name)}"))
            text = letters("".join(tree.itertext()))
            everything += text
            for link in page.article.select("a.headerlink, [hidden]"):
                link.decompose()
            titles = page.article.select(".admonition > .admonition-title, h1, h2, figcaption")
            missing = [
                one.get_text()
                for one in titles
                if not one.find_parent(class_="hide")
                and letters(re.split(r"\\[(\[]", one.get_text())[0]) not in text
            ]
            described = {image.get("alt") for image in tree.iter(f"{{{XHTML}}}img")}
            shown = [
                image["alt"]
                for image in page.article.select("img[alt]")
                if not image.find_parent(class_=["only-dark", "dark-only"])
            ]
            missing += [alt for alt in shown if alt not in described]
            wanted[page.name] = missing
            formulas += len(page.article.select("span.math, div.math"))
            found += sum(1 for _ in tree.iter(f"{{{MATHML}}}math"))
        assert {name: missing for name, missing in wanted.items() if missing} == {}
        assert formulas > 1000
        assert found >= 0.95 * formulas
        assert [
            name for name in claims.load(Project(ROOT).registry) if name not in everything
        ] == []

    def test_the_contents_name_all_pages_in_order(self, packed: Path) -> None:
        tree = etree.fromstring(zipfile.ZipFile(packed).read("EPUB/nav.xhtml"))
        (nav,) = tree.iter(f"{{{XHTML}}}nav")
        assert nav.get(f"{{{OPS}}}type") == "toc"
        links = [link.get("href") for link in nav.iter(f"{{{XHTML}}}a")]
        parts = list(whole.parts(Project(ROOT).toc()))
        assert [one for one in links if "#" not in one] == [
            epub.file_name(name) for name, _ in parts
        ]
        captions = [
            span.text for span in nav.iterfind(f"{{{XHTML}}}ol/{{{XHTML}}}li/{{{XHTML}}}span")
        ]
        assert captions == list(dict.fromkeys(caption for _, caption in parts if caption))

    def test_the_same_pages_give_the_same_bytes(self, packed: Path) -> None:
        before = packed.read_bytes()
        assert pack_again().read_bytes() == before


def archive(path: Path, parts: dict[str, str], files: tuple[File, ...] = ()) -> bytes:
    """Pack parts of a book as the builder does."""
    trees = {
        name: etree.fromstring(f'<div xmlns="{XHTML}">{text}</div>') for name, text in parts.items()
    }
    spine = [epub.xhtml(name, tree) for name, tree in trees.items()]
    day = Imprint("A & B", "C", "1", "", date(2026, 1, 2))
    pack(path, day, "fast", [*spine, File("style.css", b""), *files], spine)
    return path.read_bytes()


def test_the_same_eye_finds_every_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    math = f'<span class="math"><math xmlns="{MATHML}"><mi>x</mi></math></span>'
    good = f'<h1 id="top">One</h1><p><a href="book-b.xhtml#top">b</a> {math} <code>\\(</code></p>'
    assert faults(archive(path, {"book/a": good, "book/b": '<h1 id="top">Two</h1>'})) == []
    bad = (
        '<h1 id="top">One</h1><p id="top"><a href="#nowhere">b</a><a href="c.xhtml">c</a> \\(x\\)'
        '<img src="https://example.org/x.png" alt=""/><script>1</script>'
        '<span class="math">y</span></p>'
    )
    names = (File("images/a.svg", f'<svg xmlns="{SVG}"><use href="#b"/></svg>'.encode()),)
    content = archive(path, {"book/a": bad}, names)
    assert faults(content) == [
        "EPUB/book-a.xhtml repeats top",
        "EPUB/book-a.xhtml: a leads to #nowhere, which is not there",
        "EPUB/book-a.xhtml: a leads to c.xhtml, which is not there",
        "EPUB/book-a.xhtml: img has no alternative text",
        "EPUB/book-a.xhtml: img loads https://example.org/x.png",
        "EPUB/book-a.xhtml: script is active",
        "EPUB/book-a.xhtml: span has no MathML",
        "EPUB/book-a.xhtml has formulas in TeX",
        "EPUB/images/a.svg: use leads to #b, which is not there",
    ]
    spoilt = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(spoilt, "w") as new:
        for name in [*reversed(old.namelist()), "EPUB/more.xhtml"]:
            text = old.read(name) if name in old.namelist() else b"<p>"
            new.writestr(name, text + b"@import 'x'" * name.endswith(".css"))
    found = faults(spoilt.getvalue())
    assert found[0] == "mimetype does not come first, as it is"
    assert found[1].startswith("EPUB/more.xhtml is not well-formed")
    assert found[2:4] == ["the manifest does not list what is there", "the spine is not complete"]
    assert found[-1] == "the style loads something"


def test_links_and_anchors_become_those_of_files() -> None:
    parts = {
        "book/a": '<section id="book/a"><p id="book/a/x"/><a href="#book/b/y/z"/></section>',
        "book/b": '<section id="book/b"><p id="book/b/y/z"/><a href="#book/a"/></section>',
    }
    trees = {name: etree.fromstring(text) for name, text in parts.items()}
    epub.resolve(trees)
    assert [etree.tostring(tree).decode() for tree in trees.values()] == [
        '<section><p id="x"/><a href="book-b.xhtml#y-z"/></section>',
        '<section><p id="y-z"/><a href="book-a.xhtml"/></section>',
    ]
    with pytest.raises(BuildError, match="book/a links to #book/c"):
        epub.resolve({"book/a": etree.fromstring('<p><a href="#book/c"/></p>')})


def test_the_contents_nest_by_part() -> None:
    entries = [
        whole.Entry(1, "", "", "Cover", "book/index"),
        whole.Entry(1, "One & all", "1.", "First", "a"),
        whole.Entry(2, "One & all", "1.1.", "Sec", "a/s"),
        whole.Entry(1, "One & all", "2.", "Second", "b"),
    ]
    assert epub.navigation(entries) == (
        '<nav><h1>Contents</h1><ol><li><a href="#book/index">Cover</a></li>'
        '<li><span>One &amp; all</span><ol><li><a href="#a">1. First</a>'
        '<ol><li><a href="#a/s">1.1. Sec</a></li></ol></li>'
        '<li><a href="#b">2. Second</a></li></ol></li></ol></nav>'
    )


@pytest.mark.parametrize(
    ("text", "variant", "expected"),
    [
        ("R", "double-struck", "ℝ"),
        ("1", "double-struck", "𝟙"),
        ("N", "script", "𝒩"),
        ("xβ", "bold", "𝐱𝛃"),
        ("C", "fraktur", "ℭ"),
        ("+", "bold", "+"),
    ],
)
def test_alphabets_are_unicode(text: str, variant: str, expected: str) -> None:
    assert mathml.styled(text, variant) == expected


def test_mathematics_is_spaced_as_in_tex() -> None:
    def mended(inside: str) -> str:
        tree = etree.fromstring(f'<math xmlns="{MATHML}">{inside}</math>')
        mathml.mend(tree)
        return "".join(etree.tostring(one).decode() for one in tree).replace(
            f' xmlns="{MATHML}"', ""
        )

    apply = "<mo>&#8289;</mo>"
    assert (
        mended('<mi data-mjx-texclass="ORD" mathvariant="double-struck">P</mi>')
        == "<mi>&#8473;</mi>"
    )
    assert mended("<mo>|</mo>") == '<mo lspace="0" rspace="0">|</mo>'
    assert mended("<mo>min</mo>") == '<mo lspace="0.167em" rspace="0.167em">min</mo>'
    assert mended("<mo>[</mo><mo>−</mo>") == '<mo>[</mo><mo form="prefix">&#8722;</mo>'
    assert mended("<mo>)</mo><mo>−</mo>") == "<mo>)</mo><mo>&#8722;</mo>"
    assert mended(f"<mi>p</mi><mi>ln</mi>{apply}<mi>p</mi>") == (
        '<mi>p</mi><mspace width="0.167em"/><mi>ln</mi><mo rspace="0.167em">&#8289;</mo><mi>p</mi>'
    )
    alone = f"<mi>ln</mi>{apply}<mo>(</mo>"
    assert mended(alone) == alone


def test_equal_images_of_a_figure_lose_their_second_name() -> None:
    drawing = f'<svg xmlns="{SVG}"><g id="a"/><g id="a"/><g id="b"/></svg>'.encode()
    assert re.findall(rb"<g.*?/>", epub.unique(drawing)) == [
        b'<g id="a"/>',
        b"<g/>",
        b'<g id="b"/>',
    ]


def test_code_has_colours_for_both_kinds_of_readers() -> None:
    css = (
        'html[data-theme="light"] .k { color: #123 }\nhtml[data-theme="dark"] .k { color: #abc }\n'
    )
    assert epub.code_style(css) == (
        ".k { color: #123 }\n@media (prefers-color-scheme: dark) {\n.k { color: #abc }\n}\n"
    )


def test_a_signature_of_many_lines_is_one_term() -> None:
    html = """<article><dl class="py function"><dt class="sig" id="f">f<span>(</span>
    <dl><dd>a,</dd><dd>b</dd></dl><span>)</span> → int<a class="headerlink" href="#f">#</a></dt>
    <dd><p>It does.</p></dd></dl></article>"""
    article = BeautifulSoup(html, "lxml").article
    found = whole.adapt(whole.Page("book/a", "", article), {"book/a"}, {})
    assert [tag.name for tag in found.dl.find_all(recursive=False)] == ["dt", "dd"]
    assert letters(found.dt.get_text()) == "f(a,b)→int"
    assert [tag.get_text() for tag in found.select(".signature-line .signature-line")] == [
        "a,",
        "b",
    ]
