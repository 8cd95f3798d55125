"""Equivariant layers as torch modules."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from slth.equivariance.names import space as resolve
from slth.equivariance.space import Space
from slth.forms import instance, integer


def apply(space: Space, weight: Tensor, x: Tensor) -> Tensor:
    r"""Equivariant layer $y_o = \sum_{i,j} W_{oij}\,b_j\,x_i$.

    Parameters
    ----------
    space : Space
    weight : torch.Tensor, shape (out, in, space.n_maps)
        Coefficients.
    x : torch.Tensor, shape (batch, in, space.dim)
        Features, of the type of ``weight``.

    Returns
    -------
    torch.Tensor, shape (batch, out, space.dim)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> sets = resolve("sets(3)")
    >>> apply(sets, torch.tensor([[[1.0, 10.0]]]), torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[61., 62., 63.]]])
    """
    fibre, height, width = space.grid
    outputs, inputs, n_maps = weight.shape
    if n_maps != space.n_maps or x.shape[1:] != (inputs, space.dim):
        raise ValueError(
            f"a layer on {space.name} with coefficients {tuple(weight.shape)} takes features of "
            f"shape (batch, {inputs}, {space.dim}), got {tuple(x.shape)}"
        )
    (top, bottom), (left, right) = space.margins
    kernels = torch.from_numpy(space.kernels).to(weight)
    kernel = torch.einsum("oij,jacuv->oaicuv", weight, kernels)
    # Not len(x): torch.export would take it for a constant.
    fields = x.reshape(x.shape[0], inputs * fibre, height, width)
    padded = functional.pad(fields, (left, right, top, bottom), mode="circular")
    sums = functional.conv2d(
        padded, kernel.reshape(outputs * fibre, inputs * fibre, *kernel.shape[4:])
    )
    return sums.reshape(x.shape[0], outputs, space.dim)


class _OnSpace(nn.Module):
    """A module on a feature space; a stored one keeps the name of a named space, nothing else."""

    def __init__(self, space: Space | str) -> None:
        super().__init__()
        self.space = resolve(space) if isinstance(space, str) else instance(Space)("space", space)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if _is_named(self.space):
            state["space"] = self.space.name
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        if isinstance(self.space, str):
            self.space = resolve(self.space)


class EquivariantLinear(_OnSpace):
    r"""Bias-free layer that commutes with the symmetry of a feature space.

    .. math::
        y_o = \sum_{i=1}^{c_{in}} \sum_{j=1}^{|\mathcal B|} W_{oij}\, b_j\, x_i

    Parameters
    ----------
    space : Space or str
        The feature space, or its name.
    in_channels, out_channels : int
        Copies of the space before and after the layer.
    generator : torch.Generator, optional
        Draws the initial coefficients (He's normal law); torch's global one by default.
    device : str, optional
        Where they are.

    Attributes
    ----------
    weight : torch.nn.Parameter, shape (out_channels, in_channels, space.n_maps)

    Notes
    -----
    The layers of Theorem 4 of Natale et al. 2024.

    Examples
    --------
    >>> layer = EquivariantLinear("cyclic(4)", 2, 3)
    >>> x = torch.randn(5, 2, 4)
    >>> torch.allclose(layer(x.roll(1, -1)), layer(x).roll(1, -1), atol=1e-5)
    True
    """

    def __init__(
        self,
        space: Space | str,
        in_channels: int,
        out_channels: int,
        *,
        generator: torch.Generator | None = None,
        device: str | None = None,
    ) -> None:
        super().__init__(space)
        self.in_channels = in_channels = integer(1)("in_channels", in_channels)
        self.out_channels = out_channels = integer(1)("out_channels", out_channels)
        # How many numbers one output coordinate reads, on average.
        fan_in = in_channels * sum(matrix.sum() for matrix in self.space.basis) / self.space.dim
        shape = (out_channels, in_channels, self.space.n_maps)
        normal = torch.randn(shape, generator=generator, device=device)
        self.weight = nn.Parameter(normal * (2 / fan_in) ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map features of shape ``(batch, in_channels, dim)`` to ``(batch, out_channels, dim)``."""
        return apply(self.space, self.weight, x)

    def extra_repr(self) -> str:
        """Space and channels."""
        return f"{self.space.name!r}, {self.in_channels}, {self.out_channels}"


class Lift(_OnSpace):
    r"""Repeat images along the fibre: $(x_i)_{p,K} = (\text{image}_i)_p$ for all $K$.

    An equivariant map from images to functions on the group, of norm $\sqrt{|K|}$.

    Examples
    --------
    >>> Lift("cyclic-images(4, 2x2, 1)")(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
    tensor([[[1., 2., 3., 4., 1., 2., 3., 4., 1., 2., 3., 4., 1., 2., 3., 4.]]])
    """

    def __init__(self, space: Space | str) -> None:
        super().__init__(space)
        if self.space.image is None:
            raise ValueError(f"{self.space.name} has no images to lift")

    @property
    def norm(self) -> float:
        """How much longer features can be than images."""
        return float(self.space.grid[0] ** 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map images ``(batch, channels, height, width)`` to ``(batch, channels, dim)``."""
        if x.ndim != 4 or x.shape[2:] != self.space.image:
            _, height, width = self.space.grid
            raise ValueError(
                f"{self.space.name} lifts images of shape (batch, channels, {height}, {width}), "
                f"got {tuple(x.shape)}"
            )
        return x.flatten(2).repeat(1, 1, self.space.grid[0])

    def extra_repr(self) -> str:
        """Space."""
        return repr(self.space.name)


class GroupPool(_OnSpace):
    r"""Mean of each channel over the space: invariant, of norm $1/\sqrt{\dim\mathbb F}$.

    Examples
    --------
    >>> GroupPool("cyclic(4)")(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]))
    tensor([[2.5000]])
    """

    @property
    def norm(self) -> float:
        """How much longer means can be than features; below 1."""
        return float(self.space.dim**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map features ``(batch, channels, dim)`` to ``(batch, channels)``."""
        if x.ndim != 3 or x.shape[2] != self.space.dim:
            raise ValueError(
                f"pooling over {self.space.name} takes features of shape "
                f"(batch, channels, {self.space.dim}), got {tuple(x.shape)}"
            )
        return x.mean(dim=2)

    def extra_repr(self) -> str:
        """Space."""
        return repr(self.space.name)


