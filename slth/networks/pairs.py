"""Random pairs: two layers with a ReLU between them in the place of each layer with weights."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from slth.networks.layers import Layer, Relu, Weighted
from slth.networks.network import INPUT, Network, Node


def paired(network: Network, hidden: Callable[[Weighted, int], int]) -> Network:
    """Put a random pair in the place of each layer with weights.

    Parameters
    ----------
    network : Network
    hidden : callable
        Hidden channels for a layer, given it and its number among those with weights.

    Examples
    --------
    >>> from slth.networks.layers import Dense
    >>> random = paired(Network.chain([Dense(3, 2)]), lambda layer, index: 12)
    >>> random.layers
    (Dense(inputs=3, outputs=12), Relu(), Dense(inputs=12, outputs=2))
    >>> unpaired(random).layers
    (Dense(inputs=3, outputs=2),)
    """
    nodes: list[Node] = []
    names = {INPUT: INPUT}
    index = 0
    for node in network.nodes:
        inputs = tuple(names[name] for name in node.inputs)
        layers: tuple[Layer, ...] = (node.layer,)
        if isinstance(node.layer, Weighted):
            first, second = node.layer.pair(hidden(node.layer, index))
            layers = (first, Relu(), second)
            index += 1
        for layer in layers:
            nodes.append(Node(str(len(nodes)), layer, inputs))
            inputs = (nodes[-1].name,)
        names[node.name] = nodes[-1].name
    return Network(tuple(nodes))


def unpaired(network: Network) -> Network:
    """Invert :func:`paired`, up to the names of nodes.

    Raises
    ------
    ValueError
        If the layers with weights do not come in such pairs.
    """
    nodes: list[Node] = []
    names = {INPUT: INPUT}
    readers = Counter(name for node in network.nodes for name in node.inputs)
    rest = iter(network.nodes)
    for node in rest:
        layer, inputs = node.layer, tuple(names[name] for name in node.inputs)
        if isinstance(layer, Weighted):
            relu, last = next(rest, None), next(rest, None)
            if (
                relu is None or relu.layer != Relu() or relu.inputs != (node.name,)
                or last is None or not isinstance(last.layer, Weighted)
                or last.inputs != (relu.name,)
                or readers[node.name] + readers[relu.name] > 2
            ):  # fmt: skip
                raise ValueError("a ticket needs two random layers with a ReLU per target layer")
            original = replace(last.layer, inputs=layer.inputs)
            if original.pair(layer.outputs) != (layer, last.layer):
                raise ValueError(
                    f"{layer} and {last.layer} are no random pair for one target layer"
                )
            node, layer = last, original
        nodes.append(Node(str(len(nodes)), layer, inputs))
        names[node.name] = nodes[-1].name
    return Network(tuple(nodes))
