"""Target files: what torch.save wrote comes back, and nothing that a file brings along is run."""

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from slth.equivariance import EquivariantLinear, Lift, Space, TurnPool, permutation_matrix
from slth.networks import TargetFileError, load_module, load_target, read
from slth.networks.capture import SUPPORTED

pruning: Any = torch.nn.utils.prune  # a part of torch that has no types


@pytest.fixture(name="target")
def target_fixture(module: Callable[..., nn.Sequential]) -> nn.Sequential:
    rng = np.random.default_rng(0)
    return module(rng.standard_normal((4, 3)), rng.standard_normal((2, 4)))


@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_a_saved_module_comes_back(tmp_path: Path, target: nn.Sequential, suffix: str) -> None:
    path = tmp_path / f"target{suffix}"
    torch.save(target, path)
    loaded = load_target(path)
    assert str(loaded) == str(target)
    assert read(loaded).digest == read(target).digest


def test_the_old_kind_of_pt_file_is_refused_with_the_way_to_write_it_anew(
    tmp_path: Path, target: nn.Sequential
) -> None:
    path = tmp_path / "target.pt"
    for content in (target, target.state_dict()):
        torch.save(content, path, _use_new_zipfile_serialization=False)
        with pytest.raises(TargetFileError, match=r"before version 1\.6: .*weights_only=True"):
            load_target(path)
    torch.save(torch.load(path, weights_only=True), path)  # as the message says
    with pytest.warns(UserWarning, match="weights only"):
        assert read(load_target(path)).digest == read(target).digest


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_alone_are_taken_for_a_dense_network(
    tmp_path: Path, target: nn.Sequential, suffix: str
) -> None:
    path = tmp_path / f"target{suffix}"
    (torch.save if suffix == ".pt" else save_file)(target.state_dict(), path)
    with pytest.warns(UserWarning, match="weights only: taken for linear layers with ReLU"):
        loaded = load_target(path)
    assert read(loaded).digest == read(target).digest


def pruned_state(target: nn.Sequential) -> dict[str, torch.Tensor]:
    for layer in (target[0], target[2]):
        assert isinstance(layer, nn.Linear)
        kept = torch.arange(layer.weight.numel()).reshape(layer.weight.shape) % 3 > 0
        pruning.custom_from_mask(layer, "weight", kept)
    return target.state_dict()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_masks_of_pruned_weights_are_applied(
    tmp_path: Path, target: nn.Sequential, suffix: str
) -> None:
    """Never the whole weights, which are in the file too."""
    path = tmp_path / f"target{suffix}"
    (torch.save if suffix == ".pt" else save_file)(pruned_state(target), path)
    with pytest.warns(UserWarning, match="taken for linear layers with ReLU"):
        loaded = load_target(path)
    assert read(loaded).digest == read(target).digest
    assert np.count_nonzero(read(loaded).coefficients[0]) == 8  # of 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("0.weight_mask"), "holds 0.weight_orig: .*prune.remove"),
        (lambda state: state.pop("2.weight_orig"), "holds 2.weight_mask: .*prune.remove"),
        (
            lambda state: state.update({"0.weight": state["0.weight_orig"]}),
            "holds 0.weight and 0.weight_orig and 0.weight_mask: ",
        ),
        (
            lambda state: state.update({"2.weight_mask": torch.ones(4, 2)}),
            r"holds 2.weight_mask of shape \(4, 2\), expected that of 2.weight_orig, \(2, 4\)",
        ),
        (
            lambda state: state["0.weight_mask"].fill_(2),
            "holds 0.weight_mask with the entry 2.0, which is neither 0 nor 1",
        ),
        (
            lambda state: state.update({"0.weight_mask": torch.ones(1).expand(4, 3)}),
            "0.weight_mask has a tensor of shape .*but the file holds 1 numbers",
        ),
        (
            lambda state: state.update({"0.parametrizations.weight.original": torch.ones(4, 3)}),
            "first call torch.nn.utils.parametrize.remove_parametrizations",
        ),
    ],
)
def test_half_of_a_pruned_network_is_refused(
    tmp_path: Path,
    target: nn.Sequential,
    change: Callable[[dict[str, torch.Tensor]], object],
    message: str,
) -> None:
    path = tmp_path / "target.pt"
    state = pruned_state(target)
    change(state)
    torch.save(state, path)
    with pytest.raises(TargetFileError, match=message):
        load_target(path)


def test_a_pruned_module_in_a_file_is_refused_with_the_way_out(
    tmp_path: Path, target: nn.Sequential
) -> None:
    """Its hook is code of a class that is not admitted."""
    pruned_state(target)
    path = tmp_path / "target.pt"
    torch.save(target, path)
    with pytest.raises(TargetFileError, match=r"first call torch\.nn\.utils\.prune\.remove"):
        load_target(path)


