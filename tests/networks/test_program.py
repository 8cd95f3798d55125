"""Any module is read off the program it runs, or refused by name."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch.nn.utils import prune as pruning

import slth
from slth.constructions import absorb_biases, rescale
from slth.networks import Network, Target, check_reading, read, read_affine
from slth.networks.layers import Add, Dense, Layer, Relu
from slth.networks.network import Node
from slth.tickets import VerificationError

IMAGE, VECTOR = (2, 6, 6), (4,)

Forward = Callable[[Any, Tensor], Any]


class Written(nn.Module):
    """A module by hand: its parts, and what they do."""

    def __init__(self, forward: Forward, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.does = forward

    def forward(self, x: Tensor) -> Any:
        return self.does(self, x)


def linear(columns: int = 4, rows: int = 4, bias: bool = False) -> nn.Linear:
    return nn.Linear(columns, rows, bias=bias)


def conv(inputs: int = 2, outputs: int = 2, taps: int = 3, **more: Any) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, taps, **{"padding": taps // 2, "bias": False} | more)


def masked() -> nn.Linear:
    result = linear()
    pruning.l1_unstructured(  # type: ignore[no-untyped-call]
        result, "weight", amount=5
    )
    return result


def vector(forward: Forward, **parts: nn.Module) -> tuple[Any, tuple[int, ...]]:
    return Written(forward, **(parts or {"f": linear()})), VECTOR


def image(forward: Forward, **parts: nn.Module) -> tuple[Any, tuple[int, ...]]:
    return Written(forward, **(parts or {"f": conv()})), IMAGE


def in_place(m: Any, x: Tensor) -> Tensor:
    y: Tensor = m.f(x)
    y += x
    return y.relu_()


def checked(m: Any, x: Tensor) -> Any:
    if x.shape[1] != 4:
        raise ValueError("another shape")
    return m.f(x)


def by_value(m: Any, x: Tensor) -> Any:
    return m.f(x) if x.sum() > 0 else x


def wide(m: Any, x: Tensor) -> Any:
    return m.f(x) if x.shape[0] > 3 else m.f(x) + x


READ: dict[str, Callable[[], tuple[Any, tuple[int, ...]]]] = {
    "skip": lambda: vector(lambda m, x: x + m.f(x).relu()),
    "skip in place": lambda: vector(in_place),
    "three branches": lambda: vector(lambda m, x: x + m.f(x) + m.f(x).relu()),
    "added to itself": lambda: vector(lambda m, x: m.f(x + x)),
    "functional relu": lambda: vector(lambda m, x: functional.relu(m.f(x), inplace=True)),
    "functional linear": lambda: vector(lambda m, x: functional.linear(x, m.f.weight.relu())),
    "transposed weight": lambda: vector(lambda m, x: functional.linear(x, m.f.weight.T)),
    "one relu twice": lambda: vector(
        lambda m, x: m.act(m.f(m.act(m.f(x)))), f=linear(), act=nn.ReLU()
    ),
    "bias": lambda: vector(lambda m, x: m.f(x), f=linear(bias=True)),
    "bias and skip": lambda: vector(lambda m, x: x + m.f(x).relu(), f=linear(bias=True)),
    "mask": lambda: vector(lambda m, x: x + m.f(x), f=masked()),
    "weight_norm": lambda: vector(
        lambda m, x: x + m.f(x), f=parametrizations.weight_norm(linear())
    ),
    "spectral_norm": lambda: vector(
        lambda m, x: x + m.f(x), f=parametrizations.spectral_norm(linear())
    ),
    "dropout evaluated": lambda: vector(
        lambda m, x: m.d(m.f(x)) + functional.dropout(x, training=m.training),
        f=linear(),
        d=nn.Dropout(),
    ),
    "shape test": lambda: vector(checked),
    "inside a Sequential": lambda: (
        nn.Sequential(linear(), nn.ReLU(), vector(lambda m, x: x + m.f(x))[0], linear(4, 2)),
        VECTOR,
    ),
    "convolutions": lambda: image(
        lambda m, x: (m.f(x).relu() + m.short(x)).relu(),
        f=conv(2, 4, stride=2),
        short=conv(2, 4, 1, stride=2),
    ),
    "depthwise": lambda: image(lambda m, x: x + m.f(x), f=conv(groups=2)),
    "grouped with bias": lambda: image(lambda m, x: m.f(x), f=conv(2, 4, groups=2, bias=True)),
    "dilated, same": lambda: image(
        lambda m, x: x + m.f(x), f=conv(padding="same", dilation=2)
    ),
    "pooling": lambda: image(
        lambda m, x: m.p(m.f(x)) + functional.max_pool2d(x, 3, 2, 1), f=conv(), p=nn.AvgPool2d(2)
    ),
    "flatten": lambda: image(
        lambda m, x: m.g(m.f(x).flatten(1)), f=conv(), g=linear(72, 3)
    ),
    "view": lambda: image(
        lambda m, x: m.g(m.f(x).view(x.size(0), -1)), f=conv(), g=linear(72, 3)
    ),
    "global pooling": lambda: image(
        lambda m, x: m.g(m.a(m.f(x)).flatten(1)) + m.g(x.mean((-1, -2))),
        f=conv(),
        g=linear(2, 3),
        a=nn.AdaptiveAvgPool2d(1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_reads_what_a_module_computes(name: str) -> None:
    torch.manual_seed(0)
    target, shape = READ[name]()
    target.eval()
    known, biases = read_affine(target, shape)
    check_reading(target, known, shape, biases)
    x = torch.randn(5, *shape)
    # What it is written down as is the same network, wherever the modules stand.
    again = known.module(biases)
    torch.testing.assert_close(again(x), target(x))
    back, offsets = read_affine(again, shape)
    assert back.digest == known.digest
    assert [offset is None for offset in offsets] == [offset is None for offset in biases]


def test_a_chain_has_the_fingerprint_that_it_has_as_a_sequential() -> None:
    target, shape = vector(lambda m, x: m.g(m.f(x).relu()), f=linear(), g=linear())
    plain = nn.Sequential(target.f, nn.ReLU(), target.g)
    assert read(target, shape).digest == read(plain).digest


REFUSED: dict[str, tuple[Callable[[], tuple[Any, tuple[int, ...]]], str]] = {
    "unknown": (lambda: vector(lambda m, x: m.f(x).erf()), r"target \(Written\) runs aten.erf"),
    "unknown, in a part": (
        lambda: vector(lambda m, x: m.f(m.g(x)), f=linear(), g=nn.Softmax(1)),
        r"module g of the target \(Softmax\) runs aten.softmax.int, which is not supported",
    ),
    "item": (
        lambda: vector(lambda m, x: m.f(x) * x.sum().item()),
        r"runs aten\..*: a number that is taken out of a tensor",
    ),
    "by value": (lambda: vector(by_value), "its control flow must not depend on values"),
    "by the batch": (lambda: vector(wide), "cannot be captured on inputs of shape"),
    "several": (lambda: vector(lambda m, x: (m.f(x), x)), "returns several values"),
    "integers": (lambda: vector(lambda m, x: m.f(x).argmax(1)), "returns torch.int64, expected"),
    "complex": (lambda: vector(lambda m, x: torch.fft.fft(m.f(x))), "returns torch.complex64"),
    "training": (
        lambda: vector(lambda m, x: m.d(m.f(x)), f=linear(), d=nn.Dropout().train()),
        r"module d of the target \(Dropout\) is in training mode: call .eval\(\)",
    ),
    "drops": (
        lambda: vector(lambda m, x: functional.dropout(m.f(x), training=True)),
        "dropout.default, which drops at random",
    ),
    "noise": (lambda: vector(lambda m, x: m.f(x) + torch.randn(4)), "is random"),
    "difference": (lambda: vector(lambda m, x: torch.sub(m.f(x), x)), "aten.sub.Tensor"),
    "weighed sum": (lambda: vector(lambda m, x: torch.add(m.f(x), x, alpha=2)), "weighs"),
    "constant": (lambda: vector(lambda m, x: m.f(x) + 1), "takes a constant where"),
    "broadcast": (
        lambda: image(lambda m, x: m.f(x) + x.mean((2, 3), keepdim=True)), "inputs of one shape"
    ),
    "attention": (
        lambda: image(lambda m, x: functional.linear(x, m.f.weight), f=linear(6, 6)),
        "takes vectors of length 6",
    ),
    "weights made": (
        lambda: vector(lambda m, x: functional.linear(x, x.T @ m.f(x))),
        "aten|depends on the input|cannot be captured",
    ),
    "normalised": (
        lambda: image(lambda m, x: m.n(m.f(x)), f=conv(), n=nn.BatchNorm2d(2).eval()),
        r"module n of the target \(BatchNorm2d\) runs .* is batch normalisation: it is folded",
    ),
    "counts": (
        lambda: (Counting(), VECTOR), "changes its calls when it is evaluated"
    ),
    "no weights": (lambda: vector(lambda m, x: x.relu() + x), "no layer with weights"),
    "bias": (
        lambda: vector(lambda m, x: m.f(x), f=linear(bias=True)),
        r"module f of the target \(Linear\) has a bias; .*absorb_biases",
    ),
    "even, same": (
        lambda: image(lambda m, x: m.f(x), f=conv(taps=2, padding="same")), "on one side only"
    ),
    "half flattened": (
        lambda: image(lambda m, x: m.f(x).flatten(2)), "flatten everything but the batch axis"
    ),
}  # fmt: skip


class Counting(nn.Module):
    """It counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.f = linear()
        self.calls: Tensor
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        y: Tensor = self.f(x)
        return y


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_by_name(name: str) -> None:
    make, message = REFUSED[name]
    target, shape = make()
    with pytest.raises(ValueError, match=message):
        read(target, shape)


