"""A certificate is about what a module computes: ways in which modules can lie about it."""

import warnings
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrizations, parametrize

import slth
from slth.constructions import absorb_biases, rescale
from slth.equivariance import EquivariantLinear
from slth.networks import check_reading, read
from slth.tickets import Ticket

EPSILON = 0.1

# Parts of torch that have no types.
pruning: Any = torch.nn.utils.prune
trace: Any = torch.jit.trace


def honest() -> nn.Sequential:
    rng = np.random.default_rng(7)
    modules: list[nn.Module] = []
    for rows, columns in ((4, 3), (2, 4)):
        linear = nn.Linear(columns, rows, bias=False)
        linear.weight.data = torch.tensor(rng.uniform(-0.6, 0.6, (rows, columns))).float()
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


@pytest.fixture(scope="module")
def ticket() -> Ticket:
    return slth.prune(honest(), epsilon=EPSILON)


class Loud(nn.Identity):
    def forward(self, x: Tensor) -> Tensor:
        return 3 * x


class Half(nn.Dropout):
    def forward(self, x: Tensor) -> Tensor:
        return x / 2


class Leaky(nn.ReLU):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.leaky_relu(x, 0.5)


class Called(nn.Linear):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return 2 * super().__call__(*args, **kwargs)


class Doubled(Tensor):
    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
        return 2 * result if func is nn.functional.linear else result


