"""Ours against the peers: exact random subset sums, on the same instances, in one run.

``make bench`` prints the table and stores everything in ``data/benchmark.json``, which the chapter
on solving subset sums reads.
"""

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np
from tqdm import tqdm

from benchmarks import machine
from benchmarks.peers import PEERS, THREADS, Peer
from slth import subset_sum
from slth.arrays import Floats
from slth.files import write_atomically

SEED = 2024
TOLERANCE = 0.01
OURS = "slth"
STORE = Path(__file__).parents[1] / "data" / "benchmark.json"
# Instances for each peer: slow ones get few, so that the whole run stays below five minutes.
FEW = {"Gurobi": 15, "OR-Tools CP-SAT": 9, "SciPy milp (HiGHS)": 9, "NumPy brute force": 25}
MANY = 400


class DisagreementError(AssertionError):
    """Two solvers that both claim the optimum do not have the same one."""


def instances(count: int, n: int) -> tuple[Floats, Floats]:
    """Uniform samples and targets, the same in every run."""
    rng = np.random.default_rng([SEED, n])
    return rng.uniform(-1, 1, (count, n)), rng.uniform(-1, 1, count)


def median_seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """Median over a few calls; the first, which may compile, does not count."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def error(x: Floats, z: float, mask: Any) -> float:
    """Recompute |Σ_S - z| from the mask."""
    return abs(math.fsum([*x[mask].tolist(), -z]))


def contest(name: str, n: int, size: int | None, tolerance: float | None) -> dict[str, Any]:
    """One task: all peers on the same instances, each checked against ours."""
    X, Z = instances(20_000, n)
    asked: dict[str, Any] = {"size": size}
    if tolerance is not None:
        asked |= {"tolerance": tolerance, "objective": "feasible"}
    answer = subset_sum.solve_many(X, Z, threads=THREADS, **asked)
    seconds = median_seconds(lambda: subset_sum.solve_many(X, Z, threads=THREADS, **asked))
    rows = [row(OURS, version("slth"), seconds / len(Z), len(Z), 0.0, 1.0)]
    able = [peer for peer in PEERS if tolerance is None or not peer.name.startswith("NumPy")]
    for peer in tqdm(able, desc=name, leave=False):
        rows.append(compete(peer, X, Z, answer.errors, size, tolerance, rows[0]["seconds"]))
    return {"name": name, "n": n, "size": size, "tolerance": tolerance, "rows": rows}


def compete(
    peer: Peer,
    X: Floats,
    Z: Floats,
    ours: Floats,
    size: int | None,
    tolerance: float | None,
    unit: float,
) -> dict[str, Any]:
    """Time a peer on its share of the instances and check its answers."""
    if peer.version is None:
        return row(peer.name, None, None, 0, None, None)
    count = FEW.get(peer.name, MANY)
    peer.solve(X[0], float(Z[0]), size, tolerance)
    times, excess = [], 0.0
    for x, z, best in zip(X[:count], Z[:count].tolist(), ours.tolist(), strict=False):
        start = time.perf_counter()
        mask = peer.solve(x, z, size, tolerance)
        times.append(time.perf_counter() - start)
        reached = error(x, z, mask)
        if size is not None and mask.sum() != size:
            raise DisagreementError(f"{peer.name} chose {mask.sum()} terms in place of {size}")
        if tolerance is None:
            excess = max(excess, reached - best)
            if not -1e-13 <= reached - best <= peer.resolution:
                raise DisagreementError(f"{peer.name} reaches {reached}, slth {best}")
        elif reached > tolerance + peer.resolution:
            raise DisagreementError(f"{peer.name} misses the tolerance {tolerance}: {reached}")
    seconds = statistics.median(times)
    return row(peer.name, peer.version, seconds, count, excess, seconds / unit)


def row(
    name: str,
    release: str | None,
    seconds: float | None,
    count: int,
    excess: float | None,
    ratio: float | None,
) -> dict[str, Any]:
    """One line of a table; a missing peer has no numbers."""
    return {
        "solver": name,
        "version": release,
        "seconds": seconds,
        "instances": count,
        "excess": excess,
        "ratio": ratio,
    }


def pensia() -> dict[str, Any]:
    """Repeat the experiment of Pensia et al. 2020 in size: 397,000 weights, 21 samples each."""
    X, Z = instances(397_000, 21)

    def whole(**asked: Any) -> dict[str, Any]:
        start = time.perf_counter()
        batch = subset_sum.solve_many(X, Z, threads=THREADS, **asked)
        return {
            "seconds": time.perf_counter() - start,
            "found": float(batch.found.mean()),
            "terms": float(batch.sizes.mean()),
        }

    return {
        "best": whole(),
        "feasible": whole(tolerance=TOLERANCE, objective="feasible"),
        "fewest": whole(tolerance=TOLERANCE, objective="fewest"),
        "three": whole(size=3, tolerance=TOLERANCE, objective="feasible"),
    }


def curve() -> list[dict[str, Any]]:
    """Seconds per instance on one core against n, with the steps and bytes of the algorithm."""
    rows = []
    for n in tqdm(range(12, 33), desc="curve", leave=False):
        X, Z = instances(max(3, 16_000_000 >> (n // 2 + 2)), n)
        any_size = median_seconds(partial(subset_sum.solve_many, X, Z, threads=1), 3)
        half = median_seconds(partial(subset_sum.solve_many, X, Z, size=n // 2, threads=1), 3)
        rows.append(
            {
                "n": n,
                "any": any_size / len(Z),
                "half": half / len(Z),
                "steps": machine.elementary_steps(n),
                "bytes": machine.list_bytes(n),
            }
        )
    return rows


def table(contests: list[dict[str, Any]]) -> str:
    """Return the contests as one Markdown table."""
    lines = [
        "| task | solver | version | per instance | ours is faster by |",
        "|---|---|---|--:|--:|",
    ]
    for task in contests:
        for one in task["rows"]:
            if one["version"] is None:
                lines.append(f"| {task['name']} | {one['solver']} | *missing* | – | – |")
                continue
            lines.append(
                f"| {task['name']} | {one['solver']} | {one['version']} "
                f"| {1e6 * one['seconds']:,.1f} µs | {one['ratio']:,.0f} |"
            )
    return "\n".join(lines)


@click.command()
@click.option("--store", type=click.Path(path_type=Path), default=STORE, show_default=True)
def main(store: Path) -> None:
    """Run the benchmark, print the table and store the numbers."""
    start = time.perf_counter()
    contests = [
        contest("best error, n = 20, k = 10", 20, 10, None),
        contest("feasible at 0.01, n = 21", 21, None, TOLERANCE),
    ]
    result: dict[str, Any] = {
        "contests": contests,
        "pensia": pensia(),
        "curve": curve(),
        "machine": {
            "cores": os.cpu_count(),
            "threads": THREADS,
            "processor": platform.machine(),
            "python": platform.python_version(),
            "step_latency_ns": machine.step_latency(),
            "copy_bytes_per_second": machine.copy_bandwidth(),
        },
    }
    result["seconds"] = time.perf_counter() - start
    click.echo(table(contests))
    for name, run in result["pensia"].items():
        click.echo(f"397,000 instances, n = 21, {name}: {run['seconds']:.2f} s")
    store.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(store, f"{json.dumps(result, indent=1)}\n".encode())
    click.echo(f"{result['seconds']:.0f} s; stored in {store}")


if __name__ == "__main__":
    main()
