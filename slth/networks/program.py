"""Any module, read off the program that it runs: a graph of operations of torch."""

import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, fx, nn

from slth.networks.as_evaluated import as_evaluated, check_untouched
from slth.networks.layers import (
    Add,
    AvgPool,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    Relu,
    Shape,
)
from slth.networks.network import INPUT, Network, Node

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_aten = torch.ops.aten

# Inputs of the example; no module has a reason to count to this number.
_EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Program:
    """What a module runs: layers, and the tensors that belong to those with weights.

    Attributes
    ----------
    network : Network
    places : tuple of str
        Which part of the module each layer with weights comes from.
    weights : tuple of torch.Tensor
    biases : tuple of (torch.Tensor or None)
    """

    network: Network
    places: tuple[str, ...]
    weights: tuple[Tensor, ...]
    biases: tuple[Tensor | None, ...]


def read_program(target: nn.Module, input_shape: Sequence[int]) -> Program:
    r"""Read layers and tensors off the program that ``torch.export`` makes of a module.

    .. math::
        x_v = \phi_v\big((x_u)_{u\to v}\big)

    Skips, functions of ``torch.nn.functional``, operations in place and modules that are used
    again are what they compute; what is computed from parameters alone (masks, parametrizations)
    is a weight.

    Parameters
    ----------
    target : torch.nn.Module
        It is left as it was.
    input_shape : sequence of int
        Shape of an input, without the batch axis.

    Raises
    ------
    ValueError
        If the module cannot be captured or does something else than the layers do; the operation
        and the part of the module are named.

    Examples
    --------
    >>> class Block(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.inner = nn.Linear(3, 3, bias=False)
    ...     def forward(self, x):
    ...         return x + self.inner(x).relu()
    >>> read_program(Block(), (3,)).network.layers
    (Dense(inputs=3, outputs=3), Relu(), Add())
    """
    for name, module in target.named_modules():
        place = _place(name, type(module).__name__)
        try:
            check_untouched(module)
        except ValueError as error:
            raise ValueError(f"{place} {error}") from None
        if module.training and isinstance(module, _MODAL):
            raise ValueError(f"{place} is in training mode: call .eval() on the target first")
    with as_evaluated(target):
        exported = _export(target, tuple(input_shape))
        return _Reader(exported).read()


# Modules that compute something else when they are trained.
_MODAL = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)


def _export(target: nn.Module, input_shape: Shape) -> "ExportedProgram":
    from torch.export import Dim, export  # takes long to import, and most targets need none of it

    like = next((p for p in target.parameters() if p.is_floating_point()), torch.empty(0))
    example = torch.zeros((_EXAMPLES, *input_shape), dtype=like.dtype, device=like.device)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about weights that hooks recompute
            exported = export(target, (example,), dynamic_shapes=({0: Dim("batch")},), strict=False)
            decomposed: ExportedProgram = exported.run_decompositions({})
            return decomposed
    except Exception as failure:  # the module's own code is run, which may raise anything
        reason = (str(failure).strip() or type(failure).__name__).splitlines()[0][:200]
        depends = "data-dependent" in str(failure)
        hint = "; its control flow must not depend on values" if depends else ""
        raise ValueError(
            f"the target ({type(target).__name__}) cannot be captured on inputs of shape "
            f"{input_shape}{hint}: {reason}"
        ) from None


# What turns a tensor into a Python number.
_READS = (_aten.item.default, _aten._local_scalar_dense.default)


class _Refused(Exception):  # noqa: N818
    """What ends the sentence "blocks.0 of the target (Block) runs aten.tanh.default, which …"."""


@dataclass(frozen=True)
class _Named:
    """A value that depends on the input: the node that makes it, its shape with the batch axis."""

    name: str
    shape: tuple[Any, ...]


class _Step(NamedTuple):
    """Layers one after the other, and what the first of them reads."""

    layers: tuple[Layer, ...]
    sources: tuple[_Named, ...]
    weight: Tensor | None = None
    bias: Tensor | None = None


