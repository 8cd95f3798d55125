"""Every weight of the target within its tolerance, by a pair of pruned random layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from slth.arrays import ROUNDOFF, Floats
from slth.forms import Form, choice, integer, listed, number, optional, text
from slth.networks import Network, RandomNetwork, Target
from slth.networks.layers import Join, Shape, Unweighted, Weighted
from slth.networks.pairs import unpaired
from slth.objectives import OBJECTIVES, Objective
from slth.tickets.adversary import Domain, largest_error
from slth.tickets.certificate import Certificate
from slth.tickets.promise import TargetPromise
from slth.tickets.pruned_pair import PrunedPair, VerificationError, relative_loss
from slth.tickets.rows import by_layer
from slth.tickets.ticket import Ticket

HALVES = ("positive", "negative")


@dataclass(frozen=True)
class PairPromise(TargetPromise):
    r"""Random layers $2i-1$ and $2i$, with a ReLU between them, stand for layer i.

    .. math::
        |W^\pm_{iojb} \mp W_{iojb}| \le \tau_i, \qquad \sup_{\|x\|\le1}\|f(x)-g(x)\|\le\varepsilon

    Parameters
    ----------
    construction : str
        Name of the construction that found the mask.
    objective : {"best", "feasible", "fewest"}
        How the subsets were chosen.
    sizes : tuple of int or None
        Per target layer the number of terms of every subset; None where it was free.
    weight_tolerances : tuple of float
        Largest admissible error of a weight, per target layer.
    epsilon : float or None
        Promised bound on the error of the network; None where none was promised.

    Notes
    -----
    Theorems 3 and 4 of Natale et al. 2024.

    Examples
    --------
    >>> PairPromise("malach", "best", (1,), (0.1,)).to_json()["kind"]
    'pairs'
    """

    forms: ClassVar[Mapping[str, Form]] = {
        "construction": text(40, r"[a-z][a-z0-9_]*"),
        "objective": choice(*OBJECTIVES),
        "sizes": listed(optional(integer(1)), 1),
        "weight_tolerances": listed(number(0.0), 1),
        "epsilon": optional(number(above=0.0)),
    }

    construction: str
    objective: Objective
    sizes: tuple[int | None, ...]
    weight_tolerances: tuple[float, ...]
    epsilon: float | None = None

    def target_architecture(self, random_network: RandomNetwork) -> Network:
        """Put one layer in the place of each random pair with its ReLU."""
        found = unpaired(random_network.architecture)
        for name in ("sizes", "weight_tolerances"):
            given = getattr(self, name)
            if len(given) != len(found.weighted):
                raise ValueError(f"{len(given)} {name} for {len(found.weighted)} target layers")
        return found

    def terms(self) -> dict[str, str]:
        """Say how subsets were chosen, and how far off weights and outputs may be."""
        sizes = ["any number" if size is None else f"exactly {size}" for size in self.sizes]
        tolerances = by_layer(f"{tolerance:.4g}" for tolerance in self.weight_tolerances)
        said = {
            "construction": f"{self.construction}, objective {self.objective}",
            "products per weight": by_layer(sizes),
            "promise for weights": f"errors at most {tolerances}",
        }
        if self.epsilon is not None:
            said["promise"] = f"error at most {self.epsilon:g} on the unit ball, exact arithmetic"
        return said

    def judge(
        self, ticket: Ticket, target: Target, data: Tensor | None, rng: np.random.Generator
    ) -> Certificate:
        r"""Judge by a path that shares nothing with the way in which the mask was found.

        With $W_i^\pm$ the effective coefficients of a pruned pair of layers, see
        :class:`slth.tickets.pruned_pair.PrunedPair`, the pair maps $x$ to
        $W_i^+x^+ + W_i^-x^-$, the target's layer to $W_ix^+ - W_ix^-$, so that with
        $E_i = [W_i^+-W_i,\; W_i^-+W_i]$

        .. math::
            \delta_i \le L_i\Big(\|W_i\|\,\delta_{i-1} + \|E_i\|\big(R_{i-1} +
            \delta_{i-1}\big)\Big) ,\qquad R_i = L_i\|W_i\|R_{i-1},\qquad \delta_0 = 0,\ R_0 = 1,
            \qquad \sup_{\|x\|\le1}\|f(x)-g(x)\| \le \delta_\ell ,

        where $L_i$ is the product of the Lipschitz constants of the layers without weights
        that follow.  The second block of $E_i$ is absent where the inputs cannot be negative.
        Where branches are added, so are their bounds.  Norms are upper bounds on operator norms in
        $\ell_2$; what float64 can have lost on the way is added.  With what float32 can lose
        in its place the same recursion is about ``ticket.network()`` as it runs: a sum of $m$
        products, in any order, is off by at most $\gamma_m=mu/(1-mu)$ times the sum of their
        absolute values, $u=2^{-24}$ (no under- or overflow, no Winograd or Fourier
        transforms, no TensorFloat-32).

        Random weights are regenerated in parts: no random layer is ever held whole.

        Raises
        ------
        VerificationError
            If the first random layer of a pair is not channel-blocked, a hidden unit is kept on one
            side only, a subset does not have the size that is stated, a weight is not within its
            tolerance, or the bound exceeds epsilon.

        Notes
        -----
        The error analysis in the proof of Theorem 3 of Natale et al. 2024, with the target's actual
        norms and the error coefficients' actual norms.  Higham 2002, chapter 3, for the rounding.
        """
        network = target.architecture
        signed = network.signed(nonnegative_inputs=ticket.nonnegative_inputs)
        pairs: list[PrunedPair] = []
        weight_errors: list[Floats] = []
        norms: list[float] = []
        empty = 0

        def weighted(layer: Weighted, index: int, reach: _Reach) -> _Reach:
            nonlocal empty
            weights = target.coefficients[index].astype(np.float64)
            pair = PrunedPair.of(ticket, index)
            _check_sizes(index, pair, self.sizes[index], signed[index])
            errors = [pair.slopes[0] - weights]
            if signed[index]:
                errors.append(pair.slopes[1] + weights)
            # Side by side, the halves act on x⁺ and x⁻, which together are as long as x.
            deviation = layer.norm_bound(np.concatenate(errors, axis=1))
            deviation += pair.rounding(layer, weights)
            empty += int(np.count_nonzero(pair.sizes[: 1 + signed[index]] == 0))
            norm = layer.norm_bound(weights)
            pairs.extend([pair] if data is not None else [])
            weight_errors.append(np.abs(errors))
            norms.append(norm)
            return _Reach(
                layer.output_shape(reach.shape),
                reach.length * norm,
                norm * reach.error + deviation * (reach.length + reach.error),
                norm * reach.float32
                + (deviation + pair.float32_loss(layer)) * (reach.length + reach.float32),
            )

        end = network.fold(
            _Reach(ticket.input_shape, 1.0, 0.0, 0.0),
            weighted=weighted,
            unweighted=_unweighted,
            join=_join,
        )
        _check_promises(self, weight_errors, end.error)
        observed = None
        if data is not None:
            observed = largest_error(
                network,
                [torch.from_numpy(array.astype(np.float64)) for array in target.coefficients],
                pairs,
                data,
                domain=Domain(ticket.nonnegative_inputs, network.homogeneous),
                rng=rng,
            )
        return Certificate(
            weight_errors=tuple(weight_errors),
            max_weight_error=max(float(errors.max()) for errors in weight_errors),
            norms=tuple(norms),
            bound=end.error,
            float32_bound=end.float32,
            observed_error=observed,
            kept=ticket.mask.kept,
            total=ticket.mask.total,
            empty_subsets=empty,
            n_target_parameters=target.n_parameters,
        )


@dataclass(frozen=True)
class _Reach:
    """Values at one place of the network: their shape, norm, and error in exact and in float32."""

    shape: Shape
    length: float
    error: float
    float32: float


def _unweighted(layer: Unweighted, reach: _Reach) -> _Reach:
    additions = layer.additions(reach.shape)
    exact, quick = 4.0 * additions * ROUNDOFF, relative_loss(additions)

    def moved(error: float, loss: float) -> float:
        rounded, _ = layer.spread(reach.shape, reach.length + error, 0.0)
        return layer.spread(reach.shape, reach.length, error)[1] + loss * rounded

    return _Reach(
        layer.output_shape(reach.shape),
        layer.spread(reach.shape, reach.length, 0.0)[0],
        moved(reach.error, exact),
        moved(reach.float32, exact + quick),
    )


def _join(layer: Join, parts: list[_Reach]) -> _Reach:
    additions = layer.additions(len(parts))
    exact, quick = 4.0 * additions * ROUNDOFF, relative_loss(additions)
    length = layer.spread([part.length for part in parts])
    error = layer.spread([part.error for part in parts])
    float32 = layer.spread([part.float32 for part in parts])
    return _Reach(
        layer.output_shape([part.shape for part in parts]),
        length,
        error + exact * (length + error),
        float32 + (exact + quick) * (length + float32),
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


def _check_promises(promise: PairPromise, weight_errors: Sequence[Floats], bound: float) -> None:
    """Check every weight against its tolerance, and the bound against epsilon."""
    pairs = zip(weight_errors, promise.weight_tolerances, strict=True)
    for index, (errors, tolerance) in enumerate(pairs):
        if errors.max() > tolerance:
            half, *place = np.argwhere(errors > tolerance)[0].tolist()
            raise VerificationError(
                f"target layer {index}: weight {tuple(place)}, {HALVES[half]} half, is off by "
                f"{errors[half, *place]:.6g}, where {tolerance:.6g} is allowed"
            )
    if promise.epsilon is not None and bound > promise.epsilon:
        raise VerificationError(
            f"the bound {bound:.6g} exceeds the promised epsilon={promise.epsilon:.6g}"
        )
