"""Subnetworks and learned tickets: files, counts beyond rounding, and what is refused."""

import dataclasses
import hashlib
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from slth import targets
from slth.networks import Network, RandomNetwork, WeightLaw
from slth.networks.layers import AvgPool, Conv, Dense, Flatten, Relu
from slth.networks.running_error import evaluate_bounded
from slth.tickets import (
    LearnedTicket,
    Mask,
    PairPromise,
    Recount,
    Subnetwork,
    Ticket,
    TicketFileError,
    VerificationError,
    export,
    observe,
    recount,
    ticket_file,
)
from slth.tickets.predictions import NO_CLASS, predict
from slth.weight_laws import WEIGHT_LAWS

LAWS = [*WEIGHT_LAWS]
DATA = targets.digits()
IMAGES = Network.chain(
    [Conv(1, 4, (3, 3)), Relu(), AvgPool((2, 2), (2, 2)), Flatten(), Dense(36, 10)]
)


def subnetwork(
    *widths: int, density: float = 0.3, law: WeightLaw = "uniform", seed: int = 1
) -> Subnetwork:
    return pruned(RandomNetwork.dense(widths, seed, law), density)


def pruned(network: RandomNetwork, density: float) -> Subnetwork:
    rng = np.random.default_rng(0)
    return Subnetwork(network, Mask([rng.random(shape) < density for shape in network.shapes]))


def flipped(found: Any, layer: int, place: int) -> Any:
    layers = [kept.copy() for kept in found.mask.layers]
    layers[layer].flat[place] ^= True
    return dataclasses.replace(found, mask=Mask(layers))


TICKET = observe(subnetwork(64, 60, 10), DATA.x_test, DATA.y_test)


def test_counts_by_hand() -> None:
    """Layers of 2 and 1,000 entries, the first one empty."""
    net = RandomNetwork(Network.chain([Dense(2, 1), Relu(), Dense(1, 1000)]), 0)
    kept = np.arange(1000).reshape(-1, 1) < 250
    found = Subnetwork(net, Mask([np.zeros((1, 2)), kept]))
    assert found.densities == (0.0, 0.25)
    assert found.density == 250 / 1002
    assert found.mask.density + found.mask.sparsity == 1.0
    assert found.mask.entropy_bytes == pytest.approx(1000 / 8 * (2 - 0.75 * np.log2(3)), rel=1e-12)
    assert not found.network()(torch.ones(3, 2)).any()


@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    law=st.sampled_from(LAWS),
    density=st.sampled_from([0.0, 0.02, 0.5, 1.0]),
    seed=st.integers(0, 2**64 - 1),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_round_trip(
    tmp_path: Path, widths: list[int], law: WeightLaw, density: float, seed: int
) -> None:
    found = subnetwork(*widths, density=density, law=law, seed=seed)
    found.save(tmp_path / "first")
    again = Subnetwork.load(tmp_path / "first")
    assert type(again) is Subnetwork
    assert again == found
    again.save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    for mine, theirs in zip(found.network(), again.network(), strict=True):
        assert all(
            torch.equal(a, b) for a, b in zip(mine.parameters(), theirs.parameters(), strict=True)
        )


def test_a_learned_ticket_round_trips(tmp_path: Path) -> None:
    TICKET.save(tmp_path / "first")
    again = LearnedTicket.load(tmp_path / "first")
    assert again == TICKET == Subnetwork.load(tmp_path / "first")
    again.save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert recount(again, DATA.x_test, DATA.y_test).correct == TICKET.promise.correct


def test_each_class_reads_its_kind_and_subnetwork_all(tmp_path: Path) -> None:
    net = RandomNetwork.dense((1, 1, 1), seed=3)
    promise = PairPromise("malach", "best", (1,), (0.1,))
    pair = Ticket(net, Mask([[[1]], [[1]]]), "…", net.digest(), (1,), True, promise)
    for name, one in {"bare": subnetwork(2, 2), "learned": TICKET, "pair": pair}.items():
        one.save(tmp_path / name)
        assert Subnetwork.load(tmp_path / name) == one
    for reader, name, message in (
        (Ticket, "learned", "holds a learned ticket, .*: LearnedTicket.load reads it"),
        (Ticket, "bare", "holds a subnetwork, .*: Subnetwork.load reads it"),
        (LearnedTicket, "pair", "holds a ticket for a target: Ticket.load reads it"),
        (LearnedTicket, "bare", "holds a subnetwork"),
    ):
        with pytest.raises(TicketFileError, match=message):
            reader.load(tmp_path / name)


