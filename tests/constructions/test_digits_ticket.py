"""The main job on real input: the ticket of a network that reads handwritten digits."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from slth import targets
from slth.constructions import prune
from slth.networks import read
from slth.theory.overparameterization import dense_kept_bound, dense_parameters
from slth.tickets import Certificate, Ticket, VerificationError, verify

EPSILON = 0.01
WIDTHS = (64, 32, 10)
N_TARGET = 64 * 32 + 32 * 10


@dataclass(frozen=True)
class Problem:
    data: targets.Dataset
    target: nn.Sequential


@pytest.fixture(scope="module", name="problem")
def problem_fixture() -> Problem:
    return Problem(targets.digits(), targets.mlp(WIDTHS, seed=0))


@dataclass(frozen=True)
class Case:
    ticket: Ticket
    certificate: Certificate


CASES: dict[str, dict[str, Any]] = {
    "k=3": {"size": 3},
    "k=10": {"size": 10, "objective": "feasible"},
    "any size": {"objective": "feasible"},
    "k=3, signed": {"size": 3, "nonnegative_inputs": False},
    "k=3, normal": {"size": 3, "law": "normal"},
}


@pytest.fixture(scope="module", params=CASES, name="case")
def case_fixture(request: pytest.FixtureRequest, problem: Problem) -> Case:
    arguments = {"epsilon": EPSILON, "seed": 0, "nonnegative_inputs": True, **CASES[request.param]}
    ticket = prune(problem.target, **arguments)
    inputs = torch.cat([problem.data.x_train, problem.data.x_test])
    return Case(ticket, verify(ticket, problem.target, inputs=inputs))


def test_every_weight_is_within_tolerance(case: Case) -> None:
    for errors, tolerance in zip(
        case.certificate.weight_errors, case.ticket.promise.weight_tolerances, strict=True
    ):
        assert errors.dtype == np.float64
        assert errors.max() <= tolerance < EPSILON


def test_observed_error_bound_and_promise_are_in_order(case: Case, problem: Problem) -> None:
    assert case.certificate.norms_at_most_one
    assert case.certificate.observed_error is not None
    assert 0 < case.certificate.observed_error < case.certificate.bound <= EPSILON
    for x in (problem.data.x_train, problem.data.x_test):
        difference = case.ticket.network().double()(x.double()) - problem.target.double()(
            x.double()
        )
        seen = float(torch.linalg.vector_norm(difference, dim=1).max())
        assert 0 < seen <= case.certificate.observed_error * (1 + 1e-6)
    problem.target.float()


def test_accuracy_is_the_target_s(case: Case, problem: Problem) -> None:
    x, y = problem.data.x_test, problem.data.y_test
    network = case.ticket.network()
    expected = targets.accuracy(problem.target, x, y)
    assert expected >= 0.96
    assert abs(targets.accuracy(network, x, y) - expected) <= 0.005
    # The ordinary float32 network is as close as float32 allows.
    difference = network(x) - problem.target(x)
    assert float(torch.linalg.vector_norm(difference, dim=1).max()) <= case.certificate.bound + 1e-5


def test_every_random_parameter_is_counted(case: Case) -> None:
    ticket, certificate = case.ticket, case.certificate
    network = ticket.network()
    layers = [part for part in network if isinstance(part, nn.Linear)]
    assert len(layers) == 4
    total = sum(layer.weight.numel() for layer in layers)
    kept = sum(int(torch.count_nonzero(layer.weight)) for layer in layers)
    assert (certificate.kept, certificate.total) == (kept, total)
    assert certificate.density == ticket.density == kept / total
    assert certificate.overparameterization == ticket.overparameterization == total / N_TARGET
    assert certificate.n_target_parameters == N_TARGET
    # The first random layers are the larger part.
    assert layers[0].weight.numel() > total / 2


def test_accounting_of_theorem_3(case: Case) -> None:
    ticket = case.ticket
    signed = [not ticket.nonnegative_inputs, False]
    hidden = ticket.random_network.widths[1::2]
    samples = [
        width // (inputs * (2 if half else 1))
        for width, inputs, half in zip(hidden, WIDTHS, signed, strict=False)
    ]
    predicted = dense_parameters(WIDTHS, samples, signed=signed)
    layers = ticket.mask.layers
    counted = [layers[0].size + layers[1].size, layers[2].size + layers[3].size]
    assert counted == predicted.tolist()
    if ticket.promise.sizes[0] is not None:
        kept = [int(layers[i].sum() + layers[i + 1].sum()) for i in (0, 2)]
        most = dense_kept_bound(WIDTHS, ticket.promise.sizes[0], signed=signed)
        assert kept[0] <= most[0]
        assert kept[1] <= most[1]
        seconds = [int(layers[i].sum()) for i in (1, 3)]
        assert [2 * second for second in seconds] == most.tolist()


def test_stored_ticket_is_the_same_and_small(case: Case, problem: Problem, tmp_path: Path) -> None:
    path = tmp_path / "digits.safetensors"
    case.ticket.save(path)
    again = Ticket.load(path)
    assert again == case.ticket
    assert path.stat().st_size < case.ticket.random_network.n_parameters / 8 + 2048
    with pytest.raises(VerificationError, match="the ticket is for the target"):
        verify(again, targets.mlp(WIDTHS, seed=1))


def test_tampered_ticket_is_refused(case: Case, problem: Problem) -> None:
    layers = [layer.copy() for layer in case.ticket.mask.layers]
    row, unit = np.argwhere(layers[1])[0]
    layers[1][row, unit] = False
    tampered = dataclasses.replace(case.ticket, mask=type(case.ticket.mask)(layers))
    with pytest.raises(VerificationError):
        verify(tampered, problem.target)


def test_left_out_halves_halve_the_first_layer(problem: Problem) -> None:
    """The negative control of ``nonnegative_inputs``: signed inputs cost twice as much."""
    widths = {
        nonnegative: prune(
            problem.target,
            weight_tolerance=0.05,
            size=3,
            samples=60,
            objective="feasible",
            nonnegative_inputs=nonnegative,
        ).random_network.widths
        for nonnegative in (True, False)
    }
    assert widths == {True: (64, 3840, 32, 1920, 10), False: (64, 7680, 32, 1920, 10)}


def test_pixels_are_what_makes_the_shortcut_safe(problem: Problem) -> None:
    assert (problem.data.x_train >= 0).all()
    assert any((layer < 0).any() for layer in read(problem.target).coefficients)
