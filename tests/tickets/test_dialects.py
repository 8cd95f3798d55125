"""Masks of others: read in every form, written in one, and refused where they mean nothing."""

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.ao.pruning.sparsifier.utils import FakeSparsity
from torch.nn.utils import parametrize

import slth
from slth.networks import RandomNetwork
from slth.tickets import Mask, Subnetwork, apply_mask_, export, mask_of

pruning: Any = torch.nn.utils.prune  # a part of torch that has no types


def net() -> nn.Sequential:
    """Two layers with no weight 0, and what has no mask between them."""
    torch.manual_seed(0)
    modules = [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)]
    return nn.Sequential(*modules)


SHAPES = ((2, 1, 3, 3), (3, 8))
MASKS = st.tuples(*(hnp.arrays(np.bool_, shape) for shape in SHAPES)).map(Mask)


class Masked(nn.Linear):
    """As many write it by hand."""

    def __init__(self, weight: Tensor, mask: Tensor) -> None:
        super().__init__(weight.shape[1], weight.shape[0])
        self.weight = nn.Parameter(weight)
        self.register_buffer("mask", mask)


class Scored(nn.Linear):
    def __init__(self, weight: Tensor, mask: Tensor) -> None:
        super().__init__(weight.shape[1], weight.shape[0])
        self.weight = nn.Parameter(weight)
        self.scores = nn.Parameter(torch.where(mask != 0, 1.0, -1.0))

    def get_mask(self) -> Tensor:
        return (self.scores > 0).float()


class Computed(nn.Module):
    """A parametrization that makes its mask."""

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.kept = mask

    def get_mask(self) -> Tensor:
        return self.kept

    def forward(self, x: Tensor) -> Tensor:
        return self.get_mask() * x


def hooked(weight: Tensor, mask: Tensor) -> nn.Module:
    linear: nn.Module = Masked(weight, mask)
    del linear.mask
    pruning.custom_from_mask(linear, "weight", mask)
    return linear


def parametrized(kind: Callable[[Tensor], nn.Module]) -> Callable[[Tensor, Tensor], nn.Module]:
    def make(weight: Tensor, mask: Tensor) -> nn.Module:
        linear = nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight = nn.Parameter(weight)
        parametrize.register_parametrization(linear, "weight", kind(mask))
        return linear

    return make


DIALECTS: dict[str, Callable[[Tensor, Tensor], nn.Module]] = {
    "hook": hooked,
    "buffer": Masked,
    "get_mask": Scored,
    "parametrization with a buffer": parametrized(FakeSparsity),
    "parametrization with get_mask": parametrized(Computed),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(max_examples=10, deadline=None)
@given(mask=hnp.arrays(np.bool_, (3, 4)))
def test_every_dialect_is_read(dialect: str, mask: NDArray[np.bool_]) -> None:
    layer = DIALECTS[dialect](torch.ones(3, 4), torch.from_numpy(mask).float())
    module = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), layer)
    assert mask_of(module) == Mask([np.ones((4, 5)), mask])
    assert mask_of(layer, zeros=True) == Mask([mask])


@settings(max_examples=20, deadline=None)
@given(MASKS)
def test_what_is_written_is_read_and_computed(mask: Mask) -> None:
    module, x = net().eval(), torch.ones(2, 1, 4, 4)
    expected = net().eval()
    for place, layer in zip((0, 4), mask.layers, strict=True):
        expected[place].get_parameter("weight").data *= torch.from_numpy(layer)
    apply_mask_(module, mask)
    assert mask_of(module) == mask
    assert torch.equal(module(x), expected(x))
    for place in (0, 4):
        pruning.remove(module[place], "weight")
    assert mask_of(module).density == 1.0
    assert mask_of(module, zeros=True) == mask
    # `remove` leaves an ordinary state_dict, which an ordinary module takes.
    plain = net().eval()
    plain.load_state_dict(module.state_dict())
    assert torch.equal(plain(x), expected(x))


