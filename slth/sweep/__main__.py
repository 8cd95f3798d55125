"""Run a declared grid, resuming where it was stopped, and save its table."""

import importlib
import signal
import sys
from pathlib import Path

import click

from . import Grid, SweepError, run, save
from .store import open_store


class _Declared(click.ParamType[Grid]):
    """MODULE:GRID, imported."""

    name = "MODULE:GRID"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> Grid:
        module, colon, attribute = value.partition(":")
        if not colon or not attribute:
            self.fail(f"expected MODULE:GRID, such as slth.sweep.example:GRID, got {value!r}")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError, SweepError) as error:
            self.fail(str(error))
        if not isinstance(found, Grid):
            self.fail(f"{value} is no Grid, but of type {type(found).__name__}")
        return found


@click.command(context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]})
@click.argument("grid", type=_Declared(), metavar="MODULE:GRID")
@click.option(
    "--workers", type=click.IntRange(1), default=1, show_default=True, help="Local processes."
)
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler, in place of local processes.")
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="_build/sweeps/NAME.sqlite",
    help="File of the finished cells.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Folder of the saved table.",
)
def main(grid: Grid, workers: int, scheduler: str | None, store: Path | None, data: Path) -> None:
    """Run the grid MODULE:GRID and save its table; finished cells are never computed again."""
    path = store or Path("_build", "sweeps", f"{grid.name}.sqlite")
    if scheduler is not None and workers > 1:
        raise click.UsageError("--workers counts local processes; a scheduler has its own workers")
    try:
        table = run(grid, store=path, workers=workers, scheduler=scheduler, progress=True)
        click.echo(save(table, grid, data))
    except SweepError as error:
        for note in getattr(error, "__notes__", []):
            click.echo(note, err=True)
        click.echo(f"{error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with open_store(path, grid) as opened:
            done = len(opened.results(grid))
        click.echo(
            f"{done} of {len(grid.cells)} cells are stored in {path}; "
            "run the same command to resume",
            err=True,
        )
        sys.exit(130)


if __name__ == "__main__":
    main()
