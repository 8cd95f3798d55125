"""What the machine can do at best: the two limits that the solver is held against."""

import time

import numba
import numpy as np
import numpy.typing as npt


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _walk(following: npt.NDArray[np.int64], steps: int) -> int:
    position = 0
    for _ in range(steps):
        position = following[position]
    return position


def step_latency(entries: int = 2048, steps: int = 20_000_000) -> float:
    """Nanoseconds of one step that depends on the one before through a load from the L1 cache."""
    ring = np.random.default_rng(0).permutation(entries)
    following = np.empty(entries, np.int64)
    following[ring] = np.roll(ring, -1)
    _walk(following, 1)
    return min(_seconds(following, steps) for _ in range(3)) / steps * 1e9


def _seconds(following: npt.NDArray[np.int64], steps: int) -> float:
    start = time.perf_counter()
    _walk(following, steps)
    return time.perf_counter() - start


def copy_bandwidth(megabytes: int = 256) -> float:
    """Bytes per second that one core reads and writes when it copies more than the caches hold."""
    source = np.zeros(megabytes << 17)
    sink = np.ones_like(source)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(sink, source)
        times.append(time.perf_counter() - start)
    return 2 * source.nbytes / min(times)


def elementary_steps(n: int) -> int:
    """Count the steps of meet-in-the-middle: merges of both halves, then the walk."""
    halves = (n // 2, n - n // 2)
    return sum((1 << (h + 1)) + (1 << h) for h in halves)


def list_bytes(n: int) -> int:
    """Count the bytes: each merge reads a list and writes one twice as long, 8 bytes an entry."""
    halves = (n // 2, n - n // 2)
    return 8 * sum(2 * (1 << (h + 1)) + (1 << h) for h in halves)
