"""The command: killed, interrupted, resumed, and refusing what it cannot do."""

import os
import select
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pandas.testing import assert_frame_equal

from slth import sweep

STORE = Path("_build", "sweeps", "gated.sqlite")
BEFORE_THE_GATE = Counter(range(6))
ALL = Counter(range(12))


def assert_ended(processes: list[int]) -> None:
    """Wait for the ends of the processes with these descriptors."""
    for process in processes:
        assert select.select([process], [], [], 20)[0]
        os.close(process)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_sweep_loses_and_repeats_no_finished_cell(
    workers: int, sweeps: Any, gate: Any, cells: Any, stored: Any
) -> None:
    command = ("sweep_cells:GATED", "--workers", str(workers))
    killed = sweeps.start(*command)
    killed.wait_for("6/12")
    processes = [os.pidfd_open(process) for process in gate.wait(workers)]
    killed.process.kill()  # the run itself, not its workers: they end when it ends
    assert killed.end()[0] == -signal.SIGKILL
    assert_ended(processes)
    assert stored(sweeps.folder / STORE) == list(BEFORE_THE_GATE)
    in_flight = gate.calls() - BEFORE_THE_GATE
    assert gate.calls() == BEFORE_THE_GATE + in_flight
    assert in_flight.total() == workers

    gate.open()
    code, output, errors = sweeps.run(*command)
    assert (code, output) == (0, "data/gated.csv\n")
    assert "6/12" in errors  # the bar begins with what is stored
    assert gate.calls() == ALL + in_flight
    assert stored(sweeps.folder / STORE) == list(ALL)
    assert_frame_equal(
        sweep.load(cells.GATED, sweeps.folder / "data"), sweep.run(cells.GATED), check_exact=True
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_says_what_is_stored(workers: int, sweeps: Any, gate: Any) -> None:
    interrupted = sweeps.start("sweep_cells:GATED", "--workers", str(workers))
    interrupted.wait_for("6/12")
    processes = [os.pidfd_open(process) for process in gate.wait(workers)]
    code, output, errors = interrupted.end(signal.SIGINT)
    assert_ended(processes)
    assert code == 130
    assert output == ""
    assert errors.endswith(
        f"\n6 of 12 cells are stored in {STORE}; run the same command to resume\n"
    )
    assert "Traceback" not in errors
    assert not (sweeps.folder / "data").exists()


def test_workers_leave_ctrl_c_to_the_run(sweeps: Any, gate: Any) -> None:
    running = sweeps.start("sweep_cells:GATED", "--workers", "2")
    for worker in gate.wait(2):
        os.kill(worker, signal.SIGINT)
    gate.open()
    assert running.end()[0] == 0
    assert gate.calls() == ALL


def test_a_store_has_one_writer(sweeps: Any, gate: Any, cells: Any) -> None:
    first = sweeps.start("sweep_cells:GATED")
    gate.wait(1)
    with pytest.raises(sweep.StoreError, match=f"{STORE} is in use by another run"):
        sweep.run(cells.GATED, store=sweeps.folder / STORE)
    gate.open()
    code, _, errors = first.end()
    assert code == 0, errors


def test_a_finished_sweep_is_saved_again_without_work(sweeps: Any, gate: Any) -> None:
    gate.open()
    command = ("sweep_cells:GATED", "--store", "elsewhere/cells.sqlite", "--data", "tables")
    assert sweeps.run(*command)[:2] == (0, "tables/gated.csv\n")
    assert sweeps.run(*command)[:2] == (0, "tables/gated.csv\n")
    assert gate.calls() == ALL
    files = [str(path.relative_to(sweeps.folder)) for path in sweeps.folder.rglob("*.*")]
    assert sorted(files) == ["elsewhere/cells.sqlite", "tables/gated.csv", "tables/gated.json"]


def test_a_failing_cell_is_named_and_the_finished_ones_stay(sweeps: Any) -> None:
    code, _, errors = sweeps.run("sweep_cells:FAILING", "--workers", "2")
    assert code == 1
    assert "cell {'index': 2} of sweep 'failing' failed: Stubborn: 2 is not 3\n" in errors
    assert "raise Stubborn(index, 3)" in errors  # where it happened
    assert errors.endswith(
        "cells are stored in _build/sweeps/failing.sqlite; run the same command to resume\n"
    )


def test_a_killed_worker_is_reported(cells: Any) -> None:
    with pytest.raises(sweep.WorkersLost, match="a worker process of sweep 'killed' was killed"):
        sweep.run(cells.KILLED, workers=2)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("sweep_cells", "expected something like slth.sweep.example:GRID, got 'sweep_cells'"),
        ("no_such_module:GRID", "No module named 'no_such_module'"),
        ("sweep_cells:NO_SUCH_GRID", "module 'sweep_cells' has no attribute 'NO_SUCH_GRID'"),
        ("sweep_cells:NUMBER", "sweep_cells:NUMBER is no Grid, but of type int"),
        ("sweep_cells:GATED --workers 0", "0 is not in the range x>=1"),
        ("sweep_cells:GATED --workers 2 --scheduler tcp://h:1", "a scheduler has its own workers"),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_work(
    arguments: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from click.testing import CliRunner

    from slth.sweep.__main__ import main

    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments.split())
    assert result.exit_code == 2
    assert reason in result.stderr
    assert list(tmp_path.iterdir()) == []