class TurnPool(_OnSpace):
    r"""Mean of the images along the fibre, each turned back: invariant under turns, not shifts.

    .. math::
        y_q = \frac1{|K|} \sum_K x_{(Kq+t_K,\,K)}, \qquad \text{of norm } 1/\sqrt{|K|}

    The motion $q \mapsto Kq+t_K$ is the one about the centre of the image.  The pixels of the
    mean are the orbits of these motions, and so each sees the same values when the image is turned.

    Examples
    --------
    >>> image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> net = nn.Sequential(Lift("cyclic-images(4, 2x2, 1)"), TurnPool("cyclic-images(4, 2x2, 1)"))
    >>> net(image)
    tensor([[[[2.5000, 2.5000],
              [2.5000, 2.5000]]]])
    """

    _order: Tensor

    def __init__(self, space: Space | str) -> None:
        super().__init__(space)
        if self.space.image is None:
            raise ValueError(f"{self.space.name} has no images to turn")
        moves = self.space.generators[len(self.space.generators) - self.space.turns :]
        # Each orbit has one pixel in the image of the identity, and is numbered by it.
        order = np.argsort(self.space.orbits(moves), kind="stable")
        self.register_buffer("_order", torch.from_numpy(order), persistent=False)

    @property
    def norm(self) -> float:
        """How much longer means can be than features; at most 1."""
        return float(self.space.grid[0] ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Map features ``(batch, channels, dim)`` to ``(batch, channels, height, width)``."""
        fibre, height, width = self.space.grid
        if x.ndim != 3 or x.shape[2] != self.space.dim:
            raise ValueError(
                f"pooling over turns of {self.space.name} takes features of shape "
                f"(batch, channels, {self.space.dim}), got {tuple(x.shape)}"
            )
        together = x[..., self._order]
        return together.reshape(*x.shape[:2], height, width, fibre).mean(dim=4)

    def extra_repr(self) -> str:
        """Space."""
        return repr(self.space.name)


def _is_named(space: Space) -> bool:
    try:
        return resolve(space.name) == space
    except ValueError:
        return False
