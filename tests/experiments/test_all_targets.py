"""The proofs as programs: against all subsets, and with what they rest on taken away."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slth.experiments import all_targets, cover_fit
from slth.theory.one_logarithm import log2_least_samples


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=7), st.integers(0, 7))
def test_an_exchange_goes_from_the_smallest_sum_to_the_largest(x: list[float], j: int) -> None:
    j = min(j, len(x))
    sums = [sum(chosen) for chosen in combinations(x, j)]
    way = all_targets.exchange(x, j)
    assert way[[0, -1]] == pytest.approx([min(sums), max(sums)], abs=1e-12)
    assert np.all(np.diff(way) >= 0)
    assert all(np.abs(np.array(sums) - step).min() < 1e-12 for step in way)


def test_blocks_serve_what_a_search_finds() -> None:
    rng, epsilon, block, k = np.random.default_rng(6), 0.5, 4, 5
    outcomes = set()
    for _ in range(60):
        x = rng.uniform(-1, 1, 5 * block + 20)
        way = all_targets.exchange(x[5 * block :], k - 2)
        pairs = np.array([sum(c) for b in x[:20].reshape(5, 4) for c in combinations(b, 2)])
        targets = int(np.ceil(2 * np.sqrt(k) / epsilon))
        z = np.sqrt(k) * ((2 * np.arange(targets) + 1) / targets - 1)
        near = [way[np.abs(way - a).argmin()] for a in z]
        far = max(np.abs(pairs + w - a).min() for w, a in zip(near, z, strict=True))
        served = all_targets.blocks_serve(x, k, epsilon, 5, block)
        assert served == (far <= epsilon / 2)
        outcomes.add(served)
    assert outcomes == {True, False}


def test_pairs_choose_k_different_samples_near_the_target() -> None:
    x = np.random.default_rng(2).uniform(-1, 1, 500)
    assert all_targets.pairs_serve(x, 250, 60, 2.0**-4)
    for z in np.linspace(-1, 1, 9) * np.sqrt(250):
        chosen = all_targets.subset_by_pairs(x, 250, 60, z)
        assert len(set(chosen.tolist())) == 250
        assert abs(x[chosen].sum() - z) < 2.0**-4
    unsteered = all_targets.subset_by_pairs(x, 250, 60, 15.0, steered=False)
    assert abs(x[unsteered].sum() - 15.0) > 1


def test_pairs_do_not_serve_without_a_reserve_or_from_a_lattice() -> None:
    rng = np.random.default_rng(3)
    draws = rng.uniform(-1, 1, (20, 400))
    assert not all(all_targets.pairs_serve(x, 200, 200, 2.0**-4) for x in draws)
    lattice = rng.integers(-1, 2, (20, 400)).astype(float)
    assert not any(all_targets.pairs_serve(x, 200, 60, 2.0**-4) for x in lattice)


def test_the_exponent_and_its_error_are_found() -> None:
    rng, b = np.random.default_rng(4), np.arange(3.0, 15.0)
    table = 1 + 2 * b**1.5 + rng.normal(scale=3, size=(400, len(b)))
    fit = cover_fit.resampled(lambda t: (b, t[0].mean(axis=0)), [table], rng, 60)
    assert abs(fit["measured"] - 1.5) < 4 * fit["standard_error"] < 0.1
    assert fit["trials"] == 400


def test_families_find_the_exponent_that_was_put_in() -> None:
    rng, bits = np.random.default_rng(5), np.arange(2, 15)
    rows = []
    for k in (1, 4):
        # n H_2(k / n) = 3 + b: one logarithm
        n = np.array([2 ** float(log2_least_samples(k, 3 + b + np.log2(k))) for b in bits])
        for _ in range(20):
            drawn = n * rng.uniform(0.98, 1.02, len(n))
            rows.append({"k": k} | {f"bits_{b}": v for b, v in zip(bits, drawn, strict=True)})
    radii = pd.DataFrame(
        [
            {"n": n, "k": n // part, "millibits": 1000 * (n - 3) + rng.integers(-50, 50)}
            for part in (2, 4)
            for n in range(8, 33, 4)
            for _ in range(20)
        ]
    )
    fits = cover_fit.families(pd.DataFrame(rows), radii, rng)
    assert set(fits) == {"k = 4", "density 1/4", "density 1/2"}
    assert abs(fits["k = 4"]["measured"] - 1) < max(4 * fits["k = 4"]["standard_error"], 0.05)