@dataclass
class _Reader:
    """Goes through a program once."""

    exported: "ExportedProgram"
    values: dict[fx.Node, Any] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, Tensor] = field(default_factory=dict)
    biases: dict[str, Tensor | None] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def read(self) -> Program:
        """Visit all that the output needs, in order."""
        output = self._output()
        needed, waiting = set[fx.Node](), [output]
        while waiting:
            node = waiting.pop()
            if node not in needed:
                needed.add(node)
                waiting.extend(node.all_input_nodes)
        for node in needed:
            if node.target in _READS:
                raise ValueError(
                    f"{_where(node)} runs {node.target}: a number that is taken out of a tensor "
                    "depends on the input; keep it a tensor"
                )
        self._inputs()
        for node in self.exported.graph.nodes:
            if node in needed and node.op != "placeholder":
                self._visit(node)
        end = self.values[output]
        if not isinstance(end, _Named) or not self.weights:
            raise ValueError("the target has no layer with weights")
        if end.name != self.nodes[-1].name:
            raise ValueError("the target ends before its last layer")
        return Program(
            Network(tuple(self.nodes)),
            tuple(self.places.values()),
            tuple(self.weights.values()),
            tuple(self.biases.values()),
        )

    def _output(self) -> fx.Node:
        """Find what the module returns, if that is one tensor of floating-point numbers."""
        [end] = (node for node in self.exported.graph.nodes if node.op == "output")
        specs = self.exported.graph_signature.output_specs
        for spec in specs:
            if spec.kind.name != "USER_OUTPUT":
                raise ValueError(f"the target changes its {spec.target} when it is evaluated")
        [returned] = end.args
        if not isinstance(returned, tuple) or len(returned) != 1:
            raise ValueError("the target returns several values, expected one tensor")
        [result] = returned
        value = result.meta.get("val") if isinstance(result, fx.Node) else result
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"the target returns {kind}, expected floating-point numbers")
        assert isinstance(result, fx.Node)
        return result

    def _inputs(self) -> None:
        tensors = {**self.exported.state_dict, **self.exported.constants}
        specs = {spec.arg.name: spec for spec in self.exported.graph_signature.input_specs}
        for node in self.exported.graph.nodes:
            if node.op == "placeholder":
                spec = specs[node.name]
                self.values[node] = (
                    _Named(INPUT, tuple(node.meta["val"].shape))
                    if spec.kind.name == "USER_INPUT"
                    else tensors[spec.target].detach()
                )

    def _visit(self, node: fx.Node) -> None:
        if node.op == "output" or isinstance(node.meta.get("val"), torch.SymInt):
            self.values[node] = None
            return
        try:
            self.values[node] = self._value(node)
        except (_Refused, ValueError) as error:
            raise ValueError(f"{_where(node)} runs {node.target}, which {error}") from None

    def _value(self, node: fx.Node) -> Any:
        """Compute what depends on parameters alone; make a layer of all else."""
        if node.target is operator.getitem:
            source, index = node.args
            assert isinstance(source, fx.Node)
            value = self.values[source]
            if isinstance(value, _Named) and index != 0:
                raise _Refused("uses more than the first result")
            return value if isinstance(value, _Named) else value[index]
        if not isinstance(node.target, torch._ops.OpOverload):
            raise _Refused("is not supported")
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), self.values.__getitem__)
        given = dict(
            zip((one.name for one in node.target._schema.arguments), args, strict=False), **kwargs
        )
        for one in node.target._schema.arguments:
            given.setdefault(one.name, one.default_value)
        flat = [
            each
            for one in given.values()
            for each in (one if isinstance(one, list | tuple) else [one])
        ]
        if not any(isinstance(one, _Named) for one in flat):
            if torch.Tag.nondeterministic_seeded in node.target.tags:
                raise _Refused("is random")
            try:
                return node.target(*args, **kwargs)
            except Exception:  # torch may raise anything
                raise _Refused("cannot be computed from parameters alone") from None
        if node.target is _aten._native_batch_norm_legit_no_training.default:
            raise _Refused(
                "is batch normalisation: it is folded in a Sequential of plain layers only, by "
                "fold_batch_norms"
            )
        if node.target not in _OPERATIONS:
            raise _Refused(
                "is not supported; supported are linear and conv2d, relu, max_pool2d, avg_pool2d, "
                "averages over all pixels, flatten and the sum of two branches"
            )
        val = node.meta["val"]
        shape = tuple((val[0] if isinstance(val, tuple) else val).shape)
        step = _OPERATIONS[node.target](given, shape)
        return self._append(node, step, shape)

    def _append(self, node: fx.Node, step: _Step, shape: tuple[Any, ...]) -> _Named:
        inputs = tuple(source.name for source in step.sources)
        for layer in step.layers:
            name = str(len(self.nodes))
            self.nodes.append(Node(name, layer, inputs))
            inputs = (name,)
            if step.weight is not None:
                self.weights[name], self.biases[name] = step.weight, step.bias
                self.places[name] = _where(node)
        return _Named(inputs[0], shape)


def _where(node: fx.Node) -> str:
    stack = [
        entry
        for entry in (node.meta.get("nn_module_stack") or {}).values()
        if isinstance(entry, tuple) and not entry[0].startswith("_")
    ]
    name, kind = stack[-1] if stack else ("", "")
    return _place(name, str(getattr(kind, "__name__", kind)).rpartition(".")[2])


