"""Run a declared grid, resuming where it was stopped, and save its table."""

import importlib
import signal
import sys
from pathlib import Path

import click

from slth.sweep import Grid, StoreError, SweepError, run, save
from slth.sweep.store import open_store


def _declared(context: click.Context, parameter: click.Parameter, text: str) -> Grid:
    """Import MODULE:GRID."""
    module, _, attribute = text.partition(":")
    if not module or not attribute:
        raise click.BadParameter(f"expected something like slth.sweep.example:GRID, got {text!r}")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, SweepError) as error:
        raise click.BadParameter(str(error)) from error
    if not isinstance(found, Grid):
        raise click.BadParameter(f"{text} is no Grid, but of type {type(found).__name__}")
    return found


@click.command(context_settings={"max_content_width": 100, "help_option_names": ["-h", "--help"]})
@click.argument("grid", callback=_declared, metavar="MODULE:GRID")
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
    """Run the grid MODULE:GRID and save its table; finished cells are not computed again."""
    path = store or Path("_build", "sweeps", f"{grid.name}.sqlite")
    if scheduler is not None and workers > 1:
        raise click.UsageError("--workers counts local processes; a scheduler has its own workers")
    try:
        table = run(grid, store=path, workers=workers, scheduler=scheduler, progress=True)
        click.echo(save(table, grid, data))
    except StoreError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except (SweepError, OSError) as error:
        for note in getattr(error, "__notes__", []):
            click.echo(note, err=True)
        click.echo(str(error), err=True)
        click.echo(_state(grid, path), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        click.echo(_state(grid, path), err=True)
        sys.exit(130)


def _state(grid: Grid, path: Path) -> str:
    with open_store(path, grid) as store:
        done = len(store.results(grid))
    return f"{done} of {len(grid.cells)} cells are stored in {path}; run the same command to resume"


if __name__ == "__main__":
    main()
