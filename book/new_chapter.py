"""Make a new chapter from the template: its page, its claim, its fast parameters, its place.

python book/new_chapter.py gaussian-weights        the same as `make chapter NAME=gaussian-weights`
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":  # as in build.py
    sys.path[0] = str(ROOT)

from book.project import BuildError, Project, write_atomically  # noqa: E402
from slth import claims  # noqa: E402

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class NewChapter:
    """A chapter that is not there yet.

    Attributes
    ----------
    name
        Lower-case words joined by hyphens.
    number
        The next free one.
    """

    name: str
    number: int

    @property
    def stem(self) -> str:
        """Name of the file, without its suffix."""
        return f"{self.number:02d}-{self.name}"

    def fill(self, template: str) -> str:
        """Put the names into a template."""
        values = {
            "@NAME@": self.name,
            "@CHAPTER@": self.stem,
            "@TITLE@": self.name.replace("-", " ").capitalize(),
        }
        return re.sub("|".join(values), lambda match: values[match[0]], template)


def plan(project: Project, name: str) -> NewChapter:
    """Give a chapter its number.

    Raises
    ------
    BuildError
        If the name is missing, malformed or taken.
    """
    if not name:
        raise BuildError("a chapter needs a name: make chapter NAME=gaussian-weights")
    if not _NAME.fullmatch(name):
        raise BuildError(
            f"expected lower-case words joined by hyphens, like gaussian-weights, got {name!r}"
        )
    stems = {path.stem for path in (project.root / "notebooks").glob("*.md")}
    stems |= set(project.chapter_names())
    for stem in sorted(stems):
        if stem.partition("-")[2] == name:
            raise BuildError(f"there is a chapter of this name: notebooks/{stem}.md")
    numbers = [int(match[1]) for stem in stems if (match := re.match(r"(\d+)-", stem))]
    return NewChapter(name, 1 + max(numbers, default=0))


def changes(project: Project, chapter: NewChapter) -> dict[Path, str]:
    """Return the new text of each file that a chapter needs; nothing is written.

    Raises
    ------
    BuildError
        If its claims are taken, or the table of contents has no chapter after which to put it.
    """
    page, claim, profile = (
        chapter.fill(_template(project, name))
        for name in ("chapter.md", "claims.yml", "profiles.yml")
    )
    if taken := sorted(set(yaml.safe_load(claim)) & set(claims.load(project.registry))):
        raise BuildError(f"there is a claim of this name: {', '.join(taken)}")
    profiles = project.root / "book" / "profiles.yml"
    toc = project.root / "_toc.yml"
    return {
        project.root / "notebooks" / f"{chapter.stem}.md": page,
        project.registry: _joined(project.registry.read_text("utf-8"), claim),
        profiles: _joined(profiles.read_text("utf-8"), profile),
        toc: with_chapter(toc.read_text("utf-8"), chapter.stem),
    }


def with_chapter(toc: str, stem: str) -> str:
    """Return a table of contents with one more chapter after the last; all else stays as it is."""
    lines = toc.splitlines(keepends=True)
    places = [
        (number, match[1])
        for number, line in enumerate(lines)
        if (match := re.match(r"(\s*- file: )notebooks/", line))
    ]
    if not places:
        raise BuildError("_toc.yml lists no chapter after which to put the new one")
    number, start = places[-1]
    if not lines[number].endswith("\n"):
        lines[number] += "\n"
    lines.insert(number + 1, f"{start}notebooks/{stem}\n")
    return "".join(lines)


def _joined(text: str, more: str) -> str:
    """Return a text with more at its end."""
    return f"{text.rstrip()}\n{more}"


def write(files: Mapping[Path, str]) -> None:
    """Write all files or none: after a failure each is as it was."""
    before = {path: path.read_text("utf-8") if path.exists() else None for path in files}
    try:
        for path, text in files.items():
            write_atomically(path, text)
    except BaseException:
        for path, old in before.items():
            if old is None:
                path.unlink(missing_ok=True)
            elif path.read_text("utf-8") != old:
                write_atomically(path, old)
        raise


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", default="")
def main(name: str) -> None:
    """Make a chapter NAME, lower-case words joined by hyphens, from the template."""
    project = Project(ROOT)
    try:
        chapter = plan(project, name)
        files = changes(project, chapter)
        write(files)
    except (BuildError, claims.RegistryError, OSError) as error:
        click.echo(click.style("No chapter is made.", fg="red", bold=True), err=True)
        click.echo(str(error), err=True)
        sys.exit(1)
    new, *changed = [path.relative_to(project.root) for path in files]
    click.echo(f"Made {new}, and added it to {', '.join(map(str, changed))}.")
    click.echo("It builds and passes the tests as it is. Change it piece by piece:")
    click.echo(f"  python book/build.py --profile fast --chapter {chapter.stem}   its page")
    for claim in yaml.safe_load(chapter.fill(_template(project, "claims.yml"))):
        click.echo(f"  slth claims verify {claim}   its claim, verified")
    click.echo("  make test   everything that is checked")


def _template(project: Project, name: str) -> str:
    return (project.root / "book" / "template" / name).read_text("utf-8")


if __name__ == "__main__":
    main()
