"""The ticket of a trained group convolutional network that reads turned digits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from slth import targets
from slth.constructions import prune
from slth.equivariance import space
from slth.tickets import Certificate, Mask, Ticket, verify

SPACE, K = "cyclic-images(4, 8x8, 3)", 3
EPSILON = 0.05


@dataclass(frozen=True)
class Problem:
    data: targets.Dataset
    target: nn.Sequential
    ticket: Ticket
    certificate: Certificate


@pytest.fixture(name="problem", scope="module")
def problem_fixture() -> Iterator[Problem]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads wait for one another on tensors this small
    data, target = targets.rotated_digits(), targets.group_cnn(SPACE)
    ticket = prune(target, epsilon=EPSILON, size=K, objective="feasible", seed=0)
    yield Problem(data, target, ticket, verify(ticket, target, inputs=data.x_test[:100]))
    torch.set_num_threads(threads)


def test_certificate(problem: Problem) -> None:
    certificate = problem.certificate
    assert certificate.observed_error is not None
    assert 0 < certificate.observed_error <= certificate.bound <= EPSILON
    assert certificate.norms_at_most_one
    pairs = zip(certificate.weight_errors, problem.ticket.promise.weight_tolerances, strict=True)
    assert all(errors.max() <= tolerance for errors, tolerance in pairs)


def test_counts(problem: Problem) -> None:
    """Theorem 4 counts coefficients: |B| for each pair of channels, also in the first layers."""
    widths, size = problem.ticket.random_network.widths, space(SPACE).n_maps
    assert widths[2:5:2] == (4, 4)
    hidden = widths[1], widths[3], widths[5]
    total = size * hidden[0] * (1 + 4) + size * hidden[1] * (4 + 4) + hidden[2] * (256 + 10)
    assert problem.certificate.total == total
    kept = [int(layer.sum()) for layer in problem.ticket.mask.layers]
    # The first layer sees signed images; behind ReLU only the positive half is there.
    slopes = (2 * 4 * 1 * size, 4 * 4 * size, 10 * 256)
    assert kept[1::2] == [K * number for number in slopes]
    assert all(first <= second for first, second in zip(kept[::2], kept[1::2], strict=True))
    assert problem.certificate.n_target_parameters == 4 * size + 16 * size + 2560


def test_accuracy_survives(problem: Problem) -> None:
    data = problem.data
    before = targets.accuracy(problem.target, data.x_test, data.y_test)
    after = targets.accuracy(problem.ticket.network(), data.x_test, data.y_test)
    assert before >= 0.94
    assert abs(after - before) <= 0.005


@pytest.mark.parametrize("pruned", [False, True])
def test_features_turn_with_the_image(problem: Problem, pruned: bool) -> None:
    """Before and after pruning: at every depth features turn along, and outputs do not change."""
    ticket = problem.ticket
    if not pruned:
        everything = [np.ones(shape, dtype=bool) for shape in ticket.mask.shapes]
        ticket = replace(ticket, mask=Mask(everything))
    net = ticket.network().double()
    images = problem.data.x_test[:5].double()
    turned = torch.rot90(images, 1, (2, 3))
    turns = [torch.from_numpy(move.toarray()).double() for move in space(SPACE).generators[2:]]
    lifted = net[0](images)
    [turn] = [move for move in turns if torch.equal(lifted @ move.T, net[0](turned))][:1]
    here, there = images, turned
    for layer in list(net)[:8]:
        here, there = layer(here), layer(there)
        scale = float(here.abs().max())
        assert float((here @ turn.T - there).abs().max()) <= 1e-13 * scale
    outputs, again = net(images), net(turned)
    assert float((outputs - again).norm() / outputs.norm()) <= 1e-13
