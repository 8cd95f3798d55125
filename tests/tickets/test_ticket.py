"""Tickets: parts that fit, the network as a module, files that round-trip or are refused."""

import dataclasses
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from torch import nn

from slth.networks import Network, RandomNetwork
from slth.networks.layers import Conv, Dense, Flatten, Layer, MaxPool, Relu
from slth.tickets import Mask, PairPromise, Ticket, TicketFileError, ticket_file, verify

LAYERS = [
    {"kind": "Dense", "inputs": 3, "outputs": 8},
    {"kind": "Relu"},
    {"kind": "Dense", "inputs": 8, "outputs": 2},
]
NETWORK = RandomNetwork.dense((3, 8, 2, 5, 4), 2**63 + 11, "uniform")


MIXED = RandomNetwork(
    Network.chain(
        [
            Conv(2, 8, (1, 1), groups=2),
            Relu(),
            Conv(8, 4, (3, 2), stride=(2, 1), padding=(1, 0), groups=2),
            MaxPool((2, 2), (1, 2)),
            Flatten(),
            Dense(16, 6),
            Relu(),
            Dense(6, 3),
        ]
    ),
    5,
    "normal",
)


def random_chain(*layers: Layer) -> RandomNetwork:
    return RandomNetwork(Network.chain(layers), 0)


def ticket_of(network: RandomNetwork, **changes: Any) -> Ticket:
    rng = np.random.default_rng(0)
    fields: dict[str, Any] = {
        "random_network": network,
        "mask": Mask([rng.random(shape) < 0.3 for shape in network.shapes]),
        "target_digest": "ab" * 32,
        "random_digest": network.digest(),
        "input_shape": (3,),
        "nonnegative_inputs": True,
        "construction": "pensia",
        "objective": "fewest",
        "sizes": (None, None),
        "weight_tolerances": (0.1, 1 / 3),
        "epsilon": 0.7,
    }
    fields |= changes
    promised = {name: fields.pop(name) for name in PairPromise.forms}
    return Ticket(**fields, promise=PairPromise(**promised))


@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_network_is_the_masked_random_network(law: Any) -> None:
    network = dataclasses.replace(NETWORK, law=law)
    ticket = ticket_of(network)
    module = ticket.network()
    assert [type(part) for part in module] == [nn.Linear, nn.ReLU] * 3 + [nn.Linear]
    rng = np.random.default_rng(1)
    x = rng.standard_normal((5, 3))
    y = x.T
    for layer, keep in enumerate(ticket.mask.layers):
        weights = np.where(keep, network.weights(layer), np.float32(0)).astype(np.float64)
        y = weights @ (np.maximum(y, 0) if layer else y)
    np.testing.assert_allclose(module.double()(torch.tensor(x)).numpy(), y.T, atol=1e-12)
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_network_with_convolutions() -> None:
    ticket = ticket_of(MIXED, input_shape=(2, 6, 6))
    module = ticket.network().double()
    assert [type(part) for part in module] == [
        nn.Conv2d, nn.ReLU, nn.Conv2d, nn.MaxPool2d, nn.Flatten, nn.Linear, nn.ReLU, nn.Linear,
    ]  # fmt: skip
    kept = [
        torch.from_numpy(MIXED.weights(layer) * keep).double()
        for layer, keep in enumerate(ticket.mask.layers)
    ]
    x = torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = nn.functional.conv2d(x, kept[0], groups=2).relu()
    y = nn.functional.conv2d(y, kept[1], stride=(2, 1), padding=(1, 0), groups=2)
    y = nn.functional.max_pool2d(y, (2, 2), (1, 2)).flatten(1)
    y = (y @ kept[2].T).relu() @ kept[3].T
    torch.testing.assert_close(module(x), y)
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_network_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    ticket_of(NETWORK).network()
    assert torch.equal(before, torch.get_rng_state())


