"""Layers that respect a symmetry, and the ways into and out of their feature spaces."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from slth import equivariance
from slth.arrays import Floats
from slth.forms import Form, text
from slth.networks.layers.base import Shape, Unweighted, Weighted

# Which space it names is for :func:`slth.equivariance.space` to say.
_SPACE = text(99)


def _name(module: Any) -> str:
    """Name of the space of a module, if others can find the space by it."""
    space: equivariance.Space = module.space
    if equivariance.space(space.name) != space:
        raise ValueError(f"is on another space than the one known as {space.name}")
    return space.name


@dataclass(frozen=True)
class Equivariant(Weighted):
    r"""A combination of equivariant maps, without bias.

    .. math::
        y_o = \sum_{i,j} W_{oij}\, b_j\, x_i, \qquad b_j\,\rho(g) = \rho(g)\,b_j

    Parameters
    ----------
    inputs, outputs : int
        Copies of the feature space.
    space : str
        Its name, see :func:`slth.equivariance.space`.

    Notes
    -----
    In the random pair of Ferbach et al. 2023 both layers are of this kind: all coefficients are
    drawn, and of the first layer only those of the identity are kept.

    Examples
    --------
    >>> layer = Equivariant(3, 8, "sets(5)")
    >>> layer.shape, layer.output_shape((3, 5)), layer.basis_norm
    ((8, 3, 2), (8, 5), 6.0)
    >>> layer.pair(60)[0]
    Equivariant(inputs=3, outputs=60, space='sets(5)')
    """

    reads: ClassVar[type[nn.Module] | None] = equivariance.EquivariantLinear
    forms: ClassVar[Mapping[str, Form]] = {**Weighted.forms, "space": _SPACE}

    space: str

    def __post_init__(self) -> None:
        """Refuse what is no layer, and take the space's own name."""
        super().__post_init__()
        object.__setattr__(self, "space", self._space.name)

    @classmethod
    def of(cls, module: equivariance.EquivariantLinear) -> "Equivariant":
        """Read channels and space."""
        return cls(module.in_channels, module.out_channels, _name(module))

    @property
    def _space(self) -> equivariance.Space:
        return equivariance.space(self.space)

    @property
    def basis(self) -> Shape:
        """One coefficient for each map, the identity first."""
        return (self._space.n_maps,)

    @property
    def input_shape(self) -> Shape:
        """Channels, and coordinates of the feature space."""
        return (self.inputs, self._space.dim)

    @property
    def basis_norm(self) -> float:
        """As the space says."""
        return self._space.basis_norm

    def pair(self, hidden: int) -> tuple["Equivariant", "Equivariant"]:
        """Two layers on the same space."""
        first = Equivariant(self.inputs, hidden, self.space)
        return first, Equivariant(hidden, self.outputs, self.space)

    def apply(self, weights: Tensor, x: Tensor) -> Tensor:
        """Combine the maps."""
        return equivariance.apply(self._space, weights, x)

    def roundings(self, terms: int) -> int:
        """Each coefficient multiplies as many entries as its map sums, and maps may overlap.

        Examples
        --------
        >>> Equivariant(3, 8, "sets(5)").roundings(6)
        32
        """
        sums = self._space.kernels.sum(axis=(2, 3, 4))
        return terms * int(sums.max()) + self._space.n_maps

    def norm_bound(self, weights: Floats) -> float:
        """As the space says."""
        return self._space.norm_bound(weights)

    def module(self, weights: Tensor) -> nn.Module:
        """Return an ``EquivariantLinear``."""
        layer = equivariance.EquivariantLinear(
            self.space,
            self.inputs,
            self.outputs,
            device="meta",  # draws no initial weights
        )
        layer.weight = nn.Parameter(weights, requires_grad=False)
        return layer

    def output_shape(self, shape: Shape) -> Shape:
        """Features to features."""
        if shape != self.input_shape:
            raise ValueError(f"takes features of shape {self.input_shape}, not shape {shape}")
        return (self.outputs, self._space.dim)


