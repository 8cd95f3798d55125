"""Serve the book on this machine: what is edited is built again, and the browser reloads.

python -m book.make.serve                                   the whole book, with small parameters
python -m book.make.serve --chapter random-subset-sum       one chapter
"""

import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import click
from livereload import Server
from livereload.handlers import LiveReloadHandler

from book.make.build import build
from book.make.project import ROOT, BuildError, Project
from slth import claims

SOURCES = ("_config.yml", "_toc.yml", "book", "notebooks", "slth", "data")
"""What is watched; the parts that a book does not have do not matter."""


def update(root: Path, profile: str, names: list[str]) -> Path:
    """Bring the pages up to date, in a process of its own; return the first one."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    index = build(Project(root), profile, names, os.cpu_count() or 1, None, live=True)
    assert index is not None
    return index


class Builder:
    """Builds when asked to, and says so; the old pages stay where they are if a build fails.

    Each build runs in a fresh process, so that changed code of the book and the package counts.

    Parameters
    ----------
    root, profile, names
        The book, the profile, and the chapters to build: none means all.
    """

    def __init__(self, root: Path, profile: str, names: list[str]) -> None:
        self.root = root
        self.profile = profile
        self.names = names

    def first(self) -> Path:
        """Build and return the first page; errors are the caller's."""
        start = time.perf_counter()
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            index = pool.submit(update, self.root, self.profile, self.names).result()
        click.echo(f"Built in {time.perf_counter() - start:.1f} s.", err=True)
        return index

    def again(self) -> None:
        """Build after a change; show an error here and in the browser."""
        try:
            self.first()
        except (BuildError, claims.RegistryError, BrokenProcessPool) as error:
            complain(str(error))


def complain(text: str) -> None:
    """Show an error in the terminal and in every open page, which stays as it is."""
    click.echo(click.style("The book is not built.", fg="red", bold=True), err=True)
    click.echo(text, err=True)
    for waiter in LiveReloadHandler.waiters:
        waiter.send_message({"command": "alert", "message": f"The book is not built.\n\n{text}"})


def is_byproduct(path: str) -> bool:
    """Tell whether a file below the sources is not a source."""
    return "__pycache__" in path or "/." in path or path.endswith("~")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--profile", type=click.Choice(["full", "fast"]), default="fast", show_default=True)
@click.option("--chapter", "names", multiple=True, help="Only this chapter (repeatable).")
@click.option("--port", type=click.IntRange(1, 65535), default=5500, show_default=True)
def main(profile: str, names: tuple[str, ...], port: int) -> None:
    """Build the book, serve it to this machine only, and follow the edits; Ctrl-C stops it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    builder = Builder(ROOT, profile, list(names))
    try:
        index = builder.first()
        pages = index.parents[1]
        server = Server()
        for source in SOURCES:
            server.watch(str(ROOT / source), builder.again, delay="forever", ignore=is_byproduct)
        server.watch(str(pages.parent / "html.digest"))
        click.echo(f"http://127.0.0.1:{port}/{index.relative_to(pages).as_posix()}")
        server.serve(port=port, host="127.0.0.1", root=str(pages))
    except (BuildError, claims.RegistryError) as error:
        complain(str(error))
        sys.exit(1)
    except KeyboardInterrupt:  # during a build; the server catches its own
        pass
    click.echo("Stopped.", err=True)


if __name__ == "__main__":
    main()
