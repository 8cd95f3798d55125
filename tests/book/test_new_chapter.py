"""A new chapter from the template: all or nothing, and green untouched."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from book.make import new_chapter
from book.make.project import BuildError, Project, toc_files, write_atomically
from tests.book import test_sources
from tests.book.conftest import ROOT, Book, run_build

PARTS = {
    "what you will learn and need": ":::{chapter-head}",
    "parameters": ":tags: [parameters]",
    "fast parameters": "fast: {",
    "figure": "figure:",
    "alternative text": "alt: >-",
    "statement": ":::{prf:proposition}",
    "badge": "{claim}`",
    "check": "claims.record(",
    "negative control": "claims.control(",
    "glued numbers": "{glue:text}`",
    "self-check": ":class: dropdown self-check",
    "what breaks": "## What breaks",
    "summary": ":class: chapter-summary",
    "easy exercise": "{exercise} easy: ",
    "hard exercise": "{exercise} hard: ",
    "hint": ":class: dropdown hint",
    "hidden solution": ":class: dropdown",
    "further reading": "## Further reading",
    "tested solution": "assert ",
    "what to replace": "{admonition} Make this chapter your own",
}


def copy(root: Path) -> Path:
    """Copy the repository, without what is generated."""
    ignored = shutil.ignore_patterns(".*", "_build", "__pycache__", "tests")
    shutil.copytree(ROOT, root, ignore=ignored)
    return root


def make(root: Path, *name: str) -> subprocess.CompletedProcess[str]:
    """Run the maker in a copy, as `make chapter` does."""
    command = [sys.executable, "-m", "book.make.new_chapter", *name]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)


def digests(root: Path) -> dict[str, str]:
    """Return the digest of each source file."""
    folders = ("notebooks", "book", "book/claims", ".")
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in folders
        for path in sorted((root / folder).glob("*"))
        if path.is_file()
    }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return what the maker reads and writes, in a folder of its own."""
    (tmp_path / "notebooks").mkdir()
    for name in ("template", "claims"):
        shutil.copytree(ROOT / "book" / name, tmp_path / "book" / name)
    shutil.copy(ROOT / "_toc.yml", tmp_path)
    return Project(tmp_path)


@pytest.mark.parametrize("name", ["", "Gaussian", "two words", "a_b", "-a", "a--b", "../a", "7-up"])
def test_a_name_that_is_missing_or_malformed_is_refused(project: Project, name: str) -> None:
    with pytest.raises(BuildError, match=r"needs a name|expected lower-case words"):
        new_chapter.changes(project, name)


def test_a_name_that_is_taken_is_refused(project: Project) -> None:
    taken = project.chapter_names()[0]
    with pytest.raises(BuildError, match=f"of this name: notebooks/{taken}.md"):
        new_chapter.changes(project, taken)
    (project.root / "notebooks" / "draft.md").touch()
    with pytest.raises(BuildError, match=r"of this name: notebooks/draft\.md"):
        new_chapter.changes(project, "draft")


def test_a_claim_that_is_taken_is_refused(project: Project) -> None:
    other = project.registry / "other.yml"
    other.write_text(new_chapter.changes(project, "my-idea")[project.registry / "my-idea.yml"])
    with pytest.raises(BuildError, match="claim of this name: my-idea-moments"):
        new_chapter.changes(project, "my-idea")


def test_the_table_of_contents_keeps_what_it_had(project: Project) -> None:
    toc = project.root / "_toc.yml"
    old = f"# a comment\n{toc.read_text('utf-8')}"
    toc.write_text(old, "utf-8")
    files = new_chapter.changes(project, "my-idea")
    kept = [line for line in files[toc].splitlines() if "my-idea" not in line]
    assert kept == old.splitlines()
    assert [*project.chapter_names(), "my-idea"] == [
        Path(name).stem
        for name in toc_files(yaml.safe_load(files[toc]))
        if name.startswith("notebooks/")
    ]
    page = files[project.root / "notebooks" / "my-idea.md"]
    assert [part for part, mark in PARTS.items() if mark not in page] == []
    assert "@" not in page.replace("@ ", "")


def test_a_failure_leaves_everything_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(project.root)
    files = new_chapter.changes(project, "my-idea")
    real = write_atomically

    def full(path: Path, text: str) -> None:
        if path.name == "_toc.yml":
            raise OSError("no space left on device")
        real(path, text)

    monkeypatch.setattr(new_chapter, "write_atomically", full)
    with pytest.raises(OSError, match="no space"):
        new_chapter.write(files)
    assert digests(project.root) == before
    monkeypatch.setattr(new_chapter, "write_atomically", real)
    new_chapter.write(files)
    assert digests(project.root) != before


@pytest.mark.slow
@pytest.mark.book
@pytest.mark.xdist_group("book")
def test_a_new_chapter_builds_untouched(built: Book, tmp_path: Path) -> None:
    root = copy(tmp_path / "copy")
    for name in ("jupyter_cache", "results"):  # the other chapters need not run again
        shutil.copytree(built.root / "_build" / "fast" / name, root / "_build" / "fast" / name)
    done = make(root, "my-idea")
    assert done.returncode == 0, done.stderr
    page = root / "notebooks" / "my-idea.md"
    assert f"--chapter {page.stem}" in done.stdout
    assert "slth claims verify my-idea-moments" in done.stdout

    text = page.read_text("utf-8")
    assert test_sources.typed_decimals(text) == []
    test_sources.test_display_mathematics_stands_on_lines_of_its_own(page)

    before = digests(root)
    again = make(root, "my-idea")
    assert again.returncode == 1
    assert page.name in again.stderr
    assert digests(root) == before

    single = run_build(root, "--profile", "fast", "--chapter", page.stem)
    assert single.returncode == 0, single.stderr[-4000:]
    assert Path(single.stdout.split()[-1]).is_file()
    claim = subprocess.run(
        [sys.executable, "-m", "slth", "claims", "verify", "my-idea-moments", "--profile", "fast"],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert claim.returncode == 0, claim.stderr[-4000:]
    assert "every control fails" in claim.stdout
    whole = run_build(root, "--profile", "fast")
    assert whole.returncode == 0, whole.stderr[-4000:]
    html = (root / "_build" / "fast" / "html" / "notebooks" / f"{page.stem}.html").read_text(
        "utf-8"
    )
    assert "proved on this page; computed in 2 cases" in html.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.slow
def test_a_template_that_is_wrong_does_not_build(tmp_path: Path) -> None:
    """The same build complains of a template whose control breaks nothing."""
    root = copy(tmp_path / "copy")
    template = root / "book" / "template" / "chapter.md"
    text = template.read_text("utf-8")
    wrong = text.replace("subset_sum.sums(x, size=numbers // 4)", "subset_sum.sums(x)")
    assert wrong != text
    template.write_text(wrong, "utf-8")
    assert make(root, "my-idea").returncode == 0
    page = root / "notebooks" / "my-idea.md"
    done = run_build(root, "--profile", "fast", "--execute-only", "--chapter", page.stem)
    assert done.returncode == 1
    assert "negative control of claim 'my-idea-moments'" in done.stderr
