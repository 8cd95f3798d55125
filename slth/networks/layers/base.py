"""What a layer of an architecture has to know, whatever its kind."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from slth.arrays import Floats, Floats32
from slth.forms import Form, integer

Shape = tuple[int, ...]


class Layer:
    """A layer without its weights: a frozen dataclass of numbers, names and tuples of them.

    Equal layers compare equal, and :func:`slth.networks.layers.to_json` stores them.  ``forms``
    says what each field must look like, whoever gives it; ``reads`` is the class of torch modules
    of which :meth:`of` makes such a layer, if there is one.  A new kind is one file in this folder.
    """

    forms: ClassVar[Mapping[str, Form]] = {}
    reads: ClassVar[type[nn.Module] | None] = None

    def __post_init__(self) -> None:
        """Refuse fields of another form."""
        for name, form in self.forms.items():
            object.__setattr__(self, name, form(name, getattr(self, name)))

    @classmethod
    def of(cls, module: Any) -> Self:
        """Read a torch module of the class ``reads``; a kind that names one overrides this.

        Raises
        ------
        ValueError
            If it has settings that are not supported; the message ends the sentence
            "module i of the target (kind) …".
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Weighted(Layer, ABC):
    r"""A linear layer: one coefficient for each output, input and element of a basis.

    .. math::
        y_o = \sum_{i,b} W_{oib}\, b(x_i)

    The basis $\mathcal B$ holds linear maps between the spaces on which single channels live;
    its first element is the identity where the layer is pointwise.  Every construction of the paper
    is one on coefficients: dense layers have the basis {1}, convolutions the shifts of their
    kernel, equivariant layers the equivariant maps.

    A new kind provides the abstract members below and nothing else; masks, constructions, tickets
    and certificates work with them.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of channels.
    """

    forms: ClassVar[Mapping[str, Form]] = {"inputs": integer(1), "outputs": integer(1)}

    inputs: int
    outputs: int

    @property
    def groups(self) -> int:
        """Number of groups of channels that do not see one another."""
        return 1

    @property
    @abstractmethod
    def basis(self) -> Shape:
        """Shape of the coefficients that belong to one output and one input."""

    @property
    @abstractmethod
    def input_shape(self) -> Shape | None:
        """Shape of an input, or None where the layer alone does not fix it."""

    @property
    @abstractmethod
    def basis_norm(self) -> float:
        r"""Upper bound on $\|\mathcal B\|=\max_{|\beta_b|\le1}\|\sum_b\beta_bb\|_2$."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape of an output, given that of an input (without the batch axis).

        Raises
        ------
        ValueError
            If the layer does not take inputs of this shape; the message ends the sentence
            "layer i (kind) …".
        """

    @abstractmethod
    def pair(self, hidden: int) -> tuple["Weighted", "Weighted"]:
        """Two layers with ``hidden`` channels between them: the random pair for this layer.

        The first is pointwise once only the first coefficient of each channel pair is kept, the
        second is a layer of this kind with the inputs replaced.
        """

    @abstractmethod
    def apply(self, weights: Tensor, x: Tensor) -> Tensor:
        """Evaluate the layer on a batch, shape (batch, channels, ...).

        The numbers of channels are those of ``weights`` and ``x``, which may be any part of the
        layer: as many groups as the channels of ``x`` hold the second axis of ``weights``.
        """

    @abstractmethod
    def norm_bound(self, weights: Floats) -> float:
        r"""Upper bound, rounding included, on the $\ell_2$ operator norm.

        It holds for inputs of every size.  ``weights`` has the layer's shape, except that the
        second axis may be of any length: the error matrix of a signed layer has two halves.  The
        bound is at most ``basis_norm`` times $\|(\max_b|W_{oib}|)_{oi}\|_F$, up to rounding:
        tolerances are chosen by that.
        """

    def quick_norm_bound(self, weights: Floats) -> float:
        """Return a bound as :meth:`norm_bound`, perhaps a larger one, in little time: for plans."""
        return self.norm_bound(weights)

    @abstractmethod
    def module(self, weights: Tensor) -> nn.Module:
        """Return the layer as an ordinary module without gradients."""

    def with_constant(
        self, weights: Floats32, bias: Floats32 | None, ones: int, *, hand_on: bool
    ) -> tuple["Weighted", Floats32]:
        """Return the layer that reads its bias off a constant input, and its coefficients.

        Parameters
        ----------
        weights, bias : ndarray of float32
        ones : int
            Constants behind the entries of a vector, of which the first is read.
        hand_on : bool
            Whether the constant is an output as well.

        Raises
        ------
        ValueError
            If it cannot; the message ends the sentence "layer i (kind) …".
        """
        raise ValueError("cannot read a constant input")

    def roundings(self, terms: int) -> int:
        """Count the roundings behind one output that is made of this many coefficients, at most.

        Any order of the additions will do; where a coefficient is 0, nothing is rounded.
        """
        return terms

    @property
    def shape(self) -> Shape:
        """Shape of the coefficients, in the layout of torch: (out, in / groups, *basis)."""
        return (self.outputs, self.inputs // self.groups, *self.basis)

    @property
    def n_coefficients(self) -> int:
        """Number of coefficients."""
        return prod(self.shape)

    def row_blocks(self, most: int) -> Iterator[slice]:
        """Cut the outputs into slices of one group and at most ``most`` coefficients (or one row).

        Examples
        --------
        >>> from slth.networks.layers import Dense
        >>> list(Dense(10, 5).row_blocks(most=25))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
        """
        return row_blocks(self.shape, self.groups, most)

    def group_inputs(self, rows: slice) -> slice:
        """Channels that the outputs of one of the :meth:`row_blocks` read."""
        return group_inputs(self.shape, self.groups, rows)


def row_blocks(shape: Shape, groups: int, most: int) -> Iterator[slice]:
    """As :meth:`Weighted.row_blocks`, of coefficients (out, in / groups, ...)."""
    rows = max(1, most // prod(shape[1:]))
    group = shape[0] // groups
    for end in range(group, shape[0] + 1, group):
        for start in range(end - group, end, rows):
            yield slice(start, min(start + rows, end))


def group_inputs(shape: Shape, groups: int, rows: slice) -> slice:
    """As :meth:`Weighted.group_inputs`, of coefficients (out, in / groups, ...)."""
    group = rows.start // (shape[0] // groups)
    return slice(group * shape[1], (group + 1) * shape[1])


class Unweighted(Layer, ABC):
    """A layer without weights, 0 at 0.

    Of inputs that differ by at most e ≥ 0, entry by entry, it makes outputs that differ by at most
    what it makes of e.  Most are positively homogeneous; one that is not says so, and then errors
    are sought in the whole ball and not on the sphere alone.
    """

    homogeneous: ClassVar[bool] = True

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """As that of :class:`Weighted`."""

    @abstractmethod
    def apply(self, x: Tensor) -> Tensor:
        """Evaluate the layer on a batch, shape (batch, ...)."""

    def moved(self, x: Tensor, error: Tensor) -> Tensor:
        """Bound, entry by entry, by how much outputs change if inputs change by at most so much."""
        return self.apply(error)

    @abstractmethod
    def lipschitz(self, shape: Shape) -> float:
        r"""Lipschitz constant in $\ell_2$, at inputs of this shape."""

    def spread(self, shape: Shape, radius: float, error: float) -> tuple[float, float]:
        r"""Bound outputs and their errors, of inputs at most so long and at most so far off.

        .. math::
            \|x\|\le r,\ \|\hat x-x\|\le d \;\Rightarrow\;
            \|\phi(x)\|\le Lr,\ \|\phi(\hat x)-\phi(x)\|\le Ld
        """
        gain = self.lipschitz(shape)
        return gain * radius, gain * error

    @abstractmethod
    def is_nonnegative(self, inputs: bool) -> bool:
        """Whether outputs cannot be negative, given whether inputs cannot."""

    @abstractmethod
    def module(self) -> nn.Module:
        """Return the layer as an ordinary module."""

    def additions(self, shape: Shape) -> int:
        """Count the floating-point operations behind one output, each of which may round."""
        return 0

    def constants(self, shape: Shape, ones: int) -> int:
        """Count the ones that a constant channel becomes, or the ones behind a vector.

        Raises
        ------
        ValueError
            If they do not stay ones; the message ends the sentence "layer i (kind) …".
        """
        raise ValueError("cannot hand on a constant input")


class Join(Layer, ABC):
    """A layer without weights that takes the outputs of several others, 0 where they are 0."""

    @abstractmethod
    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """As that of :class:`Weighted`, of several shapes."""

    @abstractmethod
    def apply(self, xs: Sequence[Tensor]) -> Tensor:
        """Evaluate the layer on batches, each of shape (batch, ...)."""

    @abstractmethod
    def spread(self, bounds: Sequence[float]) -> float:
        """Bound an output whose parts are at most so long; differences of parts are parts."""

    @abstractmethod
    def is_nonnegative(self, inputs: Sequence[bool]) -> bool:
        """Whether outputs cannot be negative, given whether inputs cannot."""

    @abstractmethod
    def additions(self, parts: int) -> int:
        """Count the roundings behind one output of so many parts."""

    @abstractmethod
    def module(self) -> nn.Module:
        """Return the layer as an ordinary module of several arguments."""
