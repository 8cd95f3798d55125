"""Exported tickets compute what the ticket computes, without slth."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from slth.tickets import Mask, RandomNetwork, Ticket, export

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
        construction="pensia",
        objective="best",
        sizes=(None, None),
        weight_tolerances=(1.0, 1.0),
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


def test_a_program_runs_without_slth(tmp_path: Path, ticket: Ticket) -> None:
    path = tmp_path / "model.pt2"
    export(ticket, path)
    code = (
        "import sys, torch\n"
        "y = torch.export.load(sys.argv[1]).module()(torch.ones(1, 3))\n"
        "assert not any(name.startswith('slth') for name in sys.modules)\n"
        "print(*y.double().flatten().tolist())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    expected = ticket.network()(torch.ones(1, 3)).double().flatten().tolist()
    assert [float(number) for number in run.stdout.split()] == expected


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
