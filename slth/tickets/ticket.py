"""A strong lottery ticket: a random network and the mask that makes it compute the target."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any
from warnings import warn

from slth.forms import flag, instance, integer, listed, record, text
from slth.networks import Network, RandomNetwork
from slth.networks.layers import Layer, Shape
from slth.networks.random_network import FORMS as RANDOM_NETWORK
from slth.tickets import ticket_file
from slth.tickets.mask import Mask
from slth.tickets.promise import Promise, promise_from_json
from slth.tickets.subnetwork import Subnetwork
from slth.tickets.ticket_file import TicketFileError

# What a ticket says of its target beside its promise, and what that must look like.
_FORMS = {
    "target_digest": text(64),
    "random_digest": text(64),
    "input_shape": listed(integer(1), 1, 8),
    "nonnegative_inputs": flag,
}
# Of a file: here layers and promise are descriptions still.
_HEADER = record(
    {
        "layers": lambda _, layers: layers,
        "seed": RANDOM_NETWORK["seed"],
        "law": RANDOM_NETWORK["law"],
        **_FORMS,
        "promise": lambda _, promise: promise,
    }
)


# Fields that a ticket had when there was one kind of promise.
_MOVED = ("construction", "objective", "sizes", "weight_tolerances", "epsilon")


@dataclass(frozen=True)
class Ticket(Subnetwork):
    r"""A pruned random network $g$ that approximates a target network $f$.

    .. math::
        \sup_{\|x\|\le1}\|f(x)-g(x)\| \le \varepsilon

    Parameters
    ----------
    random_network : RandomNetwork
        The network that was drawn.
    mask : Mask
        The parameters that are kept.
    target_digest : str
        Fingerprint of the target, see :class:`slth.networks.Target`.
    random_digest : str
        Fingerprint of the random weights, see :meth:`slth.networks.RandomNetwork.digest`.
    input_shape : tuple of int
        Shape of an input, without the batch axis.
    nonnegative_inputs : bool
        Whether the ticket is meant for inputs $x \ge 0$ only.
    promise : Promise
        How the random network stands for the target, and how far off it may be; see
        :class:`slth.tickets.PairPromise`.

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

    >>> from slth.tickets import PairPromise
    >>> net = RandomNetwork.dense(widths=(1, 1, 1), seed=3)
    >>> promise = PairPromise("malach", "best", (1,), (0.1,))
    >>> ticket = Ticket(net, Mask([[[1]], [[1]]]), "…", net.digest(), (1,), True, promise)
    >>> ticket.network()
    Sequential(
      (0): Linear(in_features=1, out_features=1, bias=False)
      (1): ReLU()
      (2): Linear(in_features=1, out_features=1, bias=False)
    )
    >>> ticket.target_layers, ticket.density, ticket.overparameterization
    ((Dense(inputs=1, outputs=1),), 1.0, 2.0)
    """

    target_digest: str
    random_digest: str
    input_shape: Shape
    nonnegative_inputs: bool
    promise: Promise

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        super().__post_init__()
        for name, form in {**_FORMS, "promise": instance(Promise)}.items():
            object.__setattr__(self, name, form(name, getattr(self, name)))
        self.target_architecture.shapes(self.input_shape)

    def __getattr__(self, name: str) -> Any:
        """Find what has moved into the promise, with a warning."""
        if name not in _MOVED:
            raise AttributeError(f"a ticket has no {name!r}")
        warn(f"ticket.{name} is ticket.promise.{name} now", DeprecationWarning, stacklevel=2)
        return getattr(self.promise, name)

    @cached_property
    def target_architecture(self) -> Network:
        """Architecture of the target."""
        return self.promise.target_architecture(self.random_network)

    @property
    def target_layers(self) -> tuple[Layer, ...]:
        """Layers of the target."""
        return self.target_architecture.layers

    @property
    def overparameterization(self) -> float:
        """Random parameters per parameter of the target."""
        target = sum(layer.n_coefficients for layer in self.target_architecture.weighted)
        return self.random_network.n_parameters / target

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
            "layers": self.random_network.architecture.to_json(),
            "seed": self.random_network.seed,
            "law": self.random_network.law,
            "target_digest": self.target_digest,
            "random_digest": self.random_digest,
            "input_shape": self.input_shape,
            "nonnegative_inputs": self.nonnegative_inputs,
            "promise": self.promise.to_json(),
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
            network = RandomNetwork(
                Network.from_json(fields.pop("layers"), "ticket.layers"),
                fields.pop("seed"),
                fields.pop("law"),
            )
            promise = promise_from_json(fields.pop("promise"), "ticket.promise")
            mask = Mask.from_packed(packed, network.shapes)
            ticket = cls(network, mask, promise=promise, **fields)
        except ValueError as error:
            raise TicketFileError(f"{path} does not describe a ticket: {error}") from error
        if network.digest() != ticket.random_digest:
            raise TicketFileError(
                f"{path}: seed {network.seed} regenerates another random network than the one "
                "stored (the versions of NumPy and SciPy differ, or the file was edited)"
            )
        return ticket
