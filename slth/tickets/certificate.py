"""The judge of a ticket: is it one for this target, and how good."""

from dataclasses import dataclass, field
from math import prod

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from slth.arrays import Floats
from slth.networks import Target, check_reading, read
from slth.networks.layers import Shape
from slth.tickets.adversary import Domain
from slth.tickets.pruned_pair import VerificationError
from slth.tickets.ticket import Ticket


@dataclass(frozen=True, eq=False)
class Certificate:
    r"""What :func:`verify` found, recomputed in float64 from seed and mask alone.

    Attributes
    ----------
    weight_errors : tuple of ndarray of float64
        Per target layer the absolute errors of the two slopes of every weight, shape
        ``(halves, out, in / groups, *basis)``: on the positive half of the input and, where the
        input may be negative, on the negative half.
    max_weight_error : float
        The largest of them.
    norms : tuple of float
        Upper bounds on the operator norms $\|W_i\|_2$ of the target's layers, up to
        $10^{-10}$ the spectral norm of a dense one; Theorem 3 assumes that they are at most
        1.
    bound : float
        Upper bound on $\sup\|f(x)-g(x)\|$ over the domain, for $g$ in exact arithmetic;
        it includes what float64 loses where networks are evaluated and where it is computed.  This
        is what a promised ``epsilon`` is about.
    float32_bound : float
        Upper bound on $\sup\|f(x)-\hat g(x)\|$ for the $\hat g$ that
        ``ticket.network()`` computes in float32: ``bound``, and what its additions can lose in the
        worst order.  Infinite where that is not bounded.
    observed_error : float or None
        Largest $\|f(x)-g(x)\|$ seen in the unit ball, on the inputs given and on the worst
        ones found; None where nobody looked.
    kept, total : int
        Kept and all random parameters, counted from the mask.
    empty_subsets : int
        Slopes for which no product is kept: they are exactly 0.
    n_target_parameters : int
        Parameters of the target.
    """

    weight_errors: tuple[Floats, ...] = field(repr=False)
    max_weight_error: float
    norms: tuple[float, ...]
    bound: float
    float32_bound: float
    observed_error: float | None
    kept: int
    total: int
    empty_subsets: int
    n_target_parameters: int

    @property
    def density(self) -> float:
        """Kept parameters per random parameter."""
        return self.kept / self.total

    @property
    def overparameterization(self) -> float:
        """Random parameters per parameter of the target."""
        return self.total / self.n_target_parameters

    @property
    def norms_at_most_one(self) -> bool:
        """Whether the hypothesis of Theorem 3 on the target holds.  No bound here relies on it."""
        return max(self.norms) <= 1.0 + 1e-9


def verify(
    ticket: Ticket,
    target: nn.Module,
    *,
    inputs: ArrayLike | None = None,
    observe: bool = True,
    rng: np.random.Generator | int = 0,
) -> Certificate:
    r"""Judge a ticket by a path that shares nothing with the way in which it was found.

    .. math::
        \sup_{\|x\|\le1}\|f(x)-g(x)\| \le \texttt{bound}

    First the target is run and compared with what is read off it, see
    :func:`slth.networks.check_reading`; then target and random network are held against the
    fingerprints that the ticket has of them; then what the ticket promises goes to the judge of
    such promises, see :class:`slth.tickets.PairPromise`, which recomputes everything in float64
    from seed and mask.

    Parameters
    ----------
    ticket : Ticket
        The ticket to judge.
    target : torch.nn.Module
        The network that it is meant for, see :func:`slth.networks.read`.
    inputs : array_like, shape (N, \*input_shape), optional
        Inputs on which to observe the error.  Where the networks are positively homogeneous each is
        scaled to unit norm, where the error is largest; otherwise to norm 1 at most.
    observe : bool
        Whether to look for large errors, on the inputs and by ascent.  The bound does not depend on
        it; for networks of millions of weights it takes long.
    rng : numpy.random.Generator or int
        Starting points of the adversarial ascent.

    Returns
    -------
    Certificate

    Raises
    ------
    VerificationError
        If the target or the random network is another one, or the promise is broken.
    ValueError
        If the target or the inputs are malformed, or if the target does not compute what was read
        off it.

    Notes
    -----
    The error analysis in the proof of Theorem 3 of Natale et al. 2024.

    Examples
    --------
    >>> from slth.networks import RandomNetwork, read
    >>> from slth.tickets import Mask, PairPromise
    >>> net = RandomNetwork.dense(widths=(1, 1, 1), seed=3)
    >>> product = float(net.weights(0)[0, 0]) * float(net.weights(1)[0, 0])
    >>> target = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False)).double()
    >>> with torch.no_grad():
    ...     _ = target[0].weight.fill_(0.25)
    >>> digests, mask = (read(target).digest, net.digest()), Mask([[[1]], [[1]]])
    >>> promise = PairPromise("natale", "best", (1,), (2.0,))
    >>> certificate = verify(Ticket(net, mask, *digests, (1,), True, promise), target)
    >>> certificate.max_weight_error == abs(product - 0.25)
    True
    >>> certificate.observed_error <= certificate.bound
    True
    """
    known = read(target, ticket.input_shape)
    _check_identity(ticket, known)
    check_reading(target, known, ticket.input_shape)
    if inputs is not None and not observe:
        raise ValueError("inputs are for observing errors: give observe=True")
    domain = Domain(ticket.nonnegative_inputs, known.architecture.homogeneous)
    data = _within(domain, inputs, ticket.input_shape)
    return ticket.promise.judge(
        ticket, known, data if observe else None, np.random.default_rng(rng)
    )


def _check_identity(ticket: Ticket, target: Target) -> None:
    if target.digest != ticket.target_digest:
        raise VerificationError(
            f"the ticket is for the target {ticket.target_digest[:12]}…, "
            f"this is {target.digest[:12]}…"
        )
    if ticket.target_architecture != target.architecture:
        raise VerificationError(
            f"the ticket is for layers {ticket.target_layers}, the target has {target.layers}"
        )
    digest = ticket.random_network.digest()
    if digest != ticket.random_digest:
        raise VerificationError(
            f"the mask was found for the random network {ticket.random_digest[:12]}…, "
            f"seed {ticket.random_network.seed} gives {digest[:12]}…"
        )


def _within(domain: Domain, inputs: ArrayLike | None, shape: Shape) -> Tensor:
    """Check the inputs and scale them into the domain; zero inputs say nothing."""
    given = np.empty((0, *shape)) if inputs is None else np.asarray(inputs)
    if np.iscomplexobj(given):
        raise ValueError("inputs must be real numbers, got complex ones")
    batch = given.astype(np.float64)
    if batch.shape[1:] != shape:
        raise ValueError(f"inputs must have shape (N, {str(shape)[1:]}, got {batch.shape}")
    if not np.isfinite(batch).all():
        raise ValueError("inputs must be finite")
    if domain.nonnegative and (batch < 0).any():
        raise ValueError("the ticket is for non-negative inputs, but an input has a negative entry")
    flat = batch.reshape(len(batch), prod(shape))
    norms = np.linalg.norm(flat, axis=1)
    lengths = norms if domain.sphere else np.maximum(norms, 1.0)
    scaled = flat[norms > 0] / lengths[norms > 0, None]
    return torch.from_numpy(scaled.reshape(-1, *shape))
