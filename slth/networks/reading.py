"""Whether a module computes what was read off it: both are run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, prod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slth.networks.as_evaluated import as_evaluated
from slth.networks.capture import parts, runs_program
from slth.networks.layers import Join, Layer, Shape, Unweighted, Weighted
from slth.networks.running_error import Roundoff, join_error, unweighted_error, weighted_error
from slth.networks.target import Target

Biases = Sequence[NDArray[np.float32] | None]

# Kinds of inputs, and how large they are; every kind comes in every size.
_SIGNS = 4
_SCALES = (2.0**-8, 2.0**-4, 0.25, 0.5, 1.0, 2.0, 16.0, 256.0)

# Values of one layer that are held at a time.
_HELD = 1 << 21


def check_reading(
    target: nn.Module, known: Target, input_shape: Shape, biases: Biases | None = None
) -> None:
    r"""Compare a module, and every module in it, with what was read off it.

    .. math::
        |\hat f(x) - f(x)| \le e_\ell(x), \qquad
        e_i = |W_i|\big(e_{i-1} + \gamma_i(|x_{i-1}| + e_{i-1})\big)

    On 32 random inputs, positive, negative, of both signs and sparse, each in eight sizes from
    1/256 to 256, the layers are evaluated in float64 from what was read, and the module runs in its
    own floating-point type, evaluated as it stands.  Each entry may differ by what rounding
    explains: $e_i$ is a running error bound with $\gamma_i = 2m_iu$, the sum of
    $m_i$ products in any order being off by no more.  Every module is compared alone,
    on inputs of its own, so that none hides behind units that are dead, and a difference has a
    name; containers and the whole network likewise.  Of half-precision types additions are expected
    to be in float32; on other devices than the CPU, and where torch may multiply float32 matrices
    with less precision, $u=2^{-8}$.  The module is left as it was.

    Parameters
    ----------
    target : torch.nn.Module
        Where it was read off its program, the whole of it is compared at once.
    known : Target
        What was read off it.
    input_shape : tuple of int
        Shape of an input, without the batch axis.
    biases : sequence of (ndarray of float32 or None), optional
        Of the weighted layers; none by default.

    Raises
    ------
    ValueError
        If some module does not run, or computes something else; it is named.

    Notes
    -----
    Higham 2002, chapter 3, for the rounding of sums.

    Examples
    --------
    >>> from slth.networks import read
    >>> net = nn.Sequential(nn.Linear(3, 4, bias=False))
    >>> known = read(net)
    >>> check_reading(net, known, (3,))
    >>> net[0].weight.data[0, 0] += 1.0
    >>> check_reading(net, known, (3,))
    Traceback (most recent call last):
        ...
    ValueError: module 0 of the target (Linear) does not compute what its type and weights say:
    on a random input it is off by ..., where rounding explains ...
    """
    shapes = known.architecture.shapes(input_shape)
    steps = list(_steps(known, biases))
    default = next(target.parameters(), torch.empty(0))
    rng = np.random.default_rng(0)
    with as_evaluated(target):
        torch.rand(1)  # what is random shall not repeat what it was when it was read
        if runs_program(target):
            inputs = _inputs(input_shape, rng).to(default.detach())
            try:
                for x in torch.split(inputs, max(1, _HELD // max(map(prod, shapes)))):
                    _compare(
                        target, x, *_graph(known, [step for step in steps if step.weighted], x)
                    )
            except ValueError as error:
                raise ValueError(f"the target ({type(target).__name__}) {error}") from None
            return
        for part in parts(target):
            like = next(part.module.parameters(), default)
            inside = shapes[part.layers.start : part.layers.stop + 1]
            inputs = _inputs(inside[0], rng).to(like.detach())
            with part.named():
                for x in torch.split(inputs, max(1, _HELD // max(map(prod, inside)))):
                    _compare(part.module, x, *_chain(steps[part.layers], x))


@dataclass(frozen=True)
class _Step:
    """A layer with its weights and biases, if it has some."""

    layer: Layer
    weights: Tensor
    bias: Tensor

    @property
    def weighted(self) -> bool:
        """Whether it has weights."""
        return isinstance(self.layer, Weighted)

    def value(self, x: Tensor) -> Tensor:
        """Evaluate the layer."""
        if isinstance(self.layer, Weighted):
            return self.layer.apply(self.weights, x) + self.bias
        assert isinstance(self.layer, Unweighted)
        return self.layer.apply(x)

    def error(self, x: Tensor, error: Tensor, unit: Roundoff) -> Tensor:
        """Bound the error of an output, given the inputs and their errors."""
        if isinstance(self.layer, Weighted):
            moved = weighted_error(self.layer, self.weights, self.bias, x, error, unit)
            return moved + unit.smallest
        assert isinstance(self.layer, Unweighted)
        return unweighted_error(self.layer, x, error, unit) + unit.smallest


def _steps(known: Target, biases: Biases | None) -> Iterator[_Step]:
    """Take layers, weights and biases together, in float64."""
    coefficients = iter(known.coefficients)
    offsets = iter([None] * len(known.coefficients) if biases is None else biases)
    for layer in known.layers:
        weights = bias = torch.zeros(())
        if isinstance(layer, Weighted):
            weights = torch.from_numpy(next(coefficients).astype(np.float64))
            offset = next(offsets)
            if offset is not None:
                column = offset.astype(np.float64).reshape(-1, *[1] * len(layer.basis))
                bias = torch.from_numpy(column)
        yield _Step(layer, weights, bias)


def _inputs(shape: Shape, rng: np.random.Generator) -> Tensor:
    """Draw inputs: normal numbers, their absolute values, those negated, and a few of them."""
    normal = rng.standard_normal((_SIGNS, len(_SCALES), *shape))
    normal[1], normal[2] = np.abs(normal[1]), -np.abs(normal[2])
    normal[3] *= rng.random(normal[3].shape) < 0.25
    scales = np.reshape(_SCALES, (-1, *[1] * len(shape)))
    return torch.from_numpy((normal * scales).reshape(-1, *shape))


class _State(NamedTuple):
    """Values, and bounds on what rounding can change them by."""

    x: Tensor
    error: Tensor

    @classmethod
    def start(cls, x: Tensor) -> "_State":
        """Take inputs as exact."""
        return cls(x.cpu().double(), torch.zeros(x.shape, dtype=torch.float64))

    def within(self, unit: Roundoff) -> "_State":
        """Say nothing about what may overflow."""
        beyond = ~(self.x.abs() + self.error < unit.largest)
        return _State(self.x, self.error.masked_fill(beyond, inf))


def _chain(steps: Sequence[_Step], x: Tensor) -> _State:
    """Evaluate layers one after the other."""
    unit, state = Roundoff.of(x), _State.start(x)
    for step in steps:
        state = _State(step.value(state.x), step.error(*state, unit)).within(unit)
    return state


def _graph(known: Target, weighted: Sequence[_Step], x: Tensor) -> _State:
    """Evaluate a network, given its layers with weights."""
    unit = Roundoff.of(x)

    def one(step: _Step, state: _State) -> _State:
        return _State(step.value(state.x), step.error(*state, unit)).within(unit)

    def join(layer: Join, states: list[_State]) -> _State:
        xs, errors = [state.x for state in states], [state.error for state in states]
        error = join_error(layer, xs, errors, unit) + unit.smallest
        return _State(layer.apply(xs), error).within(unit)

    none = torch.zeros(())
    return known.architecture.fold(
        _State.start(x),
        weighted=lambda layer, index, state: one(weighted[index], state),
        unweighted=lambda layer, state: one(_Step(layer, none, none), state),
        join=join,
    )


def _compare(module: nn.Module, x: Tensor, ours: Tensor, error: Tensor) -> None:
    """Run a module, and compare; the error ends the sentence "module i (kind) …"."""
    try:
        theirs = module(x.clone())
    except Exception as failure:  # a module may raise anything
        reason = (str(failure) or type(failure).__name__).splitlines()[0]
        raise ValueError(f"does not run on inputs of shape {tuple(x.shape)}: {reason}") from None
    if type(theirs) is not Tensor or theirs.shape != ours.shape or theirs.is_complex():
        told = tuple(theirs.shape) if isinstance(theirs, Tensor) else type(theirs).__name__
        raise ValueError(f"returns {told}, where its type and weights say {tuple(ours.shape)}")
    difference = (theirs.cpu().double() - ours).abs()
    wrong = ~(difference <= error) & error.isfinite()
    if wrong.any():
        worst = int((difference / error).nan_to_num(nan=inf).where(wrong, 0.0).argmax())
        raise ValueError(
            "does not compute what its type and weights say: on a random input it is off by "
            f"{float(difference.flatten()[worst]):.3g}, where rounding explains "
            f"{float(error.flatten()[worst]):.3g}"
        )
