"""The book for electronic readers: well-formed, whole, closed in itself, formulas as MathML."""

import io
import posixpath
import re
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from docutils import nodes  # type: ignore[import-untyped]
from lxml import etree

from book.extension.epub import formula
from book.make.project import Project, toc_files
from tests.book.conftest import ROOT, Book, TinyBook, parsed, run_build

OPF = "{http://www.idpf.org/2007/opf}"
XHTML = "{http://www.w3.org/1999/xhtml}"
MATHML = "{http://www.w3.org/1998/Math/MathML}"
LINK = "{http://www.w3.org/1999/xlink}href"
SVG = "{http://www.w3.org/2000/svg}"
SCRIPTS = {XHTML + name for name in ("script", "iframe", "object", "embed", "form", "input")}


def trees(archive: zipfile.ZipFile) -> dict[str, etree._Element]:
    """Return what the files of an archive say that are XML."""
    kinds = (".xhtml", ".svg", ".opf", ".xml", ".ncx")
    return {
        name: etree.fromstring(archive.read(name))
        for name in archive.namelist()
        if name.endswith(kinds)
    }


def faults(content: bytes) -> list[str]:
    """Return what is wrong with an archive that claims to be an EPUB."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    names, found, files = archive.namelist(), [], trees(archive)
    first = archive.infolist()[0]
    kept = (first.filename, first.compress_type, archive.read(first).strip())
    if kept != ("mimetype", zipfile.ZIP_STORED, b"application/epub+zip"):
        found.append("mimetype does not come first, as it is")
    items = {item.get("id"): item for item in files["content.opf"].iter(f"{OPF}item")}
    marks = {item.get("href"): item.get("properties", "").split() for item in items.values()}
    if {*marks, "mimetype", "META-INF/container.xml", "content.opf"} != set(names):
        found.append("the manifest does not list what is there")
    spine = {
        items[one.get("idref")].get("href") for one in files["content.opf"].iter(f"{OPF}itemref")
    }
    pages = {name: tree for name, tree in files.items() if name.endswith(".xhtml")}
    if spine | {"nav.xhtml"} != set(pages):
        found.append("the spine is not complete")
    anchors = {
        name: [one.get("id") for one in tree.iterfind(".//*[@id]")] for name, tree in files.items()
    }
    for name, tree in pages.items():
        for anchor, count in Counter(anchors[name]).items():
            if count > 1:
                found.append(f"{name} repeats {anchor}")
        for tag in tree.iter(etree.Element):
            wrong = [*amiss(tag), *astray(tag, name, names, anchors)]
            found += [f"{name}: {etree.QName(tag).localname} {fault}" for fault in wrong]
        text = "".join(
            tree.xpath(
                "//text()[not(ancestor::x:pre or ancestor::x:code)]",
                namespaces={"x": XHTML.strip("{}")},
            )
        )
        if re.search(r"\\[(\[]|\\begin\{", text):
            found.append(f"{name} has formulas in TeX")
        for mark, kind in (("mathml", f"{MATHML}math"), ("svg", f"{SVG}svg")):
            if bool(list(tree.iter(kind))) != (mark in marks.get(name, [])):
                found.append(f"the manifest is wrong about {mark} in {name}")
    return found


def amiss(tag: etree._Element) -> list[str]:
    """Return what is wrong with a tag by itself."""
    wrong = {
        "is active": tag.tag in SCRIPTS or any(key.startswith("on") for key in tag.attrib),
        "has no alternative text": tag.tag == f"{XHTML}img" and not tag.get("alt"),
        "has no MathML": "math" in tag.get("class", "").split()
        and not list(tag.iter(f"{MATHML}math")),
    }
    return [fault for fault, is_so in wrong.items() if is_so]


def astray(
    tag: etree._Element, name: str, names: list[str], anchors: dict[str, list[str]]
) -> list[str]:
    """Return what a tag loads from outside, or looks for in vain inside."""
    found = []
    for target in filter(None, (tag.get(key) for key in ("src", "href", LINK))):
        address = urlsplit(target)
        if address.scheme or address.netloc:
            if tag.tag != f"{XHTML}a" or address.scheme not in ("http", "https"):
                found.append(f"loads {target}")
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(address.path)))
        path, anchor = path if address.path else name, unquote(address.fragment)
        if path not in names or (anchor and anchor not in anchors.get(path, [])):
            found.append(f"leads to {target}, which is not there")
    return found


CHAPTER = r"""# A chapter with $x^2$

For $X\sim\mathcal N(0,1)$ we have:

$$\Pr[|X|>t]\le\begin{cases}2e^{-t^2/2},&t>1,\\1,&\text{else.}\end{cases}$$ (eq-tail)

