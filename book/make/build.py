"""Build the book: run the chapters that changed, check the ledger, make the pages.

python -m book.make.build                               the published book
python -m book.make.build --profile fast                the same with small parameters
python -m book.make.build --profile fast --chapter NAME a preview of one chapter
python -m book.make.build --chapter NAME --set k=3       with other parameters
python -m book.make.build --builder epub                one file for electronic readers
python -m book.make.build --builder linkcheck           open the outside addresses
"""

import ast
import json
import os
import re
import signal
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click
import nbformat

from book.make import ledger, sphinx_run
from book.make.execute import Result, Runs
from book.make.project import ROOT, BuildError, Project, write_atomically
from slth import claims
from slth.claims import chapters


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _settings(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Turn NAME=VALUE pairs into parameters; a value that is no Python literal is a string."""
    settings = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"expected NAME=VALUE, got {value!r}")
        settings[name] = _literal(text)
    return settings


def _repository(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuse what is not the name of a repository."""
    if value and not re.fullmatch(r"[\w.-]+/[\w.-]+", value):
        raise click.BadParameter(f"expected OWNER/NAME, got {value!r}")
    return value or None


@click.command(context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]})
@click.option("--profile", type=click.Choice(["full", "fast"]), default="full", show_default=True)
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), show_default="cores")
@click.option(
    "--chapter", "names", multiple=True, help="Only this chapter (repeatable); a preview."
)
@click.option(
    "--builder",
    type=click.Choice(["html", "linkcheck", "epub"]),
    default="html",
    show_default=True,
    help="Make pages, one EPUB of them, or open the outside addresses that they link to.",
)
@click.option("--execute-only", is_flag=True, help="Run and check the chapters, make no pages.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_settings,
    metavar="NAME=VALUE",
    help="Run the --chapter once with this parameter (repeatable), into _build/runs/.",
)
@click.option(
    "--repository",
    envvar="GITHUB_REPOSITORY",
    callback=_repository,
    metavar="OWNER/NAME",
    help="Where the book is published on GitHub; its pages then link to Colab and Binder.",
)
@click.option(
    "--store-times",
    is_flag=True,
    help="Write how long the chapters took to book/run-times.json, for `slth claims verify`.",
)
def main(
    profile: str,
    workers: int,
    names: tuple[str, ...],
    builder: str,
    execute_only: bool,
    settings: dict[str, Any],
    repository: str | None,
    store_times: bool,
) -> None:
    """Run the chapters that changed, check every claim, and build the book's pages."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    project = Project(ROOT)
    try:
        if settings:
            if len(names) != 1:
                raise BuildError("--set needs exactly one --chapter")
            run_once(project, profile, names[0], settings)
        else:
            index = build(
                project,
                profile,
                list(names),
                workers,
                repository,
                builder=builder,
                execute_only=execute_only,
            )
            if store_times:
                write_times(project, profile)
            if index is not None:
                click.echo(index)
    except (BuildError, claims.RegistryError) as error:
        click.echo(click.style("The book is not built.", fg="red", bold=True), err=True)
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Interrupted; start again to continue.", err=True)
        sys.exit(130)


def build(
    project: Project,
    profile: str,
    names: list[str],
    workers: int,
    repository: str | None,
    *,
    builder: str = "html",
    execute_only: bool = False,
    live: bool = False,
) -> Path | None:
    """Bring results, ledger and pages up to date; return the first page, or the file made.

    Parameters
    ----------
    project, profile
        What to build, and with which parameters.
    names
        Only these chapters, as a preview; none means the whole book.
    workers
        Number of chapters that run at once.
    repository
        OWNER/NAME of the published book on GitHub, if there is one.
    builder
        What to make: ``html``, ``epub``, or ``linkcheck``.
    execute_only
        Whether to stop before the pages, and return None.
    live
        Whether to make only the pages whose source changed, in a folder of their own.

    Raises
    ------
    BuildError
        Naming the chapters at fault.
    """
    runs = Runs(project, profile)
    every = project.chapter_names()
    results = runs.execute(runs.plan(names or every), workers)
    check(project, results, every if not names else [*every, *names])
    folder = runs.folder / ("live" if live else "preview" if names else ".")
    collected = folder / "claims.json"
    ledger.write(collected, profile, results)
    if execute_only:
        return None
    index = folder / "html" / (f"notebooks/{names[0]}.html" if names else "book/index.html")
    stamp = folder / "html.digest"
    digest = sphinx_run.inputs_digest(project, collected, repository)
    made = index.is_file() and stamp.is_file() and stamp.read_text("utf-8") == digest
    if made and builder == "html":
        click.echo("Nothing changed.")
        return index
    toc = (
        sphinx_run.partial_toc(project, names, folder / "_toc.yml")
        if names
        else project.root / "_toc.yml"
    )
    make = partial(
        sphinx_run.build,
        project,
        folder,
        cache=runs.cache_path,
        results=collected,
        toc=toc,
        repository=repository,
        strict=not names and not live,
        names=names,
    )
    if builder != "html":
        make(builder=builder, fresh=True)
        return folder / builder / sphinx_run.MADE[builder]
    framed, frame = folder / "frame.digest", sphinx_run.frame_digest(project, collected, toc)
    known = framed.is_file() and framed.read_text("utf-8") == frame
    framed.unlink(missing_ok=True)
    stamp.unlink(missing_ok=True)
    make(fresh=not (live and known and index.is_file()))
    write_atomically(framed, frame)
    write_atomically(stamp, digest)
    return index


def check(project: Project, results: dict[str, Result], chapters: list[str]) -> None:
    """Raise unless the records bear out the registry."""
    if found := ledger.problems(claims.load(project.registry), results, chapters):
        raise BuildError("\n".join(found))


def write_times(project: Project, profile: str) -> None:
    """Store how long the chapters of the last build of a profile took."""
    path = project.root / "book" / "run-times.json"
    times = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    results = ledger.read(project.build / profile / "claims.json")["chapters"]
    times[profile] = {name: round(one["seconds"]) for name, one in sorted(results.items())}
    write_atomically(path, json.dumps(times, indent=1) + "\n")


def run_once(project: Project, profile: str, name: str, settings: dict[str, Any]) -> None:
    """Run a chapter with other parameters and leave the executed notebook in ``_build/runs``."""
    runs = Runs(project, profile)
    (plan,) = runs.plan([name])
    try:
        plan.chapter.check_overrides(settings)
    except chapters.ChapterError as error:
        raise BuildError(str(error)) from None
    finished = chapters.run(
        [(plan.chapter, {**plan.overrides, **settings})],
        project.registry,
        log=runs.folder / "kernels.log",
    )
    with closing(finished):
        [(_, done)] = finished
    if done.stopped is not None:
        raise BuildError(f"chapter {name}: {done.details}")
    path = project.build / "runs" / f"{name}.ipynb"
    write_atomically(path, nbformat.writes(done.notebook))
    registry = claims.load(project.registry)
    for one in done.records:
        click.echo(claims.markdown(registry[one.claim], one).replace("**", ""))
    click.echo(path)


if __name__ == "__main__":
    main()
