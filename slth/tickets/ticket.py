"""A strong lottery ticket: a random network and the mask that makes it compute the target."""

from dataclasses import dataclass
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import nn

from slth.tickets import ticket_file
from slth.tickets.mask import Mask
from slth.tickets.random_network import RandomNetwork
from slth.tickets.ticket_file import TicketFileError

Objective = Literal["best", "feasible", "fewest"]


@dataclass(frozen=True)
class Ticket:
    r"""A pruned random network :math:`g` that approximates a target network :math:`f`.

    .. math::
        g(x) = (S_{2\ell}\odot M_{2\ell})\,\sigma(\cdots\sigma((S_1\odot M_1)x)), \qquad
        S_t \in \{0,1\}^{m_t \times m_{t-1}}

    Layers :math:`2i-1` and :math:`2i` of the random network stand for layer :math:`i` of the
    target, so that every second width of the random network is a width of the target.

    Parameters
    ----------
    random_network : RandomNetwork
        The network that was drawn, of depth :math:`2\ell`.
    mask : Mask
        The parameters that are kept.
    target_digest : str
        Fingerprint of the target, see :func:`slth.tickets.target_digest`.
    random_digest : str
        Fingerprint of the random weights, see :meth:`RandomNetwork.digest`.
    nonnegative_inputs : bool
        Whether the ticket is meant for inputs :math:`x \ge 0` only.
    objective : {"best", "feasible", "fewest"}
        How the subsets were chosen.
    size : int or None
        Number of terms of every subset; None where it was free.
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
    Theorem 3 of Natale et al. 2024.  :func:`slth.verify` says whether a ticket is a good one.

    Examples
    --------
    One weight, by a random network with one hidden unit:

    >>> net = RandomNetwork(widths=(1, 1, 1), seed=3, law="uniform")
    >>> ticket = Ticket(net, Mask([[[1]], [[1]]]), "…", net.digest(), True, "best", 1, (0.1,))
    >>> ticket.network()
    Sequential(
      (0): Linear(in_features=1, out_features=1, bias=False)
      (1): ReLU()
      (2): Linear(in_features=1, out_features=1, bias=False)
    )
    >>> ticket.density, ticket.overparameterization
    (1.0, 2.0)
    """

    random_network: RandomNetwork
    mask: Mask
    target_digest: str
    random_digest: str
    nonnegative_inputs: bool
    objective: Objective
    size: int | None
    weight_tolerances: tuple[float, ...]
    epsilon: float | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not fit together."""
        depth = self.random_network.depth
        if depth % 2:
            raise ValueError(f"a ticket needs two random layers per target layer, got {depth}")
        if self.mask.shapes != self.random_network.shapes:
            raise ValueError(
                f"the mask has shapes {self.mask.shapes}, "
                f"the random network {self.random_network.shapes}"
            )
        if self.objective not in get_args(Objective):
            raise ValueError(f"objective must be one of {get_args(Objective)}: {self.objective!r}")
        if self.size is not None and self.size < 1:
            raise ValueError(f"size must be at least 1, got {self.size}")
        if len(self.weight_tolerances) != depth // 2:
            raise ValueError(
                f"{len(self.weight_tolerances)} weight tolerances for {depth // 2} target layers"
            )
        if not all(isfinite(tau) and tau >= 0 for tau in self.weight_tolerances):
            raise ValueError(f"weight tolerances must be >= 0, got {self.weight_tolerances}")
        if self.epsilon is not None and not (isfinite(self.epsilon) and self.epsilon > 0):
            raise ValueError(f"epsilon must be positive and finite, got {self.epsilon}")

    @property
    def target_widths(self) -> tuple[int, ...]:
        """Layer widths of the target."""
        return self.random_network.widths[::2]

    @property
    def density(self) -> float:
        """Kept parameters per random parameter, all layers counted."""
        return self.mask.density

    @property
    def overparameterization(self) -> float:
        """Random parameters per parameter of the target."""
        widths = self.target_widths
        target = sum(rows * columns for rows, columns in zip(widths[1:], widths[:-1], strict=True))
        return self.random_network.n_parameters / target

    def network(self) -> nn.Sequential:
        """Return the pruned random network as an ordinary module, float32, without gradients.

        ``Linear(bias=False)`` and ``ReLU`` alternate; the weights are the random ones where the
        mask keeps them and 0 elsewhere.  ``ticket.network().double()`` has the same weights.
        """
        modules: list[nn.Module] = []
        for layer, keep in enumerate(self.mask.layers):
            rows, columns = keep.shape
            linear = nn.Linear(columns, rows, bias=False, device="meta")  # draws no initial weights
            weights = self.random_network.weights(layer) * keep
            linear.weight = nn.Parameter(torch.from_numpy(weights), requires_grad=False)
            modules += [linear, nn.ReLU()]
        return nn.Sequential(*modules[:-1])

    def save(self, path: str | PathLike[str]) -> None:
        """Store the ticket: what defines the random network, the mask bits and the fingerprints.

        The file is a safetensors file without a single random weight.  It appears atomically: an
        interrupted save leaves an earlier file as it was.
        """
        header = {
            "widths": self.random_network.widths,
            "seed": self.random_network.seed,
            "law": self.random_network.law,
            "target_digest": self.target_digest,
            "random_digest": self.random_digest,
            "nonnegative_inputs": self.nonnegative_inputs,
            "objective": self.objective,
            "size": self.size,
            "weight_tolerances": self.weight_tolerances,
            "epsilon": self.epsilon,
        }
        ticket_file.write(Path(path), header, self.mask.packed())

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Ticket":
        """Read a stored ticket; nothing is ever unpickled.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        TicketFileError
            If the file is truncated, corrupted, no ticket, of a newer format, or if the seed does
            not regenerate the random network that was stored.
        """
        header, packed = ticket_file.read(Path(path))
        try:
            network = RandomNetwork(tuple(header["widths"]), header["seed"], header["law"])
            ticket = cls(
                random_network=network,
                mask=Mask.unpack(packed, network.shapes),
                target_digest=header["target_digest"],
                random_digest=header["random_digest"],
                nonnegative_inputs=header["nonnegative_inputs"],
                objective=header["objective"],
                size=header["size"],
                weight_tolerances=tuple(header["weight_tolerances"]),
                epsilon=header["epsilon"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TicketFileError(f"{path} does not describe a ticket: {error}") from error
        if network.digest() != ticket.random_digest:
            raise TicketFileError(
                f"{path}: seed {network.seed} regenerates another random network than the one "
                "stored (the versions of NumPy and SciPy differ, or the file was edited)"
            )
        return ticket
