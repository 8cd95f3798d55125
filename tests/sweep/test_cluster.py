"""A real Dask scheduler with two worker processes, one of which is killed."""

import gc
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed.utils
import pytest
from distributed import Client
from pandas.testing import assert_frame_equal

from slth import sweep
from slth.sweep import cluster
from slth.sweep.cells import Failure

HERE = Path(__file__).parent
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(gate: Any, tmp_path: Path) -> Iterator[Start]:
    """Start a Dask command; the gate is named in its environment."""
    started = []

    def start(command: str, *arguments: str) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{command}", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Scheduler:
    """A running scheduler."""

    process: subprocess.Popen[str]
    address: str


@pytest.fixture
def scheduler(start: Start) -> Scheduler:
    """Start a scheduler, which has no workers yet."""
    process = start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard")
    assert process.stderr is not None
    for line in process.stderr:
        if match := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
            return Scheduler(process, match[1])
    raise AssertionError("the scheduler does not start")


def start_worker(start: Start, scheduler: Scheduler) -> subprocess.Popen[str]:
    """Start a worker that nobody restarts."""
    return start("worker", scheduler.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")


def test_a_killed_worker_loses_nothing(
    scheduler: Scheduler, start: Start, gate: Any, sweeps: Any, cells: Any, stored: Any
) -> None:
    workers = {worker.pid: worker for worker in (start_worker(start, scheduler) for _ in range(2))}
    running = sweeps.start("sweep_cells:GATED", "--scheduler", scheduler.address)
    running.wait_for("6/12")
    arrived = gate.wait(2)
    assert set(arrived) == set(workers)
    deadline = time.monotonic() + 60
    with Client(  # type: ignore[no-untyped-call]
        scheduler.address, set_as_default=False
    ) as client:
        while any(client.has_what().values()):  # the finished cells leave the cluster
            assert time.monotonic() < deadline
    workers[arrived[0]].send_signal(signal.SIGKILL)
    workers[arrived[0]].wait()
    gate.open()
    code, output, _ = running.end()
    assert (code, output) == (0, "data/gated.csv\n")
    calls = gate.calls()
    assert [calls[index] for index in range(6)] == [1] * 6
    assert calls.total() == 13  # only the cell that died with its worker was begun again
    assert stored(sweeps.folder / "_build" / "sweeps" / "gated.sqlite") == list(range(12))
    assert_frame_equal(
        sweep.load(cells.GATED, sweeps.folder / "data"), sweep.run(cells.GATED), check_exact=True
    )


def test_ctrl_c_leaves_the_cluster_free(
    scheduler: Scheduler, start: Start, gate: Any, sweeps: Any, cells: Any
) -> None:
    running = sweeps.start("sweep_cells:GATED", "--scheduler", scheduler.address)
    running.wait_for(f"the scheduler at {scheduler.address} has no workers yet")
    start_worker(start, scheduler)
    running.wait_for("6/12")
    gate.wait(1)
    code, _, errors = running.end(signal.SIGINT)
    assert code == 130
    assert "\n6 of 12 cells are stored in _build/sweeps/gated.sqlite; run the same" in errors
    gate.open()
    with pytest.raises(sweep.CellFailed, match=r"\{'index': 2\} .* failed: Stubborn: 2 is not 3"):
        sweep.run(cells.FAILING, scheduler=scheduler.address)
    assert gate.calls().total() == 7  # the other cells left the scheduler with the run


def test_a_lost_scheduler_is_named(
    scheduler: Scheduler, start: Start, gate: Any, sweeps: Any
) -> None:
    start_worker(start, scheduler)
    running = sweeps.start("sweep_cells:GATED", "--scheduler", scheduler.address)
    running.wait_for("6/12")
    scheduler.process.kill()
    code, _, errors = running.end()
    assert code == 1
    assert (
        f"the Dask scheduler at {scheduler.address} went away\n"
        "6 of 12 cells are stored in _build/sweeps/gated.sqlite; run the same" in errors
    )


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "odd://127.0.0.1:1"])
def test_an_address_without_scheduler_is_named(
    address: str, cells: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT", 0.2)
    with pytest.raises(sweep.SchedulerLost, match=f"there is no Dask scheduler at {address}: "):
        sweep.run(cells.FAILING, scheduler=address)


def test_a_client_that_failed_does_not_block_the_next(
    cells: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory = vars(distributed.utils)["get_loop_factory"]

    def collect_first() -> Any:
        if gc.isenabled():  # the collector may run now, in the thread of a client that starts
            gc.collect()
        return factory()

    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr(distributed.utils, "get_loop_factory", collect_first)
    for _ in range(2):
        with pytest.raises(sweep.SchedulerLost):
            sweep.run(cells.FAILING, scheduler="nowhere")
    assert gc.isenabled()


def test_missing_dask_is_named(cells: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(sweep.SweepError, match="pip install dask distributed"):
        sweep.run(cells.FAILING, scheduler="tcp://127.0.0.1:1")


def test_another_version_on_a_worker_is_refused(cells: Any) -> None:
    result = cluster._attempt(cells.failing, 3, "0" * 64, {"index": 0})
    assert isinstance(result, Failure)
    assert "the worker has another version of sweep_cells.failing" in result.error