class OptimizedModule(nn.Module):
    """What torch.compile returns, without the seconds that it takes to load."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self._orig_mod = module


class Noise(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight + torch.rand_like(weight)


class Scaled(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


def linear(net: nn.Sequential) -> nn.Linear:
    return cast(nn.Linear, net[0])


def between(net: nn.Sequential, module: nn.Module) -> nn.Sequential:
    return nn.Sequential(net[0], net[1], module, net[2])


def changed(change: Callable[[nn.Sequential], object]) -> Callable[[nn.Sequential], nn.Sequential]:
    """Let a change of a network return the network."""

    def lie(net: nn.Sequential) -> nn.Sequential:
        change(net)
        return net

    return lie


def in_place(module: nn.Module, args: Any, output: Tensor) -> None:
    output.mul_(2.0)


def in_place_before(module: nn.Module, args: Any) -> None:
    args[0].mul_(2.0)


def twice(module: nn.Module, args: Any) -> Any:
    return (2 * args[0],)


def keyword_hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
    return (2 * args[0],), kwargs


def hooked(module: nn.Module) -> nn.Module:
    module.register_forward_pre_hook(twice)
    return module


def own_forward(module: nn.Module) -> None:
    module.__dict__["forward"] = lambda x: 2 * type(module).forward(module, x)


def own_method(conv: nn.Conv2d) -> nn.Conv2d:
    conv.__dict__["_conv_forward"] = lambda x, weight, bias: x
    return conv


def own_relu(net: nn.Sequential) -> None:
    net[1].__dict__["forward"] = torch.tanh


def odd_padding() -> nn.Sequential:
    """Change the padding of a circular convolution, which had computed from it what to do."""
    conv = nn.Conv2d(1, 2, 3, padding=1, bias=False, padding_mode="circular")
    conv.padding = (0, 0)
    return nn.Sequential(conv)


def parametrized(net: nn.Sequential, parametrization: nn.Module) -> None:
    parametrize.register_parametrization(linear(net), "weight", parametrization)


def compiled(net: nn.Sequential) -> None:
    net[0]._compiled_call_impl = lambda x: 2 * x


def pruned_infinity(net: nn.Sequential) -> None:
    pruning.custom_from_mask(linear(net), "weight", 1 - torch.eye(4, 3))
    linear(net).get_parameter("weight_orig").data[1, 1] = float("inf")


def lost_mask(net: nn.Sequential) -> None:
    pruning.custom_from_mask(linear(net), "weight", 1 - torch.eye(4, 3))
    del linear(net).weight_mask


def half_mask(net: nn.Sequential) -> None:
    pruning.custom_from_mask(linear(net), "weight", torch.full((4, 3), 0.5))


def subclassed(net: nn.Sequential) -> None:
    weight = linear(net).weight.data.as_subclass(Doubled)
    del linear(net).weight
    linear(net).register_buffer("weight", weight)


def complex_weights(net: nn.Sequential) -> None:
    linear(net).weight = nn.Parameter(linear(net).weight.data + 0.5j)


Lie = Callable[[nn.Sequential], nn.Module]

# Each is refused, and the error names the module.
REFUSED: dict[str, tuple[Lie, str]] = {
    "subclass of Identity": (lambda net: between(net, Loud()), "module 2 .* is a Loud"),
    "subclass of Dropout": (lambda net: between(net, Half()), "module 2 .* is a Half"),
    "subclass of ReLU": (
        changed(lambda net: net.__setitem__(1, Leaky())),
        "module 1 .* is a Leaky, which need not compute what ReLU does",
    ),
    "class exchanged": (
        changed(lambda net: setattr(net[0], "__class__", Called)),
        "module 0 .* is a Called, which need not compute what Linear does",
    ),
    "forward hook": (
        changed(lambda net: net[0].register_forward_hook(lambda m, a, y: 2 * y)),
        r"module 0 of the target \(Linear\) has the forward hook '<lambda>'",
    ),
    "forward hook in place": (
        changed(lambda net: net[0].register_forward_hook(in_place)),
        "module 0 .* has the forward hook 'in_place', which may change",
    ),
    "forward pre-hook": (
        changed(lambda net: net[2].register_forward_pre_hook(twice)),
        "module 2 .* has the forward pre-hook 'twice'",
    ),
    "forward pre-hook in place": (
        changed(lambda net: net[1].register_forward_pre_hook(in_place_before)),
        "module 1 .* has the forward pre-hook 'in_place_before'",
    ),
    "forward pre-hook with keywords": (
        changed(lambda net: net[0].register_forward_pre_hook(keyword_hook, with_kwargs=True)),
        "module 0 .* has the forward pre-hook 'keyword_hook'",
    ),
    "hook of the whole": (
        changed(lambda net: net.register_forward_hook(in_place)),
        r"the target \(Sequential\) has the forward hook 'in_place'",
    ),
    "hook of Identity": (
        lambda net: between(net, hooked(nn.Identity())),
        r"module 2 of the target \(Identity\) has the forward pre-hook 'twice'",
    ),
    "own forward": (changed(lambda net: own_forward(net[0])), "module 0 .* has its own 'forward'"),
    "own forward of ReLU": (changed(own_relu), r"module 1 .*\(ReLU\) has its own 'forward'"),
    "own forward of the whole": (changed(own_forward), r"target \(Sequential\) has its own"),
    "own method": (
        lambda net: nn.Sequential(own_method(nn.Conv2d(1, 1, 1, bias=False))),
        r"module 0 .*\(Conv2d\) has its own '_conv_forward'",
    ),
    "compiled in place": (changed(compiled), "module 0 .* is compiled"),
    "torch.compile": (OptimizedModule, "got OptimizedModule: give its ._orig_mod"),
    "DataParallel": (lambda net: nn.DataParallel(net), "DataParallel: give its .module"),
    "traced": (
        lambda net: cast(nn.Module, trace(net, torch.ones(1, 3))),
        "must be an nn.Sequential, got TopLevelTracedModule",
    ),
    "ModuleList inside": (
        lambda net: nn.Sequential(nn.ModuleList(net)),
        "give input_shape|cannot be captured .* ModuleList|Module \\[ModuleList\\] is missing",
    ),
    "lazy": (lambda net: between(net, nn.LazyLinear(4, bias=False)), "is a LazyLinear"),
    "random parametrization": (
        changed(lambda net: parametrized(net, Noise())),
        r"module 0 .*\(ParametrizedLinear\) does not compute what its type and weights say",
    ),
    "tensor of another class": (changed(subclassed), "must be a plain tensor, got <Doubled"),
    "complex weights": (
        changed(complex_weights), "must hold floating-point numbers, got torch.complex64"
    ),
    "integer weights": (
        changed(lambda net: setattr(linear(net), "weight", nn.Parameter(
            torch.ones(4, 3, dtype=torch.int64), requires_grad=False
        ))),
        "module 0 .* weight, which must hold floating-point numbers, got torch.int64",
    ),
    "meta": (lambda net: net.to("meta"), "weight, which must be a dense tensor in memory"),
    "sparse": (
        changed(lambda net: setattr(
            linear(net), "weight", nn.Parameter(linear(net).weight.data.to_sparse())
        )),
        "weight, which must be a dense tensor in memory",
    ),
    "no weight": (
        changed(lambda net: setattr(linear(net), "weight", None)),
        "weight, which must be a plain tensor, got None",
    ),
    "pruned by halves": (
        changed(half_mask),
        "module 0 .* 'CustomFromMask' of torch.nn.utils.prune, whose weight_mask has the entry 0.5",
    ),
    "an infinite weight pruned away": (
        changed(pruned_infinity),
        "module 0 .* 'CustomFromMask' .* weight_mask removes the weight inf, and 0 times that is",
    ),
    "pruned without a mask": (
        changed(lost_mask), "module 0 .* 'CustomFromMask' .* weight_mask is missing"
    ),
    "other numbers than the weights": (
        changed(lambda net: setattr(linear(net), "in_features", 5)),
        r"module 0 .* weight of shape \(4, 3\), expected \(4, 5\)",
    ),
    "padding changed afterwards": (
        lambda net: odd_padding(), r"module 0 .*\(Conv2d\) returns .* where its type and weights"
    ),
    "contains itself": (changed(lambda net: net.append(net)), r"module 3 .* contains itself"),
    "mixed types": (
        changed(lambda net: net[2].double()), r"the target \(Sequential\) does not run on inputs"
    ),
}  # fmt: skip


SHAPES = {"padding changed afterwards": (1, 5, 5)}


def state(module: nn.Module) -> list[Any]:
    """All that a module consists of, and the random state of torch."""
    found: list[Any] = [torch.get_rng_state()]
    for part in module.modules():
        for name, value in vars(part).items():
            kept = dict(value) if isinstance(value, dict) else value
            for key, entry in (kept if isinstance(kept, dict) else {name: kept}).items():
                numbers = isinstance(entry, Tensor) and not (entry.is_meta or is_lazy(entry))
                copied = entry.detach().clone() if numbers else None
                gradient = entry.grad if numbers and entry.is_leaf else None
                found.append((name, key, entry, copied, gradient))
    return found


def same(one: list[Any], other: list[Any]) -> bool:
    def equal(mine: Any, theirs: Any) -> bool:
        if isinstance(mine, tuple):
            return all(map(equal, mine, theirs))
        if mine is theirs or not isinstance(mine, Tensor):
            return mine is theirs or bool(mine == theirs)
        with torch._C.DisableTorchFunctionSubclass():
            return bool(mine.layout == theirs.layout) and torch.equal(
                mine.to_dense(), theirs.to_dense()
            )

    return len(one) == len(other) and all(map(equal, one, other))


@pytest.mark.parametrize("name", REFUSED)
def test_lies_are_refused_by_name(ticket: Ticket, name: str) -> None:
    lie, message = REFUSED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target = lie(honest())
        before = state(target)
        with pytest.raises(ValueError, match=f"{message}|the ticket is for the target"):
            slth.verify(ticket, target)
        with pytest.raises(ValueError, match=message):
            slth.prune(target, epsilon=EPSILON, input_shape=SHAPES.get(name))
        assert same(before, state(target))


@pytest.mark.parametrize(
    ("kind", "forward", "message"),
    [
        (nn.Linear, lambda self, x: x @ self.weight.T + 0.1, r"module 0 .*\(Linear\) does not"),
        (nn.ReLU, lambda self, x: torch.tanh(x), r"module 1 .*\(ReLU\) does not compute"),
        (nn.Sequential, lambda self, x: self[0](x), r"the target \(Sequential\) returns"),
        (nn.Sequential, lambda self, x: 2 * self[2](self[1](self[0](x))), r"\(Sequential\) does"),
        (nn.Linear, lambda self, x: (x @ self.weight.T, 0), "returns tuple, where its type"),
        (nn.Linear, lambda self, x: 1 / 0, "does not run on inputs .*division by zero"),
    ],
)
def test_classes_that_are_patched_are_found_out(
    ticket: Ticket, monkeypatch: pytest.MonkeyPatch, kind: type, forward: Any, message: str
) -> None:
    target = honest()
    monkeypatch.setattr(kind, "forward", forward)
    for work in (lambda: slth.verify(ticket, target), lambda: slth.prune(target, epsilon=EPSILON)):
        with pytest.raises(ValueError, match=message):
            work()


@pytest.mark.parametrize(
    "register",
    [
        lambda: register_module_forward_hook(lambda m, a, y: 2 * y),
        lambda: register_module_forward_pre_hook(twice),
    ],
)
def test_hooks_of_all_modules_are_refused(ticket: Ticket, register: Callable[[], Any]) -> None:
    target, handle = honest(), register()
    try:
        with pytest.raises(ValueError, match=r"hook of all modules '.*', which may change"):
            slth.verify(ticket, target)
    finally:
        handle.remove()


def old_norm(name: str, net: nn.Sequential) -> nn.Sequential:
    """Wrap the first layer, and load other values: its weight is stale until the next forward."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        getattr(nn.utils, name)(net[0])
    loaded = {key: 2.0 * value for key, value in net.state_dict().items()}
    net.load_state_dict(loaded)
    return net


