"""The judge of a ticket: is it one for this target, and how good."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from slth.tickets.adversary import largest_error
from slth.tickets.pruned_pair import HALVES, Array, PrunedPair
from slth.tickets.target import linear_layers, target_digest
from slth.tickets.ticket import Ticket


class VerificationError(ValueError):
    """A ticket is not what it says it is; the message says why."""


@dataclass(frozen=True, eq=False)
class Certificate:
    r"""What :func:`verify` found, recomputed in float64 from seed and mask alone.

    Attributes
    ----------
    weight_errors : tuple of ndarray of float64
        Per target layer the absolute errors of the two slopes of every weight, shape
        ``(halves, out, in)``: on the positive half of the input and, where the input may be
        negative, on the negative half.
    max_weight_error : float
        The largest of them.
    spectral_norms : tuple of float
        :math:`\|W_i\|_2` of the target; Theorem 3 assumes that they are at most 1.
    bound : float
        Upper bound on :math:`\sup\|f(x)-g(x)\|` over the domain, rounding included.
    observed_error : float
        Largest :math:`\|f(x)-g(x)\|/\|x\|` seen, on the inputs given and on the worst ones found.
    kept, total : int
        Kept and all random parameters, counted from the mask.
    n_target_parameters : int
        Parameters of the target.
    """

    weight_errors: tuple[Array, ...] = field(repr=False)
    max_weight_error: float
    spectral_norms: tuple[float, ...]
    bound: float
    observed_error: float
    kept: int
    total: int
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
        return max(self.spectral_norms) <= 1.0


def verify(
    ticket: Ticket,
    target: nn.Module,
    *,
    inputs: ArrayLike | None = None,
    rng: np.random.Generator | int = 0,
) -> Certificate:
    r"""Judge a ticket by a path that shares nothing with the way in which it was found.

    With :math:`W_i^\pm = S_{2i}M_{2i}\,(S_{2i-1}M_{2i-1})^\pm` the pruned pair of layers maps
    :math:`x` to :math:`W_i^+x^+ + W_i^-x^-`, the target's layer to :math:`W_ix^+ - W_ix^-`, so
    that with :math:`E_i = [W_i^+-W_i,\; W_i^-+W_i]`

    .. math::
        \delta_i \le \|W_i\|\,\delta_{i-1} + \|E_i\|\Big(\prod_{j<i}\|W_j\| + \delta_{i-1}\Big)
        ,\qquad \delta_0 = 0, \qquad \sup_{\|x\|\le1}\|f(x)-g(x)\| \le \delta_\ell .

    The second block of :math:`E_i` is absent where the inputs cannot be negative.  Norms are
    spectral; what float64 can have lost on the way is added.

    Parameters
    ----------
    ticket : Ticket
        The ticket to judge.
    target : torch.nn.Module
        The network that it is meant for, see :func:`slth.tickets.linear_layers`.
    inputs : array_like, shape (N, d_0), optional
        Inputs on which to observe the error, each scaled to unit norm (the error is positively
        homogeneous, so this is where it is largest).
    rng : numpy.random.Generator or int
        Starting points of the adversarial ascent.

    Returns
    -------
    Certificate

    Raises
    ------
    VerificationError
        If the target or the random network is another one, the first random layer of a pair is
        not channel-blocked, a hidden unit is kept on one side only, a subset does not have the
        size that the ticket states, a weight is not within its tolerance, or the bound exceeds
        the promised epsilon.
    ValueError
        If the target or the inputs are malformed.

    Notes
    -----
    The error analysis in the proof of Theorem 3 of Natale et al. 2024, with the target's actual
    norms and the error matrices' actual norms.

    Examples
    --------
    >>> import torch
    >>> from slth.tickets import Mask, RandomNetwork, target_digest
    >>> net = RandomNetwork(widths=(1, 1, 1), seed=3, law="uniform")
    >>> product = float(net.weights(0)[0, 0]) * float(net.weights(1)[0, 0])
    >>> target = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False)).double()
    >>> with torch.no_grad():
    ...     _ = target[0].weight.fill_(0.25)
    >>> ticket = Ticket(
    ...     net, Mask([[[1]], [[1]]]), target_digest(target), net.digest(), True, "best", 1, (2.0,)
    ... )
    >>> certificate = verify(ticket, target)
    >>> certificate.max_weight_error == abs(product - 0.25)
    True
    >>> certificate.observed_error <= certificate.bound
    True
    """
    weights = [layer.astype(np.float64) for layer in linear_layers(target)]
    _check_identity(ticket, target)
    data = _unit_columns(inputs, weights[0].shape[1], ticket.nonnegative_inputs)

    pairs, goals, weight_errors, spectral_norms = [], [], [], []
    reach, delta = 1.0, 0.0
    for index, weight in enumerate(weights):
        signed = index == 0 and not ticket.nonnegative_inputs
        goal = np.stack([weight, -weight] if signed else [weight])
        pair = PrunedPair.of(ticket, index)
        _check_structure(index, pair, ticket.size, signed)
        pair = pair.compact()
        errors = pair.slopes(signed) - goal
        norm = _spectral_norm(weight)
        # Side by side, the halves act on the concatenation of x⁺ and x⁻, which is as long as x.
        deviation = _spectral_norm(np.hstack(list(errors))) + pair.rounding(weight)
        delta = norm * delta + deviation * (reach + delta)
        reach *= norm
        pairs.append(pair)
        goals.append(goal)
        weight_errors.append(np.abs(errors))
        spectral_norms.append(float(np.linalg.norm(weight, 2)))

    _check_promises(ticket, weight_errors, delta)
    observed = largest_error(
        pairs, goals, data, nonnegative=ticket.nonnegative_inputs, rng=np.random.default_rng(rng)
    )
    return Certificate(
        weight_errors=tuple(weight_errors),
        max_weight_error=max(float(errors.max()) for errors in weight_errors),
        spectral_norms=tuple(spectral_norms),
        bound=delta,
        observed_error=observed,
        kept=ticket.mask.kept,
        total=ticket.mask.total,
        n_target_parameters=sum(weight.size for weight in weights),
    )


def _check_identity(ticket: Ticket, target: nn.Module) -> None:
    digest = target_digest(target)
    if digest != ticket.target_digest:
        raise VerificationError(
            f"the ticket is for the target {ticket.target_digest[:12]}…, this is {digest[:12]}…"
        )
    widths = [layer.shape[0] for layer in linear_layers(target)]
    if list(ticket.target_widths[1:]) != widths:
        raise VerificationError(
            f"the ticket has target widths {ticket.target_widths[1:]}, the target {tuple(widths)}"
        )
    digest = ticket.random_network.digest()
    if digest != ticket.random_digest:
        raise VerificationError(
            f"the mask was found for the random network {ticket.random_digest[:12]}…, "
            f"seed {ticket.random_network.seed} gives {digest[:12]}…"
        )


def _check_structure(index: int, pair: PrunedPair, size: int | None, signed: bool) -> None:
    """Each used hidden unit reads one input; each subset has the size that the ticket states."""
    defect = pair.defect()
    if defect is not None:
        raise VerificationError(f"target layer {index}: {defect}")
    if size is None:
        return
    sizes = pair.subset_sizes(signed)
    if (sizes != size).any():
        half, row, column = np.argwhere(sizes != size)[0]
        raise VerificationError(
            f"target layer {index}: weight ({row}, {column}), {HALVES[half]} half, keeps "
            f"{sizes[half, row, column]} terms, the ticket says {size}"
        )


def _spectral_norm(matrix: Array) -> float:
    """Largest singular value, raised by far more than LAPACK can be wrong."""
    return float(np.linalg.norm(matrix, 2)) * (1.0 + 1e-10)


def _check_promises(ticket: Ticket, weight_errors: Sequence[Array], bound: float) -> None:
    pairs = zip(weight_errors, ticket.weight_tolerances, strict=True)
    for index, (errors, tolerance) in enumerate(pairs):
        if errors.max() > tolerance:
            half, row, column = np.unravel_index(int(errors.argmax()), errors.shape)
            raise VerificationError(
                f"target layer {index}: weight ({row}, {column}), {HALVES[half]}"
                f" half, is off by {errors.max():.3g}, its tolerance is {tolerance:.3g}"
            )
    if ticket.epsilon is not None and bound > ticket.epsilon:
        raise VerificationError(
            f"the bound {bound:.6g} exceeds the promised epsilon={ticket.epsilon:.6g}"
        )


def _unit_columns(inputs: ArrayLike | None, width: int, nonnegative: bool) -> Array:
    """Check the inputs and scale them to unit norm, one per column; zero inputs say nothing."""
    rows = np.empty((0, width)) if inputs is None else np.asarray(inputs, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(f"inputs must have shape (N, {width}), got {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError("inputs must be finite")
    if nonnegative and (rows < 0).any():
        raise ValueError("the ticket is for non-negative inputs, but an input has a negative entry")
    norms = np.linalg.norm(rows, axis=1)
    return np.asarray((rows[norms > 0] / norms[norms > 0, None]).T)
