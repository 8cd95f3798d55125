"""The judge of a ticket: is it one for this target, and how good."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from slth.arrays import ROUNDOFF
from slth.networks import layers
from slth.networks.capture import read
from slth.networks.layers import Shape, Unweighted, Weighted
from slth.networks.reading import check_reading
from slth.networks.target import Target
from slth.tickets.adversary import largest_error
from slth.tickets.pruned_pair import Array, PrunedPair, VerificationError, relative_loss
from slth.tickets.ticket import Ticket

HALVES = ("positive", "negative")


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
        Upper bounds on the operator norms :math:`\|W_i\|_2` of the target's layers, up to
        :math:`10^{-10}` the spectral norm of a dense one; Theorem 3 assumes that they are at most
        1.
    bound : float
        Upper bound on :math:`\sup\|f(x)-g(x)\|` over the domain, for :math:`g` in exact arithmetic;
        it includes what float64 loses where networks are evaluated and where it is computed.  This
        is what a promised ``epsilon`` is about.
    float32_bound : float
        Upper bound on :math:`\sup\|f(x)-\hat g(x)\|` for the :math:`\hat g` that
        ``ticket.network()`` computes in float32: ``bound``, and what its additions can lose in the
        worst order.  Infinite where that is not bounded.
    observed_error : float or None
        Largest :math:`\|f(x)-g(x)\|/\|x\|` seen, on the inputs given and on the worst ones found;
        None where nobody looked.
    kept, total : int
        Kept and all random parameters, counted from the mask.
    empty_subsets : int
        Slopes for which no product is kept: they are exactly 0.
    n_target_parameters : int
        Parameters of the target.
    """

    weight_errors: tuple[Array, ...] = field(repr=False)
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

    With :math:`W_i^\pm` the effective coefficients of a pruned pair of layers, see
    :class:`slth.tickets.pruned_pair.PrunedPair`, the pair maps :math:`x` to
    :math:`W_i^+x^+ + W_i^-x^-`, the target's layer to :math:`W_ix^+ - W_ix^-`, so that with
    :math:`E_i = [W_i^+-W_i,\; W_i^-+W_i]`

    .. math::
        \delta_i \le L_i\Big(\|W_i\|\,\delta_{i-1} + \|E_i\|\big(R_{i-1} + \delta_{i-1}\big)\Big)
        ,\qquad R_i = L_i\|W_i\|R_{i-1},\qquad \delta_0 = 0,\ R_0 = 1,
        \qquad \sup_{\|x\|\le1}\|f(x)-g(x)\| \le \delta_\ell ,

    where :math:`L_i` is the product of the Lipschitz constants of the layers without weights that
    follow.  The second block of :math:`E_i` is absent where the inputs cannot be negative.  Norms
    are upper bounds on operator norms in :math:`\ell_2`; what float64 can have lost on the way is
    added.  With what float32 can lose in its place the same recursion is about ``ticket.network()``
    as it runs: a sum of :math:`m` products, in any order, is off by at most
    :math:`\gamma_m=mu/(1-mu)` times the sum of their absolute values, :math:`u=2^{-24}` (no under-
    or overflow, no Winograd or Fourier transforms, no TensorFloat-32).

    Random weights are regenerated in parts: no random layer is ever held whole.  Before anything
    else the target is run and compared with what is read off it, see
    :func:`slth.networks.check_reading`.

    Parameters
    ----------
    ticket : Ticket
        The ticket to judge.
    target : torch.nn.Module
        The network that it is meant for, see :func:`slth.networks.read`.
    inputs : array_like, shape (N, \*input_shape), optional
        Inputs on which to observe the error, each scaled to unit norm (the error is positively
        homogeneous, so this is where it is largest).
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
        If the target or the random network is another one, the first random layer of a pair is
        not channel-blocked, a hidden unit is kept on one side only, a subset does not have the
        size that the ticket states, a weight is not within its tolerance, or the bound exceeds
        the promised epsilon.
    ValueError
        If the target or the inputs are malformed, or if the target does not compute what was read
        off it.

    Notes
    -----
    The error analysis in the proof of Theorem 3 of Natale et al. 2024, with the target's actual
    norms and the error coefficients' actual norms.  Higham 2002, chapter 3, for the rounding.

    Examples
    --------
    >>> from slth.networks import RandomNetwork, read
    >>> from slth.tickets import Mask
    >>> net = RandomNetwork.dense(widths=(1, 1, 1), seed=3)
    >>> product = float(net.weights(0)[0, 0]) * float(net.weights(1)[0, 0])
    >>> target = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False)).double()
    >>> with torch.no_grad():
    ...     _ = target[0].weight.fill_(0.25)
    >>> digests, mask = (read(target).digest, net.digest()), Mask([[[1]], [[1]]])
    >>> ticket = Ticket(net, mask, *digests, (1,), True, "natale", "best", (1,), (2.0,))
    >>> certificate = verify(ticket, target)
    >>> certificate.max_weight_error == abs(product - 0.25)
    True
    >>> certificate.observed_error <= certificate.bound
    True
    """
    known = read(target)
    _check_identity(ticket, known)
    check_reading(target, known, ticket.input_shape)
    if inputs is not None and not observe:
        raise ValueError("inputs are for observing errors: give observe=True")
    data = _unit_vectors(inputs, ticket.input_shape, ticket.nonnegative_inputs)
    shapes = layers.shapes(known.layers, ticket.input_shape)
    signed = layers.signed(known.layers, nonnegative_inputs=ticket.nonnegative_inputs)

    pairs: list[PrunedPair] = []
    weight_errors: list[Array] = []
    norms: list[float] = []
    reach, delta, float32_delta, empty = 1.0, 0.0, 0.0, 0
    for layer, shape in zip(known.layers, shapes, strict=False):
        if isinstance(layer, Weighted):
            index = len(norms)
            weights = known.coefficients[index].astype(np.float64)
            pair = PrunedPair.of(ticket, index)
            _check_sizes(index, pair, ticket.sizes[index], signed[index])
            errors = [pair.slopes[0] - weights]
            if signed[index]:
                errors.append(pair.slopes[1] + weights)
            # Side by side, the halves act on x⁺ and x⁻, which together are as long as x.
            deviation = layer.norm_bound(np.concatenate(errors, axis=1))
            deviation += pair.rounding(layer, weights)
            float32_loss = pair.float32_loss(layer)
            empty += int(np.count_nonzero(pair.sizes[: 1 + signed[index]] == 0))
            norm = layer.norm_bound(weights)
            pairs += [pair] if observe else []
            weight_errors.append(np.abs(errors))
            norms.append(norm)
        else:
            assert isinstance(layer, Unweighted)
            norm = layer.lipschitz(shape)
            deviation = 4.0 * layer.additions(shape) * ROUNDOFF * norm
            float32_loss = relative_loss(layer.additions(shape)) * norm
        delta = norm * delta + deviation * (reach + delta)
        float32_delta = norm * float32_delta + (deviation + float32_loss) * (reach + float32_delta)
        reach *= norm

    _check_promises(ticket, weight_errors, delta)
    observed = None
    if observe:
        observed = largest_error(
            known.layers,
            [torch.from_numpy(array.astype(np.float64)) for array in known.coefficients],
            pairs,
            data,
            nonnegative=ticket.nonnegative_inputs,
            rng=np.random.default_rng(rng),
        )
    return Certificate(
        weight_errors=tuple(weight_errors),
        max_weight_error=max(float(errors.max()) for errors in weight_errors),
        norms=tuple(norms),
        bound=delta,
        float32_bound=float32_delta,
        observed_error=observed,
        kept=ticket.mask.kept,
        total=ticket.mask.total,
        empty_subsets=empty,
        n_target_parameters=known.n_parameters,
    )


def _check_identity(ticket: Ticket, target: Target) -> None:
    if target.digest != ticket.target_digest:
        raise VerificationError(
            f"the ticket is for the target {ticket.target_digest[:12]}…, "
            f"this is {target.digest[:12]}…"
        )
    if ticket.target_layers != target.layers:
        raise VerificationError(
            f"the ticket is for layers {ticket.target_layers}, the target has {target.layers}"
        )
    digest = ticket.random_network.digest()
    if digest != ticket.random_digest:
        raise VerificationError(
            f"the mask was found for the random network {ticket.random_digest[:12]}…, "
            f"seed {ticket.random_network.seed} gives {digest[:12]}…"
        )


def _check_sizes(index: int, pair: PrunedPair, size: int | None, signed: bool) -> None:
    """Check that each subset has the size that the ticket states."""
    sizes = pair.sizes[: 1 + signed]
    if size is not None and (sizes != size).any():
        half, *place = np.argwhere(sizes != size)[0].tolist()
        raise VerificationError(
            f"target layer {index}: weight {tuple(place)}, {HALVES[half]} half, keeps "
            f"{sizes[half, *place]} terms, the ticket says {size}"
        )


def _check_promises(ticket: Ticket, weight_errors: Sequence[Array], bound: float) -> None:
    """Check every weight against its tolerance, and the bound against epsilon."""
    pairs = zip(weight_errors, ticket.weight_tolerances, strict=True)
    for index, (errors, tolerance) in enumerate(pairs):
        if errors.max() > tolerance:
            half, *place = np.argwhere(errors > tolerance)[0].tolist()
            raise VerificationError(
                f"target layer {index}: weight {tuple(place)}, {HALVES[half]} half, is off by "
                f"{errors[half, *place]:.6g}, where {tolerance:.6g} is allowed"
            )
    if ticket.epsilon is not None and bound > ticket.epsilon:
        raise VerificationError(
            f"the bound {bound:.6g} exceeds the promised epsilon={ticket.epsilon:.6g}"
        )


def _unit_vectors(inputs: ArrayLike | None, shape: Shape, nonnegative: bool) -> Tensor:
    """Check the inputs and scale them to unit norm; zero inputs say nothing."""
    given = np.empty((0, *shape)) if inputs is None else np.asarray(inputs)
    if np.iscomplexobj(given):
        raise ValueError("inputs must be real numbers, got complex ones")
    batch = given.astype(np.float64)
    if batch.shape[1:] != shape:
        raise ValueError(f"inputs must have shape (N, {str(shape)[1:]}, got {batch.shape}")
    if not np.isfinite(batch).all():
        raise ValueError("inputs must be finite")
    if nonnegative and (batch < 0).any():
        raise ValueError("the ticket is for non-negative inputs, but an input has a negative entry")
    flat = batch.reshape(len(batch), prod(shape))
    norms = np.linalg.norm(flat, axis=1)
    scaled = flat[norms > 0] / norms[norms > 0, None]
    return torch.from_numpy(scaled.reshape(-1, *shape))
