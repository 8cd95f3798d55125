"""The archive that an EPUB is: files, a list of them, and what the book says about itself."""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePosixPath
from uuid import NAMESPACE_URL, uuid5

from book.typeset import Imprint

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


def package(imprint: Imprint, profile: str, files: Sequence[File], spine: Sequence[File]) -> str:
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


def pack(
    path: Path,
    imprint: Imprint,
    profile: str,
    files: Sequence[File],
    spine: Sequence[File],
) -> None:
    """Write the archive; the same files give the same bytes.

    Parameters
    ----------
    path
        Where to.
    imprint, profile
        What the book says about itself.
    files
        All files.
    spine
        Those that are read one after the other.
    """
    inside = {
        "META-INF/container.xml": CONTAINER.encode(),
        "EPUB/content.opf": package(imprint, profile, files, spine).encode(),
    } | {f"EPUB/{file.name}": file.content for file in files}
    new = path.with_suffix(".new")
    day = (imprint.day.year, imprint.day.month, imprint.day.day, 0, 0, 0)
    with zipfile.ZipFile(new, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype", day), "application/epub+zip")
        for name, content in inside.items():
            archive.writestr(zipfile.ZipInfo(name, day), content, zipfile.ZIP_DEFLATED)
    new.replace(path)