def test_counts() -> None:
    ticket = ticket_of(NETWORK)
    assert ticket.target_layers == (Dense(3, 2), Relu(), Dense(2, 4))
    assert ticket.overparameterization == (24 + 16 + 10 + 20) / (6 + 8)
    assert ticket.density == ticket.mask.kept / 70


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"random_network": RandomNetwork.dense((3, 2), 0)},
            "two random layers with a ReLU per target layer",
        ),
        ({"mask": Mask([[1]])}, "mask has shapes"),
        ({"objective": "worst"}, "objective must be one of"),
        (
            {"random_network": random_chain(*NETWORK.layers[:3], Relu(), Dense(2, 4))},
            "two random",
        ),
        ({"random_network": random_chain(Dense(3, 8), Dense(8, 2))}, "with a ReLU"),
        (
            {"random_network": random_chain(Dense(3, 8), Relu(), Dense(7, 2))},
            "no random pair",
        ),
        ({"input_shape": (4,)}, r"layer 0 \(Dense\) takes vectors of length 3, not shape \(4,\)"),
        ({"construction": "no name"}, "construction must be"),
        ({"sizes": (None,)}, "1 sizes for 2 target layers"),
        ({"construction": "natale", "sizes": (1, 0)}, r"sizes\[1\] must be an integer >= 1, got 0"),
        ({"weight_tolerances": (0.1,)}, "1 weight_tolerances for 2 target layers"),
        ({"weight_tolerances": (0.1, -0.1)}, r"weight_tolerances\[1\] must be .*>= 0, got -0.1"),
        ({"weight_tolerances": (0.1, float("nan"))}, ">= 0"),
        ({"epsilon": 0.0}, "epsilon must be finite and > 0, got 0.0"),
        ({"epsilon": float("inf")}, "epsilon must be finite and > 0, got inf"),
    ],
)
def test_refuses_parts_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ticket_of(changes.pop("random_network", NETWORK), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"construction": "natale", "sizes": (3, 1), "objective": "best", "epsilon": None},
        {"random_network": MIXED, "input_shape": (2, 6, 6)},
    ],
)
def test_file_round_trips_bit_for_bit(tmp_path: Path, changes: dict[str, Any]) -> None:
    ticket = ticket_of(changes.pop("random_network", NETWORK), **changes)
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    ticket.save(first)
    again = Ticket.load(first)
    assert again == ticket
    again.save(second)
    assert first.read_bytes() == second.read_bytes()


def test_file_holds_one_bit_per_parameter(tmp_path: Path) -> None:
    network = RandomNetwork.dense((100, 400, 100), 1, "uniform")
    path = tmp_path / "ticket"
    one = {"weight_tolerances": (0.1,), "sizes": (None,), "input_shape": (100,)}
    ticket_of(network, **one).save(str(path))
    assert network.n_parameters / 8 <= path.stat().st_size < network.n_parameters / 8 + 2048


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticket"
    ticket_of(NETWORK).save(path)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(TicketFileError, match="truncated"):
            Ticket.load(path)


@given(position=st.integers(0, 10**6), change=st.integers(1, 255))
@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_corruption_is_refused(tmp_path: Path, position: int, change: int) -> None:
    """Whatever byte changes: the file is refused, or (white space) still says the same."""
    ticket, path = ticket_of(NETWORK), tmp_path / "ticket"
    ticket.save(path)
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= change
    path.write_bytes(data)
    try:
        again = Ticket.load(path)
    except TicketFileError:
        return
    assert again == ticket