def test_twelve_layers_are_put_in_order(
    tmp_path: Path, module: Callable[..., nn.Sequential]
) -> None:
    """The names sort as numbers, not as text."""
    target = module(*(np.eye(3) * factor for factor in range(1, 13)))
    path = tmp_path / "target.safetensors"
    save_file(target.state_dict(), path)
    with pytest.warns(UserWarning, match="weights only"):
        assert read(load_target(path)).digest == read(target).digest


def test_one_layer_needs_no_assumption(
    tmp_path: Path, module: Callable[..., nn.Sequential]
) -> None:
    path = tmp_path / "target.safetensors"
    save_file(module([[1.0, 2.0]]).state_dict(), path)
    assert read(load_target(path)).digest == read(module([[1.0, 2.0]])).digest


@pytest.mark.parametrize(
    ("names", "culprit"),
    [
        (["0.weight", "1.weight"], "do not tell the modules between"),
        (["0.weight", "3.weight"], "do not tell the modules between"),
        (["1.weight", "3.weight"], "do not tell the modules between"),
        ([], "do not tell the modules between"),
        (["0.weight", "0.bias"], "'0.bias' of shape"),  # not a vector
        (["a.0.weight", "b.2.weight"], "'a.0.weight' of shape"),
        (["fc.weight"], "'fc.weight' of shape"),
        (["0.0.weight"], "'0.0.weight' of shape"),
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_tensors_that_tell_no_architecture_are_refused(
    tmp_path: Path, names: list[str], culprit: str, suffix: str
) -> None:
    path = tmp_path / f"target{suffix}"
    state = {name: torch.ones(2, 2) for name in names}
    (torch.save if suffix == ".pt" else save_file)(state, path)
    with pytest.raises(TargetFileError, match=culprit):
        load_target(path)


def test_convolutions_need_their_modules(tmp_path: Path) -> None:
    path = tmp_path / "target.safetensors"
    save_file({"0.weight": torch.ones(2, 1, 3, 3)}, path)
    with pytest.raises(TargetFileError, match=r"'0.weight' of shape \(2, 1, 3, 3\).*torch.save"):
        load_target(path)


@pytest.mark.parametrize(
    ("content", "kind"), [(torch.ones(3), "Tensor"), ([1, 2], "list"), (nn.Linear(2, 2), "Linear")]
)
def test_other_contents_are_refused(tmp_path: Path, content: Any, kind: str) -> None:
    path = tmp_path / "target.pt"
    torch.save(content, path)
    with pytest.raises(TargetFileError, match=f"holds a {kind}"):
        load_target(path)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model.net."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("bias", [False, True])
def test_wrapped_state_dicts_are_looked_through(
    tmp_path: Path, prefix: str, wrapper: str | None, bias: bool
) -> None:
    path = tmp_path / "checkpoint"
    net = nn.Sequential(nn.Linear(3, 4, bias=bias), nn.ReLU(), nn.Linear(4, 2, bias=bias))
    state = {f"{prefix}{name}": tensor for name, tensor in net.state_dict().items()}
    optimizer = {"state": {}, "param_groups": [{"lr": 0.1}]}
    torch.save(state if wrapper is None else {wrapper: state, "optimizer": optimizer}, path)
    with pytest.warns(UserWarning, match="taken for linear layers with ReLU between them"):
        loaded = load_module(path)
    x = torch.randn(5, 3)
    assert torch.equal(loaded(x), net(x))


def test_two_state_dicts_are_not_chosen_from(tmp_path: Path) -> None:
    state = nn.Sequential(nn.Linear(3, 4)).state_dict()
    torch.save({"model": state, "net": state}, tmp_path / "target.pt")
    with pytest.raises(TargetFileError, match=r"holds 'model': .*load_state_dict"):
        load_module(tmp_path / "target.pt")


def test_foreign_classes_are_named(tmp_path: Path, target: nn.Sequential) -> None:
    path = tmp_path / "target.pt"
    torch.save(nn.Sequential(*target, nn.Softplus(), nn.Tanh()), path)
    with pytest.raises(
        TargetFileError, match=r"holds torch\S*\.Softplus, torch\S*\.Tanh, but only"
    ):
        load_target(path)


def test_every_supported_module_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "target.pt"
    target = nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 4, 3, 2, 1, groups=2, bias=False), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Identity(), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Dropout2d(), nn.Flatten(),
        nn.Dropout(), nn.Linear(4, 3, bias=False),
    )  # fmt: skip
    torch.save(target, path)
    loaded = load_target(path)
    assert read(loaded).digest == read(target).digest
    x = torch.rand(5, 2, 16, 16, dtype=torch.float64)
    assert torch.equal(loaded.double()(x), target.eval().double()(x))
    of_torch = {kind for kind in SUPPORTED if kind.__module__.startswith("torch.")}
    assert {type(module) for module in target.modules()} == of_torch


