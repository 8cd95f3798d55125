"""What every search keeps to: raw random weights, exact counts, seeds, and files to go on from."""

import copy
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from slth.learning import (
    CheckpointError,
    Descent,
    Found,
    biprop,
    edge_popup,
    gates,
    scaled_weights,
    supermask,
)
from slth.learning.descent import cross_entropy
from slth.networks import Network, RandomNetwork
from slth.networks.layers import Conv, Dense, Flatten, Relu
from slth.targets import Dataset, accuracy
from slth.targets.training import SCALE
from slth.tickets import Mask, Subnetwork, observe, recount

SEARCHES: dict[str, Callable[..., Found]] = {
    "edge_popup": partial(edge_popup, density=0.3),
    "edge_popup global annealed": partial(edge_popup, density=0.3, scope="global", anneal=True),
    "biprop": partial(biprop, density=0.3),
    "supermask": supermask,
    "supermask sgd": partial(supermask, optimizer="sgd", rescale=False),
    "gates": partial(gates, penalty=1.0),
}


@pytest.fixture(params=list(SEARCHES))
def search(request: pytest.FixtureRequest) -> Callable[..., Found]:
    return SEARCHES[request.param]


def test_same_seed_same_mask_and_nothing_global_is_touched(
    search: Callable[..., Found], network: RandomNetwork, data: Dataset
) -> None:
    before = torch.get_rng_state()
    first, second = (search(network, data, steps=30, seed=3) for _ in range(2))
    assert first.subnetwork == second.subnetwork
    assert first.losses == second.losses
    assert torch.equal(before, torch.get_rng_state())
    assert search(network, data, steps=30, seed=4).subnetwork != first.subnetwork


