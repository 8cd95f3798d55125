"""Exported tickets compute what the ticket computes, without slth."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from slth.networks import Network, RandomNetwork
from slth.networks.layers import (
    AvgPool,
    Conv,
    Dense,
    Equivariant,
    Flatten,
    GlobalAvgPool,
    GroupPool,
    Join,
    Layer,
    Lift,
    MaxPool,
    Relu,
    Shape,
    TurnPool,
    Weighted,
)
from slth.networks.layers.kinds import KINDS
from slth.tickets import Mask, PairPromise, Ticket, export

NETWORK = RandomNetwork.dense((3, 40, 5, 30, 2), seed=7)


@pytest.fixture(name="ticket")
def ticket_fixture() -> Ticket:
    rng = np.random.default_rng(0)
    mask = Mask([rng.random(shape) < 0.4 for shape in NETWORK.shapes])
    return Ticket(
        random_network=NETWORK,
        mask=mask,
        target_digest="ab" * 32,
        random_digest=NETWORK.digest(),
        input_shape=(3,),
        nonnegative_inputs=False,
        promise=PairPromise(
            construction="pensia",
            objective="best",
            sizes=(None, None),
            weight_tolerances=(1.0, 1.0),
        ),
    )


def test_safetensors_hold_the_state_dict(tmp_path: Path, ticket: Ticket) -> None:
    path = tmp_path / "model.safetensors"
    export(ticket, path)
    network = ticket.network()
    state = load_file(path)
    assert state.keys() == network.state_dict().keys()
    assert all(torch.equal(state[name], weight) for name, weight in network.state_dict().items())
    for weight, keep in zip(state.values(), ticket.mask.layers, strict=True):
        assert np.count_nonzero(weight) == np.count_nonzero(keep)


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_a_program_computes_the_same_bits(tmp_path: Path, ticket: Ticket, batch: int) -> None:
    path = tmp_path / "model.pt2"
    export(ticket, path)
    program = torch.export.load(path).module()
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((batch, 3)).astype(np.float32))
    assert torch.equal(program(x), ticket.network()(x))


_TURN = "cyclic-images(4, 6x6, 3)"
_FLIP = "dihedral-images(4x4, 3)"

# Every kind of layer, and the shape of an input.
CHAINS: dict[str, tuple[tuple[Layer, ...], Shape]] = {
    "dense": ((Dense(3, 4), Relu(), Dense(4, 2)), (3,)),
    "convolutions": (
        (
            Conv(2, 4, (3, 3), padding=(1, 1), groups=2), Relu(), MaxPool((2, 2), (2, 2), (0, 0)),
            Conv(4, 2, (3, 3), padding=(1, 1), padding_mode="circular"), Relu(),
            Conv(2, 3, (2, 2), stride=(1, 2), dilation=(2, 1)), AvgPool((1, 1), (1, 1), (0, 0)),
            GlobalAvgPool(), Flatten(), Dense(3, 2),
        ),
        (2, 6, 6),
    ),
    "turns": (
        (Lift(_TURN), Equivariant(1, 2, _TURN), Relu(), TurnPool(_TURN), Flatten(), Dense(72, 2)),
        (1, 6, 6),
    ),
    "mirrors": ((Lift(_FLIP), Equivariant(1, 2, _FLIP), GroupPool(_FLIP)), (1, 4, 4)),
    **{
        space: ((Equivariant(2, 3, space), Relu(), Equivariant(3, 1, space)), (2, dim))
        for space, dim in [
            ("trivial", 1), ("cyclic(5)", 5), ("translations(5x4, 3)", 20), ("sets(4)", 4),
            ("graphs(3)", 9),
        ]
    },
}  # fmt: skip


def _random_ticket(chain: tuple[Layer, ...], shape: Shape) -> Ticket:
    """Pairs of random layers in place of those with weights, half of them pruned."""
    random: list[Layer] = []
    for layer in chain:
        if isinstance(layer, Weighted):
            first, second = layer.pair(20 * layer.groups)
            random += [first, Relu(), second]
        else:
            random.append(layer)
    network = RandomNetwork(Network.chain(random), seed=4)
    rng = np.random.default_rng(0)
    depth = network.depth // 2
    return Ticket(
        random_network=network,
        mask=Mask([rng.random(one) < 0.5 for one in network.shapes]),
        target_digest="ab" * 32,
        random_digest=network.digest(),
        input_shape=shape,
        nonnegative_inputs=False,
        promise=PairPromise(
            construction="pensia",
            objective="best",
            sizes=(None,) * depth,
            weight_tolerances=(1.0,) * depth,
        ),
    )


def test_programs_with_layers_of_every_kind_run_without_slth(tmp_path: Path) -> None:
    used = {type(layer) for chain, _ in CHAINS.values() for layer in chain}
    assert used == {kind for kind in KINDS.values() if not issubclass(kind, Join)}
    rng = np.random.default_rng(1)
    for number, (chain, shape) in enumerate(CHAINS.values()):
        ticket = _random_ticket(chain, shape)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            export(ticket, tmp_path / f"{number}.pt2")
        for batch in (1, 2, 7):
            x = torch.from_numpy(rng.standard_normal((batch, *shape)).astype(np.float32))
            y = ticket.network()(x)
            save_file({"x": x, "y": y}, tmp_path / f"{number}.{batch}")
        assert y.any()
    code = (
        "import sys, torch\n"
        "torch.set_num_threads(1)\n"
        "from safetensors.torch import load_file\n"
        "for number in range(int(sys.argv[1])):\n"
        "    program = torch.export.load(f'{number}.pt2').module()\n"
        "    for batch in (1, 2, 7):\n"
        "        stored = load_file(f'{number}.{batch}')\n"
        "        assert torch.equal(program(stored['x']), stored['y']), (number, batch)\n"
        "assert not any(name.startswith('slth') for name in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(len(CHAINS))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_another_suffix_is_refused(tmp_path: Path, ticket: Ticket) -> None:
    for name in ("model.onnx", "model", "pt2"):
        with pytest.raises(ValueError, match=r"exported to a \.pt2 or \.safetensors file"):
            export(ticket, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.pt2", "model.safetensors"])
def test_an_interrupted_export_leaves_the_old_file(
    tmp_path: Path, ticket: Ticket, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(ticket, path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