@pytest.mark.parametrize("density", [0.5, 0.1, 0.02, 0.0])
def test_files_are_near_the_entropy_bound(tmp_path: Path, density: float) -> None:
    found = subnetwork(64, 300, 100, 10, density=density)
    found.save(tmp_path / "file")
    bits = sum(map(len, found.mask.packed()))
    size = (tmp_path / "file").stat().st_size
    assert (
        found.mask.entropy_bytes <= size < min(bits, 1.45 * found.mask.entropy_bytes + 300) + 1000
    )


@pytest.mark.parametrize("law", LAWS)
def test_export_writes_the_kept_weights(tmp_path: Path, law: WeightLaw) -> None:
    found = subnetwork(5, 7, 3, law=law)
    export(found, tmp_path / "model.safetensors")
    for (name, weight), kept in zip(
        sorted(load_file(tmp_path / "model.safetensors").items()), found.mask.layers, strict=True
    ):
        np.testing.assert_array_equal(weight.numpy() != 0, kept, name)


def test_exported_programs_know_their_inputs(tmp_path: Path) -> None:
    found = pruned(RandomNetwork(IMAGES, 0), 0.5)
    with pytest.raises(ValueError, match="give input_shape="):
        export(found, tmp_path / "model.pt2")
    with pytest.raises(ValueError, match="takes vectors of length 36"):
        export(found, tmp_path / "model.pt2", input_shape=(1, 9, 20))
    export(found, tmp_path / "model.pt2", input_shape=(1, 8, 8))
    x = torch.rand(5, 1, 8, 8)
    program = torch.export.load(tmp_path / "model.pt2").module()
    assert torch.equal(program(x), found.network()(x))
    learned = observe(found, x, [0, 1, 2, 3, 4])
    export(learned, tmp_path / "again.pt2")
    with pytest.raises(ValueError, match=r"inputs of shape \(1, 8, 8\), not \(1, 9, 9\)"):
        export(learned, tmp_path / "again.pt2", input_shape=(1, 9, 9))


def exact(found: Subnetwork, x: np.ndarray) -> list[Fraction]:
    """Evaluate a fully connected network in rational arithmetic."""
    values = [Fraction(float(entry)) for entry in x]
    for index, keep in enumerate(found.mask.layers):
        if index:
            values = [max(value, Fraction(0)) for value in values]
        rows = np.where(keep, found.random_network.weights(index), 0).tolist()
        values = [
            sum((Fraction(w) * v for w, v in zip(row, values, strict=True)), Fraction(0))
            for row in rows
        ]
    return values


@given(
    law=st.sampled_from(LAWS),
    density=st.sampled_from([0.1, 0.3, 1.0]),
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1.0, 2.0**-40, 3.0e5]),
)
@settings(deadline=None, max_examples=60)
def test_bounds_hold_and_classes_are_exact(
    law: WeightLaw, density: float, seed: int, scale: float
) -> None:
    found = subnetwork(6, 8, 5, 4, density=density, law=law, seed=seed)
    x = np.random.default_rng(seed).standard_normal((4, 6)).astype(np.float32) * np.float32(scale)
    x[0] = 0
    weights = [
        torch.from_numpy(found.random_network.weights(i) * keep).double()
        for i, keep in enumerate(found.mask.layers)
    ]
    values, errors = evaluate_bounded(
        found.random_network.architecture, weights, torch.from_numpy(x).double()
    )
    classes = predict(found, torch.from_numpy(x).double()).classes
    for row in range(4):
        truth = exact(found, x[row])
        for value, error, true in zip(values[row], errors[row], truth, strict=True):
            assert abs(Fraction(float(value)) - true) <= Fraction(float(error))
        best = [index for index, true in enumerate(truth) if true == max(truth)]
        assert classes[row] == (best[0] if len(best) == 1 else NO_CLASS)