def test_asks_for_the_shape() -> None:
    with pytest.raises(ValueError, match="read by running it: give input_shape"):
        slth.prune(vector(lambda m, x: x + m.f(x))[0], epsilon=0.1)


def test_what_was_read_is_held_against_the_module() -> None:
    target, shape = vector(lambda m, x: x + m.f(x))
    known = read(target, shape)
    target.f.weight.data[1, 2] += 0.01
    with pytest.raises(ValueError, match=r"the target \(Written\) does not compute what"):
        check_reading(target, known, shape)


def test_a_residual_network_has_a_ticket_and_another_one_does_not_pass() -> None:
    torch.manual_seed(0)
    target, shape = image(
        lambda m, x: m.g((m.f(x).relu() + m.s(x)).mean((2, 3))), f=conv(), s=conv(taps=1),
        g=linear(2, 2),
    )  # fmt: skip
    ticket = slth.prune(target, epsilon=0.02, size=2, input_shape=shape)
    certificate = slth.verify(ticket, target)
    assert certificate.observed_error is not None
    assert 0.0 < certificate.observed_error <= certificate.bound <= 0.02
    without = Written(lambda m, x: m.g(m.f(x).relu().mean((2, 3))), f=target.f, g=target.g)
    with pytest.raises(VerificationError, match="the ticket is for the target"):
        slth.verify(ticket, without)
    x = torch.nn.functional.normalize(torch.randn(200, 72)).reshape(-1, *shape)
    network = ticket.network()
    target.requires_grad_(False)
    assert float((network(x) - target(x)).norm(dim=1).max()) <= certificate.float32_bound
    assert float((network(x) - without(x)).norm(dim=1).max()) > certificate.float32_bound