\begin{align}a&=b\\&\ge c\end{align}

Look at {eq}`eq-tail`.

:::{prf:remark} One
:label: rem-one
:nonumber:
It is $\sum_{i\in S}X_i$ & so on.
:::

```{code-cell} ipython3
---
mystnb:
  image:
    alt: A line rises from the left to the right.
  figure:
    caption: A line with $y=x$.
---
import matplotlib.pyplot as plt
plt.plot([0, 1]);
```
"""


def test_a_chapter_becomes_an_epub(tiny: TinyBook) -> None:
    tiny.write({"01-a": CHAPTER}, {"01-a": ""})
    done = tiny.build("--builder", "epub")
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.splitlines()[-1])
    assert path.name == "strong-lottery-tickets.epub"
    assert faults(path.read_bytes()) == []
    pages = trees(zipfile.ZipFile(path))
    chapter = pages["notebooks/01-a.xhtml"]
    assert len(list(chapter.iter(f"{MATHML}math"))) == 6
    assert "(1)" in "".join(chapter.itertext())
    assert [image.get("alt") for image in chapter.iter(f"{XHTML}img")] == [
        "A line rises from the left to the right."
    ]
    assert [link.get("href") for link in pages["nav.xhtml"].iter(f"{XHTML}a")] == [
        "book/index.xhtml",
        "notebooks/01-a.xhtml",
        "book/claims.xhtml",
        "book/claims/01-a.xhtml",
    ]


def test_what_is_no_formula_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert formula(nodes.math("", "x<1"), "inline").count("<mi>x</mi><mo>&#x0003C;</mo>") == 1
    assert caplog.records == []
    formula(nodes.math("", r"\nosuch x"), "inline")
    formula(nodes.math("", r"x_"), "inline")
    assert [record.getMessage()[:10] for record in caplog.records] == 2 * ["no formula"]


CONTAINER = "<container/>"
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf"><manifest>
<item id="nav" href="nav.xhtml"/><item id="a" href="a.xhtml"/><item id="b" href="b.xhtml"/>
</manifest><spine><itemref idref="a"/></spine></package>"""


def test_the_same_eye_finds_every_fault() -> None:
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><body>{}</body></html>'
    bad = (
        '<h1 id="top">One</h1><p id="top"><a href="#nowhere">b</a><a href="c.xhtml">c</a> \\(x\\)'
        '<img src="https://example.org/x.png" alt=""/><script>1</script>'
        '<span class="math">y</span></p>'
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in {
            "META-INF/container.xml": CONTAINER,
            "mimetype": "application/epub+zip",
            "content.opf": PACKAGE,
            "nav.xhtml": page.format(""),
            "a.xhtml": page.format(bad),
            "c.css": "",
            "b.xhtml": page.format('<math xmlns="http://www.w3.org/1998/Math/MathML"/>'),
        }.items():
            archive.writestr(name, text)
    assert faults(content.getvalue()) == [
        "mimetype does not come first, as it is",
        "the manifest does not list what is there",
        "the spine is not complete",
        "a.xhtml repeats top",
        "a.xhtml: a leads to #nowhere, which is not there",
        "a.xhtml: a leads to c.xhtml, which is not there",
        "a.xhtml: img has no alternative text",
        "a.xhtml: img loads https://example.org/x.png",
        "a.xhtml: script is active",
        "a.xhtml: span has no MathML",
        "a.xhtml has formulas in TeX",
        "the manifest is wrong about mathml in b.xhtml",
    ]


@pytest.mark.slow
@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_the_book_holds_what_its_pages_hold(built: Book) -> None:
    done = run_build(ROOT, "--profile", "fast", "--builder", "epub")
    assert done.returncode == 0, done.stderr[-4000:]
    path = Path(done.stdout.splitlines()[-1])
    assert path.stat().st_size < 10e6
    assert faults(path.read_bytes()) == []
    files = trees(zipfile.ZipFile(path))
    formulas = 0
    for name in toc_files(Project(ROOT).toc()):
        article = parsed(built.html / f"{name}.html").select_one("article.bd-article")
        packed = files[f"{name}.xhtml"]
        described = {image.get("alt") for image in packed.iter(f"{XHTML}img")}
        shown = {
            image["alt"]
            for image in article.select("img[alt]")
            if not image.find_parent(class_=["only-dark", "dark-only"])
        }
        assert shown <= described, name
        there = len(article.select("span.math, div.math"))
        assert sum(1 for _ in packed.iter(f"{MATHML}math")) >= 0.95 * there, name
        formulas += there
    assert formulas > 1000