def _place(name: str, kind: str) -> str:
    known = f" ({kind})" if kind else ""
    return f"module {name} of the target{known}" if name else f"the target{known}"


def _tensor(name: str, value: object) -> Tensor:
    if not isinstance(value, Tensor):
        raise _Refused(f"has a {name} that depends on the input")
    return value


def _value(value: object) -> _Named:
    if not isinstance(value, _Named):
        raise _Refused("takes a constant where the outputs of a layer are expected")
    return value


def _two(value: Sequence[int]) -> tuple[int, int]:
    return (value[0], value[-1])


def _linear(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    weight = _tensor("weight", given["weight"])
    bias = None if given["bias"] is None else _tensor("bias", given["bias"])
    layer = Dense(weight.shape[1], weight.shape[0])
    return _Step((layer,), (_value(given["input"]),), weight, bias)


def _conv(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    weight = _tensor("weight", given["weight"])
    bias = None if given["bias"] is None else _tensor("bias", given["bias"])
    kernel, dilation = _two(weight.shape[2:]), _two(given["dilation"])
    padding = given["padding"]
    if isinstance(padding, str):
        reach = [step * (taps - 1) for step, taps in zip(dilation, kernel, strict=True)]
        if padding == "same" and any(length % 2 for length in reach):
            raise _Refused("pads an even kernel on one side only: give the padding in numbers")
        padding = [length // 2 if padding == "same" else 0 for length in reach]
    groups = given["groups"]
    layer = Conv(
        weight.shape[1] * groups,
        weight.shape[0],
        kernel,
        _two(given["stride"]),
        _two(padding),
        dilation,
        groups,
    )
    return _Step((layer,), (_value(given["input"]),), weight, bias)


def _relu(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    return _Step((Relu(),), (_value(given["self"]),))


def _window(kind: type[MaxPool] | type[AvgPool]) -> Callable[..., _Step]:
    def read(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
        kernel, padding = _two(given["kernel_size"]), _two(given["padding"])
        uncounted = not given.get("count_include_pad", True) and padding != (0, 0)
        if (
            *(given["ceil_mode"], given.get("divisor_override"), uncounted),
            _two(given.get("dilation", (1, 1))),
        ) != (False, None, False, (1, 1)):
            raise _Refused("has ceil_mode, dilation, divisor_override or uncounted padding")
        layer = kind(kernel, _two(given["stride"] or kernel), padding)
        return _Step((layer,), (_value(given["self"]),))

    return read


def _adaptive(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    if _two(given["output_size"]) != (1, 1):
        raise _Refused(f"has output size {given['output_size']}; supported is 1")
    return _Step((GlobalAvgPool(),), (_value(given["self"]),))


def _mean(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    source = _value(given["self"])
    if len(source.shape) != 4 or {axis % 4 for axis in given["dim"] or ()} != {2, 3}:
        raise _Refused("averages over other axes than height and width")
    if given["dtype"] is not None:
        raise _Refused("changes the type of numbers")
    return _Step((GlobalAvgPool(), *([] if given["keepdim"] else [Flatten()])), (source,))


def _reshape(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    source = _value(given["self"])
    if str(shape) == str(source.shape):
        return _Step((), (source,))
    if len(shape) != 2 or str(shape[0]) != str(source.shape[0]):
        raise _Refused("must flatten everything but the batch axis")
    return _Step((Flatten(),), (source,))


def _same(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    return _Step((), (_value(given.get("self", given.get("input"))),))


def _dropout(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    if given["train"]:
        raise _Refused("drops at random: give training=False")
    return _same(given, shape)


def _add(given: Mapping[str, Any], shape: tuple[Any, ...]) -> _Step:
    if given["alpha"] != 1:
        raise _Refused("weighs the second branch: only plain sums are supported")
    return _Step((Add(),), (_value(given["self"]), _value(given["other"])))


_OPERATIONS: Mapping[Any, Callable[[Mapping[str, Any], tuple[Any, ...]], _Step]] = {
    _aten.linear.default: _linear,
    _aten.conv2d.default: _conv,
    _aten.conv2d.padding: _conv,
    _aten.relu.default: _relu,
    _aten.max_pool2d.default: _window(MaxPool),
    _aten.max_pool2d_with_indices.default: _window(MaxPool),
    _aten.avg_pool2d.default: _window(AvgPool),
    _aten.adaptive_avg_pool2d.default: _adaptive,
    _aten.mean.dim: _mean,
    _aten.view.default: _reshape,
    _aten.reshape.default: _reshape,
    _aten.flatten.using_ints: _reshape,
    _aten.squeeze.dims: _reshape,
    _aten.clone.default: _same,
    _aten.alias.default: _same,
    _aten.dropout.default: _dropout,
    _aten.native_dropout.default: _dropout,
    _aten.add.Tensor: _add,
}
