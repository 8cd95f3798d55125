"""Cell functions that other processes import; the tests put this folder on their path."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from slth.sweep import Grid

HELD_FROM = 6  # cells with a larger index wait for the gate, where there is one


def anything(*, rng: np.random.Generator, **cell: Any) -> dict[str, Any]:
    """Draw an integer and a float, whatever the cell."""
    return {"draw": rng.integers(2**62), "value": rng.normal(), "echo": json.dumps(cell)}


def gated(*, rng: np.random.Generator, index: int) -> dict[str, Any]:
    """Write down the call; wait at the gate."""
    folder = Path(os.environ["SWEEP_GATE"])
    with (folder / "calls").open("a") as calls:
        calls.write(f"{index} {os.getpid()}\n")
    if index >= HELD_FROM:
        with suppress(FileNotFoundError), (folder / "gate").open("rb", buffering=0) as gate:
            with (folder / "arrivals").open("ab", buffering=0) as arrivals:
                arrivals.write(b"%d\n" % os.getpid())
            gate.read(1)
    return {"draw": int(rng.integers(2**62)), "value": rng.normal()}


class Stubborn(Exception):  # noqa: N818
    """An exception that does not survive the way between processes."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} is not {second}")


def failing(*, rng: np.random.Generator, index: int) -> dict[str, int]:
    """Fail at the third cell."""
    if index == 2:
        raise Stubborn(index, 3)
    return {"index_squared": index**2}


def misshapen(*, rng: np.random.Generator, index: int, what: str) -> Any:
    """Return a row for index 0, and something else afterwards."""
    others = {
        "no mapping": [1],
        "nothing": {},
        "a list": {"value": [1]},
        "another type": {"value": 1},
        "another name": {"other": 1.5},
        "the cell's key": {"value": 1.5, "index": 1},
        "an odd name": {"a b": 1.5},
        "too large": {"value": 2**63},
        "a control character": {"value": "a\r"},
    }
    return {"value": 0.5} if index == 0 else others[what]


def killed(*, rng: np.random.Generator, index: int) -> dict[str, int]:
    """End the worker."""
    if index == 2:
        os._exit(9)
    return {"index_squared": index**2}


GATED = Grid("gated", gated, Grid.product(index=range(12)), seed=3)
FAILING = Grid("failing", failing, Grid.product(index=range(4)), seed=3)
KILLED = Grid("killed", killed, Grid.product(index=range(4)), seed=3)
NUMBER = 1
