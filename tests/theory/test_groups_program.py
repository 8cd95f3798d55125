"""The proof by groups as a program: different indices, small errors, and what breaks it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.theory import groups
from slth.theory import groups_program as program


def test_spread_is_the_union_of_the_copies() -> None:
    rng = np.random.default_rng(2)
    covered, fine = program.around_zero(0.01), np.linspace(-0.25, 0.25, 20_001)
    inside = np.abs(fine) <= 0.01
    for _ in range(3):
        shifts = rng.uniform(-1, 1, 9)
        now = program.spread(covered, shifts)
        came = np.array([covered.nearest(fine - d) == fine - d for d in (0.0, *shifts)]).any(axis=0)
        here = now.nearest(fine) == fine
        assert np.array_equal(here, came)
        assert now.fraction == pytest.approx(here.mean(), abs=2e-3)
        assert np.all(now.low[1:] > now.high[:-1])
        covered = now
    assert covered.fraction > inside.mean()


@settings(deadline=None)
@given(st.lists(st.floats(-0.25, 0.25), min_size=2, max_size=12, unique=True), st.floats(-0.4, 0.4))
def test_the_nearest_point(ends: list[float], z: float) -> None:
    ordered = np.sort(ends)[: len(ends) // 2 * 2].reshape(-1, 2)
    A = program.Intervals(ordered[:, 0], ordered[:, 1])
    points = np.clip(z, ordered[:, 0], ordered[:, 1])
    assert abs(float(A.nearest(z)) - z) == np.abs(points - z).min()


@pytest.mark.parametrize(("n", "k", "bits"), [(2016, 16, 8), (2816, 64, 8), (5648, 16, 16)])
def test_the_program_serves_every_target_with_k_different_terms(n: int, k: int, bits: int) -> None:
    x = np.random.default_rng(n).uniform(-1, 1, n)
    prepared = program.prepare(x, groups.halves(n, k), 2.0**-bits)
    assert prepared.uncovered < 2.0**-bits
    for z in np.linspace(-1, 1, 41) * np.sqrt(k):
        choice = program.choose(prepared, z)
        assert len(set(choice.indices.tolist())) == k
        assert choice.error == pytest.approx(abs(x[choice.indices].sum() - z), abs=1e-12)
        assert choice.error < 2.0**-bits


@pytest.mark.parametrize("extreme", [False, True])
@pytest.mark.parametrize("k", [16, 17, 31, 64])
def test_a_reserve_with_just_k_in_each_cell_reaches_everything(k: int, *, extreme: bool) -> None:
    rng = np.random.default_rng(k)
    ends = np.arange(8) / 4 - 1
    inner = rng.choice([0.0, 0.2499], (8, k)) if extreme else rng.uniform(0, 0.25, (8, k))
    reserve = rng.permutation((ends[:, None] + inner).ravel())
    plan = groups.GroupPlan(k, 8 * k, k // 2, 0, 1)
    prepared = program.prepare(np.append(reserve, np.zeros(k // 2)), plan, 0.25)
    steps = np.diff(prepared.way)
    assert steps.min() >= 0
    assert steps.max() <= 0.5
    assert abs(prepared.x[prepared.references].sum()) <= 0.25
    assert np.abs(prepared.x[prepared.references]).max() <= 0.25
    assert prepared.way[0] <= -0.75 * plan.steering
    assert prepared.way[-1] >= 0.75 * plan.steering
    window = prepared.order[: plan.steering]
    assert prepared.way[0] == pytest.approx(prepared.x[window].sum())
    assert not set(prepared.order.tolist()) & set(prepared.references.tolist())


def test_a_lattice_is_served_up_to_its_step_and_not_beyond() -> None:
    epsilon, plan = 2.0**-4, groups.GroupPlan(16, 400, 7, 0, 26)
    edge = epsilon / (1 - epsilon)

    def open_yet(step: float) -> list[bool]:
        rng = np.random.default_rng(1)
        most = int(1 / step)
        draws = (rng.integers(-most, most + 1, plan.samples) * step for _ in range(40))
        return [program.prepare(x, plan, epsilon).uncovered >= epsilon for x in draws]

    assert not any(open_yet(0.993 * edge))
    assert all(open_yet(1.031 * edge))


def test_failures_are_as_rare_as_promised_and_not_with_small_groups() -> None:
    rng, epsilon = np.random.default_rng(4), 2.0**-4

    def failing(size: int) -> float:
        plan = groups.GroupPlan(16, 400, 7, 0, size)
        draws = rng.uniform(-1, 1, (300, plan.samples))
        return float(
            np.mean([program.prepare(x, plan, epsilon).uncovered >= epsilon for x in draws])
        )

    bound = groups.failure_bound(groups.GroupPlan(16, 400, 7, 0, 26), epsilon, 0.415, 0.075)
    assert failing(7) <= bound < failing(4)


def test_bad_input_is_named() -> None:
    plan = groups.GroupPlan(16, 231, 7, 4, 26)
    with pytest.raises(ValueError, match="413 samples"):
        program.prepare(np.zeros(412), plan, 0.1)
    with pytest.raises(ValueError, match="x must lie"):
        program.prepare(np.full(413, 1.5), plan, 0.1)
    with pytest.raises(program.ShortCellError, match="holds 0 samples"):
        program.prepare(np.full(413, 0.9), plan, 0.1)
