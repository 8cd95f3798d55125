"""Layers as descriptions: what an architecture is made of, without a single weight."""

from slth.networks.layers.base import Layer, Shape, Unweighted, Weighted
from slth.networks.layers.chain import (
    check_spaces,
    default_input_shape,
    from_json,
    shapes,
    signed,
    smallest_input_shape,
    to_json,
    weighted,
)
from slth.networks.layers.conv import Conv
from slth.networks.layers.dense import Dense
from slth.networks.layers.equivariant import Equivariant, GroupPool, Lift, TurnPool
from slth.networks.layers.unweighted import AvgPool, Flatten, GlobalAvgPool, MaxPool, Relu

__all__ = [
    "AvgPool",
    "Conv",
    "Dense",
    "Equivariant",
    "Flatten",
    "GlobalAvgPool",
    "GroupPool",
    "Layer",
    "Lift",
    "MaxPool",
    "Relu",
    "Shape",
    "TurnPool",
    "Unweighted",
    "Weighted",
    "check_spaces",
    "default_input_shape",
    "from_json",
    "shapes",
    "signed",
    "smallest_input_shape",
    "to_json",
    "weighted",
]
