"""Before the search: what it costs is known, what is hopeless is refused, and a default ends."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from slth import Ticket, prune, verify
from slth.constructions import TooCostly, plan
from slth.constructions.pair_construction import BEST_WITHIN
from slth.networks import RandomNetwork


def net(*matrices: Any) -> nn.Sequential:
    """Bias-free ReLU network with given weights."""
    modules: list[nn.Module] = []
    for matrix in matrices:
        weight = torch.tensor(np.atleast_2d(matrix), dtype=torch.float32)
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        linear.weight = nn.Parameter(weight, requires_grad=False)
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def trained(largest: float, widths: tuple[int, ...] = (10, 16, 4)) -> nn.Sequential:
    """Weights as training leaves them: mostly small, one of them large."""
    rng = np.random.default_rng(0)
    matrices = [0.3 * rng.standard_normal((b, a)) for a, b in pairwise(widths)]
    matrices[0].flat[0] = largest
    return net(*matrices)


@pytest.fixture(name="nothing_is_drawn")
def nothing_is_drawn_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make drawing a single random weight an error."""
    monkeypatch.setattr(RandomNetwork, "rows", None)


@pytest.mark.parametrize("largest", [0.9, 1.5, 2.5, 10.0])
@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_the_default_ends(largest: float, law: Any) -> None:
    target = trained(largest)
    made = plan(target, epsilon=0.01, law=law)
    assert made.seconds <= BEST_WITHIN
    ticket = prune(target, epsilon=0.01, law=law)
    assert (
        ticket.promise.objective == made.objective == "feasible"
    )  # the best ones would take hours
    assert verify(ticket, target, observe=False).bound <= 0.01


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("size", [None, 1, 2])  # each of the three constructions
@pytest.mark.parametrize("call", [plan, prune])
def test_weights_whose_sums_are_whole_numbers_are_refused(call: Any, size: int | None) -> None:
    with pytest.raises(ValueError, match="'signs' are whole numbers"):
        call(trained(0.9), epsilon=0.01, size=size, law="signs")


def test_the_default_is_the_best_where_that_is_quick() -> None:
    assert plan(trained(0.9), epsilon=0.01, size=3).objective == "best"
    assert plan(trained(0.9), epsilon=0.01, samples=30).objective == "best"
    assert plan(trained(0.9), epsilon=0.01, size=3, budget=1e-4).objective == "feasible"


def test_a_very_large_weight_is_reached_by_many_products() -> None:
    target = net(300.0)
    ticket = prune(target, epsilon=0.01)
    assert verify(ticket, target, observe=False).bound <= 0.01
    assert ticket.random_network.widths[1] > 2 * 300 * 16 > 1000


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize(
    ("target", "arguments", "message"),
    [
        (net(3.0), {"size": 3}, "puts k=3 products within .* of the weight 3; .* size=5"),
        (net(1e4), {"size": 3}, "out of reach of k=3 products below 1: divide"),
        (
            net(9.0),
            {"size": 2, "law": "normal", "epsilon": 1e-7},
            "puts k=2 products .* what helps",
        ),
        (trained(0.9), {"epsilon": 1e-12}, "out of reach of the objective 'feasible'; what helps"),
        (trained(0.9), {"epsilon": 1e-12, "size": 3}, "more than the 3600 s allowed; what helps"),
        (
            trained(0.9),
            {"objective": "best", "epsilon": 0.3, "budget": 600},
            "more than the 600 s .* objective='feasible'",
        ),
        (trained(3.0), {"objective": "best"}, "out of reach of .*'best'; .* objective='feasible'"),
        (trained(0.9), {"size": 1}, "puts k=1 products within .* what helps: size=3"),
        (trained(0.9, (400, 400)), {"budget": 1.0}, "take about .* more than the 1 s allowed"),
    ],
)
def test_hopeless_calls_are_refused_before_anything_is_drawn(
    target: nn.Sequential, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        prune(target, **{"epsilon": 0.01, **arguments})


@pytest.mark.usefixtures("nothing_is_drawn")
def test_what_is_said_to_help_does() -> None:
    refused: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"size": 3, "epsilon": 0.01}, {"size": 5}),
        ({"size": 1, "epsilon": 0.001}, {"size": 8}),
        ({"objective": "best", "epsilon": 0.001}, {"objective": "feasible"}),
    ]
    for arguments, remedy in refused:
        target = net(3.0) if arguments.get("size") == 3 else trained(0.9)
        [(name, value)] = remedy.items()
        with pytest.raises(ValueError, match=f"what helps: .*{name}='?{value}"):
            plan(target, **arguments).check()
        plan(target, **{**arguments, **remedy}).check()