def test_signs_lose_nothing_and_the_bound_is_not_loose() -> None:
    x = DATA.x_test.double()
    for law, lost in (("signs", 0.0), ("uniform", 1e-12)):
        found = subnetwork(64, 30, 10, law=law)  # type: ignore[arg-type]
        weights = [
            torch.from_numpy(found.random_network.weights(i) * keep).double()
            for i, keep in enumerate(found.mask.layers)
        ]
        _, errors = evaluate_bounded(found.random_network.architecture, weights, x)
        assert float(errors.max()) <= lost
        assert bool(errors.any()) == (law == "uniform")


def test_the_count_is_that_of_the_network_in_float32() -> None:
    outputs = TICKET.network()(DATA.x_test)
    right = int((outputs.argmax(dim=1) == DATA.y_test).sum())
    found = recount(TICKET, DATA.x_test, DATA.y_test)
    assert found.correct == TICKET.promise.correct == right
    assert found.tested == 450
    assert found.accuracy == right / 450
    top, second = outputs.topk(2, dim=1).values.T
    margins = (top - second) / outputs.abs().max(dim=1).values
    assert found.margin == pytest.approx(float(margins.min()), abs=1e-5)
    low, high = found.interval
    assert low < found.accuracy < high
    assert found.kept == TICKET.mask.kept


def test_the_interval_is_exact_at_the_ends() -> None:
    assert Recount(100, 0, 0.0, 1, 2).interval == pytest.approx((0.0, 1 - 0.005**0.01))
    assert Recount(100, 100, 0.0, 1, 2).interval == pytest.approx((0.005**0.01, 1.0))


@pytest.mark.parametrize("law", LAWS)
def test_ties_are_wrong(law: WeightLaw) -> None:
    """An empty network gives every image class 0 if ties are broken by index."""
    net = RandomNetwork.dense((64, 20, 10), 0, law)
    for empty in ([0, 1], [0], [1]):
        layers = [np.full(shape, index not in empty) for index, shape in enumerate(net.shapes)]
        ticket = observe(Subnetwork(net, Mask(layers)), DATA.x_test, DATA.y_test)
        assert (ticket.promise.correct, ticket.promise.margin) == (0, 0.0)
        assert recount(ticket, DATA.x_test, DATA.y_test).accuracy == 0.0


def test_what_rounding_could_change_is_undecided() -> None:
    net = RandomNetwork.dense((64, 20, 10), 0)
    found = Subnetwork(net, Mask([np.ones(shape) for shape in net.shapes]))
    row = net.weights(0).astype(np.float64)
    twins = torch.from_numpy(np.linalg.svd(row)[2][-1:]).repeat(3, 1)  # almost nothing gets through
    with pytest.raises(VerificationError, match="3 of 3 inputs are undecided"):
        observe(found, twins, [0, 1, 2])


@pytest.mark.parametrize("scale", [2.0**-30, 0.7, 1e9])
def test_scales_do_not_matter(scale: float) -> None:
    scaled = observe(TICKET, DATA.x_test * scale, DATA.y_test).promise
    assert scaled.correct == TICKET.promise.correct


def test_recount_refuses_other_data() -> None:
    x, y = DATA.x_test, DATA.y_test
    nearby = x.clone()
    nearby[3, 5] += 2.0**-20
    others: list[tuple[Any, Any]] = [
        (DATA.x_train[:450], DATA.y_train[:450]),
        (nearby, y),
        (x.flip(0), y.flip(0)),
        (x[:449], y[:449]),
        (x.double(), y),
        (x, (y + 1) % 10),
    ]
    for other in others:
        with pytest.raises(VerificationError, match="was observed on the data"):
            recount(TICKET, *other)
    negative = torch.where(x == 0, -0.0, x)
    assert bool(torch.signbit(negative).any())
    same = recount(TICKET, negative, y.to(torch.int32))
    assert same == recount(TICKET, x.numpy(), y.tolist())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"correct": TICKET.promise.correct + 1}, "inputs are correct, the ticket says"),
        ({"correct": TICKET.promise.correct - 1}, "inputs are correct, the ticket says"),
        ({"tested": 451}, "450 inputs are tested, the ticket says 451"),
        ({"margin": TICKET.promise.margin * 1.0001}, "smallest margin is"),
        ({"mask_digest": "0" * 64}, "mask is another one"),
        ({"classes_digest": "0" * 64}, "other classes"),
        ({"data_digest": "0" * 64}, "was observed on the data 000"),
    ],
)
def test_recount_refuses_other_counts(changes: dict[str, Any], message: str) -> None:
    forged = dataclasses.replace(TICKET, promise=dataclasses.replace(TICKET.promise, **changes))
    with pytest.raises(VerificationError, match=message):
        recount(forged, DATA.x_test, DATA.y_test)


