"""Exact solvers for one instance and for many."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, SupportsIndex

import numba
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from slth.arrays import Bools, Floats, SmallInts
from slth.objectives import OBJECTIVES, Objective
from slth.subset_sum import _kernels
from slth.subset_sum._instance import (
    check_scale,
    checked_integer,
    checked_objective,
    checked_samples,
    checked_size,
    checked_target,
    tensor_device,
)
from slth.subset_sum._long.settle import settle
from slth.subset_sum._plan import Plan, plan
from slth.subset_sum.errors import SubsetNotFound
from slth.subset_sum.solution import BatchSolution, Solution


def solve(
    x: npt.ArrayLike,
    z: float,
    *,
    size: SupportsIndex | None = None,
    tolerance: float | None = None,
    objective: Objective = "best",
) -> Solution:
    """Find a subset of the samples whose sum is close to a target.

    min |Σ_S - z| over S ⊆ [n], or over |S| = k when ``size=k``: the random subset-sum problem
    (RSS) and its fixed-size variant (RFSS, Definition 2 of Natale et al. 2024).

    Parameters
    ----------
    x : array_like or torch.Tensor, shape (n,)
        Samples, finite; see the notes on numbers.
    z : float
        Target.
    size : int, optional
        Exact number of terms k; any number, including none, if left out.
    tolerance : float, optional
        Largest admissible |Σ_S - z|, itself admitted. Needed by ``"feasible"`` and ``"fewest"``,
        refused by ``"best"``.
    objective : {"best", "feasible", "fewest"}
        Smallest error; the first subset found within the tolerance; or the fewest terms within
        the tolerance, and among those the smallest error.

    Returns
    -------
    Solution

    Raises
    ------
    SubsetNotFound
        No subset meets the tolerance; carries the ``best_error``.
    InstanceTooLarge
        Too many sums for memory or for minutes; names the largest n.
    ValueError
        Empty choice (k > n), samples or target that are not finite, numbers that float64 would
        round, masked entries, text, arguments that do not fit.

    Notes
    -----
    Numbers are taken as they are written: float64, and every type whose values it holds, such as
    float32, bfloat16 or integers up to 2^53. Longer integers and long doubles are taken where
    float64 holds them, and refused elsewhere; fractions, decimals, Booleans and text are refused,
    and so are masked arrays that hide an entry. Of tensors the values count, not the gradients.

    Horowitz and Sahni (1974) on 64-bit integers; where their lists do not fit into memory, a sweep
    after Schroeppel and Shamir (1981), about half a minute at n = 60. The returned subset is
    optimal in exact arithmetic, not just up to rounding. Which one of several optimal subsets is
    returned depends on the instance alone.

    Any size, and any fixed size, is solved up to n = 60. If at most four terms are chosen, or left
    out, no lists are needed: two of any number, three of 370,708, four of 7,443 samples. Beyond,
    :func:`solve_window` meets a tolerance.

    Examples
    --------
    >>> solution = solve([0.5, -0.25, 0.75, 0.125], 0.4, size=2)
    >>> solution.indices, solution.sum
    (array([1, 2]), 0.5)
    >>> solve([0.5, -0.25, 0.75, 0.125], 0.4, tolerance=0.1, objective="fewest").indices
    array([0])
    """
    samples = checked_samples(x, "x", "(n,)", 1)
    target = checked_target(z)
    batch = solve_many(
        samples, np.array([target]), size=size, tolerance=tolerance, objective=objective
    )
    mask = batch.masks[0]
    indices = np.flatnonzero(mask)
    terms = samples.astype(np.float64)[indices].tolist()
    error = abs(math.fsum([*terms, -target]))
    if tolerance is not None and not batch.found[0]:
        raise SubsetNotFound(error, tolerance)
    return Solution(indices, mask, math.fsum(terms), error, len(indices), objective)


def solve_many(
    X: npt.ArrayLike,
    Z: npt.ArrayLike,
    *,
    size: SupportsIndex | None = None,
    tolerance: float | None = None,
    objective: Objective = "best",
    progress: bool = False,
    threads: int | None = None,
) -> BatchSolution:
    """Solve many independent instances, as :func:`solve` does one, on all cores or on a GPU.

    S_r ⊆ [n] with Σ_i X[r, i] over S_r close to Z[r], for each r.

    Parameters
    ----------
    X : array_like or torch.Tensor, shape (m, n) or (n,)
        Samples, one row per instance, or one row shared by all. Tensors are searched on their
        device, up to n = 32. Numbers as in :func:`solve`.
    Z : array_like or torch.Tensor, shape (m,) or ()
        Targets, one per instance, or one shared by all.
    size, tolerance, objective : various
        As in :func:`solve`, the same for all instances.
    progress : bool
        Show a progress bar.
    threads : int, optional
        Number of threads; as many as Numba is configured for (``NUMBA_NUM_THREADS``, by default
        all cores) if left out, in any case as many as fit into memory. The results do not depend
        on it. Refused for tensors: there ``torch.set_num_threads`` decides.

    Returns
    -------
    BatchSolution
        ``found`` tells where the tolerance is met; elsewhere the subset has the smallest error.
        NumPy arrays, for tensors too.

    Raises
    ------
    InstanceTooLarge, ValueError
        As in :func:`solve`, before any work starts.

    Notes
    -----
    Tensors and arrays get the same answers: equal errors, bit by bit, and the same subset unless
    several are equally good. Only ``"feasible"`` may take another of the subsets that meet the
    tolerance: both look for one among the first 8, 12, 16, ... samples (for any size), but on
    tensors it is the closest of these. On the CPU, arrays are faster.

    Examples
    --------
    >>> batch = solve_many([[0.5, 0.25, 1.0], [3.0, 2.0, 1.0]], [0.7, 5.5], size=2)
    >>> batch.masks.astype(int)
    array([[1, 1, 0],
           [1, 1, 0]])
    >>> batch.errors
    array([0.05, 0.5 ])
    """
    device = tensor_device(X)
    X = checked_samples(X, "X", "(m, n) or (n,)", 1, 2)
    Z = checked_samples(Z, "Z", "(m,) or ()", 0, 1).astype(np.float64)
    if X.ndim == 2 and Z.ndim == 0:
        Z = np.full(len(X), Z)
    Z = np.atleast_1d(Z)
    if X.ndim == 2 and len(X) != len(Z):
        raise ValueError(f"{len(X)} rows of samples do not fit {len(Z)} targets")
    check_scale(X, Z)
    X = np.atleast_2d(X)
    n = X.shape[1]
    k = checked_size(size, n)
    limit = checked_objective(objective, k, tolerance)
    if threads is not None and (threads := checked_integer(threads, "threads")) < 1:
        raise ValueError(f"threads={threads} must be at least 1")
    if device is None:
        answers = _solve_compiled(X, Z, k, limit, objective, progress, threads)
    elif threads is None:
        from slth.subset_sum._tensors.solve import solve_on

        answers = solve_on(device, X, Z, k, limit, objective, progress)
    else:
        raise ValueError("threads is for NumPy arrays; for tensors call torch.set_num_threads")
    masks, sums, errors, states = answers
    found = states == _kernels.FOUND
    unsettled = np.flatnonzero(states == _kernels.UNSETTLED)
    workers = numba.config.NUMBA_NUM_THREADS if threads is None else threads
    quiet = not progress or len(unsettled) == 0
    for r in tqdm(unsettled, "one by one", disable=quiet, unit="instances"):
        x = X[min(int(r), len(X) - 1)].astype(np.float64)
        masks[r], sums[r], errors[r], found[r] = settle(
            x, float(Z[r]), k, limit, objective, workers
        )
    return BatchSolution(masks, sums, errors, masks.sum(axis=1), found, objective)


def _solve_compiled(
    X: npt.NDArray[Any], Z: Floats, k: int, limit: float, objective: Objective,
    progress: bool, threads: int | None,
) -> tuple[Bools, Floats, Floats, SmallInts]:  # fmt: skip
    """Masks, sums, errors and states from the compiled search, chunk by chunk."""
    n = X.shape[1]
    fixed = 0 <= min(k, n - k) <= _kernels.SMALL and k >= 0
    sized = k >= 0 or objective == "fewest"
    work = plan(n, k, sized=sized, lists=not fixed, sweep=True, threads=threads)
    masks = np.zeros((len(Z), n), np.bool_)
    sums, errors = np.empty(len(Z)), np.empty(len(Z))
    states = np.empty(len(Z), np.int8)

    if work.sweep:
        states[:] = _kernels.UNSETTLED
        return masks, sums, errors, states

    def run(rows: slice) -> None:
        samples = X if X.shape[0] != len(Z) else X[rows]
        _kernels.solve_rows(
            np.require(samples, np.float64, ["C", "W"]), Z[rows], limit, k,
            OBJECTIVES.index(objective), work.counts, work.words, work.spare,
            masks[rows], sums[rows], errors[rows], states[rows],
        )  # fmt: skip

    _in_chunks(run, len(Z), work, progress)
    return masks, sums, errors, states


def _in_chunks(run: Callable[[slice], None], instances: int, work: Plan, progress: bool) -> None:
    """Call ``run`` on consecutive slices, in threads; an interrupt waits for the running slices."""
    starts = range(0, instances, work.rows(instances))
    chunks = [slice(start, min(start + starts.step, instances)) for start in starts]
    with tqdm(total=instances, disable=not progress, unit="instances") as bar:
        if work.threads == 1 or len(chunks) == 1:
            for chunk in chunks:
                run(chunk)
                bar.update(chunk.stop - chunk.start)
            return
        with ThreadPoolExecutor(work.threads) as pool:
            jobs = {pool.submit(run, chunk): chunk for chunk in chunks}
            try:
                for job in as_completed(jobs):
                    job.result()
                    bar.update(jobs[job].stop - jobs[job].start)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
