"""Make a new chapter from the template: its page, its claim, its place.

python -m book.make.new_chapter my-idea        the same as `make chapter NAME=my-idea`
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import yaml

from book.make.project import ROOT, BuildError, Project, write_atomically
from slth import claims

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def check(project: Project, name: str) -> None:
    """Refuse a name that no new chapter can have.

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
    if (project.root / "notebooks" / f"{name}.md").exists() or name in project.chapter_names():
        raise BuildError(f"there is a chapter of this name: notebooks/{name}.md")


def fill(template: str, name: str) -> str:
    """Put a chapter's name and title into a template."""
    values = {"@NAME@": name, "@TITLE@": name.replace("-", " ").capitalize()}
    return re.sub("|".join(values), lambda match: values[match[0]], template)


def changes(project: Project, name: str) -> dict[Path, str]:
    """Return the new text of each file that a chapter needs; nothing is written.

    Raises
    ------
    BuildError
        If its name or claims are taken, or there is no chapter after which to put it.
    """
    check(project, name)
    page, claim = (fill(_template(project, part), name) for part in ("chapter.md", "claims.yml"))
    if taken := sorted(set(yaml.safe_load(claim)) & set(claims.load(project.registry))):
        raise BuildError(f"there is a claim of this name: {', '.join(taken)}")
    toc = project.root / "_toc.yml"
    return {
        project.root / "notebooks" / f"{name}.md": page,
        project.registry / f"{name}.yml": claim,
        toc: with_chapter(toc.read_text("utf-8"), name),
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
        files = changes(project, name)
        write(files)
    except (BuildError, claims.RegistryError, OSError) as error:
        click.echo(click.style("No chapter is made.", fg="red", bold=True), err=True)
        click.echo(str(error), err=True)
        sys.exit(1)
    page, claim, toc = (path.relative_to(project.root) for path in files)
    click.echo(f"Made {page} and {claim}, and added the chapter to {toc}.")
    click.echo("It builds and passes the tests as it is. Change it piece by piece:")
    click.echo(f"  python -m book.make.build --profile fast --chapter {name}   its page")
    for one in yaml.safe_load(fill(_template(project, "claims.yml"), name)):
        click.echo(f"  slth claims verify {one}   its claim, verified")
    click.echo("  make test   everything that is checked")


def _template(project: Project, name: str) -> str:
    return (project.root / "book" / "template" / name).read_text("utf-8")


if __name__ == "__main__":
    main()