def test_recount_refuses_another_random_network(tmp_path: Path) -> None:
    other = dataclasses.replace(TICKET.random_network, seed=2)
    forged = dataclasses.replace(TICKET, random_network=other)
    with pytest.raises(VerificationError, match="was found for the random network"):
        recount(forged, DATA.x_test, DATA.y_test)
    forged.save(tmp_path / "file")
    with pytest.raises(TicketFileError, match="regenerates another random network"):
        Subnetwork.load(tmp_path / "file")


def test_changed_bits_are_refused() -> None:
    """By the digest of the mask; with that mended too, by the count where it changes."""
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(20):
        layer = int(rng.integers(2))
        changed = flipped(TICKET, layer, int(rng.integers(TICKET.mask.layers[layer].size)))
        with pytest.raises(VerificationError, match="mask is another one"):
            recount(changed, DATA.x_test, DATA.y_test)
        honest = observe(changed, DATA.x_test, DATA.y_test).promise
        mended = dataclasses.replace(TICKET.promise, mask_digest=honest.mask_digest)
        with_digest = dataclasses.replace(changed, promise=mended)
        if honest.classes_digest == TICKET.promise.classes_digest and (
            abs(honest.margin - mended.margin) < 1e-12
        ):
            recount(with_digest, DATA.x_test, DATA.y_test)  # nothing that was observed is other
        else:
            seen += 1
            with pytest.raises(VerificationError):
                recount(with_digest, DATA.x_test, DATA.y_test)
    assert seen >= 10


def test_every_changed_byte_of_the_mask_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    observe(subnetwork(64, 10, density=0.1), DATA.x_test, DATA.y_test).save(path)
    data = path.read_bytes()
    _, arrays = ticket_file.read(path)
    for position in range(len(data) - sum(map(len, arrays)), len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(TicketFileError, match="corrupted"):
            Subnetwork.load(path)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((2, 64)), [0], r"classes must have shape \(2,\)"),
        (np.ones((2, 64)), [0.0, 1.0], "classes must be integers, got"),
        (np.ones((2, 64)), [0, -1], "classes must be at least 0, got -1"),
        (np.ones((2, 64), int), [0, 1], "inputs must be floating-point numbers, got torch.int64"),
        (np.ones((2, 64), complex), [0, 1], "inputs must be floating-point numbers"),
        (np.ones((0, 64)), [], "at least one, got shape"),
        (np.full((1, 64), np.nan), [0], "inputs must be finite"),
        (np.ones((2, 63)), [0, 1], "takes vectors of length 64"),
        (np.ones(64), [0], "batch of at least one, got shape"),
        (np.ones((1, 64)), [10], "classes must be below 10, got 10"),
    ],
)
def test_bad_data_are_named(x: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        observe(TICKET, x, y)


def test_outputs_must_be_classes() -> None:
    with pytest.raises(ValueError, match=r"outputs of shape \(1,\), expected one for each"):
        observe(subnetwork(3, 1), np.ones((1, 3)), [0])


def test_images_are_counted_as_the_network_does() -> None:
    x = DATA.images().x_test
    ticket = observe(pruned(RandomNetwork(IMAGES, 3, "normal"), 0.5), x, DATA.y_test)
    assert ticket.input_shape == (1, 8, 8)
    assert ticket.promise.correct == int(
        (ticket.network().double()(x.double()).argmax(dim=1) == DATA.y_test).sum()
    )


# Files that lie.


def forged(path: Path, found: Subnetwork, arrays: list[Any] | None = None, **changes: Any) -> Path:
    found.save(path)
    header, stored = ticket_file.read(path)
    ticket_file.write(path, {**header, **changes}, stored if arrays is None else arrays)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "Magic"}, "ticket.kind must be one of .*got 'Magic'"),
        ({"kind": ["Ticket"]}, "ticket.kind must be one of"),
        ({"kind": "Subnetwork"}, "ticket has an unknown field '(input_shape|promise)'"),
        ({"kind": "Ticket"}, "ticket lacks the field 'target_digest'"),
        ({"promise": {**TICKET.promise.to_json(), "correct": 451}}, "correct must be at most 450"),
        ({"promise": {**TICKET.promise.to_json(), "tested": True}}, "promise.tested must be"),
        ({"promise": {**TICKET.promise.to_json(), "margin": -1.0}}, "promise.margin must be"),
        ({"promise": {**TICKET.promise.to_json(), "more": 1}}, "unknown field 'more'"),
        ({"promise": {**TICKET.promise.to_json(), "data_digest": "no"}}, "data_digest must be"),
        (
            {"promise": PairPromise("malach", "best", (1,), (0.1,)).to_json()},
            "ticket.promise must be a ObservedPromise",
        ),
        ({"input_shape": [8, 8]}, "takes vectors of length 64"),
        ({"law": "signs"}, "regenerates another random network"),
    ],
)
def test_an_edited_header_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TicketFileError, match=message):
        Subnetwork.load(forged(tmp_path / "file", TICKET, **changes))


