"""The benchmark is fair: peers agree, missing ones are named, and a wrong answer is noticed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import machine, subset_sum
from benchmarks.peers import PEERS, Peer
from slth import subset_sum as ours

INSTALLED = [peer for peer in PEERS if peer.version is not None]


@pytest.fixture(autouse=True)
def few_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subset_sum, "FEW", {})
    monkeypatch.setattr(subset_sum, "MANY", 3)


def _compete(peer: Peer, *, size: int | None = 4, tolerance: float | None = None) -> dict[str, Any]:
    X, Z = subset_sum.instances(4, 10)
    best = ours.solve_many(X, Z, size=size).errors
    return subset_sum.compete(peer, X, Z, best, size, tolerance, unit=1e-6)


@pytest.mark.parametrize("peer", INSTALLED, ids=lambda peer: peer.name)
@pytest.mark.parametrize("size", [4, None])
def test_installed_peers_agree_on_the_optimum(peer: Peer, size: int | None) -> None:
    assert _compete(peer, size=size)["excess"] <= peer.resolution


@pytest.mark.parametrize("peer", INSTALLED, ids=lambda peer: peer.name)
def test_installed_peers_are_feasible(peer: Peer) -> None:
    assert _compete(peer, size=None, tolerance=0.05)["instances"] == subset_sum.MANY


def test_a_missing_peer_is_named_and_has_no_numbers() -> None:
    absent = replace(PEERS[0], name="Absent", module="no_such_module_anywhere")
    one = _compete(absent)
    assert (one["solver"], one["version"], one["seconds"]) == ("Absent", None, None)
    task = {"name": "task", "rows": [one]}
    assert "| task | Absent | *missing* |" in subset_sum.table([task])


def test_a_peer_that_is_not_optimal_is_noticed() -> None:
    lazy = replace(INSTALLED[-1], solve=lambda x, z, size, tolerance: np.arange(len(x)) < 4)
    with pytest.raises(subset_sum.DisagreementError, match="reaches"):
        _compete(lazy)


def test_a_peer_with_another_number_of_terms_is_noticed() -> None:
    other = replace(INSTALLED[-1], solve=lambda x, z, size, tolerance: np.arange(len(x)) < 5)
    with pytest.raises(subset_sum.DisagreementError, match="5 terms in place of 4"):
        _compete(other)


def test_work_doubles_with_every_second_sample() -> None:
    assert machine.elementary_steps(22) == 2 * machine.elementary_steps(20)
    assert machine.list_bytes(22) == 2 * machine.list_bytes(20)
