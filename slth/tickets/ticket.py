"""A strong lottery ticket: a random network and the mask that makes it compute the target."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from warnings import warn

from slth.forms import Form, flag, integer, listed, text
from slth.networks import Network
from slth.networks.layers import Layer, Shape
from slth.tickets.promise import TargetPromise, promised
from slth.tickets.subnetwork import Subnetwork

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
    promise : TargetPromise
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

    >>> from slth.networks import RandomNetwork
    >>> from slth.tickets import Mask, PairPromise
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

    forms: ClassVar[Mapping[str, Form]] = {
        "target_digest": text(64),
        "random_digest": text(64),
        "input_shape": listed(integer(1), 1, 8),
        "nonnegative_inputs": flag,
        "promise": promised(TargetPromise),
    }
    noun: ClassVar[str] = "ticket for a target"
    compact: ClassVar[bool] = False

    target_digest: str
    random_digest: str
    input_shape: Shape
    nonnegative_inputs: bool
    promise: TargetPromise

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        super().__post_init__()
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
