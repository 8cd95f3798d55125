"""Pack the book: one EPUB of all pages, their formulas as MathML.

python book/epub.py                     of the published book, after `python book/build.py`
python book/epub.py --profile fast      of the book with small parameters
"""

import re
import sys
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path, PurePosixPath
from uuid import NAMESPACE_URL, uuid5

import click
from lxml import etree

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":  # the folder above, not the script's own
    sys.path[0] = str(ROOT)

from book import typeset, whole  # noqa: E402
from book.project import BuildError, Project, write_atomically  # noqa: E402

XHTML = "http://www.w3.org/1999/xhtml"
MATHML = "http://www.w3.org/1998/Math/MathML"
SVG = "http://www.w3.org/2000/svg"
OPS = "http://www.idpf.org/2007/ops"
TYPES = {
    ".css": "text/css",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".xhtml": "application/xhtml+xml",
}
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="EPUB/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
ACCESS = {
    "accessMode": ["textual", "visual"],
    "accessModeSufficient": ["textual"],
    "accessibilityFeature": ["alternativeText", "MathML", "structuralNavigation"],
    "accessibilityHazard": ["none"],
}
"""What the book promises to readers who do not see it."""

TAKE = """() => {
  'use strict';
  for (const box of document.querySelectorAll('mjx-container')) {
    box.replaceWith(box.querySelector('mjx-assistive-mml math'));
  }
  const serializer = new XMLSerializer();
  return [...document.body.children].map((part) => serializer.serializeToString(part));
}"""


@dataclass(frozen=True)
class File:
    """A file of the archive: its name below ``EPUB``, its content, what the manifest says of it."""

    name: str
    content: bytes
    properties: str = ""

    def item(self) -> str:
        """Return its line of the manifest."""
        marked = f' properties="{self.properties}"' if self.properties else ""
        kind = TYPES[PurePosixPath(self.name).suffix]
        return f'<item id="{self.key}" href="{self.name}" media-type="{kind}"{marked}/>'

    @property
    def key(self) -> str:
        """The name that the manifest gives it."""
        return "file-" + re.sub(r"[^\w.-]", "-", self.name)


def file_name(page: str) -> str:
    """Return the name of the file of a page."""
    return f"{page.replace('/', '-')}.xhtml"


def navigation(lines: Sequence[whole.Entry]) -> str:
    """Return the table of contents: parts, chapters, sections."""

    def nested(items: Sequence[str]) -> str:
        return f"<ol>{''.join(f'<li>{item}</li>' for item in items)}</ol>" if items else ""

    top: list[str] = []
    for part, group in groupby(lines, key=lambda line: line.part):
        chapters: list[list[str]] = []
        for line in group:
            link = f'<a href="#{escape(line.anchor)}">{line.number} {line.html}</a>'
            if line.level == 1:
                chapters.append([])
            chapters[-1].append(link)
        rows = [first + nested(sections) for first, *sections in chapters]
        top += [f"<span>{escape(part)}</span>{nested(rows)}"] if part else rows
    return f"<nav><h1>Contents</h1>{nested(top)}</nav>"


def resolve(parts: Mapping[str, etree._Element]) -> None:
    """Turn anchors and links of the whole book into those of files.

    Raises
    ------
    BuildError
        If a link leads nowhere.
    """
    places: dict[str, str] = {}
    for name, root in parts.items():
        for tag in root.iterfind(".//*[@id]"):
            if tag.get("id").startswith(f"{name}/"):
                fragment = tag.get("id").removeprefix(f"{name}/").replace("/", "-")
                places[tag.get("id")] = f"{file_name(name)}#{fragment}"
                tag.set("id", fragment)
        places[name] = file_name(name)
        root.attrib.pop("id", None)
    for name, root in parts.items():
        for tag in root.iterfind(".//*[@href]"):
            target = tag.get("href")
            if not target.startswith("#"):
                continue
            if target[1:] not in places:
                raise BuildError(f"{name} links to {target}, which is not in the book")
            tag.set("href", places[target[1:]])


def styled(text: str, variant: str) -> str:
    """Return letters in one of Unicode's mathematical alphabets.

    Browsers, and so the readers made of them, ignore the attribute ``mathvariant``.
    """
    letters = []
    for letter in text:
        name = re.sub("(LATIN|GREEK) | LETTER", "", unicodedata.name(letter))
        style = variant.upper().replace("BOLD-", "BOLD ")
        for full in (f"MATHEMATICAL {style} {name}", f"{style} {name}"):
            try:
                letters.append(unicodedata.lookup(full))
                break
            except KeyError:
                continue
        else:
            letters.append(letter)
    return "".join(letters)


def mend_mathematics(root: etree._Element) -> None:
    """Leave out what MathJax notes for itself, and write alphabets as Unicode."""
    for tag in root.iter(f"{{{MATHML}}}*"):
        for key in [key for key in tag.attrib if key.startswith("data-")]:
            del tag.attrib[key]
        if tag.text and tag.get("mathvariant", "normal") != "normal":
            tag.text = styled(tag.text, tag.attrib.pop("mathvariant"))


