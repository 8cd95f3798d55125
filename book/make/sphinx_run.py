"""The pages: one strict Sphinx run over outputs that are already there."""

import io
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import yaml

from book.make.project import BuildError, Project, files_digest, folder_files, toc_files
from slth import __version__

MADE = {"epub": "strong-lottery-tickets.epub", "linkcheck": "output.json"}
"""What Sphinx's builders make beside pages."""

IN_READERS = {
    "html_css_files": [],
    "html_js_files": [],
    "html_math_renderer": "mathml",
    "html_static_path": ["book/_static/reader.css"],
    "version": __version__,
}
"""What the configuration says otherwise for the readers of an EPUB."""


class _Tee(io.TextIOBase):
    """Keeps text, and passes on what names one of ``topics``, or everything if there is none."""

    def __init__(self, stream: TextIO, topics: Sequence[str]) -> None:
        self.stream = stream
        self.topics = topics
        self.kept: list[str] = []

    def write(self, text: str) -> int:
        self.kept.append(text)
        wanted = not self.topics or any(topic in text for topic in self.topics)
        return self.stream.write(text) if wanted else len(text)

    def flush(self) -> None:
        self.stream.flush()

    def isatty(self) -> bool:
        return self.stream.isatty()


def inputs_digest(project: Project, results: Path, repository: str | None) -> str:
    """Return the digest of everything the pages are made of."""
    root = project.root
    files = [root / "_config.yml", root / "_toc.yml", root / "constraints.txt", results]
    files += folder_files(root / "book") + folder_files(root / "notebooks")
    return f"{files_digest(files, root)} {repository or ''}".strip()


def frame_digest(project: Project, results: Path, toc: Path) -> str:
    """Return the digest of all that may change more than one page: everything but the prose."""
    root = project.root
    files = [root / "_config.yml", root / "constraints.txt", results, toc]
    files += [path for path in folder_files(root / "book") if path.suffix != ".md"]
    return files_digest(files, root)


def build(
    project: Project,
    folder: Path,
    *,
    cache: Path,
    results: Path,
    toc: Path,
    repository: str | None,
    strict: bool,
    fresh: bool,
    names: Sequence[str] = (),
    builder: str = "html",
) -> None:
    """Build the pages into ``folder/html``, or with another of Sphinx's builders.

    The pages are made beside the old ones and put in their place at the end.

    Parameters
    ----------
    project
        The book.
    folder
        Where to build.
    cache
        The jupyter-cache with the outputs.
    results
        The collected results.
    toc
        The table of contents to use.
    repository
        OWNER/NAME of the published book on GitHub, if there is one.
    strict
        Whether a warning is an error.
    fresh
        Whether to make every page anew, or only those whose source changed since the last time.
    names
        If there are any, only warnings about these chapters are shown: in a preview of some
        chapters the links to all the others must fail.
    builder
        Sphinx's name of what is made: ``html``, ``epub``, or ``linkcheck`` for a list of the
        outside addresses, each with what it answers.

    Raises
    ------
    BuildError
        If Sphinx fails, finds a link that is broken or, when strict, warns; it names the pages.
    """
    from jupyter_book.sphinx import build_sphinx  # type: ignore[import-untyped]

    new, final = folder / f"{builder}.new", folder / builder
    shutil.rmtree(new, ignore_errors=True)
    if not fresh:
        shutil.copytree(final, new)
    tee = _Tee(sys.stderr, [f"notebooks/{name}.md" for name in names])
    sys.stderr = tee
    try:
        status = build_sphinx(
            project.root,
            new,
            builder=builder,
            path_config=project.root / "_config.yml",
            noconfig=True,
            confoverrides={
                "external_toc_path": toc.as_posix(),
                "latex_individualpages": False,
                "nitpicky": True,
                "nb_execution_cache_path": str(cache),
                "slth_results": str(results),
                "slth_repository": repository or "",
                "html_baseurl": site_address(repository) if repository else "",
            }
            | (IN_READERS if builder == "epub" else {}),
            doctreedir=folder / "doctrees",
            freshenv=fresh,
            quiet=True,
            warningiserror=strict,
            keep_going=True,
        )
    finally:
        sys.stderr = tee.stream
    if status != 0:
        reason = f": {status}" if isinstance(status, BaseException) else ""
        raise BuildError(f"{_blamed(''.join(tee.kept))}: Sphinx complains, see above{reason}")
    shutil.rmtree(final, ignore_errors=True)
    new.rename(final)


def site_address(repository: str) -> str:
    """Return where GitHub publishes the pages of a repository."""
    owner, name = repository.split("/")
    return f"https://{owner.lower()}.github.io/{name}/"


def partial_toc(project: Project, names: list[str], path: Path) -> Path:
    """Write a table of contents with these chapters only, and with the pages that exist.

    The reference of the package is left out: it takes longer than all else.
    """

    def keep(entry: Any) -> bool:
        return all(
            (project.root / f"{name}.md").is_file()
            and not name.startswith("book/api/")
            and (not name.startswith("notebooks/") or Path(name).stem in names)
            for name in toc_files(entry)
        )

    toc = project.written_toc()
    for part in toc.get("parts", []):
        part["chapters"] = [entry for entry in part["chapters"] if keep(entry)]
    if "parts" in toc:
        toc["parts"] = [part for part in toc["parts"] if part["chapters"]]
    if "chapters" in toc:
        toc["chapters"] = [entry for entry in toc["chapters"] if keep(entry)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(toc, sort_keys=False), "utf-8")
    return path


def _blamed(text: str) -> str:
    """Return the pages that Sphinx's messages name."""
    pages = dict.fromkeys(re.findall(r"((?:notebooks|book)/[\w.-]+?)(?:\.md|:)", text))
    chapters = [
        f"chapter {page.removeprefix('notebooks/')}" if page.startswith("notebooks/") else page
        for page in pages
    ]
    return ", ".join(chapters) or "the book"