def pruned_then_trained(net: nn.Sequential) -> nn.Sequential:
    pruning.l1_unstructured(net[0], "weight", amount=0.3)
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    net(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    return net


def shadowed(net: nn.Sequential) -> nn.Sequential:
    """Set an attribute, which comes before a parameter of the same name, as in forward."""
    net[0].__dict__["weight"] = 2.0 * linear(net).weight.detach()
    return net


def as_buffer(net: nn.Sequential) -> nn.Sequential:
    weight = 2.0 * linear(net).weight.detach()
    del linear(net).weight
    net[0].register_buffer("weight", weight)
    return net


def shared(net: nn.Sequential) -> nn.Sequential:
    square = nn.Linear(4, 4, bias=False)
    square.weight.data = 0.3 * torch.ones(4, 4)
    return nn.Sequential(net[0], square, net[1], square, net[2])


def tied(net: nn.Sequential) -> nn.Sequential:
    other = nn.Linear(3, 4, bias=False)
    other.weight = nn.Parameter(linear(net).weight.data)  # the same storage
    back = nn.Linear(4, 3, bias=False)
    back.weight = nn.Parameter(other.weight.data.T)
    return nn.Sequential(net[0], nn.ReLU(), back, other)


# Each computes what can be read: the certificate is about that.
READ: dict[str, Lie] = {
    "weight_norm": lambda net: old_norm("weight_norm", net),
    "spectral_norm": lambda net: old_norm("spectral_norm", net),
    "spectral_norm in training": lambda net: old_norm("spectral_norm", net).train(),
    "pruned and trained": pruned_then_trained,
    "pruned twice": lambda net: changed(
        lambda net: pruning.random_unstructured(net[0], "weight", amount=2)
    )(pruned_then_trained(net)),
    "new weight_norm": changed(lambda net: parametrizations.weight_norm(net[0])),
    "new spectral_norm": changed(lambda net: parametrizations.spectral_norm(net[0])),
    "orthogonal": changed(lambda net: parametrizations.orthogonal(net[0])),
    "own parametrization": changed(lambda net: parametrized(net, Scaled())),
    "Dropout in training": lambda net: nn.Sequential(nn.Dropout(0.9), *net).train(),
    "attribute before parameter": shadowed,
    "weight as buffer": as_buffer,
    "shared module": shared,
    "tied weights": tied,
    "double": lambda net: net.double(),
    "half": lambda net: net.half(),
    "bfloat16": lambda net: net.bfloat16(),
    "ReLU in place": changed(lambda net: net.__setitem__(1, nn.ReLU(inplace=True))),
    "backward hook": changed(
        lambda net: net[0].register_full_backward_hook(lambda module, before, after: None)
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_is_computed_is_what_is_certified(name: str) -> None:
    torch.manual_seed(3)
    target = READ[name](honest())
    assert isinstance(target, nn.Sequential)
    before = state(target)
    ticket = slth.prune(target, epsilon=EPSILON, size=None, samples=60, law="normal")
    certificate = slth.verify(ticket, target)
    assert same(before, state(target))
    assert certificate.bound <= EPSILON

    x = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
    x /= torch.linalg.vector_norm(x, dim=1, keepdim=True)
    kind = next(iter(target.parameters())).dtype
    rounding = {torch.float16: 0.01, torch.bfloat16: 0.05}.get(kind, 1e-5)
    with torch.no_grad():
        difference = target.eval()(x.to(kind)).double() - ticket.network().double()(x.double())
    error = float(torch.linalg.vector_norm(difference, dim=1).max())
    assert error <= certificate.bound + rounding


def test_a_module_that_changes_between_reading_and_running_is_found_out() -> None:
    target = honest()
    known = read(target)
    linear(target).weight.data[0, 0] += 1e-4
    with pytest.raises(ValueError, match=r"module 0 .* is off by .*, where rounding explains"):
        check_reading(target, known, (3,))


def test_a_module_that_changes_after_pruning_is_another_target() -> None:
    target = honest()
    ticket = slth.prune(target, epsilon=EPSILON)
    linear(target).weight.data[0, 0] += 1e-4
    with pytest.raises(slth.tickets.VerificationError, match="the ticket is for the target"):
        slth.verify(ticket, target)


@pytest.mark.parametrize("shift", [1e-6, -1e-6])
def test_small_differences_are_seen_in_float64(shift: float) -> None:
    target = honest().double()
    known = read(target)
    linear(target).weight.data[0, 0] += shift
    with pytest.raises(ValueError, match="module 0"):
        check_reading(target, known, (3,))


def test_units_that_are_dead_do_not_hide_a_module() -> None:
    """Behind a layer that is always negative no input of the network reaches the last layer."""
    target = honest()
    linear(target).weight.data = -linear(target).weight.data.abs()
    known = read(target)
    cast(nn.Linear, target[2]).weight.data[0, 0] += 0.5
    with pytest.raises(ValueError, match="module 2"):
        check_reading(target, known, (3,))


def test_autocast_default_types_and_modes_do_not_matter(ticket: Ticket) -> None:
    target = honest()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16), torch.enable_grad():
            slth.verify(ticket, target)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("rewrite", [absorb_biases, rescale])
def test_rewrites_run_what_they_rewrite(rewrite: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    biased = nn.Linear(3, 2, bias=rewrite is absorb_biases)
    convolutions = nn.Sequential(
        nn.Conv2d(1, 2, 3, bias=rewrite is absorb_biases), nn.ReLU(), nn.Flatten(),
        nn.Linear(32, 2, bias=False),
    )  # fmt: skip
    targets: list[tuple[nn.Sequential, dict[str, Any]]] = [
        (nn.Sequential(biased), {}),
        (convolutions, {"input_shape": (1, 6, 6)}),
    ]
    for target, options in targets:
        rewrite(target, **options)
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: x @ self.weight.T + 0.5)
    for target, options in targets:
        with pytest.raises(ValueError, match=r"module \d .*\(Linear\) does not compute"):
            rewrite(target, **options)


def test_rescale_finds_images_for_convolutions() -> None:
    def flat(width: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(1, 2, 3, bias=False), nn.Flatten(), nn.Linear(width, 2, False)
        )

    for width in (32, 40, 158):  # 6 by 6, 6 by 7 and 3 by 81 pixels
        shape = {} if width < 158 else {"input_shape": (1, 3, 81)}
        assert rescale(flat(width), **shape).factor >= 1.0
    with pytest.raises(ValueError, match=r"give input_shape=\(channels, height, width\)"):
        rescale(flat(158))


def test_equivariant_modules_are_run_too() -> None:
    space = "cyclic(4)"
    target = nn.Sequential(
        EquivariantLinear(space, 1, 2), nn.ReLU(), EquivariantLinear(space, 2, 1)
    )
    known = read(target)
    check_reading(target, known, (1, 4))
    cast(EquivariantLinear, target[2]).weight.data[0, 1, 3] += 0.01
    with pytest.raises(ValueError, match=r"module 2 of the target \(EquivariantLinear\)"):
        check_reading(target, known, (1, 4))