@st.composite
def graphs(draw: st.DrawFn) -> Target:
    """Draw graphs of square layers, ReLUs and sums, whose ends are added up."""
    n = draw(st.integers(1, 3))
    nodes = [Node("0", Dense(n, n), ("input",))]
    for index in range(1, draw(st.integers(2, 7))):
        layer: Layer = draw(st.sampled_from([Dense(n, n), Relu(), Add()]))
        names = st.sampled_from(["input", *(node.name for node in nodes)])
        inputs = draw(st.lists(names, min_size=2, max_size=3)) if layer == Add() else [draw(names)]
        nodes.append(Node(str(index), layer, tuple(inputs)))
    read = {name for node in nodes for name in node.inputs}
    ends = [node.name for node in nodes if node.name not in read]
    network = Network((*nodes, Node(str(len(nodes)), Add(), tuple(ends))))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    weights = [(torch.rand(n, n, generator=rng) - 0.5).numpy() for _ in network.weighted]
    return Target(network, tuple(weights))


@settings(max_examples=5, deadline=None)
@given(graphs())
def test_bounds_hold_on_graphs_with_skips(target: Target) -> None:
    shape = (target.weighted[0].inputs,)
    module = target.module()
    ticket = slth.prune(module, weight_tolerance=0.05, samples=60, objective="feasible",
                        input_shape=shape)  # fmt: skip
    certificate = slth.verify(ticket, module)
    assert certificate.observed_error is not None
    assert certificate.observed_error <= certificate.bound
    assert certificate.max_weight_error <= 0.05


def test_a_recurrent_layer_is_refused_by_name() -> None:
    target = Written(lambda m, x: m.f(x)[0], f=nn.LSTM(4, 4, batch_first=True))
    with pytest.raises(ValueError, match=r"module f of the target \(LSTM\) runs aten"):
        read(target, (3, 4))


def test_rewrites_that_are_for_chains_refuse_branches() -> None:
    """Scales of parallel branches do not move freely: the network would be another one."""
    skip, shape = vector(lambda m, x: x + m.f(x))
    with pytest.raises(ValueError, match=r"adds branches, .* only chains are rescaled"):
        rescale(skip, largest=0.01, input_shape=shape)
    biased, _ = vector(lambda m, x: x + m.f(x), f=linear(bias=True))
    with pytest.raises(ValueError, match="absorbed in a Sequential of plain layers only, Written"):
        absorb_biases(biased, shape)


def test_a_chain_of_any_class_is_rescaled() -> None:
    chain, shape = vector(lambda m, x: m.g(m.f(x).relu()), f=linear(), g=linear())
    rescaled, x = rescale(chain, largest=0.01, input_shape=shape), torch.randn(5, *shape)
    assert torch.equal(rescaled.factor * rescaled.network(x), chain(x))
