"""A target read off a torch module: which modules are understood, and what they hold."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from slth.networks.as_evaluated import as_evaluated, check_untouched, kind, refresh
from slth.networks.layers import Layer, Shape, Weighted
from slth.networks.layers.kinds import READERS
from slth.networks.module_fields import check_fields, plain_tensor
from slth.networks.network import Network
from slth.networks.program import read_program
from slth.networks.target import Target

# Modules of a target, one that comes twice counted twice, and containers around one of them.
_MOST_PARTS = 10_000
_MOST_DEPTH = 100


def read(target: nn.Module, input_shape: Sequence[int] | None = None) -> Target:
    r"""Read layers and coefficients off a module.

    .. math::
        f(x) = W_\ell\,\phi_{\ell-1}(W_{\ell-1}\cdots\phi_1(W_1x)), \qquad
        \phi_i \text{ without weights}

    A target is what its modules *compute* when they are evaluated.  What cannot be told from types
    and weights is refused by name: other classes, subclasses and wrappers, containers included;
    forward hooks and pre-hooks, here and for all modules; a method that belongs to the instance;
    compiled modules; weights that are no plain real tensors.  Effective weights are read of
    ``torch.nn.utils.weight_norm``, ``spectral_norm`` (with the singular vectors that it stores) and
    ``prune`` (whose masks must be 0/1), recomputed from what they are made of, and of
    ``torch.nn.utils.parametrize``.  :func:`check_reading` then runs the module.

    Parameters
    ----------
    target : torch.nn.Module
        An ``nn.Sequential`` of ``Linear``, ``Conv2d`` (both without bias), ``ReLU``, ``MaxPool2d``,
        ``AvgPool2d``, ``AdaptiveAvgPool2d(1)``, ``Flatten`` and the modules of
        :mod:`slth.equivariance`, in any order.  ``Dropout`` and ``Identity`` are left out: the
        network is meant as it is evaluated.  Nested ``Sequential`` are flattened.  Any other module
        that has modules in it is read off the program that it runs, in the same operations and the
        sums of branches.  The module is left as it was.
    input_shape : sequence of int, optional
        Shape of an input without the batch axis; needed for a module that has to be run.

    Returns
    -------
    Target
        Coefficients are copies.

    Raises
    ------
    ValueError
        If the network has another form, a weight is not finite, or a weight is not exactly
        representable in float32.

    Examples
    --------
    >>> read(nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Dropout())).layers
    (Dense(inputs=3, outputs=4), Relu())
    >>> read(nn.Sequential(nn.Linear(3, 4), nn.Softmax()))
    Traceback (most recent call last):
        ...
    ValueError: module 0 of the target (Linear) has a bias; the random networks of the theorems
    have none: absorb_biases turns it into weights of a constant input
    """
    if runs_program(target):
        known, biases, places = _read_program(target, input_shape)
        for place, bias in zip(places, biases, strict=True):
            if bias is not None:
                raise ValueError(f"{place} {_BIAS}, in a Sequential of plain layers")
        return known
    for part in parts(target):
        if kind(part.module) in READERS and getattr(part.module, "bias", None) is not None:
            raise ValueError(f"{part} {_BIAS}")
    return read_affine(target)[0]


_BIAS = (
    "has a bias; the random networks of the theorems have none: absorb_biases turns it into "
    "weights of a constant input"
)


def runs_program(target: nn.Module) -> bool:
    """Whether a module is read off the program that it runs, and not off its parts.

    That is so where it, or a part of it, has modules inside and is no plain Sequential.

    Examples
    --------
    >>> runs_program(nn.Sequential(nn.Linear(3, 4))), runs_program(nn.TransformerEncoderLayer(2, 1))
    (False, True)
    """
    if isinstance(target, torch.jit.ScriptModule) or _hint(target):
        return False
    plain, waiting, seen = nn.Sequential, [target], set[int]()
    while waiting:
        module = waiting.pop()
        children = module._modules if isinstance(module, nn.Module) else None
        if id(module) in seen or not isinstance(children, dict) or not children:
            continue
        seen.add(id(module))
        if kind(module) not in (plain, *READERS):
            return True
        waiting.extend(children.values() if type(module) is plain else ())  # type: ignore[arg-type]
    return False


def read_affine(
    target: nn.Module, input_shape: Sequence[int] | None = None
) -> tuple[Target, tuple[NDArray[np.float32] | None, ...]]:
    r"""Read layers and coefficients as :func:`read` does, and biases where there are some.

    Parameters
    ----------
    target : torch.nn.Module
    input_shape : sequence of int, optional

    Returns
    -------
    Target
        The network without its biases.
    tuple of ndarray of float32 or None
        The biases, one array or None for each weighted layer.

    Examples
    --------
    >>> known, [bias] = read_affine(nn.Sequential(nn.Linear(3, 4)))
    >>> known.layers, bias.shape
    ((Dense(inputs=3, outputs=4),), (4,))
    """
    if runs_program(target):
        known, offsets, _ = _read_program(target, input_shape)
        return known, offsets
    found: list[Layer] = []
    coefficients, biases = [], []
    tree = list(parts(target))
    for part in tree:
        _check_kind(part)
        with part.named():
            check_untouched(part.module)
    with as_evaluated(target):
        for part in tree:
            if kind(part.module) not in READERS:
                continue
            with part.named():
                layer = READERS[kind(part.module)].of(part.module)
                if isinstance(layer, Weighted):
                    refresh(part.module)
                    weight, bias = (getattr(part.module, name, None) for name in ("weight", "bias"))
                    coefficients.append(_float32("weight", weight, layer.shape))
                    biases.append(
                        None if bias is None else _float32("bias", bias, (layer.outputs,))
                    )
            found.append(layer)
    if not coefficients:
        raise ValueError("the target has no layer with weights")
    return Target(Network.chain(found), tuple(coefficients)), tuple(biases)


def _read_program(
    target: nn.Module, input_shape: Sequence[int] | None
) -> tuple[Target, tuple[NDArray[np.float32] | None, ...], tuple[str, ...]]:
    """Read a program, and where its layers with weights come from."""
    if input_shape is None:
        raise ValueError(
            f"the target ({_name(target)}) holds modules other than plain layers in a Sequential "
            "and is read by running it: give input_shape, without the batch axis"
        )
    program = read_program(target, input_shape)
    program.network.shapes(tuple(input_shape))
    coefficients, biases = [], []
    for layer, place, weight, bias in zip(
        *(program.network.weighted, program.places, program.weights, program.biases), strict=True
    ):
        try:
            coefficients.append(_float32("weight", weight, layer.shape))
            biases.append(None if bias is None else _float32("bias", bias, (layer.outputs,)))
        except ValueError as error:
            raise ValueError(f"{place} {error}") from None
    return Target(program.network, tuple(coefficients)), tuple(biases), program.places


@dataclass(frozen=True)
class Part:
    """A module of a target, and the place of its layers among those of the target.

    Attributes
    ----------
    position : str
        "0.2" for module 2 of module 0, "" for the target itself.
    module : torch.nn.Module
    layers : slice
        Empty for a module that does nothing when it is evaluated.
    """

    position: str
    module: nn.Module
    layers: slice

    def __str__(self) -> str:
        """Place and kind, as errors name them."""
        name = f"module {self.position} of the target" if self.position else "the target"
        return f"{name} ({_name(self.module)})"

    @contextmanager
    def named(self) -> Iterator[None]:
        """Let errors say which module they are about."""
        try:
            yield
        except ValueError as error:
            raise ValueError(f"{self} {error}") from None


def parts(target: nn.Module) -> Iterator[Part]:
    """All modules of a target, each after those that it contains.

    Raises
    ------
    ValueError
        If the target or a container is no plain Sequential, or contains itself.

    Examples
    --------
    >>> net = nn.Sequential(nn.Identity(), nn.Sequential(nn.Linear(3, 4), nn.ReLU()))
    >>> [(part.position, part.layers.start, part.layers.stop) for part in parts(net)]
    [('0', 0, 0), ('1.0', 0, 1), ('1.1', 1, 2), ('1', 0, 2), ('', 0, 2)]
    """
    if type(target) is not nn.Sequential:
        raise ValueError(f"the target must be an nn.Sequential, got {_name(target)}{_hint(target)}")
    for number, part in enumerate(_inside(Part("", target, slice(0, 0)), ())):
        if number == _MOST_PARTS:
            raise ValueError(f"the target has more than {_MOST_PARTS:,} modules")
        yield part


def _inside(part: Part, within: tuple[nn.Module, ...]) -> Iterator[Part]:
    """Parts of a part, then the part itself with the layers that it has."""
    start = stop = part.layers.start
    with part.named():
        check_fields(part.module)
    if len(within) > _MOST_DEPTH:
        raise ValueError(f"the target has more than {_MOST_DEPTH} containers inside one another")
    if type(part.module) is nn.Sequential:
        if any(part.module is container for container in within):
            raise ValueError(f"{part} contains itself")
        for name, child in enumerate(part.module):  # children() would skip one that comes again
            position = f"{part.position}.{name}" if part.position else str(name)
            for inner in _inside(Part(position, child, slice(stop, stop)), (*within, part.module)):
                yield inner
            stop = inner.layers.stop
    elif kind(part.module) not in TRANSPARENT:
        stop += 1
    yield replace(part, layers=slice(start, stop))


def _check_kind(part: Part) -> None:
    """Refuse a module of another class, be it a subclass of one that is understood."""
    if kind(part.module) in SUPPORTED:
        return
    family = next((base for base in SUPPORTED if isinstance(part.module, base)), None)
    subclass = "" if family is None else f", which need not compute what {family.__name__} does"
    name = f"module {part.position} of the target"
    raise ValueError(
        f"{name} is a {_name(part.module)}{subclass}; supported are "
        f"{', '.join(base.__name__ for base in (*READERS, *TRANSPARENT))}{_hint(part.module)}"
    )


TRANSPARENT = (nn.Dropout, nn.Dropout2d, nn.Identity)

SUPPORTED: tuple[type[nn.Module], ...] = (nn.Sequential, *READERS, *TRANSPARENT)

# What a file may hold besides, for fold_batch_norms to take away.
FOLDABLE: tuple[type[nn.Module], ...] = (nn.BatchNorm1d, nn.BatchNorm2d)


def _hint(module: nn.Module) -> str:
    """Say what to do about a module that has a well-known way around it."""
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        return "; fold the normalisation into the layer before it first"
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return ": give its .module"
    if hasattr(module, "_orig_mod"):
        return ": give its ._orig_mod, the module that torch.compile was called on"
    return ""


def _float32(name: str, parameter: Any, shape: Shape) -> NDArray[np.float32]:
    """Check the weights or biases of one module and copy them."""
    plain_tensor(f"has a {name}, which", parameter)
    if tuple(parameter.shape) != shape:
        raise ValueError(f"has a {name} of shape {tuple(parameter.shape)}, expected {shape}")
    exact = parameter.detach().cpu().double().numpy()
    if not np.isfinite(exact).all():
        raise ValueError(f"has a {name} that is not finite")
    with np.errstate(over="ignore"):  # an overflow fails the comparison below
        rounded = np.array(exact, dtype=np.float32, order="C")
    if not np.array_equal(exact, rounded):
        raise ValueError(
            f"has a {name} that float32 cannot hold exactly: convert the target with .float() first"
        )
    return rounded


def _name(module: object) -> str:
    return type(module).__name__