@dataclass(frozen=True)
class _OnSpace(Unweighted):
    """A layer between a feature space and something else, channel by channel.

    Parameters
    ----------
    space : str
        Name of the space.
    """

    forms: ClassVar[Mapping[str, Form]] = {"space": _SPACE}

    space: str

    def __post_init__(self) -> None:
        """Take the space's own name, and refuse spaces that do not fit."""
        super().__post_init__()
        object.__setattr__(self, "space", self._space.name)
        self.module()

    @classmethod
    def of(cls, module: Any) -> Self:
        """Read the space."""
        return cls(_name(module))

    @property
    def _space(self) -> equivariance.Space:
        return equivariance.space(self.space)

    def apply(self, x: Tensor) -> Tensor:
        """Evaluate."""
        return self.module().forward(x)

    @abstractmethod
    def module(self) -> equivariance.Lift | equivariance.GroupPool | equivariance.TurnPool:
        """Return a module of :mod:`slth.equivariance`."""

    def is_nonnegative(self, inputs: bool) -> bool:
        """Neither copies nor means of non-negative numbers are negative."""
        return inputs

    def _check(self, shape: Shape, wanted: Shape, what: str) -> None:
        if shape[1:] != wanted:
            sizes = ", ".join(map(str, wanted))
            raise ValueError(f"takes {what} of shape (channels, {sizes}), not {shape}")


@dataclass(frozen=True)
class Lift(_OnSpace):
    """Images repeated along the fibre of a space of images.

    Examples
    --------
    >>> lift = Lift("cyclic-images(4, 8x8, 3)")
    >>> lift.output_shape((1, 8, 8)), lift.lipschitz((1, 8, 8))
    ((1, 256), 2.0)
    """

    reads: ClassVar[type[nn.Module] | None] = equivariance.Lift

    @property
    def image(self) -> Shape:
        """Height and width."""
        return self._space.grid[1:]

    def lipschitz(self, shape: Shape) -> float:
        """Return the square root of the number of copies."""
        return self.module().norm

    def module(self) -> equivariance.Lift:
        """Return an ``slth.equivariance.Lift``."""
        return equivariance.Lift(self.space)

    def output_shape(self, shape: Shape) -> Shape:
        """Images to features."""
        self._check(shape, self.image, "images")
        return (shape[0], self._space.dim)


@dataclass(frozen=True)
class GroupPool(_OnSpace):
    """The mean over the feature space, which is invariant.

    Examples
    --------
    >>> pool = GroupPool("cyclic(4)")
    >>> pool.output_shape((3, 4)), pool.lipschitz((3, 4))
    ((3,), 0.5)
    """

    reads: ClassVar[type[nn.Module] | None] = equivariance.GroupPool

    def lipschitz(self, shape: Shape) -> float:
        """Return one over the square root of the number of coordinates."""
        return self.module().norm

    def additions(self, shape: Shape) -> int:
        """Return the number of coordinates."""
        return self._space.dim

    def module(self) -> equivariance.GroupPool:
        """Return an ``slth.equivariance.GroupPool``."""
        return equivariance.GroupPool(self.space)

    def output_shape(self, shape: Shape) -> Shape:
        """Features to vectors."""
        self._check(shape, (self._space.dim,), "features")
        return (shape[0],)


@dataclass(frozen=True)
class TurnPool(_OnSpace):
    """The mean of the images along the fibre, each turned back.

    Examples
    --------
    >>> pool = TurnPool("cyclic-images(4, 8x8, 3)")
    >>> pool.output_shape((3, 256)), pool.lipschitz((3, 256))
    ((3, 8, 8), 0.5)
    """

    reads: ClassVar[type[nn.Module] | None] = equivariance.TurnPool

    def lipschitz(self, shape: Shape) -> float:
        """Return one over the square root of the number of images that are averaged."""
        return self.module().norm

    def additions(self, shape: Shape) -> int:
        """Return the number of images that are averaged."""
        return self._space.grid[0]

    def module(self) -> equivariance.TurnPool:
        """Return an ``slth.equivariance.TurnPool``."""
        return equivariance.TurnPool(self.space)

    def output_shape(self, shape: Shape) -> Shape:
        """Features to images."""
        self._check(shape, (self._space.dim,), "features")
        return (shape[0], *self._space.grid[1:])