def test_a_killed_search_goes_on_to_the_same_bits(
    search: Callable[..., Found],
    network: RandomNetwork,
    data: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = search(network, data, steps=35, seed=1)
    monkeypatch.setattr("slth.learning.descent._EVERY", 10)
    path, taken = tmp_path / "search.safetensors", 0

    def killed(*arguments: Any) -> torch.Tensor:
        nonlocal taken
        taken += 1
        if taken == 24:
            raise KeyboardInterrupt
        return cross_entropy(*arguments)

    with monkeypatch.context() as patch:
        for module in ("scores", "supermask", "gates"):
            patch.setattr(import_module(f"slth.learning.{module}"), "cross_entropy", killed)
        with pytest.raises(KeyboardInterrupt):
            search(network, data, steps=35, seed=1, checkpoint=path)
    assert load_file(path)["history"].numel() == 20
    again = search(network, data, steps=35, seed=1, checkpoint=path)
    assert again.losses == whole.losses
    assert again.subnetwork == whole.subnetwork
    assert search(network, data, steps=35, seed=1, checkpoint=path).losses == whole.losses


def test_a_checkpoint_of_another_search_is_refused(
    network: RandomNetwork, data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slth.learning.descent._EVERY", 1)
    path = tmp_path / "search.safetensors"
    edge_popup(network, data, 0.3, steps=2, checkpoint=path)
    stored = path.read_bytes()
    with pytest.raises(CheckpointError, match="no checkpoint of this search"):
        edge_popup(network, data, 0.4, steps=2, checkpoint=path)
    assert path.read_bytes() == stored
    for wrong in (b"", stored[:-5], b"x" * 100):
        path.write_bytes(wrong)
        with pytest.raises(CheckpointError):
            edge_popup(network, data, 0.3, steps=2, checkpoint=path)
    save_file({"history": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError):
        edge_popup(network, data, 0.3, steps=2, checkpoint=path)


@pytest.mark.parametrize("law", ["uniform", "normal", "signs"])
def test_a_mask_is_bit_for_bit_one_of_the_raw_network(law: Any, data: Dataset) -> None:
    network = RandomNetwork.dense(widths=(64, 24, 12, 10), seed=2, law=law)
    found = edge_popup(network, data, 0.5, steps=20).subnetwork
    scaled = [
        (weight * torch.from_numpy(layer)).numpy()
        for weight, layer in zip(scaled_weights(network), found.mask.layers, strict=True)
    ]
    mine = network.architecture.module(scaled)(data.x_test)
    raw = found.network()(data.x_test)
    ratio = torch.tensor(
        [
            float(s.flat[0] / w.flat[0])
            for s, w in zip(
                (weight.numpy() for weight in scaled_weights(network)),
                (network.weights(index) for index in range(3)),
                strict=True,
            )
        ]
    ).prod()
    assert torch.equal(mine, raw * ratio)


@pytest.mark.parametrize("anneal", [False, True])
def test_the_prescribed_number_is_kept_exactly(
    anneal: bool, network: RandomNetwork, data: Dataset
) -> None:
    for density in (0.02, 0.137, 1.0):
        layered = edge_popup(network, data, density, anneal=anneal, steps=3).subnetwork.mask
        counts = [int(layer.sum()) for layer in layered.layers]
        assert counts == [round(density * layer.size) for layer in layered.layers]
        together = edge_popup(network, data, density, scope="global", anneal=anneal, steps=3)
        assert together.subnetwork.mask.kept == round(density * network.n_parameters)
    each = edge_popup(network, data, (0.1, 0.5, 1.0), anneal=anneal, steps=3).subnetwork.mask
    assert each.densities == pytest.approx((0.1, 0.5, 1.0), abs=2e-3)


def test_two_searches_leave_the_network_as_it_was(network: RandomNetwork, data: Dataset) -> None:
    before = network.digest()
    for _ in range(2):
        found = edge_popup(network, data, 0.5, steps=3).subnetwork
    again = RandomNetwork(network.architecture, network.seed, network.law)
    assert before == again.digest()
    for index, weight in enumerate(found.network().state_dict().values()):
        assert np.array_equal(weight.numpy(), network.weights(index) * found.mask.layer(index))


def test_biprop_finds_a_mask_for_the_signs(network: RandomNetwork, data: Dataset) -> None:
    found = biprop(network, data, 0.3, steps=5).subnetwork
    for index in range(3):
        assert np.array_equal(found.random_network.weights(index), np.sign(network.weights(index)))


def test_an_empty_layer_gives_zeros_and_is_named(network: RandomNetwork, data: Dataset) -> None:
    found = biprop(network, data, (0.3, 0.001, 0.3), steps=3)
    assert found.empty_layers == (1,)
    assert all(np.isfinite(found.losses))
    assert not found.subnetwork.network()(data.x_test).any()


def test_an_image_that_is_learned_stays_learned_as_a_ticket(
    network: RandomNetwork, data: Dataset, tmp_path: Path
) -> None:
    """The search learns, and a ticket of its mask says what the network does."""
    found = edge_popup(network, data, 0.5, steps=300).subnetwork
    ticket = observe(found, data.x_test, data.y_test)
    share = accuracy(found.network(), data.x_test, data.y_test)
    assert ticket.promise.correct == round(450 * share)
    assert share > 0.5
    shuffled = Mask(
        [np.random.default_rng(0).permutation(row.ravel()).reshape(row.shape)
         for row in found.mask.layers]
    )  # fmt: skip
    assert accuracy(Subnetwork(network, shuffled).network(), data.x_test, data.y_test) < 0.4
    ticket.save(tmp_path / "learned.ticket")
    stored = type(ticket).load(tmp_path / "learned.ticket")
    assert recount(stored, data.x_test, data.y_test).correct == ticket.promise.correct


def test_any_architecture_is_searched(data: Dataset) -> None:
    images = data.images()
    net = Network.chain([Conv(1, 4, kernel=(3, 3)), Relu(), Flatten(), Dense(144, 10)])
    found = edge_popup(RandomNetwork(net, 0, "normal"), images, 0.5, steps=100)
    assert found.losses[-1] < found.losses[0]


def test_gradients_of_the_mask_are_those_of_the_definition(
    network: RandomNetwork, data: Dataset
) -> None:
    """One step of edge-popup against the formula, written out by autograd on the weights."""
    rate, half = 0.1, 0.5
    first = edge_popup(network, data, half, steps=1, batch=16, learning_rate=1e-30)
    after = edge_popup(network, data, half, steps=1, batch=16, learning_rate=rate)
    generator = Descent(1, 16).generator(1)
    chosen = torch.randint(len(data.x_train), (16,), generator=generator)
    kept = [
        (weight * torch.from_numpy(layer)).requires_grad_()
        for weight, layer in zip(scaled_weights(network), first.subnetwork.mask.layers, strict=True)
    ]
    x, y = SCALE * data.x_train[chosen], data.y_train[chosen]
    torch.autograd.backward(cross_entropy(network, kept, x, y))
    for weight, v, s, moved in zip(
        scaled_weights(network), kept, first.scores, after.scores, strict=True
    ):
        assert v.grad is not None
        step = v.grad * weight * s.sign() + 1e-4 * s
        assert torch.allclose(moved, s - rate * step, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"density": 0.0}, "density must be finite and > 0"),
        ({"density": 1.5}, "density must be a fraction kept"),
        ({"density": (0.5, 0.5)}, "density must"),
        ({"density": (0.5,) * 3, "scope": "global"}, "one density for all layers"),
        ({"density": 0.5, "scope": "width"}, "scope must be one of"),
        ({"density": 0.5, "steps": 0}, "steps must be an integer >= 1"),
        ({"density": 0.5, "seed": -1}, "seed must be an integer >= 0"),
        ({"density": 0.5, "checkpoint": "nowhere/at/all"}, "no folder for the checkpoint"),
        ({"density": 0.5, "learning_rate": 0.0}, "learning_rate must be finite and > 0"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: dict[str, Any], message: str, network: RandomNetwork, data: Dataset
) -> None:
    with pytest.raises(ValueError, match=message):
        edge_popup(network, data, **arguments)


def test_data_that_do_not_fit_are_refused(network: RandomNetwork, data: Dataset) -> None:
    with pytest.raises(ValueError, match="vectors of length 64"):
        edge_popup(network, data.images(), 0.5)
    few = RandomNetwork.dense(widths=(64, 9), seed=0)
    with pytest.raises(ValueError, match="10 classes"):
        supermask(few, data)


def test_a_supermask_can_be_drawn_and_averaged(network: RandomNetwork, data: Dataset) -> None:
    found = supermask(network, data, steps=20)
    drawn = found.sample(np.random.default_rng(0))
    assert drawn == found.sample(np.random.default_rng(0))
    assert drawn != found.sample(np.random.default_rng(1))
    weights = found.expected().state_dict()["0.weight"]
    assert torch.equal(weights, torch.from_numpy(network.weights(0)) * found.probabilities[0])
    assert copy.deepcopy(found).subnetwork == found.subnetwork
