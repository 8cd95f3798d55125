"""Train, prune, rewind: what each round starts from and what it leaves."""

import subprocess
import sys
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from slth.learning import iterative_magnitude, mcnemar, scaled_weights, shuffled, train_masked
from slth.learning.descent import cross_entropy
from slth.learning.iterative_magnitude import pruned
from slth.networks import RandomNetwork
from slth.targets import Dataset
from slth.tickets import Mask, Subnetwork


def test_each_round_begins_with_the_random_weights(network: RandomNetwork, data: Dataset) -> None:
    rounds = iterative_magnitude(network, data, rounds=3, keep=0.5, steps=15)
    for before, after in pairwise(rounds):
        assert after.subnetwork.mask == pruned(before, 0.5)
    for trained in rounds:
        for index, weight in enumerate(scaled_weights(network)):
            mask = torch.from_numpy(trained.subnetwork.mask.layer(index))
            assert torch.equal(trained.start[index], weight * mask)
            assert not trained.weights[index][~mask].any()


def test_masks_are_nested_and_counted_by_hand(network: RandomNetwork, data: Dataset) -> None:
    masks = [r.subnetwork.mask for r in iterative_magnitude(network, data, rounds=2, steps=5)]
    for before, after in pairwise(masks):
        for index, share in enumerate((0.8, 0.8, 0.9)):
            old, new = before.layer(index), after.layer(index)
            assert not (new & ~old).any()
            assert new.sum() == round(share * int(old.sum()))


def test_the_smallest_weights_go(network: RandomNetwork, data: Dataset) -> None:
    [dense, _] = iterative_magnitude(network, data, rounds=1, keep=0.5, steps=5)
    kept = pruned(dense, 0.5).layer(0)
    sizes = dense.weights[0].abs().numpy()
    assert sizes[kept].min() >= sizes[~kept].max()


def test_late_rewinding_goes_back_to_a_trained_state(network: RandomNetwork, data: Dataset) -> None:
    rounds = iterative_magnitude(network, data, rounds=1, rewind=7, steps=10)
    everything = Subnetwork(network, Mask([np.ones(s, bool) for s in network.shapes]))
    early = train_masked(everything, data, steps=7)
    for index, weight in enumerate(early.weights):
        mask = torch.from_numpy(rounds[1].subnetwork.mask.layer(index))
        assert torch.equal(rounds[1].start[index], weight * mask)
        assert not torch.equal(weight, scaled_weights(network)[index])


def test_rounds_that_are_over_are_not_trained_again(
    network: RandomNetwork, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = iterative_magnitude(network, data, rounds=2, steps=6, rewind=2)
    taken = 0

    def counted(*arguments: Any) -> torch.Tensor:
        nonlocal taken
        taken += 1
        if taken == 12:  # in the second round: 2 steps to rewind to, 6 of the first
            raise KeyboardInterrupt
        return cross_entropy(*arguments)

    module = import_module("slth.learning.iterative_magnitude")
    monkeypatch.setattr(module, "cross_entropy", counted)
    run = partial(iterative_magnitude, network, data, rounds=2, steps=6, rewind=2)
    with pytest.raises(KeyboardInterrupt):
        run(checkpoint=tmp_path / "rounds")
    again = run(checkpoint=tmp_path / "rounds")
    assert [one.losses for one in again] == [one.losses for one in whole]
    assert taken == 12 + 12  # nothing of the first round
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        *(f"rounds.{part}" for part in (0, 1, 2, "rewind"))
    ]


def test_momentum_does_not_revive_removed_weights(network: RandomNetwork, data: Dataset) -> None:
    """Weights that were large and moving are removed: they are 0 after more steps, too."""
    everything = Subnetwork(network, Mask([np.ones(s, bool) for s in network.shapes]))
    trained = train_masked(everything, data, steps=10)
    half = Mask([np.arange(int(np.prod(s))).reshape(s) % 2 for s in network.shapes])
    again = train_masked(Subnetwork(network, half), data, start=trained.weights, steps=3)
    for index, weight in enumerate(again.weights):
        assert torch.count_nonzero(weight) <= half.layer(index).sum()
        assert not weight[torch.from_numpy(~half.layer(index))].any()


def test_training_goes_on_after_a_kill(
    network: RandomNetwork, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = Subnetwork(
        network, Mask([np.arange(int(np.prod(s))).reshape(s) % 2 for s in network.shapes])
    )
    whole = train_masked(half, data, steps=25)
    monkeypatch.setattr("slth.learning.descent._EVERY", 10)
    path = tmp_path / "training.safetensors"
    train_masked(half, data, steps=25, checkpoint=path)
    assert train_masked(half, data, steps=25, checkpoint=path).losses == whole.losses
    other = Subnetwork(network, shuffled(half.mask, np.random.default_rng(0)))
    with pytest.raises(ValueError, match="no checkpoint of this search"):
        train_masked(other, data, steps=25, checkpoint=path)


DIES = """
import os, sys
from pathlib import Path
import numpy as np
from slth.learning import descent, train_masked
from slth.networks import RandomNetwork
from slth.targets import digits
from slth.tickets import Mask, Subnetwork
descent._EVERY = 10
store = descent._store
def dying(*arguments):
    store(*arguments)
    os._exit(9)
descent._store = dying
network = RandomNetwork.dense(widths=(64, 24, 12, 10), seed=5, law="normal")
half = Mask([np.arange(int(np.prod(s))).reshape(s) % 2 for s in network.shapes])
train_masked(Subnetwork(network, half), digits(), steps=25, checkpoint=sys.argv[1])
"""


def test_another_process_goes_on(network: RandomNetwork, data: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    done = subprocess.run([sys.executable, "-c", DIES, str(path)], check=False)
    assert done.returncode == 9
    assert path.exists()
    half = Subnetwork(
        network, Mask([np.arange(int(np.prod(s))).reshape(s) % 2 for s in network.shapes])
    )
    whole = train_masked(half, data, steps=25)
    assert train_masked(half, data, steps=25, checkpoint=path).losses == whole.losses


def test_weights_of_other_shapes_are_refused(network: RandomNetwork, data: Dataset) -> None:
    everything = Subnetwork(network, Mask([np.ones(s, bool) for s in network.shapes]))
    with pytest.raises(ValueError, match="to start from"):
        train_masked(everything, data, start=[torch.zeros(3, 3)])


def test_shuffling_keeps_the_counts_of_layers(network: RandomNetwork) -> None:
    mask = Mask([np.random.default_rng(1).random(s) < 0.3 for s in network.shapes])
    other = shuffled(mask, np.random.default_rng(0))
    assert other != mask
    assert other.densities == mask.densities


def test_mcnemar_against_its_definition() -> None:
    first = np.array([1, 1, 1, 1, 0, 0, 1], bool)
    second = np.array([0, 0, 0, 1, 1, 0, 0], bool)
    # Four for the first, one for the second: P[Bin(5, 1/2) >= 4] = 6/32.
    assert mcnemar(first, second) == pytest.approx(6 / 32)
    assert mcnemar(first, first) == 1.0
    with pytest.raises(ValueError, match="not paired"):
        mcnemar(first, second[:3])
