"""A random network and what is kept of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import ClassVar, Self

from torch import nn

from slth.forms import Form, choice, instance, record, text
from slth.networks import Network, RandomNetwork
from slth.networks.random_network import FORMS as RANDOM_NETWORK
from slth.tickets import ticket_file
from slth.tickets.mask import Mask
from slth.tickets.ticket_file import TicketFileError

# What every file says; layers are descriptions still.
_DRAWN: Mapping[str, Form] = {
    "layers": lambda _, layers: layers,
    "seed": RANDOM_NETWORK["seed"],
    "law": RANDOM_NETWORK["law"],
    "random_digest": text(64),
}

# The kind of ticket that files do not name: it was the only one.
_UNNAMED = "Ticket"


@dataclass(frozen=True)
class Subnetwork:
    r"""A pruned random network, which nobody says anything about.

    .. math::
        S_t \odot M_t, \qquad S_t \in \{0,1\}^{m_t \times m_{t-1}}

    Parameters
    ----------
    random_network : RandomNetwork
        The network that was drawn.
    mask : Mask
        The parameters that are kept; a layer of which none is kept has outputs 0.

    Raises
    ------
    ValueError
        If the shapes of the two differ.

    Examples
    --------
    >>> net = RandomNetwork.dense(widths=(1, 2, 1), seed=3)
    >>> found = Subnetwork(net, Mask([[[1], [0]], [[0, 0]]]))
    >>> found.density, found.densities
    (0.25, (0.5, 0.0))
    """

    # What a kind of ticket says beside its network and mask, and how a person calls the kind.
    forms: ClassVar[Mapping[str, Form]] = {}
    noun: ClassVar[str] = "subnetwork, of which nothing is promised"
    compact: ClassVar[bool] = True

    random_network: RandomNetwork
    mask: Mask

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        instance(RandomNetwork)("random_network", self.random_network)
        instance(Mask)("mask", self.mask)
        if self.mask.shapes != self.random_network.shapes:
            raise ValueError(
                f"the mask has shapes {self.mask.shapes}, "
                f"the random network {self.random_network.shapes}"
            )
        for name, form in self.forms.items():
            object.__setattr__(self, name, form(name, getattr(self, name)))

    @property
    def density(self) -> float:
        """Kept parameters per random parameter, all layers counted."""
        return self.mask.density

    @property
    def densities(self) -> tuple[float, ...]:
        """The same for each layer with weights."""
        return self.mask.densities

    def network(self) -> nn.Sequential:
        """Return the pruned random network as an ordinary module, float32, without gradients.

        The weights are the random ones where the mask keeps them and 0 elsewhere.
        ``network().double()`` has the same weights.
        """
        weights = []
        for index in range(self.random_network.depth):
            weights.append(self.random_network.weights(index))
            weights[-1] *= self.mask.layer(index)
        return self.random_network.architecture.module(weights)

    def save(self, path: str | PathLike[str], *, overwrite: bool = True) -> None:
        """Store what defines the random network, the mask, and what the ticket says.

        The file is a safetensors file without a single random weight.  The masks of tickets for
        targets are one bit a parameter; others are compressed by zlib where that helps.  The file
        appears atomically: an interrupted save leaves an earlier one as it was.

        Raises
        ------
        FileExistsError
            If ``overwrite`` is False and there is a file.
        """
        kind = type(self).__name__
        header = {
            **({} if kind == _UNNAMED else {"kind": kind}),
            "layers": self.random_network.architecture.to_json(),
            "seed": self.random_network.seed,
            "law": self.random_network.law,
        }
        for name in self.forms:
            value = getattr(self, name)
            header[name] = value.to_json() if hasattr(value, "to_json") else value
        header.setdefault("random_digest", self.random_network.digest())
        packed = self.mask.packed()
        if self.compact:
            packed = tuple(map(ticket_file.deflated, packed))
        ticket_file.write(Path(path), header, packed, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Read what was stored; nothing is ever unpickled.

        ``Subnetwork.load`` reads every kind and returns what the file holds: a ``Subnetwork``, a
        ``Ticket`` or a ``LearnedTicket``; these read their own kind only.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        TicketFileError
            If the file is truncated, corrupted, no ticket, of another kind or format, or if the
            seed does not regenerate the random network that was stored.
        """
        path = Path(path)
        header, packed = ticket_file.read(path)
        known: list[type[Subnetwork]] = [Subnetwork, *Subnetwork.__subclasses__()]
        kinds = {kind.__name__: kind for kind in known}
        try:
            kind = kinds[choice(*kinds)("ticket.kind", header.pop("kind", _UNNAMED))]
            if not issubclass(kind, cls):
                raise TicketFileError(
                    f"{path} holds a {kind.noun}: {kind.__name__}.load reads it, and "
                    "Subnetwork.load whatever a file holds"
                )
            fields = record({**_DRAWN, **kind.forms})("ticket", header)
            network = RandomNetwork(
                Network.from_json(fields.pop("layers"), "ticket.layers"),
                fields.pop("seed"),
                fields.pop("law"),
            )
            mask = Mask.from_packed(ticket_file.inflated(packed, network.shapes), network.shapes)
            digest = fields["random_digest"]
            found = kind(network, mask, **{name: fields[name] for name in kind.forms})
        except TicketFileError:
            raise
        except ValueError as error:
            raise TicketFileError(f"{path} does not describe a ticket: {error}") from error
        if network.digest() != digest:
            raise TicketFileError(
                f"{path}: seed {network.seed} regenerates another random network than the one "
                "stored (the versions of NumPy and SciPy differ, or the file was edited)"
            )
        return found