def test_an_observed_promise_makes_no_ticket_for_a_target() -> None:
    net = RandomNetwork.dense((1, 1, 1), seed=3)
    with pytest.raises(ValueError, match="promise must be a TargetPromise"):
        Ticket(net, Mask([[[1]], [[1]]]), "…", net.digest(), (1,), True, TICKET.promise)  # type: ignore[arg-type]


def test_what_inflates_to_something_else_is_refused(tmp_path: Path) -> None:
    found = subnetwork(64, 100, density=0.0)
    size = 64 * 100 // 8

    def packed(data: bytes) -> list[Any]:
        return [np.frombuffer(data, np.uint8)]

    bomb = zlib.compress(bytes(1 << 28), 9)
    for data, message in (
        (bomb[: size - 1], "inflates to others"),
        (zlib.compress(bytes(size - 1)).ljust(30, b"\0"), "inflates to others"),
        (zlib.compress(bytes(size + 1)).ljust(30, b"\0"), "inflates to others"),
        (zlib.compress(bytes(size)).ljust(30, b"\1"), "inflates to others"),
        (zlib.compress(bytes(size))[:-1].ljust(30, b"\0"), "layer 0 needs 800 bytes"),
        (b"no stream of zlib, but as long", "layer 0 needs 800 bytes and has no such"),
        (zlib.compress(bytes(size)), "layer 0 of shape .* needs 800 bytes, got"),
        (bytes(size + 1), "needs 800 bytes, got"),
    ):
        with pytest.raises(TicketFileError, match=message):
            Subnetwork.load(forged(tmp_path / "file", found, packed(data)))
    bits = bytes([255] * (size - 1) + [254])
    again = Subnetwork.load(
        forged(tmp_path / "file", found, packed(zlib.compress(bits).ljust(30, b"\0")))
    )
    assert again.mask.kept == 6399


def test_tickets_for_targets_are_written_as_before(tmp_path: Path) -> None:
    net = RandomNetwork.dense((1, 4, 1), seed=3)
    promise = PairPromise("malach", "best", (1,), (0.1,), 0.5)
    mask = Mask([[[1], [0], [0], [1]], [[1, 0, 0, 1]]])
    Ticket(net, mask, "ab" * 32, net.digest(), (1,), True, promise).save(tmp_path / "file")
    digest = hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
    assert digest == "b38533618269977a967d885064ae23754a88d976feb480f410e7c4c040056380"
