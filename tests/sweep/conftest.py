"""Sweeps in other processes, and a gate at which their cells wait."""

import importlib
import os
import select
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DEADLINE = 60  # seconds; only a failing test waits as long
sys.path.insert(0, str(HERE))  # spawned workers inherit it


@pytest.fixture(scope="session")
def cells() -> Any:
    """Import the cell functions by the name under which other processes know them."""
    return importlib.import_module("sweep_cells")


class Gate:
    """Holds the later cells of the grid ``GATED`` in whichever process evaluates them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("gate", "arrivals"):
            os.mkfifo(folder / name)
        # Open at both ends, a pipe neither blocks here nor ends there.
        self._gate = os.open(folder / "gate", os.O_RDWR)
        self._arrivals = os.open(folder / "arrivals", os.O_RDWR)

    def wait(self, count: int) -> list[int]:
        """Return the processes of the next ``count`` cells that arrive."""
        text = b""
        while text.count(b"\n") < count:
            assert select.select([self._arrivals], [], [], DEADLINE)[0], "no cell arrives"
            text += os.read(self._arrivals, 4096)
        return [int(line) for line in text.split()]

    def open(self) -> None:
        """Let all pass, those that wait and those that come."""
        (self.folder / "gate").unlink(missing_ok=True)
        os.write(self._gate, b"." * 100)

    def close(self) -> None:
        """End the pipes, and so the waiting of whoever still waits."""
        self.open()
        os.close(self._gate)
        os.close(self._arrivals)

    def calls(self) -> Counter[int]:
        """Return how often each cell was begun."""
        lines = (self.folder / "calls").read_text().splitlines()
        return Counter(int(line.split()[0]) for line in lines)


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Close the gate before ``GATED``; this process and its children find it."""
    monkeypatch.setenv("SWEEP_GATE", str(tmp_path / "gate"))
    gate = Gate(tmp_path / "gate")
    yield gate
    gate.close()


class Sweep:
    """``python -m slth.sweep`` in a folder of its own, its errors read as they come."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "slth.sweep", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, "TQDM_MININTERVAL": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.errors = b""

    def wait_for(self, text: str) -> None:
        """Return when the errors, among them the progress bar, contain ``text``."""
        assert self.process.stderr is not None
        while text.encode() not in self.errors:
            assert select.select([self.process.stderr], [], [], DEADLINE)[0], self.errors
            new = os.read(self.process.stderr.fileno(), 4096)
            assert new, self.errors
            self.errors += new

    def end(self, signal_number: int | None = None) -> tuple[int, str, str]:
        """Send a signal to the whole group, if one is given; return exit code, output, errors."""
        if signal_number is not None:
            os.killpg(self.process.pid, signal_number)
        output, errors = self.process.communicate(timeout=DEADLINE)
        self.errors += errors
        return self.process.returncode, output.decode(), self.errors.decode()

    def stop(self) -> None:
        """Leave nothing behind, not even workers that outlive a run."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


class Sweeps:
    """Starts sweeps in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Sweep] = []

    def start(self, *arguments: str) -> Sweep:
        """Start a sweep."""
        self.started.append(Sweep(self.folder, *arguments))
        return self.started[-1]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a sweep to its end."""
        return self.start(*arguments).end()


@pytest.fixture
def sweeps(tmp_path: Path) -> Iterator[Sweeps]:
    """Run the command in an empty folder."""
    folder = tmp_path / "sweeps"
    folder.mkdir()
    sweeps = Sweeps(folder)
    yield sweeps
    for sweep in sweeps.started:
        sweep.stop()


@pytest.fixture(scope="session")
def stored() -> Callable[[Path], list[int]]:
    """Return the indices of the cells in a store, as SQLite sees them."""

    def read(path: Path) -> list[int]:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT json_extract(cell, '$.index') FROM cells").fetchall()
        return sorted(index for (index,) in rows)

    return read
