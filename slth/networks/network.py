"""Layers in topological order: what runs along a network, whatever its shape."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product
from math import prod
from typing import Any, TypeVar

import torch
from torch import Tensor, fx, nn

from slth import forms
from slth.networks.layers import Join, Layer, Lift, Shape, Unweighted, Weighted, from_json, to_json
from slth.networks.layers.kinds import check_spaces

State = TypeVar("State")

INPUT = "input"
"""Name by which nodes call the input of a network."""

_LARGEST_SQUARE, _LARGEST_SIDE = 1024, 64

# In one input or in what a layer makes of it.
_MOST_NUMBERS = 1 << 24

_MOST_NODES = 4096
_NAME = forms.text(99)


@dataclass(frozen=True)
class Node:
    """A layer and where its inputs come from.

    Attributes
    ----------
    name : str
    layer : Layer
    inputs : tuple of str
        Names of earlier nodes, or "input"; one, unless the layer is a join.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse parts of another form."""
        for name, form in {
            "name": _NAME,
            "layer": forms.instance(Layer),
            "inputs": forms.listed(_NAME, 1),
        }.items():
            object.__setattr__(self, name, form(name, getattr(self, name)))


@dataclass(frozen=True)
class Network:
    r"""An architecture: a graph of layers without circles; the last node is the output.

    .. math::
        x_v = \phi_v\big((x_u)_{u\to v}\big)

    Whatever is asked of a network (shapes, signs, values, bounds on errors) is carried along the
    graph by :meth:`fold` or :meth:`trace`, from the input to each node in turn.

    Parameters
    ----------
    nodes : tuple of Node
        In topological order.

    Raises
    ------
    ValueError
        If a node reads what comes later or is read by none, two have the same name, or a layer
        takes another number of inputs.

    Examples
    --------
    A residual block:

    >>> from slth.networks.layers import Add, Dense, Relu
    >>> block = Network((
    ...     Node("inner", Dense(3, 3), ("input",)),
    ...     Node("relu", Relu(), ("inner",)),
    ...     Node("sum", Add(), ("relu", "input")),
    ... ))
    >>> block.shapes((3,))
    ((3,), (3,), (3,), (3,))
    >>> block.is_chain, Network.chain([Dense(3, 2), Relu()]).is_chain
    (False, True)
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        """Refuse what is no graph in topological order."""
        nodes = forms.listed(forms.instance(Node), 1, _MOST_NODES)("nodes", self.nodes)
        object.__setattr__(self, "nodes", nodes)
        known, read = {INPUT}, set[str]()
        for node in self.nodes:
            if node.name in known:
                raise ValueError(f"the name {node.name!r} stands twice")
            for name in node.inputs:
                if name not in known:
                    raise ValueError(f"node {node.name} reads {name!r}, which does not come before")
            if len(node.inputs) > 1 and not isinstance(node.layer, Join):
                kind = type(node.layer).__name__
                raise ValueError(
                    f"node {node.name} ({kind}) takes one input, not {len(node.inputs)}"
                )
            known.add(node.name)
            read.update(node.inputs)
        for node in self.nodes[:-1]:
            if node.name not in read:
                raise ValueError(f"node {node.name} is read by none, and is not the last")

    @classmethod
    def chain(cls, layers: Sequence[Layer]) -> "Network":
        """Put layers one after the other."""
        names = [INPUT, *map(str, range(len(layers)))]
        return cls(
            tuple(
                Node(name, layer, (before,))
                for name, layer, before in zip(names[1:], layers, names[:-1], strict=True)
            )
        )

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in order."""
        return tuple(node.layer for node in self.nodes)

    @cached_property
    def weighted(self) -> tuple[Weighted, ...]:
        """The layers with weights, in order; elsewhere they are counted from 0."""
        return tuple(layer for layer in self.layers if isinstance(layer, Weighted))

    @property
    def is_chain(self) -> bool:
        """Whether every node reads the one before it, and nothing else."""
        before = (INPUT, *(node.name for node in self.nodes))
        return all(
            node.inputs == (name,) for node, name in zip(self.nodes, before, strict=False)
        ) and not any(isinstance(layer, Join) for layer in self.layers)

    @property
    def homogeneous(self) -> bool:
        """Whether the network is positively homogeneous, whatever its weights."""
        return all(layer.homogeneous for layer in self.layers if isinstance(layer, Unweighted))

    def trace(
        self,
        start: State,
        *,
        weighted: Callable[[Weighted, int, State], State],
        unweighted: Callable[[Unweighted, State], State],
        join: Callable[[Join, list[State]], State],
    ) -> tuple[State, ...]:
        """Carry a state along the graph; return that of the input and of every node.

        Parameters
        ----------
        start : State
            What the input brings along.
        weighted : callable
            Called with a layer, its number among those with weights, and the state of its input.
        unweighted : callable
            Called with a layer and the state of its input.
        join : callable
            Called with a layer and the states of its inputs.
        """
        states = {INPUT: start}
        self._visit(states, weighted, unweighted, join)
        return tuple(states.values())

    def fold(
        self,
        start: State,
        *,
        weighted: Callable[[Weighted, int, State], State],
        unweighted: Callable[[Unweighted, State], State],
        join: Callable[[Join, list[State]], State],
    ) -> State:
        """Carry a state along the graph as :meth:`trace` does; return that of the output.

        A state is dropped as soon as nobody needs it any more.

        Examples
        --------
        The number of layers with weights on the longest way through:

        >>> from slth.networks.layers import Dense, Relu
        >>> Network.chain([Dense(3, 2), Relu(), Dense(2, 2)]).fold(
        ...     0,
        ...     weighted=lambda layer, index, depth: depth + 1,
        ...     unweighted=lambda layer, depth: depth,
        ...     join=lambda layer, depths: max(depths),
        ... )
        2
        """
        states = {INPUT: start}
        self._visit(states, weighted, unweighted, join, forget=True)
        return states[self.nodes[-1].name]

    def _visit(
        self,
        states: dict[str, State],
        weighted: Callable[[Weighted, int, State], State],
        unweighted: Callable[[Unweighted, State], State],
        join: Callable[[Join, list[State]], State],
        *,
        forget: bool = False,
    ) -> None:
        index = 0
        waiting = Counter(name for node in self.nodes for name in node.inputs)
        for node in self.nodes:
            given = [states[name] for name in node.inputs]
            if isinstance(node.layer, Weighted):
                states[node.name] = weighted(node.layer, index, given[0])
                index += 1
            elif isinstance(node.layer, Unweighted):
                states[node.name] = unweighted(node.layer, given[0])
            elif isinstance(node.layer, Join):
                states[node.name] = join(node.layer, given)
            waiting.subtract(node.inputs)
            if forget:
                for name in set(node.inputs):
                    if waiting[name] == 0:
                        del states[name]

    def evaluate(self, run: Callable[[Weighted, int, Tensor], Tensor], x: Tensor) -> Tensor:
        """Evaluate the network on a batch; ``run`` evaluates the layers with weights."""
        return self.fold(
            x,
            weighted=run,
            unweighted=lambda layer, x: layer.apply(x),
            join=lambda layer, xs: layer.apply(xs),
        )

    def shapes(self, input_shape: Shape) -> tuple[Shape, ...]:
        """Shapes of the input and of the output of every node.

        Raises
        ------
        ValueError
            If some layer does not take what is handed to it, or makes more than $2^{24}$
            numbers of one input.

        Examples
        --------
        >>> from slth.networks.layers import Conv, Dense, Flatten, Relu
        >>> net = Network.chain([Conv(1, 4, kernel=(3, 3)), Relu(), Flatten(), Dense(144, 10)])
        >>> net.shapes((1, 8, 8))
        ((1, 8, 8), (4, 6, 6), (4, 6, 6), (144,), (10,))
        """
        names = iter(self.nodes)

        def named(layer: Layer, shape: Callable[[], Shape]) -> Shape:
            name = next(names).name
            try:
                return shape()
            except ValueError as error:
                raise ValueError(f"layer {name} ({type(layer).__name__}) {error}") from None

        result = self.trace(
            input_shape,
            weighted=lambda layer, _, shape: named(layer, lambda: layer.output_shape(shape)),
            unweighted=lambda layer, shape: named(layer, lambda: layer.output_shape(shape)),
            join=lambda layer, shapes: named(layer, lambda: layer.output_shape(shapes)),
        )
        largest = max(result, key=prod)
        if prod(largest) > _MOST_NUMBERS:
            name = self.nodes[max(0, result.index(largest) - 1)].name
            raise ValueError(
                f"input or output of layer {name} have shape {largest}: at most 2^24 numbers"
            )
        return result

    def signed(self, *, nonnegative_inputs: bool) -> tuple[bool, ...]:
        """Whether the inputs of each layer with weights may be negative.

        Examples
        --------
        >>> from slth.networks.layers import Dense, Relu
        >>> net = Network.chain([Dense(3, 2), Relu(), Dense(2, 2), Dense(2, 1)])
        >>> net.signed(nonnegative_inputs=False)
        (True, False, True)
        """
        result: list[bool] = []

        def weighted(layer: Weighted, index: int, nonnegative: bool) -> bool:
            result.append(not nonnegative)
            return False

        self.fold(
            nonnegative_inputs,
            weighted=weighted,
            unweighted=lambda layer, nonnegative: layer.is_nonnegative(nonnegative),
            join=lambda layer, signs: layer.is_nonnegative(signs),
        )
        return tuple(result)

    def default_input_shape(self) -> Shape:
        """Read the shape of an input off the first layers, where they tell.

        Raises
        ------
        ValueError
            If they do not: a convolution takes images of any size.

        Examples
        --------
        >>> from slth.networks.layers import Dense, Equivariant, Lift
        >>> Network.chain([Dense(3, 2)]).default_input_shape()
        (3,)
        >>> space = "translations(8x8, 3)"
        >>> Network.chain([Lift(space), Equivariant(2, 4, space)]).default_input_shape()
        (2, 8, 8)
        """
        first = next(iter(self.weighted), None)
        if first is None or first.input_shape is None:
            raise ValueError(
                f"the first layer is a {type(first).__name__}: give "
                "input_shape=(channels, height, width)"
            )
        if isinstance(self.layers[0], Lift):
            return (first.inputs, *self.layers[0].image)
        return first.input_shape

    def smallest_input_shape(self) -> Shape:
        """Find a shape that the network takes: the one it says, or that of a small image.

        Square images come first, the smallest before the others.

        Raises
        ------
        ValueError
            If it takes no square images up to 1024 by 1024 pixels, and no others up to 64 by 64.

        Examples
        --------
        >>> from slth.networks.layers import Conv, Dense, Flatten, Relu
        >>> net = Network.chain([Conv(3, 4, kernel=(3, 3)), Relu(), Flatten(), Dense(144, 10)])
        >>> net.smallest_input_shape()
        (3, 8, 8)
        """
        first = self.weighted[0]
        if first.input_shape is not None:
            return self.default_input_shape()
        squares = ((side, side) for side in range(1, _LARGEST_SQUARE + 1))
        for image in chain(squares, product(range(1, _LARGEST_SIDE + 1), repeat=2)):
            with suppress(ValueError):
                self.shapes((first.inputs, *image))
                return (first.inputs, *image)
        raise ValueError(
            "the layers take no small images: give input_shape=(channels, height, width)"
        )

    def module(self, weights: Sequence[Any], biases: Sequence[Any] | None = None) -> nn.Sequential:
        """Return the network as an ordinary module without gradients.

        Parameters
        ----------
        weights : sequence of ndarray of float32
            Of the layers with weights; they are not copied.
        biases : sequence of (ndarray of float32 or None), optional

        Returns
        -------
        torch.nn.Sequential
            Of the layers if the network is a chain, otherwise of one ``torch.fx.GraphModule``.
        """
        modules = self._modules(weights, biases)
        if self.is_chain:
            return nn.Sequential(*modules)
        graph = fx.Graph()
        places = {INPUT: graph.placeholder("x")}
        for index, node in enumerate(self.nodes):
            inputs = tuple(places[name] for name in node.inputs)
            places[node.name] = graph.call_module(f"layer_{index}", inputs)
        graph.output(places[self.nodes[-1].name])
        named = {f"layer_{index}": module for index, module in enumerate(modules)}
        return nn.Sequential(fx.GraphModule(nn.ModuleDict(named), graph))

    def _modules(self, weights: Sequence[Any], biases: Sequence[Any] | None) -> list[nn.Module]:
        modules: list[nn.Module] = []
        given = iter(zip(weights, biases or [None] * len(weights), strict=True))
        for node in self.nodes:
            if isinstance(node.layer, Weighted):
                weight, bias = next(given)
                module = node.layer.module(torch.from_numpy(weight))
                if bias is not None:
                    module.bias = nn.Parameter(torch.from_numpy(bias), requires_grad=False)
                modules.append(module)
            elif isinstance(node.layer, Unweighted | Join):
                modules.append(node.layer.module())
        return modules

    def to_json(self) -> list[dict[str, Any]]:
        """Describe the nodes in turn; what is usual in a chain is not said.

        Examples
        --------
        >>> from slth.networks.layers import Dense, Relu
        >>> Network.chain([Dense(3, 2), Relu()]).to_json()
        [{'kind': 'Dense', 'inputs': 3, 'outputs': 2}, {'kind': 'Relu'}]
        """
        described = []
        before = INPUT
        for index, node in enumerate(self.nodes):
            said = to_json(node.layer)
            if node.name != str(index):
                said["name"] = node.name
            if node.inputs != (before,):
                said["from"] = list(node.inputs)
            described.append(said)
            before = node.name
        return described

    @classmethod
    def from_json(cls, description: Any, name: str = "network") -> "Network":
        """Invert :meth:`to_json`; ``name`` is what errors call the network.

        Raises
        ------
        ValueError
            If there is no such network, or its layers name spaces that are too large.
        """
        described = forms.listed(lambda _, node: node, 1, _MOST_NODES)(name, description)
        check_spaces(described)
        nodes: list[Node] = []
        before = INPUT
        for index, one in enumerate(described):
            place = f"{name}[{index}]"
            said = dict(one) if isinstance(one, Mapping) else one
            own, sources = str(index), (before,)
            if isinstance(said, dict):
                own = _NAME(f"{place}.name", said.pop("name", own))
                sources = forms.listed(_NAME, 1)(f"{place}.from", said.pop("from", sources))
            nodes.append(Node(own, from_json(said, place), sources))
            before = own
        try:
            return cls(tuple(nodes))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