def test_each_changed_mask_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticket"
    ticket_of(NETWORK).save(path)
    data = path.read_bytes()
    n_bytes = sum(layer.size for layer in ticket_of(NETWORK).mask.packed())
    for position in range(len(data) - n_bytes, len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(TicketFileError, match="corrupted"):
            Ticket.load(path)


def test_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ticket"
    for version, reason in ((1, "dense layers only"), (4, "another version")):
        monkeypatch.setattr(ticket_file, "FORMAT_VERSION", version)
        ticket_of(NETWORK).save(path)
        monkeypatch.undo()
        problem = f"has ticket format {version}, this version of slth reads 2 and 3: .*{reason}"
        with pytest.raises(TicketFileError, match=problem):
            Ticket.load(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticket"
    with pytest.raises(FileNotFoundError, match="no ticket file"):
        Ticket.load(path)
    with pytest.raises(FileNotFoundError, match="no ticket file"):
        Ticket.load(tmp_path)
    save_file({"weight": np.ones(3)}, path)
    with pytest.raises(TicketFileError, match="holds no ticket"):
        Ticket.load(path)
    for header in ("no json", "[1]", "{}", '{"format_version": 1}'):
        save_file({}, path, metadata={"slth_ticket": header})
        with pytest.raises(TicketFileError, match="unreadable ticket header"):
            Ticket.load(path)


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    path = tmp_path / "ticket"
    for data in (pickle.dumps(Bomb()), b"\x80\x04" + b"." * 100):
        path.write_bytes(data)
        with pytest.raises(TicketFileError):
            Ticket.load(path)
    torch.save({"mask": Bomb()}, path)
    with pytest.raises(TicketFileError):
        Ticket.load(path)
    assert not (tmp_path / "exploded").exists()


PROMISE = ticket_of(NETWORK).promise.to_json()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 5}, "regenerates another random network"),
        ({"law": "normal"}, "regenerates another random network"),
        ({"seed": -5}, "does not describe a ticket: ticket.seed must be"),
        (
            {"layers": LAYERS[:3]},
            "does not describe a ticket: 4 packed layers for 2",
        ),
        ({"layers": 3}, "does not describe a ticket"),
        (
            {"layers": [{"kind": "Magic"}]},
            r"ticket.layers\[0\].kind must be one of \('Conv', 'Dense'.*got 'Magic'",
        ),
        ({"layers": [{"kind": "Dense", "inputs": 0, "outputs": 1}]}, "inputs must be an integer"),
        ({"layers": [{"kind": "Dense", "inputs": 3}]}, "does not describe a ticket"),
        ({"input_shape": [3, 1]}, "takes vectors of length 3"),
        (
            {"promise": {**PROMISE, "objective": None}},
            "does not describe a ticket: ticket.promise.objective must be one of .*, got None",
        ),
        (
            {"promise": {**PROMISE, "weight_tolerances": ["a", "b"]}},
            r"ticket.promise.weight_tolerances\[0\] must be finite",
        ),
        ({"promise": {**PROMISE, "kind": "os"}}, "ticket.promise.kind must be one of .*got 'os'"),
        ({"promise": "pairs"}, "does not describe a ticket: ticket.promise must be"),
    ],
)
def test_an_edited_header_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Even when the checksum is made to match."""
    path = tmp_path / "ticket"
    ticket_of(NETWORK).save(path)
    header, arrays = ticket_file.read(path)
    ticket_file.write(path, {**header, **changes}, arrays)
    with pytest.raises(TicketFileError, match=message):
        Ticket.load(path)


def test_a_missing_header_entry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticket"
    ticket_of(NETWORK).save(path)
    header, arrays = ticket_file.read(path)
    for name in header:
        rest = {key: value for key, value in header.items() if key != name}
        ticket_file.write(path, rest, arrays)
        with pytest.raises(
            TicketFileError, match=f"does not describe a ticket: .*lacks the field '{name}'"
        ):
            Ticket.load(path)


def test_format_2_is_read(tmp_path: Path) -> None:
    """There the promise had no name, and its fields stood beside the others."""
    path = tmp_path / "ticket"
    ticket = ticket_of(NETWORK)
    ticket.save(path)
    header, arrays = ticket_file.read(path)
    promise = header.pop("promise")
    assert promise.pop("kind") == "pairs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ticket_file, "FORMAT_VERSION", 2)
        ticket_file.write(path, {**header, **promise}, arrays)
    assert Ticket.load(path) == ticket


def test_old_fields_lead_to_the_promise() -> None:
    ticket = ticket_of(NETWORK)
    for name in PairPromise.forms:
        with pytest.warns(DeprecationWarning, match=f"ticket.promise.{name}"):
            assert getattr(ticket, name) == getattr(ticket.promise, name)
    with pytest.raises(AttributeError, match="has no 'fame'"):
        ticket.fame  # noqa: B018


def test_another_set_of_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticket"
    header = json.dumps({"format_version": 3, "checksum": ""})
    save_file({"mask": np.ones(3, np.uint8)}, path, metadata={"slth_ticket": header})
    with pytest.raises(TicketFileError, match="holds the tensors"):
        Ticket.load(path)


def test_an_interrupted_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ticket"
    old = ticket_of(NETWORK)
    old.save(path)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("fsync", "replace"):
        monkeypatch.setattr(os, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            ticket_of(NETWORK, epsilon=0.5).save(path)
        monkeypatch.undo()
        assert Ticket.load(path) == old
        assert list(tmp_path.iterdir()) == [path]


def test_a_stored_ticket_for_another_target_is_refused_by_verify(
    tmp_path: Path, hand_made: Callable[..., Ticket], module: Callable[..., nn.Sequential]
) -> None:
    path = tmp_path / "ticket"
    ticket_of(NETWORK).save(path)
    other = module(np.ones((2, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="the ticket is for the target abababababab"):
        verify(Ticket.load(path), other)
