"""Symmetries: feature spaces, the linear maps that respect them, and layers made of these maps."""

from slth.equivariance.modules import EquivariantLinear, GroupPool, Lift, TurnPool, apply
from slth.equivariance.names import MOST_EXTENT, extent, space
from slth.equivariance.space import Space, permutation_matrix

__all__ = [
    "MOST_EXTENT",
    "EquivariantLinear",
    "GroupPool",
    "Lift",
    "Space",
    "TurnPool",
    "apply",
    "extent",
    "permutation_matrix",
    "space",
]