@settings(max_examples=20, deadline=None)
@given(MASKS, MASKS)
def test_masks_of_torch_are_combined_by_torch(first: Mask, second: Mask) -> None:
    module = net()
    apply_mask_(module, first)
    for place, layer in zip((0, 4), second.layers, strict=True):
        pruning.custom_from_mask(module[place], "weight", torch.from_numpy(layer))
    both = zip(first.layers, second.layers, strict=True)
    assert mask_of(module) == Mask([one & other for one, other in both])


def test_a_mask_survives_copies_files_and_training(tmp_path: Path) -> None:
    mask = Mask([np.arange(18).reshape(SHAPES[0]) % 2, np.arange(24).reshape(SHAPES[1]) % 3 > 0])
    module = net()
    apply_mask_(module, mask)
    assert mask_of(copy.deepcopy(module)) == mask
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        torch.autograd.backward(module(torch.ones(2, 1, 4, 4)).sum())
        optimizer.step()
    torch.save(module.state_dict(), tmp_path / "state.pt")
    again = net()
    apply_mask_(again, Mask([np.ones(shape) for shape in SHAPES]))
    again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert mask_of(again) == mask


def test_a_layer_that_comes_twice_counts_twice() -> None:
    square = nn.Linear(2, 2)
    module = nn.Sequential(square, nn.ReLU(), square)
    half, whole = np.eye(2), np.ones((2, 2))
    with pytest.raises(ValueError, match=r"module 2 \(Linear\) occurs twice .* with two masks"):
        apply_mask_(module, Mask([half, whole]))
    assert not pruning.is_pruned(module)
    apply_mask_(module, Mask([half, half]))
    assert mask_of(module) == Mask([half, half])


def changed(change: Callable[[nn.Sequential], object]) -> nn.Sequential:
    module = net()
    apply_mask_(module, Mask([np.ones(shape) for shape in SHAPES]))
    change(module)
    return module