def test_biases_are_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "target.pt"
    torch.save(nn.Sequential(nn.Linear(2, 2)), path)
    with pytest.raises(ValueError, match=r"module 0 .* has a bias.* absorb_biases"):
        load_target(path)


def forward(target: nn.Sequential) -> None:
    target[2].__dict__["forward"] = nn.ReLU()


def pre_hook(target: nn.Sequential) -> None:
    target[0]._forward_pre_hooks[0] = nn.Flatten()


def whole(target: nn.Sequential) -> None:
    target.__dict__["forward"] = nn.Dropout(1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (forward, r"module 2 of the target \(Linear\) has its own 'forward'"),
        (pre_hook, r"module 0 of the target \(Linear\) has the forward pre-hook 'Flatten'"),
        (whole, r"the target \(Sequential\) has its own 'forward'"),
    ],
)
def test_files_of_modules_that_compute_something_else_are_refused(
    tmp_path: Path, target: nn.Sequential, change: Callable[[nn.Sequential], None], message: str
) -> None:
    """Supported modules are enough to lie."""
    path = tmp_path / "target.pt"
    change(target)
    torch.save(target, path)
    with pytest.raises(ValueError, match=message):
        load_target(path)


def test_modules_at_odds_with_themselves_are_refused(tmp_path: Path, target: nn.Sequential) -> None:
    path = tmp_path / "target.pt"
    linear = target[0]
    assert isinstance(linear, nn.Linear)
    linear.in_features = 5
    torch.save(target, path)
    with pytest.raises(ValueError, match=r"weight of shape \(4, 3\), expected \(4, 5\)"):
        load_target(path)
    del linear.in_features
    torch.save(target, path)
    with pytest.raises(TargetFileError, match=r"holds damaged modules: .*in_features"):
        load_target(path)


def test_nothing_is_executed(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    path = tmp_path / "target.pt"
    torch.save(OrderedDict({"0.weight": Bomb()}), path)
    with pytest.raises(TargetFileError, match=r"holds \w+\.mkdir, but only"):
        load_target(path)
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(TargetFileError):
        load_target(path)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(path.read_bytes())
    assert (tmp_path / "exploded").exists()  # the bomb was a real one


def test_admitting_the_modules_ends_with_the_call(tmp_path: Path, target: nn.Sequential) -> None:
    path = tmp_path / "target.pt"
    torch.save(target, path)
    load_target(path)
    assert nn.Sequential not in torch.serialization.get_safe_globals()


@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_files_are_refused_or_say_the_same(
    tmp_path: Path, target: nn.Sequential, data: st.DataObject
) -> None:
    """Truncated or with a byte changed: an error of ours, never another one."""
    path = tmp_path / "target.pt"
    torch.save(target, path)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[position:]
    else:
        content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        loaded = load_target(path)
    except ValueError:
        return
    assert isinstance(loaded, nn.Sequential)


def test_files_of_other_kinds_are_refused(tmp_path: Path, target: nn.Sequential) -> None:
    with pytest.raises(FileNotFoundError, match="there is no target file"):
        load_target(tmp_path / "target.pt")
    with pytest.raises(FileNotFoundError, match="there is no target file"):
        load_target(tmp_path)
    for name, message in [
        ("target.onnx", "is no target: neither written by torch.save nor a safetensors file"),
        ("target.pt2", "is no target"),
        ("target.pt", "is no target"),
        ("target.safetensors", "is no target"),
    ]:
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(TargetFileError, match=message):
            load_target(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "target.pt", "w") as archive:
        archive.writestr("readme", "no target")
    with pytest.raises(TargetFileError, match=r"is an archive, but none of torch\.save"):
        load_target(tmp_path / "target.pt")


def test_modules_on_a_named_space_come_back_and_keep_no_matrices(tmp_path: Path) -> None:
    name = "cyclic-images(4, 4x4, 3)"
    target = nn.Sequential(
        Lift(name), EquivariantLinear(name, 1, 2), nn.ReLU(), TurnPool(name), nn.Flatten()
    )
    torch.save(target, tmp_path / "target.pt")
    loaded = load_target(tmp_path / "target.pt")
    assert read(loaded).digest == read(target).digest
    x = torch.rand(2, 1, 4, 4)
    assert torch.equal(loaded(x), target(x))


def test_a_space_of_ones_own_is_no_file_content(tmp_path: Path) -> None:
    flip, identity = permutation_matrix([1, 0]), permutation_matrix([0, 1])
    own = Space("flips", (flip,), (identity, flip), grid=(1, 1, 2))
    target = nn.Sequential(EquivariantLinear(own, 1, 1))
    assert str(deepcopy(target)) == str(target)
    torch.save(target, tmp_path / "target.pt")
    with pytest.raises(TargetFileError, match="only supported modules are read"):
        load_target(tmp_path / "target.pt")
