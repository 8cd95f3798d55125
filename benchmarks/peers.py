"""The solvers that we measure ourselves against, each behind the same face.

A peer takes one instance ``(x, z)`` with ``size`` terms (None: any number) and, where it is
asked for feasibility only, a ``tolerance``; it returns the 0/1 mask that it found.  What a peer
says about its error is not used: the benchmark recomputes it from the mask.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

from slth.arrays import Bools, Floats

Solve = Callable[[Floats, float, int | None, float | None], Bools]

THREADS = 2


@dataclass(frozen=True)
class Peer:
    """One solver.

    Attributes
    ----------
    name
        As the table shows it.
    package
        The distribution whose version is recorded.
    module
        What has to be importable for the peer to run.
    solve
        One instance, model building included.
    resolution
        How far from the optimum its own tolerances allow an answer that it calls optimal.
    """

    name: str
    package: str
    module: str
    solve: Solve
    resolution: float

    @property
    def version(self) -> str | None:
        """Installed version, None if the peer is missing."""
        try:
            import_module(self.module)
        except ImportError:
            return None
        return version(self.package)


@lru_cache(maxsize=64)
def _subsets(n: int, size: int) -> Floats:
    """All 0/1 rows with ``size`` ones, in float64, so that products need no cast."""
    rows = np.zeros((math.comb(n, size), n))
    chosen = np.array(list(itertools.combinations(range(n), size)), dtype=np.intp)
    np.put_along_axis(rows, chosen.reshape(len(rows), size), 1.0, axis=1)
    return rows


def _sizes(n: int, size: int | None) -> range:
    return range(n + 1) if size is None else range(size, size + 1)


def brute_force(x: Floats, z: float, size: int | None, tolerance: float | None) -> Bools:
    """Every admissible subset, in one matrix product per size; the tables are built beforehand."""
    best, mask = math.inf, np.zeros(len(x), np.bool_)
    for k in _sizes(len(x), size):
        table = _subsets(len(x), k)
        errors = np.abs(table @ x - z)
        row = int(errors.argmin())
        if errors[row] < best:
            best, mask = float(errors[row]), table[row] > 0
    return mask


def numpy_meet_in_the_middle(
    x: Floats, z: float, size: int | None, tolerance: float | None
) -> Bools:
    """Horowitz and Sahni with ``np.argsort`` and ``np.searchsorted``, class pair by class pair."""
    half = len(x) // 2
    left, right = x[:half], x[half:]
    best, mask = math.inf, np.zeros(len(x), np.bool_)
    pairs = [
        (j, k - j)
        for k in _sizes(len(x), size)
        for j in range(max(0, k - len(right)), min(k, half) + 1)
    ]
    for i, j in pairs:
        a, b = _subsets(half, i), _subsets(len(right), j)
        sums_b = b @ right
        order = np.argsort(sums_b)
        sums_b, wanted = sums_b[order], z - a @ left
        place = np.searchsorted(sums_b, wanted).clip(1, max(1, len(b) - 1))
        for neighbour in (place - 1, np.minimum(place, len(b) - 1)):
            errors = np.abs(sums_b[neighbour] - wanted)
            row = int(errors.argmin())
            if errors[row] < best:
                best = float(errors[row])
                mask = np.concatenate([a[row], b[order[neighbour[row]]]]) > 0
    return mask


@lru_cache(maxsize=1)
def _gurobi() -> Any:
    import gurobipy

    environment = gurobipy.Env(empty=True)
    environment.setParam("OutputFlag", 0)
    environment.start()
    return environment


def gurobi(x: Floats, z: float, size: int | None, tolerance: float | None) -> Bools:
    """Mixed-integer program with gap 0 and the tightest tolerances, or feasibility only."""
    import gurobipy

    with gurobipy.Model(env=_gurobi()) as model:
        model.Params.Threads = THREADS
        model.Params.FeasibilityTol = model.Params.IntFeasTol = 1e-9
        model.Params.MIPGap = model.Params.MIPGapAbs = 0
        chosen = model.addMVar(len(x), vtype="B")
        error = model.addVar(ub=gurobipy.GRB.INFINITY if tolerance is None else tolerance)
        if size is not None:
            model.addConstr(chosen.sum() == size)
        model.addConstr(x @ chosen - z <= error)
        model.addConstr(z - x @ chosen <= error)
        model.setObjective(error if tolerance is None else 0)
        model.optimize()
        if model.SolCount == 0:
            raise RuntimeError(f"Gurobi found no solution (status {model.Status})")
        return np.asarray(chosen.X > 1 / 2)


_CPSAT_SCALE = 2.0**40


def cp_sat(x: Floats, z: float, size: int | None, tolerance: float | None) -> Bools:
    """OR-Tools' constraint solver on samples rounded to multiples of 2**-40."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    chosen = [model.new_bool_var("") for _ in x]
    weights = [round(value * _CPSAT_SCALE) for value in x.tolist()]
    target = round(z * _CPSAT_SCALE)
    reach = sum(map(abs, weights)) + abs(target)
    top = reach if tolerance is None else round(tolerance * _CPSAT_SCALE)
    error = model.new_int_var(0, top, "")
    total = sum(w * b for w, b in zip(weights, chosen, strict=True))
    model.add(total - target <= error)
    model.add(target - total <= error)
    if size is not None:
        model.add(sum(chosen) == size)
    if tolerance is None:
        model.minimize(error)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = THREADS
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise RuntimeError(f"CP-SAT found no solution ({solver.status_name(status)})")
    return np.array([bool(solver.value(b)) for b in chosen])


def scipy_milp(x: Floats, z: float, size: int | None, tolerance: float | None) -> Bools:
    """HiGHS through ``scipy.optimize.milp`` with gap 0; its feasibility tolerance is fixed."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = len(x)
    above = LinearConstraint(np.append(x, -1.0)[None], -np.inf, z)
    below = LinearConstraint(np.append(x, 1.0)[None], z, np.inf)
    constraints = [above, below]
    if size is not None:
        constraints.append(LinearConstraint(np.append(np.ones(n), 0.0)[None], size, size))
    limit = np.inf if tolerance is None else tolerance
    result = milp(
        np.append(np.zeros(n), 1.0 if tolerance is None else 0.0),
        integrality=np.append(np.ones(n), 0),
        bounds=Bounds(0, np.append(np.ones(n), limit)),
        constraints=constraints,
        options={"mip_rel_gap": 0},
    )
    if result.x is None:
        raise RuntimeError(f"HiGHS found no solution: {result.message}")
    return np.asarray(result.x[:n] > 1 / 2)


PEERS = (
    Peer("Gurobi", "gurobipy", "gurobipy", gurobi, 1e-7),
    Peer("OR-Tools CP-SAT", "ortools", "ortools.sat.python.cp_model", cp_sat, 1e-10),
    Peer("SciPy milp (HiGHS)", "scipy", "scipy.optimize", scipy_milp, 1e-5),
    Peer("NumPy meet-in-the-middle", "numpy", "numpy", numpy_meet_in_the_middle, 1e-13),
    Peer("NumPy brute force", "numpy", "numpy", brute_force, 1e-13),
)
