"""A learned ticket: a subnetwork, and what it was observed to do on data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from slth.forms import Form, instance, integer, listed, text
from slth.networks.layers import Shape
from slth.tickets.judges.observed import ObservedPromise, Recount
from slth.tickets.promise import promised
from slth.tickets.pruned_pair import VerificationError
from slth.tickets.subnetwork import Subnetwork


@dataclass(frozen=True)
class LearnedTicket(Subnetwork):
    r"""A pruned random network that classifies so many of certain inputs rightly.

    .. math::
        \#\{i : \arg\max_j f_j(x_i) = y_i\} = k

    :func:`observe` makes one, :func:`recount` judges one.  It knows no target, and promises nothing
    about inputs that were not tested.

    Parameters
    ----------
    random_network : RandomNetwork
        The network that was drawn.
    mask : Mask
        The parameters that are kept.
    random_digest : str
        Fingerprint of the random weights, see :meth:`slth.networks.RandomNetwork.digest`.
    input_shape : tuple of int
        Shape of an input, without the batch axis.
    promise : ObservedPromise
        What was counted.

    Raises
    ------
    ValueError
        If the parts do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from slth.networks import RandomNetwork
    >>> from slth.tickets import Mask
    >>> net = RandomNetwork.dense(widths=(2, 2), seed=9, law="signs")
    >>> net.weights(0).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    >>> ticket = observe(Subnetwork(net, Mask([[[1, 0], [0, 1]]])), np.eye(2), [0, 1])
    >>> ticket.promise.correct, ticket.promise.margin
    (2, 1.0)
    """

    forms: ClassVar[Mapping[str, Form]] = {
        "random_digest": text(64),
        "input_shape": listed(integer(1), 1, 8),
        "promise": promised(ObservedPromise),
    }
    noun: ClassVar[str] = "learned ticket, observed on data"

    random_digest: str
    input_shape: Shape
    promise: ObservedPromise

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        super().__post_init__()
        self.random_network.architecture.shapes(self.input_shape)


def observe(subnetwork: Subnetwork, x: Any, y: Any) -> LearnedTicket:
    r"""Count how many inputs a subnetwork classifies rightly, and make a ticket of it.

    .. math::
        \#\{i : f_{y_i}(x_i) > f_j(x_i) \text{ for all } j \ne y_i\}

    The network is evaluated in float64 from seed and mask, with a running bound on what rounding
    does; an input counts only if that cannot change its class.  Several largest outputs are wrong,
    all of them 0 among these.

    Parameters
    ----------
    subnetwork : Subnetwork
    x : array_like or torch.Tensor of floating-point numbers, shape (N, \*input_shape)
    y : array_like or torch.Tensor of int, shape (N,)
        Classes.

    Returns
    -------
    LearnedTicket

    Raises
    ------
    VerificationError
        If rounding leaves the class of an input open.
    ValueError
        If the data are malformed or do not fit the network.

    Notes
    -----
    Higham 2002, chapter 3, for the rounding.
    """
    instance(Subnetwork)("subnetwork", subnetwork)
    network = subnetwork.random_network
    promise = ObservedPromise.of(subnetwork, x, y)
    shape = tuple(np.shape(x))[1:]
    return LearnedTicket(network, subnetwork.mask, network.digest(), shape, promise)


def recount(ticket: LearnedTicket, x: Any, y: Any) -> Recount:
    """Count again, from seed and mask, what a learned ticket says of data.

    Parameters
    ----------
    ticket : LearnedTicket
    x, y : array_like or torch.Tensor
        As for :func:`observe`: the same data, of the same type and in the same order.

    Returns
    -------
    Recount

    Raises
    ------
    VerificationError
        If data, random network or mask are others, or another number of inputs is right.
    ValueError
        If the data are malformed or do not fit the network.
    """
    instance(LearnedTicket)("ticket", ticket)
    network, digest = ticket.random_network, ticket.random_network.digest()
    if digest != ticket.random_digest:
        raise VerificationError(
            f"the mask was found for the random network {ticket.random_digest[:12]}…, "
            f"seed {network.seed} gives {digest[:12]}…"
        )
    return ticket.promise.judge(ticket, x, y)
