"""Tickets of large networks: time and memory against the number of target weights.

``python -m benchmarks.scale`` prunes networks with the layer shapes and the initialisation of
ResNet-18's convolutions, at an eighth of its width up to its full eleven million weights, and
stores the table in ``data/scale.json``.  Each ticket is found in one process, and loaded and
verified in another; both report how long it took and how much memory they held at most.
"""

import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from torch import nn

import slth
from slth.files import write_atomically

SEED = 18
INPUT_SHAPE = (3, 224, 224)
STORE = Path(__file__).parents[1] / "data" / "scale.json"
WIDTHS = (8, 16, 32, 64)
WEIGHT_TOLERANCE = 1e-3

Report = dict[str, Any]


def resnet_convolutions(width: int) -> nn.Sequential:
    """ResNet-18's main path: a 7 × 7 and sixteen 3 × 3 convolutions, with its pooling.

    The original has width 64.  Weights are drawn as there: normal, of variance 2 / fan-out.

    References
    ----------
    He, Zhang, Ren, Sun 2016, with the initialisation of He et al. 2015.
    """
    plan = [(width, 7, 2), *[(width, 3, 1)] * 4]
    for factor in (2, 4, 8):
        plan += [(factor * width, 3, 2), *[(factor * width, 3, 1)] * 3]
    generator = torch.Generator().manual_seed(SEED)
    modules: list[nn.Module] = []
    inputs = INPUT_SHAPE[0]
    for outputs, kernel, stride in plan:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", generator=generator)
        modules += [conv.requires_grad_(False), nn.ReLU()]
        inputs = outputs
    modules.insert(2, nn.MaxPool2d(3, stride=2, padding=1))
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def prune_and_save(width: int, path: Path, samples: int | None = None) -> Report:
    """Find a ticket, with as many samples as theory asks for unless told, and store it."""
    target = resnet_convolutions(width)
    report: Report = {}
    with _timed(report, "prune"):
        ticket = slth.prune(
            target,
            weight_tolerance=WEIGHT_TOLERANCE,
            objective="feasible",
            samples=samples,
            seed=SEED,
            input_shape=INPUT_SHAPE,
        )
    with _timed(report, "save"):
        ticket.save(path)
    report["file_bytes"] = path.stat().st_size
    return {**report, "prune_peak_bytes": _peak_bytes()}


def load_and_verify(width: int, path: Path) -> Report:
    """Load the ticket and judge it."""
    target = resnet_convolutions(width)
    report: Report = {}
    with _timed(report, "load"):
        ticket = slth.Ticket.load(path)
    with _timed(report, "verify"):
        certificate = slth.verify(ticket, target, observe=False)
    norms = torch.tensor(certificate.norms, dtype=torch.float64)
    return {
        **report,
        "verify_peak_bytes": _peak_bytes(),
        "weights": certificate.n_target_parameters,
        "random": certificate.total,
        "kept": certificate.kept,
        "max_weight_error": certificate.max_weight_error,
        "bound": certificate.bound,
        "norm_product": float(norms.prod()),
    }


def measure(width: int) -> Report:
    """Both halves, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ticket"
        parts = [in_fresh_process(half, width, path) for half in (prune_and_save, load_and_verify)]
    return {"width": width, **parts[0], **parts[1]}


def in_fresh_process(function: Callable[..., Report], *arguments: Any) -> Report:
    """Call a function where nothing has been imported or allocated yet."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


@contextmanager
def _timed(report: Report, name: str) -> Iterator[None]:
    start, processor = time.perf_counter(), time.process_time()
    yield
    report[f"{name}_seconds"] = time.perf_counter() - start
    report[f"{name}_processor_seconds"] = time.process_time() - processor


def _peak_bytes() -> int:
    """Largest memory that this process has held so far."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def processor_seconds(row: Mapping[str, Any]) -> float:
    """Sum all four steps and both cores: what neighbours on the machine cannot change."""
    steps = ("prune", "save", "load", "verify")
    return float(sum(row[f"{step}_processor_seconds"] for step in steps))


def linear_fit(rows: Sequence[Mapping[str, Any]]) -> Report:
    """Fit the processor time as a fixed part and a part per weight, in relative least squares.

    The fixed part is mostly the theory's: how many samples each of the seventeen layers needs.
    """
    weights = np.array([row["weights"] for row in rows], dtype=np.float64)
    times = np.array([processor_seconds(row) for row in rows])
    design = np.stack([np.ones_like(weights), weights], axis=1) / times[:, None]
    fixed, slope = np.linalg.lstsq(design, np.ones_like(times))[0].tolist()
    return {
        "fixed_seconds": fixed,
        "seconds_per_weight": slope,
        "largest_deviation": float(np.abs((fixed + slope * weights) / times - 1).max()),
    }


def table(rows: list[Report]) -> str:
    """Return the measurements as a Markdown table."""
    lines = [
        "| width | weights | random | kept | prune | load | verify | processor time per weight "
        "| memory | file |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        each = 1e6 * processor_seconds(row) / row["weights"]
        peak = max(row["prune_peak_bytes"], row["verify_peak_bytes"])
        lines.append(
            f"| {row['width']} | {row['weights']:,} | {row['random']:,} | {row['kept']:,} "
            f"| {row['prune_seconds']:.1f} s | {row['load_seconds']:.1f} s "
            f"| {row['verify_seconds']:.1f} s | {each:.1f} µs "
            f"| {peak / 2**30:.2f} GiB | {row['file_bytes'] / 2**20:.1f} MiB |"
        )
    return "\n".join(lines)


@click.command()
@click.option("--store", type=click.Path(path_type=Path), default=STORE, show_default=True)
@click.option("--width", "widths", type=int, multiple=True, default=WIDTHS, show_default=True)
def main(store: Path, widths: tuple[int, ...]) -> None:
    """Measure, print the table and store the numbers."""
    rows = [measure(width) for width in widths]
    click.echo(table(rows))
    fit = linear_fit(rows)
    click.echo(
        f"{fit['fixed_seconds']:.1f} s and {1e6 * fit['seconds_per_weight']:.1f} µs per weight, "
        f"within {fit['largest_deviation']:.0%}"
    )
    result = {
        "rows": rows,
        "linear_fit": fit,
        "weight_tolerance": WEIGHT_TOLERANCE,
        "machine": {
            "cores": os.cpu_count(),
            "processor": platform.machine(),
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }
    store.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(store, f"{json.dumps(result, indent=1)}\n".encode())
    click.echo(f"stored in {store}")


if __name__ == "__main__":
    main()