def buffer(place: int, name: str, value: Tensor) -> Callable[[nn.Sequential], object]:
    return lambda module: module[place].register_buffer(name, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda module: delattr(module[4], "weight_mask"),
            r"module 4 \(Linear\) has the hook .* but weight_mask is missing",
        ),
        (
            lambda module: module[0]._forward_pre_hooks.clear(),
            r"module 0 \(Conv2d\) has weight_mask .* but the hook is missing",
        ),
        (
            buffer(4, "weight_mask", torch.ones(8, 3)),
            r"module 4 .* mask of shape \(8, 3\) for a weight of shape \(3, 8\)",
        ),
        (
            buffer(0, "weight_mask", torch.full(SHAPES[0], 0.5)),
            r"module 0 .* has the entry 0.5, which is neither 0 nor 1",
        ),
        (
            buffer(0, "weight_mask", torch.full(SHAPES[0], torch.nan)),
            r"module 0 .* has the entry nan, which is neither 0 nor 1",
        ),
        (buffer(4, "mask", torch.ones(3, 8)), r"module 4 \(Linear\) has 2 masks"),
        (buffer(2, "mask", torch.ones(3, 8)), r"module 2 \(ReLU\) has a mask, but only weights"),
        (
            lambda module: pruning.l1_unstructured(module[4], "bias", 1),
            r"module 4 \(Linear\) has a bias_mask, but only weights with two axes",
        ),
        (
            lambda module: pruning.l1_unstructured(module[1], "weight", 1),
            r"module 1 \(BatchNorm2d\) has a weight_mask, but only weights with two axes",
        ),
    ],
)
def test_masks_that_mean_nothing_are_refused(
    change: Callable[[nn.Sequential], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mask_of(changed(change))


@pytest.mark.parametrize("module", [nn.ReLU(), nn.Sequential(nn.BatchNorm1d(3)), None, [net()]])
def test_there_must_be_something_to_mask(module: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"no layer with a weight of two axes|module must be"):
        mask_of(module)


def test_masks_that_do_not_fit_change_nothing() -> None:
    module, ones = net(), [np.ones(shape) for shape in SHAPES]
    with pytest.raises(ValueError, match=r"the mask has shapes \(\(3, 8\),\), the module \(\(2, 1"):
        apply_mask_(module, Mask(ones[1:]))
    apply_mask_(nn.Sequential(module[4]), Mask(ones[1:]))
    with pytest.raises(ValueError, match=r"module 4 .* has a mask already: .*prune\.remove"):
        apply_mask_(module, Mask(ones))
    assert list(module[0]._buffers) == []
    computed = nn.utils.parametrizations.weight_norm(nn.Linear(8, 3))
    with pytest.raises(ValueError, match=r"the module .* a weight that is computed"):
        apply_mask_(computed, Mask(ones[1:]))


@pytest.mark.parametrize("law", ["uniform", "normal", "signs"])
def test_the_weights_of_a_subnetwork_show_its_mask(law: Any) -> None:
    network = RandomNetwork.dense((3, 40, 2), seed=1, law=law)
    rng = np.random.default_rng(0)
    mask = Mask([rng.random(shape) < 0.3 for shape in network.shapes])
    assert mask_of(Subnetwork(network, mask).network(), zeros=True) == mask


def test_a_ticket_is_for_what_a_pruned_target_computes() -> None:
    """After a forward with gradients torch cannot copy it, and after a step its weight is stale."""
    target = nn.Sequential(nn.Linear(3, 2, bias=False))
    target[0].get_parameter("weight").data = torch.tensor([[0.5, 0.3, -0.2], [0.1, -0.4, 0.3]])
    apply_mask_(target, Mask([[[1, 0, 1], [0, 1, 1]]]))
    x = torch.eye(3)
    torch.autograd.backward(target(x).sum())
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(target)
    torch.optim.SGD(target.parameters(), lr=0.25).step()
    stale = target[0].weight
    ticket = slth.prune(target, epsilon=0.1, seed=0)
    assert target[0].weight is stale  # nothing was recomputed for good
    copied = copy.deepcopy(ticket.network())
    with torch.no_grad():
        outputs = target(x)
        assert float((stale.T - outputs).abs().max()) > 0.2
        assert float((copied(x) - outputs).abs().max()) < 0.1


def test_targets_may_lie_in_memory_in_any_order(tmp_path: Path) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 2, 3, bias=False)
    conv.weight.data *= 0.2
    target = nn.Sequential(conv)
    ticket = slth.prune(target, epsilon=0.5, seed=0, objective="feasible", input_shape=(2, 4, 4))
    target.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert not conv.weight.is_contiguous()
    slth.verify(ticket, target)
    mask = Mask([np.arange(36).reshape(2, 2, 3, 3) % 2])
    apply_mask_(target, mask)
    assert mask_of(target) == mask
    export(ticket, tmp_path / "ticket.safetensors")
    stored = load_file(tmp_path / "ticket.safetensors")
    assert all(torch.equal(ticket.network().state_dict()[name], stored[name]) for name in stored)


def test_a_state_dict_is_loaded_without_slth(tmp_path: Path) -> None:
    network = RandomNetwork.dense((3, 8, 2), seed=2)
    mask = Mask([np.arange(24).reshape(8, 3) % 2, np.arange(16).reshape(2, 8) % 3 > 0])
    module = Subnetwork(network, mask).network()
    x = torch.eye(3)
    torch.save({"state": module.state_dict(), "x": x, "y": module(x)}, tmp_path / "state.pt")
    code = (
        "import sys, torch\n"
        "from torch import nn\n"
        "stored = torch.load('state.pt', weights_only=True)\n"
        "net = nn.Sequential(\n"
        "    nn.Linear(3, 8, bias=False), nn.ReLU(), nn.Linear(8, 2, bias=False)\n"
        ")\n"
        "net.load_state_dict(stored['state'])\n"
        "assert torch.equal(net(stored['x']), stored['y']) and stored['y'].any()\n"
        "assert not any(name.startswith('slth') for name in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