def take_images(root: etree._Element, folder: Path) -> list[File]:
    """Return the images of a part, and let it refer to them inside of the archive."""
    found = []
    for image in root.iter(f"{{{XHTML}}}img"):
        path = folder / image.get("src")
        image.set("src", f"images/{path.name}")
        found.append(File(image.get("src"), path.read_bytes()))
    return found


def xhtml(name: str, root: etree._Element) -> File:
    """Return a part of the book as a file."""
    properties = [
        word
        for word, tag in (
            ("nav", f"{{{XHTML}}}nav"),
            ("mathml", f"{{{MATHML}}}math"),
            ("svg", f"{{{SVG}}}svg"),
        )
        if next(root.iter(tag), None) is not None
    ]
    if root.tag == f"{{{XHTML}}}nav":
        root.set(f"{{{OPS}}}type", "toc")
    heading = next(root.iter(f"{{{XHTML}}}h1"))
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        f'<html xmlns="{XHTML}" xmlns:epub="{OPS}" lang="en" xml:lang="en"><head>'
        f"<title>{escape(' '.join(''.join(heading.itertext()).split()))}</title>"
        '<link rel="stylesheet" type="text/css" href="style.css"/></head>'
        f"<body>{etree.tostring(root, encoding='unicode', with_tail=False)}</body></html>\n"
    )
    return File(file_name(name), text.encode(), " ".join(properties))


def code_style(css: str) -> str:
    """Return the colours that code has in the pages, for light readers and for dark ones."""
    light, dark = (
        "\n".join(re.findall(rf'^html\[data-theme="{theme}"\] (.*)$', css, re.MULTILINE))
        for theme in ("light", "dark")
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def package(
    imprint: typeset.Imprint, profile: str, files: Sequence[File], spine: Sequence[File]
) -> str:
    """Return the description of the book and the list of its files."""
    access = "".join(
        f'<meta property="schema:{name}">{value}</meta>'
        for name, values in ACCESS.items()
        for value in values
    )
    order = "".join(f'<itemref idref="{file.key}"/>' for file in spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" xml:lang="en" '
        'unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:uuid:{uuid5(NAMESPACE_URL, f"{imprint.title}/{profile}")}'
        f"</dc:identifier><dc:title>{escape(imprint.title)}</dc:title>"
        f"<dc:creator>{escape(imprint.author)}</dc:creator><dc:language>en</dc:language>"
        f"<dc:date>{imprint.day}</dc:date>"
        f'<meta property="dcterms:modified">{imprint.day}T00:00:00Z</meta>{access}</metadata>\n'
        f"<manifest>{''.join(file.item() for file in files)}</manifest>\n"
        f"<spine>{order}</spine></package>\n"
    )


def pack(path: Path, files: Mapping[str, bytes], imprint: typeset.Imprint) -> None:
    """Write the archive; the same files give the same bytes."""
    new = path.with_suffix(".new")
    day = (imprint.day.year, imprint.day.month, imprint.day.day, 0, 0, 0)
    with zipfile.ZipFile(new, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype", day), "application/epub+zip")
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, day), content, zipfile.ZIP_DEFLATED)
    new.replace(path)


def write(project: Project, profile: str) -> Path:
    """Pack the built book of a profile and return the path of the EPUB.

    Raises
    ------
    BuildError
        If the book is not built, a formula is wrong, or a link leads nowhere.
    """
    html = project.build / profile / "html"
    folder = html.parent / "epub"
    imprint = typeset.Imprint.of(project)
    pages, lines = whole.assemble(project, html)
    contents = [typeset.title_page(project, imprint, profile), navigation(lines)]
    contents += [str(page.article) for page in pages]
    source = folder / "book.html"
    write_atomically(source, typeset.document(imprint.title, "", "".join(contents)))
    with typeset.chromium() as browser, typeset.opened(browser, source) as page:
        parts = [etree.fromstring(text) for text in page.evaluate(TAKE)]
    named = dict(zip(["cover", "nav", *(page.name for page in pages)], parts, strict=True))
    resolve(named)
    images: dict[str, File] = {}
    for root in parts:
        mend_mathematics(root)
        images |= {image.name: image for image in take_images(root, folder)}
    spine = [xhtml(name, root) for name, root in named.items()]
    style = (project.root / "book" / "epub.css").read_text("utf-8")
    style += code_style((html / "_static" / "pygments.css").read_text("utf-8"))
    files = [*spine, File("style.css", style.encode()), *(images[key] for key in sorted(images))]
    final = folder / "strong-lottery-tickets.epub"
    described = package(imprint, profile, files, spine).encode()
    inside = {"META-INF/container.xml": CONTAINER.encode(), "EPUB/content.opf": described}
    pack(final, inside | {f"EPUB/{file.name}": file.content for file in files}, imprint)
    return final


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", type=click.Choice(["full", "fast"]), default="full", show_default=True)
def main(profile: str) -> None:
    """Pack the built book as one EPUB, and print its path."""
    try:
        click.echo(write(Project(ROOT), profile))
    except BuildError as error:
        click.echo(click.style("The book is not packed.", fg="red", bold=True), err=True)
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
