"""The whole house on networks that torch's Sequential cannot hold: branches, and other layers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from slth.constructions import Request, construction
from slth.networks import Network, Node, Target
from slth.networks.layers import Add, Conv, Dense, Flatten, Relu, Shape, Unweighted
from slth.tickets import Certificate, Ticket, VerificationError, export
from slth.tickets.adversary import Domain, worst_inputs

RESIDUAL = Network(
    (
        Node("stem", Conv(1, 2, (3, 3), padding=(1, 1)), ("input",)),
        Node("relu", Relu(), ("stem",)),
        Node("inner", Conv(2, 2, (3, 3), padding=(1, 1)), ("relu",)),
        Node("sum", Add(), ("inner", "relu")),
        Node("end", Relu(), ("sum",)),
        Node("flat", Flatten(), ("end",)),
        Node("out", Dense(32, 3), ("flat",)),
    )
)


@dataclass(frozen=True)
class Clip(Unweighted):
    """Entries cut off at 1/8 on both sides, which is not homogeneous."""

    homogeneous: ClassVar[bool] = False

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def apply(self, x: Tensor) -> Tensor:
        return x.clamp(-0.125, 0.125)

    def lipschitz(self, shape: Shape) -> float:
        return 1.0

    def is_nonnegative(self, inputs: bool) -> bool:
        return inputs

    def module(self) -> nn.Module:
        return nn.Hardtanh(-0.125, 0.125)


CLIPPED = Network.chain([Dense(3, 4), Clip(), Dense(4, 2)])


def found(network: Network, shape: Shape, **how: Any) -> tuple[Ticket, Target]:
    rng = np.random.default_rng(0)
    weights = (rng.uniform(-0.5, 0.5, layer.shape) for layer in network.weighted)
    target = Target(network, tuple(one.astype(np.float32) for one in weights))
    name = "natale" if "size" in how else "pensia"
    request = Request(
        target=target, epsilon=how.get("epsilon", 0.2), weight_tolerance=None,
        sizes=[how.get("size")] * len(network.weighted), samples=None, seed=3, law="uniform",
        objective="feasible", nonnegative_inputs=False, input_shape=shape, budget=60.0,
    )  # fmt: skip
    plan = construction(name).plan(request)
    plan.check()
    return construction(name).find(plan, progress=False), target


def judged(ticket: Ticket, target: Target, data: Tensor) -> tuple[Certificate, float]:
    """Return the certificate and the largest error that was seen."""
    certificate = ticket.promise.judge(ticket, target, data, np.random.default_rng(1))
    assert certificate.observed_error is not None
    return certificate, certificate.observed_error


@pytest.mark.parametrize("size", [None, 3])
def test_a_residual_network_has_a_ticket(size: int | None) -> None:
    ticket, target = found(RESIDUAL, (1, 4, 4), **({} if size is None else {"size": size}))
    assert ticket.target_layers == RESIDUAL.layers
    data = torch.randn(20, 1, 4, 4, dtype=torch.float64)
    data /= data.flatten(1).norm(dim=1)[:, None, None, None]
    certificate, observed = judged(ticket, target, data)
    assert 0 < observed <= certificate.bound <= 0.2
    assert certificate.bound < certificate.float32_bound < 0.2 * 1.01
    one, other = ticket.network(), target.module()
    errors = (one.double()(data) - other.double()(data)).norm(dim=1)
    assert float(errors.max()) <= observed * (1 + 1e-9)
    by_float32 = (ticket.network()(data.float()).double() - other.double()(data)).norm(dim=1)
    assert float(by_float32.max()) <= certificate.float32_bound


def test_a_branch_that_is_forgotten_is_no_bound() -> None:
    """The control: with the short way left out of the sum, the same weights break the bound."""
    ticket, target = found(RESIDUAL, (1, 4, 4))
    certificate = ticket.promise.judge(ticket, target, None, np.random.default_rng(1))
    nodes = list(RESIDUAL.nodes)
    nodes[3] = Node("sum", Add(), ("inner",))
    cut = Target(Network(tuple(nodes)), target.coefficients)
    x = torch.randn(50, 1, 4, 4, dtype=torch.float64)
    x /= x.flatten(1).norm(dim=1)[:, None, None, None]
    errors = (ticket.network().double()(x) - cut.module().double()(x)).norm(dim=1)
    assert float(errors.max()) > certificate.bound


def test_the_ball_is_searched_where_scales_matter() -> None:
    ticket, target = found(CLIPPED, (3,), epsilon=0.5)
    assert not CLIPPED.homogeneous
    data = torch.zeros(0, 3, dtype=torch.float64)
    certificate, observed = judged(ticket, target, data)
    one, other = ticket.network().double(), target.module().double()
    x = torch.randn(5000, 3, dtype=torch.float64)
    x *= (torch.rand(5000, dtype=torch.float64) / x.norm(dim=1))[:, None]
    seen = float((one(x) - other(x)).norm(dim=1).max())
    assert seen <= observed <= certificate.bound <= 0.5
    smaller: dict[str, Any] = {"epsilon": observed / 2}
    broken = replace(ticket.promise, **smaller)
    with pytest.raises(VerificationError, match="exceeds the promised epsilon"):
        broken.judge(ticket, target, None, np.random.default_rng(1))


def test_the_worst_input_may_lie_inside() -> None:
    """|x|(1 - |x|) is 0 on the sphere."""

    def difference(x: Tensor) -> Tensor:
        length: Tensor = x.norm(dim=1, keepdim=True)
        return length * (1 - length)

    starts = torch.eye(3, dtype=torch.float64)
    inside = worst_inputs(difference, 0.9 * starts, Domain(nonnegative=False, sphere=False))
    assert inside.norm(dim=1) == pytest.approx(torch.full((3,), 0.5), abs=1e-3)
    on = worst_inputs(difference, starts, Domain(nonnegative=False, sphere=True))
    assert on.norm(dim=1) == pytest.approx(torch.ones(3))
    points = Domain(nonnegative=True, sphere=False).project(torch.tensor([[3.0, -4.0], [0.3, 0.0]]))
    assert points.tolist() == [[1.0, 0.0], [pytest.approx(0.3), 0.0]]


def test_a_residual_ticket_is_stored_and_exported(tmp_path: Path) -> None:
    ticket, _ = found(RESIDUAL, (1, 4, 4))
    ticket.save(tmp_path / "a.ticket")
    assert Ticket.load(tmp_path / "a.ticket") == ticket
    export(ticket, tmp_path / "a.pt2")
    x = torch.randn(3, 1, 4, 4)
    program = torch.export.load(tmp_path / "a.pt2").module()
    assert torch.equal(program(x), ticket.network()(x))
