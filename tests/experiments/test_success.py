import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import comb

from slth import subset_sum, sweep
from slth.experiments import success
from slth.theory import rfss

ROOT = Path(__file__).parents[2]


def test_a_cell_counts_what_single_instances_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(success, "TRIALS", 25)
    row = success.cell(rng=np.random.default_rng(3), law="gaussian", n=10, k=4, end=1, batch=0)
    draws = success.LAWS["gaussian"].sample(np.random.default_rng(3), (25, 10))
    counts = [
        sum(subset_sum.count(x, 2.0, tolerance=epsilon, size=4) > 0 for x in draws)
        for epsilon in success.tolerances(10, 4)
    ]
    assert row == {"trials": 25, "hits": json.dumps(counts)}


def test_levels_are_bits_above_the_hypothesis() -> None:
    n, k = 24, 6
    at = np.flatnonzero(success.LEVELS == 0.0).item()
    epsilon = success.tolerances(n, k)
    np.testing.assert_allclose(np.log2(epsilon / epsilon[at]), success.LEVELS, atol=1e-12)
    assert rfss.required_samples(k, epsilon[at] * (1 + 1e-9)) == n
    assert np.all(np.diff(success.LEVELS) > 0)


def test_successes_sum_up_the_batches() -> None:
    small = success.grid([(8, 4), (12, 3)], batches=2, seed=1, name="small")
    table = sweep.run(small)
    summed = success.successes(table)
    assert set(summed["trials"]) == {2 * success.TRIALS}
    assert (summed["epsilon"] < 1).all()
    assert summed.groupby(["law", "n", "k", "end"]).ngroups == 8
    one = summed.query("law == 'uniform' and n == 12 and end == 0 and level == 2.0")
    batches = table.query("law == 'uniform' and n == 12 and end == 0")["hits"].map(json.loads)
    level = success.LEVELS.tolist().index(2.0)
    assert one["hits"].item() == sum(hits[level] for hits in batches)
    assert (summed.groupby(["law", "n", "k", "end"])["hits"].diff().dropna() >= 0).all()


def test_the_two_laws_have_the_same_variance() -> None:
    variances = [law.variance for law in success.LAWS.values()]
    np.testing.assert_allclose(variances, 1 / 3)


def test_the_stored_grid_is_the_declared_one() -> None:
    table = sweep.load(success.GRID, ROOT / "data")
    summed = success.successes(table)
    # No more samples can have a hit than are expected to: Markov's inequality.
    for (law, n, k, end), rows in summed.groupby(["law", "n", "k", "end"]):
        epsilon = rows["epsilon"].to_numpy()
        expected = rfss.expected_hits(n, k, end * np.sqrt(k), epsilon, success.LAWS[law])
        rate = rows["hits"].to_numpy() / rows["trials"].to_numpy()
        assert np.all(rate <= expected + 4 * np.sqrt(expected / rows["trials"].to_numpy()))
        assert comb(n, k) > 1