@pytest.mark.usefixtures("nothing_is_drawn")
def test_costs_grow_with_the_work() -> None:
    small, large = (plan(trained(0.9, (n, n)), epsilon=0.1, size=3) for n in (4, 40))
    assert (small.instances, large.instances) == (32, 3200)
    assert small.seconds < large.seconds
    assert small.memory < large.memory
    tight = plan(trained(0.9), epsilon=1e-5, objective="best")
    loose = plan(trained(0.9), epsilon=3.0, objective="best")
    assert tight.seconds > 100 * loose.seconds
    with pytest.raises(TooCostly):
        tight.check()


NUMBERS: list[dict[str, Any]] = [
    {"seed": np.int64(7)},
    {"seed": torch.tensor(7)},
    {"size": np.array(2)},
    {"size": np.array([2, 2])},
    {"size": torch.tensor([2, 2])},
    {"size": [np.int32(2), 2]},
    {"epsilon": np.float32(0.5)},
    {"epsilon": torch.tensor(0.5)},
    {"epsilon": 1},
    {"epsilon": None, "weight_tolerance": np.array([0.1, 0.2], np.float32)},
    {"epsilon": None, "weight_tolerance": torch.tensor(0.125)},
    {"samples": np.array([80, 90])},
    {"samples": torch.tensor(90)},
    {"input_shape": np.array([2])},
    {"input_shape": torch.Size([2])},
    {"input_shape": 2},
    {"nonnegative_inputs": np.bool_(True)},
    {"size": (1, 1), "samples": 400},
]


@pytest.mark.parametrize("arguments", NUMBERS, ids=str)
def test_numbers_of_every_kind_can_be_stored(arguments: dict[str, Any], tmp_path: Any) -> None:
    target = net([[0.5, -0.25]], [[0.5]])
    options = {"epsilon": 0.5, "size": 2, "samples": 90, "seed": 7, **arguments}
    ticket = prune(target, **options)
    ticket.save(tmp_path / "ticket")
    assert Ticket.load(tmp_path / "ticket") == ticket
    assert all(type(size) is int for size in ticket.promise.sizes)
    assert all(type(tolerance) is float for tolerance in ticket.promise.weight_tolerances)


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 2.0}, "size must be an integer >= 1, got 2.0"),
        ({"size": True}, "size must be an integer >= 1, got True"),
        ({"size": "2"}, "size must be an integer >= 1, got '2'"),
        ({"size": (2, None)}, r"sizes \(2, None\): give one for each layer, or none at all"),
        ({"size": [[2, 2]]}, "1 sizes for a target of 2 layers"),
        ({"seed": 1.5}, "seed must be an integer"),
        ({"seed": -1}, "seed must be an integer >= 0"),
        ({"seed": None}, "seed must be an integer >= 0, got None"),
        ({"seed": np.array([1, 2])}, "seed must be an integer"),
        ({"epsilon": "0.1"}, "epsilon must be finite and > 0, got '0.1'"),
        ({"epsilon": 1j}, "epsilon must be finite and > 0, got 1j"),
        ({"epsilon": [0.1]}, r"epsilon must be finite and > 0, got \[0.1\]"),
        ({"epsilon": True}, "epsilon must be finite and > 0"),
        ({"epsilon": 10**400}, "epsilon must be finite and > 0"),
        ({"epsilon": None, "weight_tolerance": "small"}, "weight_tolerance must be finite and > 0"),
        (
            {"epsilon": None, "weight_tolerance": (0.1, None)},
            "weight_tolerance must be finite and > 0",
        ),
        ({"samples": 80.5}, "samples must be an integer"),
        ({"input_shape": (2.0,)}, r"input_shape\[0\] must be an integer >= 1, got 2.0"),
        ({"input_shape": (0,)}, r"input_shape\[0\] must be an integer >= 1"),
        ({"input_shape": "2"}, "input_shape must be a list"),
        ({"nonnegative_inputs": 1}, "nonnegative_inputs must be True or False, got 1"),
        ({"nonnegative_inputs": "no"}, "nonnegative_inputs must be True or False"),
        ({"law": ["uniform"]}, "law must be one of"),
        ({"objective": 3}, "objective must be one of"),
        ({"construction": "natale"}, "the construction 'natale' takes .* give size=k"),
        ({"budget": 0}, "budget must be finite and > 0"),
    ],
    ids=str,
)
def test_other_arguments_are_refused_before_anything_is_drawn(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        prune(net([[0.5, -0.25]], [[0.5]]), **{"epsilon": 0.5, **arguments})
