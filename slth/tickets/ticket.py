"""A strong lottery ticket: a random network and the mask that makes it compute the target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import nn

from slth.forms import choice, flag, instance, integer, listed, number, optional, record, text
from slth.networks import layers
from slth.networks.layers import Layer, Relu, Shape, Unweighted, Weighted
from slth.networks.random_network import FORMS as RANDOM_NETWORK
from slth.networks.random_network import RandomNetwork
from slth.objectives import OBJECTIVES, Objective
from slth.tickets import ticket_file
from slth.tickets.mask import Mask
from slth.tickets.ticket_file import TicketFileError

Construction = Literal["malach", "pensia", "natale"]


# What a ticket consists of beside its random network and its mask, and what that must look like.
_PROMISE = {
    "target_digest": text(64),
    "random_digest": text(64),
    "input_shape": listed(integer(1), 1, 8),
    "nonnegative_inputs": flag,
    "construction": choice(*get_args(Construction)),
    "objective": choice(*OBJECTIVES),
    "sizes": listed(optional(integer(1)), 1),
    "weight_tolerances": listed(number(0.0), 1),
    "epsilon": optional(number(above=0.0)),
}
# Of a file: here layers are descriptions still.
_HEADER = record({**RANDOM_NETWORK, "layers": listed(lambda _, layer: layer, 1), **_PROMISE})
_FORMS = {"random_network": instance(RandomNetwork), "mask": instance(Mask), **_PROMISE}


@dataclass(frozen=True)
class Ticket:
    r"""A pruned random network :math:`g` that approximates a target network :math:`f`.

    .. math::
        g(x) = (S_{2\ell}\odot M_{2\ell})\,\sigma(\cdots\sigma((S_1\odot M_1)x)), \qquad
        S_t \in \{0,1\}^{m_t \times m_{t-1}}

    Layers :math:`2i-1` and :math:`2i` of the random network, with a ReLU between them, stand for
    layer :math:`i` of the target; layers without weights are where they are in the target.

    Parameters
    ----------
    random_network : RandomNetwork
        The network that was drawn, with :math:`2\ell` weighted layers.
    mask : Mask
        The parameters that are kept.
    target_digest : str
        Fingerprint of the target, see :class:`slth.networks.Target`.
    random_digest : str
        Fingerprint of the random weights, see :meth:`~slth.networks.RandomNetwork.digest`.
    input_shape : tuple of int
        Shape of an input, without the batch axis.
    nonnegative_inputs : bool
        Whether the ticket is meant for inputs :math:`x \ge 0` only.
    construction : {"malach", "pensia", "natale"}
        One product per weight, any number of products, or a fixed number.
    objective : {"best", "feasible", "fewest"}
        How the subsets were chosen.
    sizes : tuple of int or None
        Per target layer the number of terms of every subset; None where it was free.
    weight_tolerances : tuple of float
        Largest admissible error of a weight, per target layer.
    epsilon : float or None
        Promised bound on :math:`\sup_{\|x\|\le1}\|f(x)-g(x)\|`; None where none was promised.

    Raises
    ------
    ValueError
        If the parts do not fit together.

    Notes
    -----
    Theorems 3 and 4 of Natale et al. 2024.  :func:`slth.verify` says whether a ticket is a good
    one.

    Examples
    --------
    One weight, by a random network with one hidden unit:

    >>> net = RandomNetwork.dense(widths=(1, 1, 1), seed=3)
    >>> ticket = Ticket(
    ...     net, Mask([[[1]], [[1]]]), "…", net.digest(), (1,), True, "malach", "best", (1,), (0.1,)
    ... )
    >>> ticket.network()
    Sequential(
      (0): Linear(in_features=1, out_features=1, bias=False)
      (1): ReLU()
      (2): Linear(in_features=1, out_features=1, bias=False)
    )
    >>> ticket.target_layers, ticket.density, ticket.overparameterization
    ((Dense(inputs=1, outputs=1),), 1.0, 2.0)
    """

    random_network: RandomNetwork
    mask: Mask
    target_digest: str
    random_digest: str
    input_shape: Shape
    nonnegative_inputs: bool
    construction: Construction
    objective: Objective
    sizes: tuple[int | None, ...]
    weight_tolerances: tuple[float, ...]
    epsilon: float | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        for name, form in _FORMS.items():
            object.__setattr__(self, name, form(name, getattr(self, name)))
        layers.shapes(self.target_layers, self.input_shape)
        if self.mask.shapes != self.random_network.shapes:
            raise ValueError(
                f"the mask has shapes {self.mask.shapes}, "
                f"the random network {self.random_network.shapes}"
            )
        depth = self.random_network.depth // 2
        for name in ("sizes", "weight_tolerances"):
            if len(getattr(self, name)) != depth:
                raise ValueError(f"{len(getattr(self, name))} {name} for {depth} target layers")
        fits = {
            "malach": all(size == 1 for size in self.sizes),
            "pensia": all(size is None for size in self.sizes),
            "natale": all(size is not None for size in self.sizes),
        }
        if not fits[self.construction]:
            raise ValueError(f"the construction {self.construction!r} has no sizes {self.sizes}")

    @property
    def target_layers(self) -> tuple[Layer, ...]:
        """Layers of the target: each random pair stands for one."""
        return _target_layers(self.random_network.layers)

    @property
    def density(self) -> float:
        """Kept parameters per random parameter, all layers counted."""
        return self.mask.density

    @property
    def overparameterization(self) -> float:
        """Random parameters per parameter of the target."""
        target = sum(layer.size for layer in layers.weighted(self.target_layers))
        return self.random_network.n_parameters / target

    def network(self) -> nn.Sequential:
        """Return the pruned random network as an ordinary module, float32, without gradients.

        The weights are the random ones where the mask keeps them and 0 elsewhere.
        ``ticket.network().double()`` has the same weights.
        """
        modules: list[nn.Module] = []
        index = 0
        for layer in self.random_network.layers:
            if isinstance(layer, Weighted):
                weights = self.random_network.weights(index)
                weights *= self.mask.layer(index)
                modules.append(layer.module(torch.from_numpy(weights)))
                index += 1
            elif isinstance(layer, Unweighted):
                modules.append(layer.module())
        return nn.Sequential(*modules)

    def save(self, path: str | PathLike[str], *, overwrite: bool = True) -> None:
        """Store the ticket: what defines the random network, the mask bits and the fingerprints.

        The file is a safetensors file without a single random weight.  It appears atomically: an
        interrupted save leaves an earlier file as it was.

        Raises
        ------
        FileExistsError
            If ``overwrite`` is False and there is a file.
        """
        header = {
            "layers": [layers.to_json(layer) for layer in self.random_network.layers],
            "seed": self.random_network.seed,
            "law": self.random_network.law,
            "target_digest": self.target_digest,
            "random_digest": self.random_digest,
            "input_shape": self.input_shape,
            "nonnegative_inputs": self.nonnegative_inputs,
            "construction": self.construction,
            "objective": self.objective,
            "sizes": self.sizes,
            "weight_tolerances": self.weight_tolerances,
            "epsilon": self.epsilon,
        }
        ticket_file.write(Path(path), header, self.mask.packed(), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Ticket":
        """Read a stored ticket; nothing is ever unpickled.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        TicketFileError
            If the file is truncated, corrupted, no ticket, of another format, or if the seed does
            not regenerate the random network that was stored.
        """
        path = Path(path)
        header, packed = ticket_file.read(path)
        try:
            fields = _HEADER("ticket", header)
            described = fields.pop("layers")
            layers.check_spaces(described)
            network = RandomNetwork(
                tuple(
                    layers.from_json(layer, f"ticket.layers[{index}]")
                    for index, layer in enumerate(described)
                ),
                fields.pop("seed"),
                fields.pop("law"),
            )
            ticket = cls(network, Mask.from_packed(packed, network.shapes), **fields)
        except ValueError as error:
            raise TicketFileError(f"{path} does not describe a ticket: {error}") from error
        if network.digest() != ticket.random_digest:
            raise TicketFileError(
                f"{path}: seed {network.seed} regenerates another random network than the one "
                "stored (the versions of NumPy and SciPy differ, or the file was edited)"
            )
        return ticket


def _target_layers(random_layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Put one layer in the place of each random pair with its ReLU."""
    result: list[Layer] = []
    rest = iter(random_layers)
    for layer in rest:
        if isinstance(layer, Weighted):
            relu, second = next(rest, None), next(rest, None)
            if relu != Relu() or not isinstance(second, Weighted):
                raise ValueError("a ticket needs two random layers with a ReLU per target layer")
            original = replace(second, inputs=layer.inputs)
            if original.pair(layer.outputs) != (layer, second):
                raise ValueError(f"{layer} and {second} are no random pair for one target layer")
            layer = original
        result.append(layer)
    return tuple(result)
